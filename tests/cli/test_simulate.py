"""``idic simulate`` as somebody runs it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from idic.cli import app
from idic.journeys_folder import compile_folder
from idic.rehearse.crowd.assumptions import event_rates
from idic.rehearse.crowd.behaviour import derive_behaviour

FAST = ["--customers", "60", "--days", "10", "--start", "2026-03-02"]


def simulate(*arguments: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["simulate", *arguments])
    return answer.exit_code, answer.stdout


def test_the_same_command_says_the_same(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    code, said = simulate("abandoned_cart", *FAST, "--format", "json")
    assert (code, said) == simulate("abandoned_cart", *FAST, "--format", "json", "--report", str(page))
    result = json.loads(said)
    assert result["done"] == result["crowd"] == 60
    assert "No message changes what customers do" in " ".join(result["assumed"])


def test_the_page_stands_for_itself(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    code, said = simulate(*FAST, "--report", str(page))
    assert code == 0
    text = page.read_text()
    assert not re.search(r"https?:|src=|<script|@import|url\(", text)
    assert "seed 1" in text
    for part in ("abandoned_cart", "cool_off", "win_back", "still inside"):
        assert part in text
        assert part.replace("_", "") in said.replace("_", "")
    assert "The crowd is invented" in " ".join(said.split())


def test_rates_are_taken_from_what_was_printed(tmp_path: Path) -> None:
    file = tmp_path / "rates.yaml"
    file.write_text(simulate("--rates-example")[1].replace("0.5 a week", "0 a week"))
    code, said = simulate("abandoned_cart", *FAST, "--rates", str(file), "--format", "json")
    assert code == 0
    assert json.loads(said)["journeys"][0]["entered"] == 0


def test_recorded_events_are_replayed_and_bad_lines_told(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    cart = {"cart_id": "c1", "total": 80, "items": []}
    line = {"type": "track", "userId": "anna", "event": "Cart Updated", "properties": cart, "timestamp": "2026-03-02T09:00:00Z"}
    file.write_text(json.dumps(line) + "\nnonsense\n")
    code, said = simulate("abandoned_cart", "--events", str(file), "--days", "5")
    assert code == 0
    assert "1 enrollments of 1 customers" in said
    assert "line 2: is not JSON" in said
    assert "Nothing is invented" in said
    assert simulate("abandoned_cart", "--events", str(file), "--strict")[0] == 1


def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    for where, said in ((tmp_path / "nope" / "r.html", "there is no folder"), (tmp_path, "is a folder")):
        answer = CliRunner().invoke(app, ["simulate", *FAST, "--report", str(where)])
        assert said in str(answer.exception)
        assert "rehearsing" not in answer.stderr


def test_what_is_not_there_is_said_in_one_line() -> None:
    answer = CliRunner().invoke(app, ["simulate", "abandoned_card", *FAST])
    assert answer.exit_code == 1
    assert 'there is no journey "abandoned_card" in journeys; did you mean "abandoned_cart"?' in str(answer.exception)


def test_an_interruption_says_what_was_done_so_far() -> None:
    command = [sys.executable, "-m", "idic", "simulate", "abandoned_cart", "--customers", "500000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("rehearsing 500,000 customers"):
                break
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert re.search(r"interrupted: this is of [\d,]+ customers of 500,000", said)


def test_what_cannot_be_read_is_told_and_one_instant_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "journeys"
    folder.mkdir()
    (folder / "vocabulary.yaml").write_text("currency: EUR\nevents:\n  Signed Up: {plan: text, total: money}\n")
    (folder / "hello.yaml").write_text(
        "journey: hello\nidentify: {on: Signed Up}\ninteract:\n  - {id: word, send: hello, by: web}\n"
        "customize: {hello: {web: {slot: top, body: Hello}}}\n"
    )
    file = tmp_path / "e.csv"
    at = "2026-03-02T09:00:00Z"
    file.write_text(f'customer,event,time,total,Plan\na,Signed Up,{at},"1,234.50",x\nb,Signed Up,{at},eighty,\n')
    code, said = simulate("--folder", str(folder), "--events", str(file), "--format", "json")
    assert code == 0
    result = json.loads(said)
    assert [(one["name"], one["lines"], one["first"], one["meant"]) for one in result["unread"]] == [
        ("total", 2, 2, None),
        ("Plan", 1, 2, "plan"),
    ]
    told = " ".join(result["assumed"])
    assert 'total of Signed Up cannot be read, as in "1,234.50", and is missing there (2 lines, first line 2)' in told
    assert "Plan of Signed Up is not in the vocabulary, which knows plan" in told
    assert "Everything in the file happened at one instant" in told
    assert "at 2026-03-02" in told
    (step,) = result["journeys"][0]["steps"]
    assert (step["reached"], step["got_nothing"]) == (2, 2)
    assert "got nothing: 2" in simulate("--folder", str(folder), "--events", str(file))[1]


def test_what_happens_to_things_happens_in_the_whole_shop() -> None:
    found = compile_folder(Path(__file__).parents[1] / "rehearse" / "stories" / "fixtures")
    said = list(event_rates(derive_behaviour(found.programs.values(), found.vocabulary), found.vocabulary))
    things = [one for one in said if one.startswith("How often, in the whole shop")]
    assert any("Price Dropped 5 a week" in one for one in things), said
    assert all("Price Dropped" not in one for one in said if one not in things)
