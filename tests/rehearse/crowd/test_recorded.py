"""Replay recorded events: the same results from every file format, and plain errors for bad files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idic.errors import InvalidInput, NotFound
from idic.rehearse.crowd.recorded import Recording
from idic.rehearse.crowd.rehearse import Rehearsal
from idic.rehearse.crowd.results import CrowdResults, results_json
from tests.rehearse.crowd.test_invented import shop

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


ANNA: list[tuple[float, str, dict[str, Any]]] = [
    (0, "identify", {"email": "anna@example.com", "firstName": "Anna"}),
    (0, "Consent Given", {"channel": "email"}),
    (1, "Cart Updated", {"cart_id": "c1", "total": 80, "items": []}),
    (3, "Cart Updated", {"cart_id": "c1", "total": 95, "items": []}),
    # Four silent hours later, at 7, `nudge` goes by email; she clicks, and a day after that is helped.
    (8, "Link Clicked", {"step": "nudge", "channel": "email"}),
    (50, "Order Completed", {"order_id": "o1", "cart_id": "c1", "total": 95}),
    (60, "Page Viewed", {}),
]


def segment(file: Path) -> Path:
    def line(hours: float, name: str, said: dict[str, Any]) -> dict[str, Any]:
        if name == "identify":
            return {"type": "identify", "userId": "anna", "traits": said, "timestamp": at(hours)}
        return {"type": "track", "userId": "anna", "event": name, "properties": said, "timestamp": at(hours)}

    return written(file, *(line(*one) for one in ANNA))


def short(file: Path) -> Path:
    def line(hours: float, name: str, said: dict[str, Any]) -> dict[str, Any]:
        told = {"traits": said} if name == "identify" else {"event": name, "properties": said}
        return {"customer": "anna", "time": at(hours), **told}

    return written(file, *(line(*one) for one in ANNA))


def table(file: Path) -> Path:
    lines = ["customer,event,time,cart_id,total,properties"]
    for hours, name, said in ANNA:
        rest = json.dumps({key: value for key, value in said.items() if key not in ("cart_id", "total")}).replace('"', '""')
        lines.append(f'anna,{name},{at(hours)},{said.get("cart_id", "")},{said.get("total", "")},"{rest}"')
    file.write_text("\n".join(lines))
    return file


def written(file: Path, *lines: dict[str, Any] | str) -> Path:
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


def replayed(recording: Recording, start: datetime | None = None) -> dict[str, Any]:
    program = shop().programs["abandoned_cart"]
    ledger = CrowdResults([program], "Europe/Berlin")
    assert recording.first is not None
    assert recording.last is not None
    begins, ends = start or recording.first, recording.last + timedelta(microseconds=1)
    Rehearsal([program], ledger, start=begins, end=ends, zone="Europe/Berlin").run(recording.people(begins, ends))
    return results_json(ledger)["journeys"][0]  # type: ignore[no-any-return]


Reads = Callable[..., Recording]


@pytest.fixture
def recording() -> Iterator[Reads]:
    with ExitStack() as read:
        yield lambda file, **more: read.enter_context(Recording(file, shop().vocabulary, **more))


@pytest.mark.parametrize(("kind", "name"), [(segment, "e.ndjson"), (short, "e.ndjson"), (table, "e.csv")])
def test_anna_s_history_gives_what_her_story_says(kind: Any, name: str, tmp_path: Path, recording: Reads) -> None:
    journey = replayed(recording(kind(tmp_path / name)))
    reached = {step["step"]: step["reached"] for step in journey["steps"]}
    assert reached == {
        "cool_off": 1, "nudge": 1, "reaction": 1, "patience": 1, "last_word": 1, "personal": 0, "reassure": 1,
    }  # fmt: skip
    assert journey["sent"] == {"email": 2}
    assert journey["became"] == {"email": {"clicked": 1}}
    assert [(day["day"], day["sent"]) for day in journey["days"] if day["sent"]] == [
        ("2026-03-02", {"email": 1}),
        ("2026-03-03", {"email": 1}),
    ]
    assert journey["kept_out"] == {"already in": 1}
    assert journey["endings"] == [{"kind": "exit", "reason": "done", "count": 1}]
    assert (journey["goal"]["reached"], journey["goal"]["after_the_end"], journey["goal"]["value"]) == (1, 1, 95.0)
    assert journey["goal"]["hours"] == {"49": 1}


def test_lines_out_of_order_are_put_in_order_and_told(tmp_path: Path, recording: Reads) -> None:
    lines = segment(tmp_path / "e.ndjson").read_text().splitlines()
    shuffled = recording(written(tmp_path / "s.ndjson", *reversed(lines)))
    assert shuffled.unordered == 6
    assert replayed(shuffled) == replayed(recording(tmp_path / "e.ndjson"))


def test_what_was_before_counts_and_lets_nobody_in(tmp_path: Path, recording: Reads) -> None:
    past = {"customer": "anna", "event": "Order Completed", "time": at(-900), "properties": {"order_id": "o0", "total": 20}}
    old_cart = {
        "customer": "anna",
        "event": "Cart Updated",
        "time": at(-800),
        "properties": {"cart_id": "c0", "total": 80, "items": []},
    }
    file = short(tmp_path / "e.ndjson")
    journey = replayed(recording(written(tmp_path / "p.ndjson", past, old_cart, *file.read_text().splitlines())), START)
    assert journey["entered"] == 1
    assert journey["segments"] == {"vip": 0, "newcomer": 0, "regular": 1}  # she has ordered before


def test_who_was_anonymous_first_is_one_customer(tmp_path: Path, recording: Reads) -> None:
    cart = {"cart_id": "c1", "total": 80, "items": []}
    file = written(
        tmp_path / "e.ndjson",
        {
            "type": "track",
            "anonymousId": "a1",
            "event": "Cart Updated",
            "properties": cart,
            "timestamp": at(0),
            "messageId": "m1",
        },
        {
            "type": "track",
            "anonymousId": "a1",
            "event": "Cart Updated",
            "properties": cart,
            "timestamp": at(0),
            "messageId": "m1",
        },
        {"type": "identify", "userId": "anna", "anonymousId": "a1", "traits": {}, "timestamp": at(1)},
        {"type": "track", "userId": "anna", "event": "Cart Emptied", "properties": {"cart_id": "c1"}, "timestamp": at(2)},
    )
    read = recording(file)
    assert read.customers == 1
    journey = replayed(read)
    assert (journey["entered"], journey["kept_out"]) == (1, {})  # what came twice counts once
    assert journey["endings"] == [{"kind": "leave", "reason": "Cart Emptied", "count": 1}]


def test_what_happens_to_a_thing_happens_to_everybody(tmp_path: Path) -> None:
    vocabulary = shop().vocabulary.model_copy(update={"about": {"Price Dropped": "product"}})
    dropped = {"event": "Price Dropped", "time": at(1), "properties": {"sku": "g1"}}
    people = [{"customer": name, "time": at(0), "traits": {}} for name in ("anna", "ben")]
    with Recording(written(tmp_path / "e.ndjson", *people, dropped), vocabulary) as read:
        assert (read.customers, read.lines, read.bad) == (2, 3, 0)
        lives = [[one.name for one in person.life] for person in read.people(START, START + timedelta(days=1))]
    assert lives == [["", "Price Dropped"], ["", "Price Dropped"]]


GOOD = {"customer": "anna", "event": "Page Viewed", "time": at(0)}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "line 2: is not JSON: Expecting property name enclosed in double quotes"),
        ("[1]", "line 2: is not a JSON object"),
        ('{"customer": "anna", "event": "Page Viewed"}', "line 2: doesn't say when it happened: time is missing"),
        ('{"customer": "anna", "event": "x", "time": "soon"}', "line 2: time: must be a moment in ISO 8601"),
        ({"event": "Page Viewed", "time": at(1)}, "line 2: userId: say whose this is"),
        ({"customer": "", "event": "Page Viewed", "time": at(1)}, "line 2: customer: is empty"),
        ({"customer": "anna", "time": at(1)}, "line 2: event: is missing; the event needs a name"),
        ({"customer": "anna", "event": "Cart Updated", "time": at(1)}, "line 2: Cart Updated needs cart_id (text); "),
        ({"customer": "anna", "event": "x", "time": at(1), "properties": [1]}, "line 2: properties: must be an object"),
    ],
)
def test_a_bad_line_is_left_out_counted_and_told(line: Any, problem: str, tmp_path: Path, recording: Reads) -> None:
    file = written(tmp_path / "e.ndjson", GOOD, line, GOOD)
    read = recording(file)
    assert (read.lines, read.bad) == (2, 1)
    assert read.problems[0].startswith(problem)
    with pytest.raises(InvalidInput, match=r"e\.ndjson: line 2: "):
        recording(file, strict=True)


def test_bytes_that_are_no_text_are_a_bad_line(tmp_path: Path, recording: Reads) -> None:
    file = tmp_path / "e.ndjson"
    file.write_bytes(json.dumps(GOOD).encode() + b'\n{"customer": "\xff", "event": "x", "time": "2026-03-02"}\n')
    assert recording(file).bad == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("customer,name\nanna,x\n", "line 1: the columns customer, event and time are needed; there is no event and no time"),
        ("", "no line can be read"),
    ],
)
def test_a_table_without_its_columns_cannot_be_read(text: str, problem: str, tmp_path: Path, recording: Reads) -> None:
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(InvalidInput, match=problem if text else "line 1: the columns"):
        recording(tmp_path / "e.csv")


def test_a_row_of_another_length_is_a_bad_line(tmp_path: Path, recording: Reads) -> None:
    (tmp_path / "e.csv").write_text(f"customer,event,time\nanna,Page Viewed,{at(0)}\nanna,Page Viewed\n")
    read = recording(tmp_path / "e.csv")
    assert (read.lines, read.problems) == (1, ["line 3: has 2 cells, and there are 3 columns"])


def test_a_file_that_is_not_there(tmp_path: Path, recording: Reads) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        recording(tmp_path / "none.ndjson")


def test_values_that_are_lost_are_told(tmp_path: Path, recording: Reads) -> None:
    def cart(hours: float, **said: Any) -> dict[str, Any]:
        return {
            "customer": "anna",
            "event": "Cart Updated",
            "time": at(hours),
            "properties": {"cart_id": "c", "items": [], **said},
        }

    file = written(
        tmp_path / "e.ndjson",
        cart(0, total=80),
        {"customer": "anna", "time": at(0), "traits": {"orders": 1, "first_nam": "Anna"}},
        {"customer": "anna", "event": "Link Clicked", "time": at(1), "properties": {"Url": "https://a.example"}},
        {"customer": "anna", "event": "Page Viewed", "time": at(2), "properties": {"colour": "red"}},
    )
    found = recording(file)
    lost = {(one.event, one.name, one.meant) for one in found.unread}
    assert ("", "first_nam", "first_name") in lost
    assert not any(name in ("colour", "total", "cart_id") for _, name, _ in lost)


def test_the_semicolons_and_the_commas_of_a_german_table(tmp_path: Path, recording: Reads) -> None:
    file = tmp_path / "e.csv"
    rows = (f"anna;Order Completed;{at(1)};o1;80,5", f"anna;Order Completed;{at(2)};o2;80.5")
    file.write_bytes("\r\n".join(("customer;event;time;order_id;total", *rows)).encode("utf-8-sig"))
    found = recording(file)
    assert (found.lines, found.bad) == (1, 1)
    assert found.problems == ["line 2: total of Order Completed must be money"]


def test_who_asked_for_a_pause_has_it_here_too(tmp_path: Path, recording: Reads) -> None:
    asked = {"customer": "anna", "event": "Preferences Changed", "time": at(2), "properties": {"paused_until": at(48)}}
    file = short(tmp_path / "e.ndjson")
    file.write_text(f"{file.read_text()}\n{json.dumps(asked)}")
    assert replayed(recording(file))["sent"] == {}
