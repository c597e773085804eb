"""Measure what is sent first while a bulk waits for a provider: `python -m bench.queues [BULK]`, by default 100,000
messages.

A newsletter waits: deliveries of a provider account that takes a few at a time. Behind it come a small journey and then one
receipt. The order of provider calls is counted, not their time: the receipt belongs to a service journey and overtakes all
marketing; the small journey takes turns with the large one.

Server, store and deliveries are real, and so is the path of the small journey and the receipt: admitted by the router,
driven by the enrollment's own workflow. The bulk's rows are copies of one that was admitted so, and its deliveries are
scheduled by a few workflows that schedule many each: a hundred thousand workflows would take half an hour before the first
message waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Table
from temporalio import workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import worker
from bench.server import temporal
from idic.clock import Clock
from idic.interact.channels.channel_edge import MessageCopy, Parcel
from idic.interact.channels.contract import Accepted, Outcome
from idic.journey.channels.email import EmailContent
from idic.journey.program.content import Message
from idic.journey.program.entry import Again, Entry
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.journey.program.values import Pattern, Target
from idic.logs import configure
from idic.router.dispatch import dispatch
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.runtime import Runtime
from idic.router.temporal import TemporalWorkflows, priority_of
from idic.settings import Settings
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.journey import programs
from idic.store.tables import PARTITIONS, Row, partition_of
from idic.store.upgrade import migrate
from idic.times import Duration

AT_ONCE = 4
"""Messages that the account takes at the same time; so many are on their way when the receipt comes."""
_QUEUE = "deliver-smtp"
_EACH = 250
"""Deliveries that one workflow of the bulk schedules; Temporal takes 2,000 at most."""
_ROWS = 2000
_WAVE = 2000
"""So many are scheduled before the next: a server on one machine is overrun by more."""
_A_MINUTE = timedelta(minutes=1)
_PATIENCE = 1800.0

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how many."""


class Order(NamedTuple):
    """At which calls of the provider, from 0, the receipt and each message of the small journey came. ``queued`` is what
    waited in the server when the account opened, ``seconds`` how long it took until all of it waited there."""

    receipt: int
    small: list[int]
    queued: int
    seconds: float


class Slow:
    """A provider's account that takes nothing until it is ``opened``; ``done`` when the receipt and so many of the small
    journey have come."""

    account = "smtp"

    def __init__(self, small: int) -> None:
        self.opened, self.done = asyncio.Event(), asyncio.Event()
        self.order: list[str] = []
        self._small = small

    def compose(self, parcel: Parcel) -> Parcel:
        """Compose nothing."""
        return parcel

    def copy(self, message: Parcel) -> MessageCopy:
        """The copy of a message."""
        return MessageCopy(message.address, message.message)

    async def ready(self, message: Parcel) -> None:
        """It is always ready."""

    async def send(self, message: Parcel) -> Outcome:
        """Note the journey, then wait until ``opened``."""
        self.order.append(message.program.journey)
        if self.order.count(BIRTHDAY.journey) == self._small and RECEIPT.journey in self.order:
            self.done.set()
        await self.opened.wait()
        return Accepted(uuid.uuid4().hex)


@workflow.defn(name="bulk")
class Bulk:
    """Schedules many deliveries where the enrollments of its journey stand in the queue."""

    @workflow.run
    async def run(self, touches: list[str]) -> None:
        """Schedule a delivery for each touch, and wait for them."""
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    "deliver", touch, task_queue=_QUEUE, start_to_close_timeout=timedelta(hours=1), result_type=dict
                )
                for touch in touches
            )
        )


def _journey(name: str, event: str, purpose: Any = "marketing") -> Program:
    once = Send(
        id="mail",
        message="hello",
        channels=("email",),
        within=Duration(seconds=86_400),
        then=Target(exit="done"),
        otherwise=Target(exit="done"),
    )
    return Program(
        journey=name,
        title=name,
        purpose=purpose,
        entry=Entry(on=(Pattern(on=event),), again=Again(kind="always")),
        first=Target(step=once.id),
        steps={once.id: once},
        messages={"hello": Message(id="hello", contents={"email": EmailContent(subject="Hello", body="<p>Hello</p>")})},
    )


NEWSLETTER, BIRTHDAY = _journey("newsletter", "Subscribed"), _journey("birthday", "Birthday")
RECEIPT = _journey("receipt", "Order Completed", "service")


async def measure(client: Client, folder: Path, bulk: int, small: int, progress: Progress) -> Order:
    """Queue ``bulk`` newsletters, ``small`` birthdays and a receipt, in this order, then let the provider take them until
    the receipt and all birthdays are taken."""
    # It stands still: what waits must not grow too late while it waits.
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    store = Store.open(f"sqlite:///{folder / 'queues.db'}", Clock(idic=now, real=now, source=lambda: now))
    account, runtime = Slow(small), Runtime()
    began = time.perf_counter()
    try:
        await migrate(store)
        for program in (NEWSLETTER, BIRTHDAY, RECEIPT):
            await store.move("publish", lambda tx, p=program: programs.publish(tx, p, tx.now()))  # type: ignore[misc]
        touches = await _copied(store, runtime, bulk, progress)
        idle = worker.working(client, store, runtime, [account], deliveries=AT_ONCE, drain=timedelta(seconds=1))
        async with idle, _scheduling(client):
            for end in range(0, bulk, _WAVE):
                await _schedule(client, touches[end : end + _WAVE], f"bulk-{end}")
                await _until_queued(client, min(end + _WAVE, bulk) - AT_ONCE, f"of {bulk:,} waiting in the server", progress)
            await _enter(store, runtime, client, "Birthday", small)
            await _until_queued(client, bulk + small - AT_ONCE, "and the small journey", progress)
            await _enter(store, runtime, client, "Order Completed", 1)
            await _until_queued(client, bulk + small + 1 - AT_ONCE, "and the receipt", progress)
            queued, seconds = await _queued(client), time.perf_counter() - began
            account.opened.set()
            async with asyncio.timeout(_PATIENCE):
                await account.done.wait()
            account.opened.clear()
    finally:
        await store.close()
    places = [number for number, journey in enumerate(account.order) if journey == BIRTHDAY.journey]
    return Order(account.order.index(RECEIPT.journey), places, queued, seconds)


async def _enter(store: Store, runtime: Runtime, client: Client, event: str, count: int) -> None:
    """So many customers, who agreed to mails, do this; they are let in, and their workflows are started."""
    await _admit(store, runtime, event, count)
    while await dispatch(store, runtime, TemporalWorkflows(client), range(PARTITIONS)):
        pass


async def _admit(store: Store, runtime: Runtime, event: str, count: int) -> list[str]:
    ids, now = [uuid.uuid4().hex for _ in range(count)], store.clock.now()
    rows: dict[Table, list[dict[str, object]]] = {
        tables.customers: [
            {"id": one, "traits": {"email": f"{one}@example.com"}, "created_at": now, "updated_at": now} for one in ids
        ],
        tables.consents: [{"customer_id": one, "channel": "email", "given": True, "at": now} for one in ids],
        tables.events: [
            {"message_id": one, "customer_id": one, "partition": partition_of(one), "kind": "track"}
            | {"name": event, "properties": {}, "accepted_at": now}
            for one in ids
        ],
    }
    await _insert(store, rows)

    async def nothing(_: HeldCustomer) -> None: ...

    for one in ids:
        await hold_customer(store, runtime, "route", one, nothing)
    return ids


async def _copied(store: Store, runtime: Runtime, count: int, progress: Progress) -> list[str]:
    """Let one customer into the newsletter, and have all others stand where they stand; returns the touches."""
    [first] = await _admit(store, runtime, "Subscribed", 1)
    of = (tables.customers, tables.consents, tables.enrollments, tables.touches)
    async with store.reading() as tx:
        whose = {table: table.c.id if table is tables.customers else table.c.customer_id for table in of}
        one = {table: await tx.row(table.select().where(whose[table] == first)) for table in of}
    enrollment, touch = one[tables.enrollments], one[tables.touches]
    assert enrollment is not None
    assert touch is not None
    made = [touch["id"]]
    while len(made) < count:
        rows: dict[Table, list[dict[str, object]]] = {table: [] for table in of}
        for _ in range(min(_ROWS, count - len(made))):
            names = {name: uuid.uuid4().hex for name in (first, enrollment["id"], touch["id"])}
            for table in of:
                rows[table].append(_renamed(one[table], names))
            made.append(names[touch["id"]])
        await _insert(store, rows)
        progress("rows of the bulk", len(made), count)
    # What is scheduled here needs no start of its own.
    await store.move("outbox", lambda tx: tx.execute(tables.outbox.delete()))
    return made


def _renamed(row: Row | None, names: dict[str, str]) -> dict[str, object]:
    """The row of somebody else, under new ids wherever it names one."""
    assert row is not None
    copied: dict[str, object] = {}
    for column, value in row.items():
        match value:
            case str():
                copied[column] = names.get(value, value)
            case dict():
                text = json.dumps(value)
                for old, new in names.items():
                    text = text.replace(old, new)
                copied[column] = json.loads(text)
            case int() if column == "id":
                pass  # the database numbers it
            case _:
                copied[column] = value
    return copied


async def _insert(store: Store, rows: dict[Table, list[dict[str, object]]]) -> None:
    async def work(tx: Tx) -> None:
        for table, some in rows.items():
            await tx.execute(table.insert(), some)

    await store.move("accept", work)


@contextlib.asynccontextmanager
async def _scheduling(client: Client) -> AsyncIterator[None]:
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="bulk", workflows=[Bulk], workflow_runner=runner, max_concurrent_workflow_tasks=2):
        yield


async def _schedule(client: Client, touches: Sequence[str], name: str) -> None:
    """Have these delivered, where the newsletter stands in the queue. What nobody took stays with the server."""
    for at in range(0, len(touches), _EACH):
        some = list(touches[at : at + _EACH])
        await client.start_workflow(
            Bulk.run, some, id=f"{name}-{at}", task_queue="bulk", priority=priority_of(NEWSLETTER), task_timeout=_A_MINUTE
        )


async def _queued(client: Client) -> int:
    """How many deliveries wait in the server for somebody to take them."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )
    return (await client.workflow_service.describe_task_queue(request)).stats.approximate_backlog_count


async def _until_queued(client: Client, count: int, what: str, progress: Progress) -> None:
    async with asyncio.timeout(_PATIENCE):
        while (found := await _queued(client)) < count:
            progress(what, found, count)
            await asyncio.sleep(0.2)


def main() -> int:
    """Say what came when and, last, one JSON line."""
    bulk = int(sys.argv[1]) if sys.argv[1:] else 100_000
    configure(Settings(log_level="error"))

    def said(what: str, done: int, of: int) -> None:
        sys.stderr.write(f"\r\033[K{what}: {done:,} of {of:,}")

    async def run() -> Order:
        with tempfile.TemporaryDirectory() as folder:
            async with temporal(Path(folder)) as server:
                return await measure(server.client, Path(folder), bulk, 20, said)

    order = asyncio.run(run())
    sys.stderr.write("\n")
    line = {
        "queued": order.queued,
        "receipt_at": order.receipt,
        "small_first_at": order.small[0],
        "small_last_at": order.small[-1],
        "at_once": AT_ONCE,
        "queueing_s": round(order.seconds, 1),
    }
    print(json.dumps(line))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
