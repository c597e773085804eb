"""Go through all customers, page by page: a sweep.

A sweep runs when a journey is due for everyone, to find each customer's own day, and for an event about a thing that
concerns many customers. Each page is a transaction, and each customer's event has an id for this occasion: if a process is
killed, another continues from the stored position, and no customer gets an event twice. A sweep only excludes customers who
can't enter; the router admits customers, as always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog

from idic.differentiate.counted import CountedEvent, tally
from idic.journey.engine.admission import DUE, Applies, applies
from idic.journey.engine.match_event import attributes_read
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event
from idic.journey.program.program import Program
from idic.journey.program.values import Condition
from idic.router import schedule
from idic.router.runtime import Runtime
from idic.store import sweeps
from idic.store.customer import events
from idic.store.customer.ingest import NewEvent, record_for_customers
from idic.store.database import Store, Tx
from idic.store.journey.programs import published_journeys
from idic.store.sweeps import DueEntry, Sweep, SweptCustomer

log = structlog.get_logger()

_NONE = 0
_SOME = 1
"""Work is counted in customers; work that concerns no customer counts as one."""


class Sweeper:
    """Does due work page by page. ``page``: customers in one transaction. ``backlog``: with this many unrouted events, no
    more are added, so that a customer's own event doesn't wait behind a million others."""

    def __init__(self, store: Store, runtime: Runtime, *, page: int = 500, backlog: int = 2000) -> None:
        self._store = store
        self._runtime = runtime
        self._page = page
        self._backlog = backlog
        self._planned: object = None
        self._turn = 0

    async def step(self) -> int:
        """Do one page of due work. Returns how many customers it concerned, 0 if there is nothing to do now.

        Any number of processes may do this. Raises ``StoreUnavailable``.
        """
        async with self._store.reading() as tx:
            now = tx.now()
            seen = await published_journeys(tx)
            waiting, days = await sweeps.due_now(tx, now), await sweeps.due_days(tx, now, 1)
        if seen != self._planned:
            await self._store.move("plan", lambda tx: schedule.plan(tx, self._runtime.programs, tx.now()))
            self._planned = seen
            return _SOME
        done = await self._store.move("day", self._tell_of_days) if days else _NONE
        self._turn += 1
        turn = self._turn % len(waiting) if waiting else 0
        for sweep_id in waiting[turn:] + waiting[:turn]:  # a long sweep must not delay the others
            count = await self._store.move("sweep", partial(self._go_on, sweep_id))
            if count:
                return done + count
        return done

    async def _tell_of_days(self, tx: Tx) -> int:
        """Enter customers whose day has come, and find their next day."""
        now = tx.now()
        if await self._unrouted(tx) is None:
            return _NONE
        due_days = await sweeps.due_days(tx, now, self._page)
        held = {row.id: row for row in await sweeps.hold_customers(tx, {day.customer_id for day in due_days})}
        journeys = await schedule.published(tx, self._runtime.programs)
        new_events: dict[str, dict[str, NewEvent]] = defaultdict(dict)
        following: list[DueEntry] = []
        for day in due_days:
            if day.at is None or day.customer_id not in held or not await sweeps.take_day(tx, day):
                continue
            journey = journeys.get(day.journey)
            if journey is None or journey.program.entry.day is None:
                continue
            program, facts = journey.program, schedule.facts_of(held[day.customer_id], journey.program)
            following.append(day._replace(at=schedule.next_day(program, day.customer_id, facts, now)))
            due = schedule.of_one(day.customer_id, program, partial(schedule.entry_due, program, facts, day.at))
            if due is not None and not journey.stopped:
                new_events[schedule.due_id(day.journey, day.at)][day.customer_id] = due
        for message_id, theirs in new_events.items():
            await record_for_customers(tx, message_id, theirs)
        await sweeps.set_days(tx, following, now)
        return len(due_days)

    async def _go_on(self, sweep_id: int, tx: Tx) -> int:
        """Go through one page of customers. Returns how many there were, 0 if it must wait."""
        sweep = await sweeps.hold(tx, sweep_id)
        if sweep is None:
            return _NONE
        match sweep.kind:
            case "scheduled":
                return await self._scheduled(tx, sweep)
            case "days":
                return await self._days(tx, sweep)
            case "broadcast":
                return await self._broadcast(tx, sweep)

    async def _scheduled(self, tx: Tx, sweep: Sweep) -> int:
        """Write the due event to the customers who may enter."""
        now = tx.now()
        journey = (await schedule.published(tx, self._runtime.programs)).get(sweep.name)
        passed = await schedule.passed_over(tx, sweep, journey, now)
        if passed is not None or journey is None:
            if journey is not None and passed is not None:
                log.warning("a time was missed", journey=sweep.name, due=sweep.due_at.isoformat(), **passed._asdict())
            await sweeps.finish(tx, sweep, now)
            return _SOME
        waiting = await self._unrouted(tx)
        if waiting is None:
            return _NONE
        program, at = journey.program, sweep.due_at
        due = Event(number=0, name=DUE, properties={"at": at.isoformat()}, accepted_at=now)
        rows = await sweeps.page(tx, sweep, self._page)
        entrants = await self._may_enter(tx, [program], due, rows, waiting)
        new_events = {row.id: schedule.entry_due(program, schedule.facts_of(row, program), at) for row in entrants}
        await record_for_customers(tx, sweep.message_id, new_events)
        if self._last(rows):
            await schedule.finished(tx, sweep, journey)
        return await self._gone_through(tx, sweep, rows)

    async def _days(self, tx: Tx, sweep: Sweep) -> int:
        """Find each customer's next day."""
        rows = await sweeps.page(tx, sweep, self._page)
        journey = (await schedule.published(tx, self._runtime.programs)).get(sweep.name)
        if journey is None or journey.published_at > sweep.due_at:
            await sweeps.finish(tx, sweep, tx.now())  # a newer sweep does it, for the journey as it is now
            return _SOME
        await schedule.find_days(tx, [journey.program], rows, tx.now())
        return await self._gone_through(tx, sweep, rows)

    async def _broadcast(self, tx: Tx, sweep: Sweep) -> int:
        """Give each customer whom the event may concern a copy of it. If it concerns a customer in no journey, they get
        none, so that no wait of theirs sees it."""
        programs = [
            program
            for _, program, stopped in await self._runtime.programs.published(tx)
            if not stopped
            and program.entry.for_each is not None
            and any(pattern.on == sweep.name for pattern in program.entry.on)
        ]
        if not programs:
            await sweeps.finish(tx, sweep, tx.now())
            return _SOME
        waiting = await self._unrouted(tx)
        if waiting is None:
            return _NONE
        event = Event(number=0, name=sweep.name, properties=sweep.properties, accepted_at=tx.now())
        rows = await sweeps.page(tx, sweep, self._page)
        entrants = await self._may_enter(tx, programs, event, rows, waiting)
        copy = NewEvent("track", sweep.name, sweep.properties, sweep.occurred_at or sweep.due_at)
        await record_for_customers(tx, f"idic-about:{sweep.message_id}", {row.id: copy for row in entrants})
        return await self._gone_through(tx, sweep, rows)

    async def _unrouted(self, tx: Tx) -> frozenset[str] | None:
        """The customers with unrouted events; None if there are too many of these to add more."""
        customers = await sweeps.unrouted(tx, self._backlog)
        return None if len(customers) == self._backlog else frozenset(customers)

    async def _may_enter(
        self, tx: Tx, programs: Sequence[Program], event: Event, rows: Sequence[SweptCustomer], waiting: frozenset[str]
    ) -> list[SweptCustomer]:
        """The customers whom one of these journeys might admit, including merged customers and customers with unrouted
        events."""
        facts = [await _known(tx, program, rows, event) for program in programs]
        return [
            row
            for number, row in enumerate(rows)
            if row.merged_into is not None
            or row.id in waiting
            or any(_applies(row, p, event, f[number]) for p, f in zip(programs, facts, strict=True))
        ]

    def _last(self, rows: Sequence[SweptCustomer]) -> bool:
        return len(rows) < self._page

    async def _gone_through(self, tx: Tx, sweep: Sweep, rows: Sequence[SweptCustomer]) -> int:
        """Record that this page is done."""
        if rows:
            await sweeps.proceed(tx, sweep, rows[-1].id)
        if self._last(rows):
            await sweeps.finish(tx, sweep, tx.now())
        return len(rows) or _SOME


def _applies(row: SweptCustomer, program: Program, event: Event, facts: Facts) -> bool:
    return isinstance(schedule.of_one(row.id, program, partial(applies, program, event, facts)), Applies)


async def _known(tx: Tx, program: Program, rows: Sequence[SweptCustomer], event: Event) -> list[Facts]:
    """The facts of each customer that decide whether ``program`` admits them."""
    from_rows = [schedule.facts_of(row, program) for row in rows]
    computed = {}
    for name in sorted(_reads(program)):
        attribute = program.customer.get(name)
        if attribute is not None and (counted := attribute.counted_event):
            computed[name] = attribute, await _counted(tx, rows, counted, event.accepted_at)
    upto = event.accepted_at
    return [
        facts._replace(
            customer={
                **facts.customer,
                **{
                    name: tally(attribute, theirs.get(row.id, ()), upto, facts.zone, program.currency)
                    for name, (attribute, theirs) in computed.items()
                },
            }
        )
        if computed
        else facts
        for row, facts in zip(rows, from_rows, strict=True)
    ]


async def _counted(tx: Tx, rows: Iterable[SweptCustomer], name: str, upto: datetime) -> dict[str, list[CountedEvent]]:
    by_customer: dict[str, list[CountedEvent]] = defaultdict(list)
    for row in await events.counted_of(tx, [row.id for row in rows], name, upto=upto):
        by_customer[row.customer_id].append(CountedEvent(row.accepted_at, row.properties))
    return by_customer


def _reads(program: Program) -> set[str]:
    entry = program.entry
    conditions: list[Condition | None] = [entry.when, entry.for_each, *(pattern.when for pattern in entry.on)]
    return {name for when in conditions if when is not None for name in attributes_read(when)}
