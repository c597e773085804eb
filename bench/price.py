"""What one enrollment costs: `python -m bench.price`.

The reference journey runs on a real Temporal server, a real SQLite file and a real SMTP conversation, and its history is
counted afterwards. So do three variants of it: the awaited event comes, the goal is reached while it waits, and its mail
is deferred by a day. Billed actions are counted by Temporal Cloud's published rule (``bench.actions``).

Transactions are those that this enrollment alone causes: ``route`` lets it in, ``advance`` moves it, ``attempt`` and
``record`` stand before and after the provider's answer. Those that many enrollments and events share are listed apart:
``accept`` (ingestion, a group commit), ``outbox`` (starts and wakes told to Temporal) and ``lease`` (the router's).

Three days pass in six seconds. A clock much faster would let a send's ``within`` pass while the machine is busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from temporalio.client import Client

import worker
from bench.actions import billed
from bench.server import temporal
from idic.api.group_commit import GroupCommit
from idic.clock import Clock
from idic.dev.mailbox import Mailbox
from idic.identify.messages import IncomingMessage
from idic.interact.channels.email import EmailCourier
from idic.interact.policy.rules import Rule
from idic.interact.policy.rules import rules as rules_of
from idic.interact.policy.touch_request import TouchRequest
from idic.interact.tracking.links import Links
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.protocol import Defer
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.logs import configure
from idic.providers.smtp.sender import SmtpChannel
from idic.router.loop import Router
from idic.router.runtime import Runtime
from idic.router.temporal import TemporalWorkflows, searchable
from idic.settings import Settings
from idic.store.database import Store
from idic.store.enrollment import enrollments, touches
from idic.store.journey import programs
from idic.store.tables import Row
from idic.store.tables import enrollments as enrollments_table
from idic.store.upgrade import migrate

JOURNEYS = Path(__file__).parent / "journeys"
FACTOR = timedelta(days=3) / timedelta(seconds=6)
MOST_EVENTS, MOST_ACTIONS = 17, 4
_EACH = ("route", "advance", "attempt", "record")
_PATIENCE = 60
"""Real seconds after which an enrollment that has not ended never will."""


class NotYet:
    """A rule that defers messages except in the last day of their ``within``. It uses the message's own time, because at
    this clock's pace an hour passes while a router starts."""

    name = "not yet"

    def __call__(self, request: TouchRequest) -> Defer | None:
        assert request.deliver_by is not None
        since = request.deliver_by - timedelta(days=1)
        return Defer(since, self.name, "its last day has not come") if request.now < since else None


def _not_yet(policy: Policy, program: Program) -> Sequence[Rule]:
    return (*rules_of(policy, program), NotYet())


@dataclass(frozen=True)
class Way:
    """A path through the reference journey. ``comes`` is an event after a day of waiting, ``deferred`` whether a policy
    defers the mail by a day; ``trace`` is the complete record it leaves."""

    name: str
    title: str
    trace: Sequence[str]
    comes: str | None = None
    deferred: bool = False


WAYS = (
    Way(
        "reference",
        "reference: nothing comes, one mail",
        ("entered", "waiting", "timed out", "chose", "claimed", "sent", "ended"),
    ),
    Way(
        "event_path",
        "event: what is awaited comes, one mail",
        ("entered", "waiting", "happened", "chose", "claimed", "sent", "ended"),
        comes="Project Created",
    ),
    Way("goal_path", "goal: reached while waiting", ("entered", "waiting", "goal", "ended"), comes="Plan Bought"),
    Way(
        "deferral",
        "deferral: the mail is put off by a day",
        ("entered", "waiting", "timed out", "chose", "deferred", "claimed", "sent", "ended"),
        deferred=True,
    ),
)


class Price(NamedTuple):
    """The cost of one enrollment. ``moves`` are its transactions by purpose, ``shared`` those that other enrollments share."""

    history_events: int
    billed_actions: int
    history_bytes: int
    transactions: int
    moves: dict[str, int]
    shared: dict[str, int]
    trace: list[str]

    @property
    def figures(self) -> dict[str, int]:
        """The four costs by name."""
        return {name: getattr(self, name) for name in Price._fields[:4]}


def reference() -> Program:
    """The reference journey, compiled. Raises ``ValueError``."""
    compilation = compile_folder(JOURNEYS)
    if compilation.problems:
        raise ValueError("\n".join(str(problem) for problem in compilation.problems))
    return compilation.programs["reference"]


async def price(client: Client, folder: Path, way: Way) -> Price:
    """Send one customer along ``way`` on a store of their own in ``folder``. Raises ``AssertionError`` if the enrollment
    does not end, or its record is not whole."""
    clock = Clock(FACTOR, datetime(2026, 11, 2, 9, tzinfo=UTC))
    rules = _not_yet if way.deferred else rules_of
    async with _running(client, folder, clock, Runtime(rules=rules)) as (store, mailbox):
        intake = GroupCommit(store)
        await intake.keep(
            [
                IncomingMessage("identify", "", {"email": "anna@example.com", "firstName": "Anna", "teamSize": 12}, "anna"),
                IncomingMessage("track", "Consent Given", {"channel": "email"}, "anna"),
                IncomingMessage("track", "Trial Started", {"plan": "pro"}, "anna"),
            ]
        )
        if way.comes:
            await asyncio.sleep(clock.real_seconds(timedelta(days=1)))
            await intake.keep([IncomingMessage("track", way.comes, {}, "anna")])
        row = await _ended(store)
        handle = client.get_workflow_handle(row["id"])
        await asyncio.wait_for(handle.result(), _PATIENCE)
        history = [event async for event in handle.fetch_history_events()]
        info = (await handle.describe()).raw_description.workflow_execution_info
        async with store.reading() as tx:
            trace = [entry.kind for entry in await enrollments.traced(tx, row["id"])]
            sent = [touch for touch in await touches.of_enrollment(tx, row["id"]) if touch.status == "sent"]
        assert trace == list(way.trace), f"{way.name}: the trace is {trace}"
        assert len(sent) == len(mailbox.accepts()) == way.trace.count("sent"), f"{way.name}: mails and record differ"
        moves = store.moves
        return Price(
            history_events=len(history),
            billed_actions=billed(history),
            history_bytes=info.history_size_bytes,
            transactions=sum(moves[purpose] for purpose in _EACH),
            moves={purpose: moves[purpose] for purpose in _EACH if moves[purpose]},
            shared={purpose: moves[purpose] for purpose in ("accept", "outbox")},
            trace=trace,
        )


@contextlib.asynccontextmanager
async def _running(client: Client, folder: Path, clock: Clock, runtime: Runtime) -> AsyncIterator[tuple[Store, Mailbox]]:
    """A store with the reference journey, a router, a worker and a mailbox."""
    store = Store.open(f"sqlite:///{folder / 'idic.db'}", clock)
    stop = asyncio.Event()
    try:
        await migrate(store)
        await store.move("publish", lambda tx: programs.publish(tx, reference(), tx.now()))
        async with Mailbox(folder / "mail") as mailbox, asyncio.TaskGroup() as tasks:
            carrier = EmailCourier(
                SmtpChannel(mailbox.url), Links("https://idic.example", ["a key to sign links"]), "Shop <hello@shop.example>"
            )
            tasks.create_task(Router(store, runtime, TemporalWorkflows(client, searchable=await searchable(client))).run(stop))
            try:
                async with worker.working(client, store, runtime, [carrier], drain=timedelta(seconds=1)):
                    yield store, mailbox
            finally:
                stop.set()
    finally:
        await store.close()


async def _ended(store: Store) -> Row:
    async with asyncio.timeout(_PATIENCE):
        while True:
            async with store.reading() as tx:
                row = await tx.row(enrollments_table.select().where(enrollments_table.c.ended_at.is_not(None)))
            if row is not None:
                return row
            await asyncio.sleep(0.05)


async def prices(ways: Sequence[Way] = WAYS) -> dict[str, Price]:
    """Every way's price by its name; one after the other, so that transactions are told apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with temporal(folder) as server:
            for way in ways:
                (folder / way.name).mkdir()
            return {way.name: await price(server.client, folder / way.name, way) for way in ways}


def _show(found: dict[str, Price], console: Console) -> None:
    table = Table("path", "events", "actions", "bytes", "transactions", "shared", box=None)
    for column in table.columns[1:4]:
        column.justify = "right"
    for way in WAYS:
        cost = found[way.name]
        figures = (cost.history_events, cost.billed_actions, cost.history_bytes)
        table.add_row(way.title, *map(str, figures), f"{cost.transactions}: {_listed(cost.moves)}", _listed(cost.shared))
    console.print(table)
    console.print(f"Every trace is complete. The first may cost {MOST_EVENTS} events and {MOST_ACTIONS} actions.")


def _listed(moves: dict[str, int]) -> str:
    return " ".join(purpose if count == 1 else f"{count}x{purpose}" for purpose, count in moves.items())


def main() -> int:
    """Print the table and, last, one JSON line. 1 if the reference journey costs more than it may."""
    console = Console(width=120)
    configure(Settings(log_level="warning"))
    with Console(stderr=True).status("three days take six seconds, four times…"):
        found = asyncio.run(prices())
    _show(found, console)
    first, *others = (found[way.name] for way in WAYS)
    names = (way.name for way in WAYS[1:])
    print(json.dumps({**first.figures, **{n: cost.figures for n, cost in zip(names, others, strict=True)}}))  # noqa: T201
    return int(first.history_events > MOST_EVENTS or first.billed_actions > MOST_ACTIONS)


if __name__ == "__main__":
    sys.exit(main())
