"""The router on a real store, with a clock moved by hand.

The test plays the workflows' part: it calls directly what Temporal would call when a timer fires or a wake arrives. That is
fast enough for property tests; tests on Temporal itself are in ``tests/workflows``.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, select

from activities.advance import Advance
from activities.call import CallEndpoint
from activities.deliver import Deliver
from idic.interact.channels.channel_edge import Courier, MessageCopy, Parcel
from idic.interact.channels.contract import Accepted, Outcome, Placed
from idic.interact.endpoints import Caller
from idic.interact.policy.decide import Rules
from idic.interact.policy.rules import Rule
from idic.interact.policy.rules import rules as rules_of
from idic.journey.engine.state import State
from idic.journey.program.program import Program
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.router.sweep import Sweeper
from idic.store import tables
from idic.store.customer import events
from idic.store.customer.events import StoredEvent
from idic.store.customer.ingest import about_touch, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import endpoint_calls, enrollments, touches
from idic.store.enrollment.enrollments import Enrollment
from idic.store.enrollment.touches import Touch
from idic.store.journey import programs
from idic.store.tables import Row, partition_of
from idic.times import Duration
from tests.conftest import HandClock
from tests.interact.endpoints.services import SECRETS, Places, Wire

_messages = itertools.count()


UNHURRIED = 60.0
"""Real seconds within which a provider is called here: a slow machine must not fail a test."""


class Postman:
    """A fake provider account: it counts what it is given, and answers as the test says."""

    def __init__(self, account: str = "smtp") -> None:
        self.account = account
        self.taken: list[str] = []
        self.answers: list[Outcome] = []
        self.otherwise: Outcome | None = None

    def compose(self, parcel: Parcel) -> Parcel:
        return parcel

    def copy(self, message: Parcel) -> MessageCopy:
        return MessageCopy(message.address, f"{message.message} by {message.channel}")

    async def ready(self, message: Parcel) -> None:
        return None

    async def send(self, message: Parcel) -> Outcome:
        self.taken.append(message.touch)
        if self.answers:
            return self.answers.pop(0)
        return self.otherwise or Accepted(f"provider-{len(self.taken)}")


def first(*besides: Rule) -> Rules:
    """These rules, then the policy's."""
    return lambda policy, program: (*besides, *rules_of(policy, program))


class World:
    def __init__(self, store: Store, clock: HandClock, *besides: Rule, explored: float = 0) -> None:
        self.store = store
        self.clock = clock
        self.runtime = Runtime(
            rules=first(*besides),
            accounts={"email": ("smtp",), "sms": ("twilio",), "web": ("web",)},
            keep_copies=True,
            explored=explored,
        )
        self.postman = Postman()
        self.sms = Postman("twilio")
        self.web = Postman("web")
        self.web.otherwise = Placed("home_hero", "<p>Hello</p>", ("https://shop.example/",), Duration(seconds=7200), False)
        self.advancing = Advance(store, self.runtime)
        couriers = {one.account: one for one in (self.postman, self.sms, self.web)}
        self.delivers_by(couriers)
        self.wire = Wire()
        self.calling = CallEndpoint(
            store, self.runtime, Caller(SECRETS, resolve=Places(erp_example=[["1.1.1.1"]]), transport=self.wire)
        )

    def delivers_by(self, couriers: Mapping[str, Courier], **more: Any) -> None:
        self.delivering = Deliver(self.store, self.runtime, couriers, **{"begin_within": UNHURRIED, **more})

    async def publish(self, *published: Program) -> None:
        for program in published:
            await self.store.move("publish", lambda tx, p=program: programs.publish(tx, p, tx.now()))  # type: ignore[misc]

    async def customer(self, **traits: Any) -> str:
        customer_id = uuid.uuid4().hex
        now = self.clock.now()

        async def work(tx: Tx) -> None:
            seen = traits.pop("web_seen_at", None)
            row = {"id": customer_id, "traits": {"email": "anna@example.com", **traits}, "web_seen_at": seen}
            await tx.execute(tables.customers.insert().values(**row, created_at=now, updated_at=now))

        await self.store.move("customer", work)
        return customer_id

    async def accept(self, customer_id: str, name: str, properties: dict[str, Any] | None = None, **more: Any) -> None:
        """The API accepted an event, and no router has routed it yet."""

        async def work(tx: Tx) -> None:
            row = {
                "message_id": f"m{next(_messages)}",
                "customer_id": customer_id,
                "partition": partition_of(customer_id),
                "kind": more.pop("kind", "track"),
                "name": name,
                "properties": properties or {},
                "accepted_at": tx.now(),
                **more,
            }
            await tx.execute(tables.events.insert().values(row))

        await self.store.move("accept", work)

    async def route(self, customer_id: str) -> None:
        async def nothing(_held: HeldCustomer) -> None: ...

        await hold_customer(self.store, self.runtime, "route", customer_id, nothing)

    async def sweep(self, sweeper: Sweeper | None = None) -> None:
        """Run every sweep that is due, and route the events that it adds."""
        sweeper = sweeper or Sweeper(self.store, self.runtime, page=2)
        while await sweeper.step() or await self.route_all():
            pass

    async def route_all(self) -> int:
        async with self.store.reading() as tx:
            waiting = await events.customers_waiting(tx, range(tables.PARTITIONS), 1000)
        for customer_id in waiting:
            await self.route(customer_id)
        return len(waiting)

    async def happens(self, customer_id: str, name: str, properties: dict[str, Any] | None = None, **more: Any) -> None:
        await self.accept(customer_id, name, properties, **more)
        await self.route(customer_id)

    async def reported(self, touch: str, name: str, properties: dict[str, Any] | None = None, once: str | None = None) -> None:
        """Record an event about a message, and route it."""

        async def work(tx: Tx) -> str:
            found = await touches.get(tx, touch)
            await observe(tx, about_touch(found, name, properties, once))
            return found.customer_id

        await self.route(await self.store.move("reported", work))

    async def rows(self, table: Table) -> list[Row]:
        async with self.store.reading() as tx:
            return await tx.rows(table.select())

    async def advance(self, enrollment_id: str) -> Instruction:
        return await self.advancing.advance(enrollment_id)

    async def deliver(self, touch: str) -> Instruction:
        return await self.delivering.deliver(touch)

    async def clicked(self, state: State, step: str, channel: str, properties: dict[str, Any]) -> None:
        touch = touches.touch_id(state.enrollment, step, state.rounds.get(step, 1), channel)
        await self.reported(touch, "Link Clicked", properties)

    async def answer(self, call: str, response: Mapping[str, Any] | None) -> Instruction:
        """An endpoint answers a call, or (None) fails."""

        async def work(held: HeldCustomer) -> Instruction:
            asked = await endpoint_calls.get(held.tx, call)
            enrollment = await enrollments.get(held.tx, asked.enrollment_id)
            moved = await held.answer(enrollment, asked, response, None if response is not None else "failed")
            return await held.instruction(moved)

        whose = select(tables.calls.c.customer_id).where(tables.calls.c.id == call).scalar_subquery()
        return await hold_customer(self.store, self.runtime, "answer", whose, work)

    async def call(self, call: str) -> Instruction:
        return await self.calling.call(call)

    async def work(self, enrollment_id: str) -> Instruction:
        """Do what the workflow would do, until it would sleep or end."""
        instruction = await self.advance(enrollment_id)
        while instruction.deliver:
            for delivery in instruction.deliver:
                do = self.call if delivery.activity == "call" else self.deliver
                instruction = await do(delivery.touch)
        return instruction

    async def enrollments(self, customer_id: str | None = None) -> list[Enrollment]:
        chosen = tables.enrollments.select().order_by(tables.enrollments.c.entered_at)
        if customer_id is not None:
            chosen = chosen.where(tables.enrollments.c.customer_id == customer_id)
        async with self.store.reading() as tx:
            return [enrollments.read(row) for row in await tx.rows(chosen)]

    async def only(self) -> Enrollment:
        (one,) = await self.enrollments()
        return one

    async def ending(self) -> str | None:
        ended = (await self.only()).state.ended
        return ended.reason if ended else None

    async def trace(self, enrollment_id: str) -> list[str]:
        async with self.store.reading() as tx:
            return [row.kind for row in await enrollments.traced(tx, enrollment_id)]

    async def told(self, enrollment_id: str) -> list[tuple[str, str | None]]:
        """The trace as (kind, because)."""
        async with self.store.reading() as tx:
            return [(row.kind, row.why.get("because")) for row in await enrollments.traced(tx, enrollment_id)]

    async def touches(self) -> list[Touch]:
        async with self.store.reading() as tx:
            return [Touch(**row) for row in await tx.rows(tables.touches.select())]

    async def unrouted(self, customer_id: str) -> list[StoredEvent]:
        async with self.store.reading() as tx:
            return await events.unrouted(tx, customer_id)
