"""Import consents and suppressed addresses from files, also with the commands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from idic.cli import app
from idic.cli.run import import_file
from idic.errors import InvalidInput
from idic.identify.messages import IncomingMessage
from idic.store import tables
from idic.store.customer import consents, import_consents, ingest
from idic.store.customer.import_consents import ConsentLine, SuppressionLine, read_consent, read_suppression
from idic.store.database import Store, Tx
from idic.store.upgrade import migrate
from tests.conftest import START, HandClock
from tests.router.world import World

LINE = {"user_id": "anna", "channel": "email", "given": "yes", "at": "2024-05-01T12:00:00+02:00", "topic": "news"}


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


def line(number: int = 2, **more: Any) -> ConsentLine:
    return read_consent(number, {**LINE, **more}, START, "DE")


async def keep(world: World, *lines: ConsentLine, create: bool = False) -> import_consents.ConsentsImported:
    return await world.store.move("import", lambda tx: import_consents.import_lines(tx, lines, create=create, country="DE"))


async def known(world: World, user: str, **traits: Any) -> str:
    message = IncomingMessage("identify", "", traits, user, None, f"known-{user}")
    await world.store.move("accept", lambda tx: ingest.accept(tx, [message]))
    await world.route_all()
    return next(str(row["customer_id"]) for row in await world.rows(tables.identities) if row["value"] == user)


async def test_importing_the_same_file_twice_changes_nothing(world: World) -> None:
    await known(world, "anna")
    lines = [line(), line(3, page="https://shop.example/form"), line(4, given="no", at="2025-01-01")]
    assert await keep(world, *lines) == (2, 1, ())
    assert await keep(world, *lines) == (0, 3, ())
    first, last = await world.rows(tables.consents)
    assert (first["act"], first["confirmed"], first["at"].isoformat()) == ("import", False, "2024-05-01T10:00:00+00:00")
    assert (last["given"], last["topic"]) == (False, "news")


async def test_a_consent_is_imported_for_every_customer_with_the_address(world: World) -> None:
    both = {await known(world, "anna", email="Anna@example.com"), await known(world, "guest", email="anna@example.com")}
    bert = await known(world, "bert", phone="0151 12345678", country="DE")
    lines = [
        line(2, user_id="", email=" ANNA@example.com"),
        line(3, user_id="", phone="+49 151 12345678", channel="sms"),
        line(4, user_id="", email="nobody@example.com"),
    ]
    assert await keep(world, *lines) == (2, 0, (4,))
    rows = await world.rows(tables.consents)
    assert {row["customer_id"] for row in rows if row["channel"] == "email"} == both
    assert [row["customer_id"] for row in rows if row["channel"] == "sms"] == [bert]


async def test_unknown_customers_are_created_on_request(world: World) -> None:
    lines = [
        line(2),
        line(3, topic="offers"),
        line(4, user_id="", email="b@example.com"),
        line(5, user_id="", phone="015112345678"),
    ]
    assert await keep(world, *lines, create=True) == (4, 0, ())
    assert await keep(world, *lines, create=True) == (0, 4, ())
    identities = {(row["kind"], row["value"]) for row in await world.rows(tables.identities)}
    assert identities == {("user_id", "anna"), ("email", "b@example.com"), ("phone", "+4915112345678")}


async def test_only_a_newer_confirmation_lifts_an_opt_out(world: World) -> None:
    await known(world, "anna", email="anna@example.com")

    async def opt_out(tx: Tx) -> None:
        await consents.suppress(tx, "email", "anna@example.com", "opted_out", tx.now())

    await world.store.move("opted out", opt_out)
    assert (await keep(world, line(act="double opt-in"))).new == 1
    async with world.store.reading() as tx:
        assert await consents.suppression_of(tx, "email", "anna@example.com")
    world.clock.advance(days=2)
    later = read_consent(3, {**LINE, "act": "double opt-in", "at": "2026-03-03"}, world.clock.now(), None)
    assert (await keep(world, later)).new == 1
    async with world.store.reading() as tx:
        assert not await consents.suppression_of(tx, "email", "anna@example.com")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"user_id": ""}, "doesn't say whose it is: give user_id, email or phone"),
        ({"at": ""}, "at: is missing; a consent must say when it was given"),
        ({"at": "yesterday"}, 'at: must be a moment in ISO 8601, such as "2026-03-27T10:00:00Z"'),
        ({"at": "2026-03-03"}, "at: is in the future"),
        ({"given": "perhaps"}, "given: must be yes or no"),
        ({"channel": "fax"}, "channel: must be email, sms or web"),
        ({"email": "anna"}, "email: isn't an email address"),
        ({"phone": "12"}, "phone: there is no such phone number"),
        ({"topic": "K\udce4se"}, "line.topic: holds half of a surrogate pair, which is not a character"),
        ({"purpose": "\0"}, "line.purpose: holds a NUL character (\\u0000), which cannot be stored"),
        ({"page": "\0"}, "proof.page: holds a NUL character (\\u0000), which cannot be stored"),
    ],
)
def test_an_invalid_line_is_refused_with_the_reason(more: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        line(**more)
    assert words in str(refused.value)


def test_the_channel_is_derived_from_the_address() -> None:
    assert read_suppression({"address": "A@b.de", "reason": "complaint"}, START, None) == SuppressionLine(
        "email", "a@b.de", "complaint", START
    )
    assert read_suppression({"address": "0151 12345678"}, START, "DE")[:3] == ("sms", "+4915112345678", "operator")


async def test_a_stronger_suppression_reason_replaces_a_weaker_one(world: World) -> None:
    async def reason(word: str) -> str:
        await world.store.move("suppress", lambda tx: consents.suppress(tx, "email", "a@b.de", word, tx.now()))
        async with world.store.reading() as tx:
            found = await consents.suppression_of(tx, "email", "A@B.de ")
        assert found is not None
        return found.reason

    told = [
        await reason(word) for word in ("erased", "opted_out", "erased", "complaint", "opted_out", "hard_bounce", "complaint")
    ]
    assert told == ["erased", "opted_out", "opted_out", "complaint", "complaint", "hard_bounce", "hard_bounce"]


async def test_a_stopped_import_stores_whole_pages(tmp_path: Path) -> None:
    file = tmp_path / "many.ndjson"
    file.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(3 * import_file.PAGE)) + "no JSON\n")
    stop, kept = asyncio.Event(), list[int]()

    async def keep(page: list[int]) -> list[str]:
        kept.extend(page)
        stop.set()
        return []

    def read(_: int, raw: Any) -> int:
        return int(raw["n"])

    taken = await import_file.take(file, ("n",), read, keep, stop)
    assert (taken.stopped, kept) == (True, list(range(import_file.PAGE)))
    stop.clear()
    kept.clear()
    taken = await import_file.take(file, ("n",), read, keep, asyncio.Event())
    assert (len(kept), taken.lines, taken.bad) == (3 * import_file.PAGE, 3 * import_file.PAGE + 1, 1)
    assert taken.problems == (f"line {3 * import_file.PAGE + 1}: is not JSON: Expecting value",)


@pytest.fixture
def terminal() -> Iterator[CliRunner]:
    yield CliRunner()
    structlog.reset_defaults()  # the verbs log to a terminal that is gone


def test_the_commands_import_and_erase(tmp_path: Path, terminal: CliRunner) -> None:
    """Import from a file, and erase a customer."""
    url = f"sqlite:///{tmp_path}/idic.db"

    async def prepare() -> None:
        store = Store.open(url)
        await migrate(store)
        await store.close()

    asyncio.run(prepare())

    def idic(*arguments: str, code: int = 0) -> str:
        ended = terminal.invoke(app, list(arguments), env={"IDIC_DATABASE_URL": url, "COLUMNS": "120"})
        assert ended.exit_code == code, ended.output
        return ended.output

    said = tmp_path / "said.csv"
    said.write_text(
        "email;channel;given;at;page\nanna@example.com;email;yes;2024-05-01;https://shop.example\nx;email;yes;2024\n"
    )
    told = idic("consents", "import", str(said), "--create", code=1)
    assert "line 3: has 4 cells, and there are 5 columns" in told
    assert "2 lines: 1 new in the ledger, 0 known already. 1 was refused: correct it and import the file again." in told
    shown = idic("consents", "show", "anna@example.com")
    assert "allowed" in shown
    assert "https://shop.example" in shown
    barred = tmp_path / "barred.csv"
    barred.write_text("address,reason\nbert@example.com,complaint\n")
    assert "1 line: 1 addresses are suppressed." in idic("suppressions", "import", str(barred))
    assert "complaint" in idic("suppressions", "check", "BERT@example.com")
    assert idic("suppressions", "lift", "bert@example.com") == "The suppression is lifted.\n"
    assert "not suppressed" in idic("suppressions", "check", "bert@example.com")
    everything = json.loads(idic("export", "anna@example.com"))
    assert everything["customer"]["attributes"] == {"email": "anna@example.com"}
    assert everything["consents"]["said"][0]["proof"] == {"page": "https://shop.example"}
    assert terminal.invoke(app, ["erase", "anna@example.com"], env={"IDIC_DATABASE_URL": url}).exit_code == 1
    assert "is erased; 0 of their journeys" in idic("erase", "anna@example.com", "--yes")
    assert "erased" in idic("suppressions", "check", "anna@example.com")
