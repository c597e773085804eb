"""Going through all customers: when a journey is due for everybody, to find everybody's own day, and when something happens
to a thing that many care about.

A page is a transaction, and what a customer is told has an id that is theirs for this occasion: whoever is killed in the
middle is followed by somebody who goes on where the row says, and nobody is told twice. Nothing is decided here but who
need not be asked; a customer is let in where everybody is, in the router.
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
"""What is done is counted in customers; something that concerns nobody counts as one."""


class Sweeper:
    """``page``: customers in one transaction. ``backlog``: as many events may wait to be routed before customers are told of
    anything more, so that nobody's own event waits behind a million others."""

    def __init__(self, store: Store, runtime: Runtime, *, page: int = 500, backlog: int = 2000) -> None:
        self._store = store
        self._runtime = runtime
        self._page = page
        self._backlog = backlog
        self._planned: object = None
        self._turn = 0

    async def step(self) -> int:
        """Do a little of what is due; returns how many customers that concerned, 0 where there is nothing to do now.

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
        for sweep_id in waiting[turn:] + waiting[:turn]:  # one that is long does not keep the others waiting
            went = await self._store.move("sweep", partial(self._go_on, sweep_id))
            if went:
                return done + went
        return done

    async def _tell_of_days(self, tx: Tx) -> int:
        """Tell those whose day has come, and find their next."""
        now = tx.now()
        if await self._unrouted(tx) is None:
            return _NONE
        come = await sweeps.due_days(tx, now, self._page)
        held = {row.id: row for row in await sweeps.hold_customers(tx, {day.customer_id for day in come})}
        known = await schedule.published(tx, self._runtime.programs)
        told: dict[str, dict[str, NewEvent]] = defaultdict(dict)
        following: list[DueEntry] = []
        for day in come:
            if day.at is None or day.customer_id not in held or not await sweeps.take_day(tx, day):
                continue
            one = known.get(day.journey)
            if one is None or one.program.entry.day is None:
                continue
            program, facts = one.program, schedule.facts_of(held[day.customer_id], one.program)
            following.append(day._replace(at=schedule.next_day(program, day.customer_id, facts, now)))
            due = schedule.of_one(day.customer_id, program, partial(schedule.entry_due, program, facts, day.at))
            if due is not None and not one.stopped:
                told[schedule.due_id(day.journey, day.at)][day.customer_id] = due
        for message_id, theirs in told.items():
            await record_for_customers(tx, message_id, theirs)
        await sweeps.set_days(tx, following, now)
        return len(come)

    async def _go_on(self, sweep_id: int, tx: Tx) -> int:
        """Go through a page of customers; returns how many there were, 0 where that is not to be done now."""
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
        """Tell those who may enter that the journey is due."""
        now = tx.now()
        one = (await schedule.published(tx, self._runtime.programs)).get(sweep.name)
        passed = await schedule.passed_over(tx, sweep, one, now)
        if passed is not None or one is None:
            if one is not None and passed is not None:
                log.warning("a time was missed", journey=sweep.name, due=sweep.due_at.isoformat(), **passed._asdict())
            await sweeps.finish(tx, sweep, now)
            return _SOME
        waiting = await self._unrouted(tx)
        if waiting is None:
            return _NONE
        program, at = one.program, sweep.due_at
        due = Event(number=0, name=DUE, properties={"at": at.isoformat()}, accepted_at=now)
        rows = await sweeps.page(tx, sweep, self._page)
        who = await self._whom(tx, [program], due, rows, waiting)
        told = {row.id: schedule.entry_due(program, schedule.facts_of(row, program), at) for row in who}
        await record_for_customers(tx, sweep.message_id, told)
        if self._last(rows):
            await schedule.finished(tx, sweep, one)
        return await self._gone_through(tx, sweep, rows)

    async def _days(self, tx: Tx, sweep: Sweep) -> int:
        """Find everybody's next day."""
        rows = await sweeps.page(tx, sweep, self._page)
        one = (await schedule.published(tx, self._runtime.programs)).get(sweep.name)
        if one is None or one.published_at > sweep.due_at:
            await sweeps.finish(tx, sweep, tx.now())  # another one does it, for the journey as it is now
            return _SOME
        await schedule.find_days(tx, [one.program], rows, tx.now())
        return await self._gone_through(tx, sweep, rows)

    async def _broadcast(self, tx: Tx, sweep: Sweep) -> int:
        """Give everybody whom it may concern an event of their own. Whom it concerns in no journey has not had it happen: a
        wait for it in any journey sees it only where it concerned the customer."""
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
        who = await self._whom(tx, programs, event, rows, waiting)
        told = NewEvent("track", sweep.name, sweep.properties, sweep.occurred_at or sweep.due_at)
        await record_for_customers(tx, f"idic-about:{sweep.message_id}", {row.id: told for row in who})
        return await self._gone_through(tx, sweep, rows)

    async def _unrouted(self, tx: Tx) -> frozenset[str] | None:
        """The customers with events that nobody has routed; None where there are too many of those to add to them."""
        found = await sweeps.unrouted(tx, self._backlog)
        return None if len(found) == self._backlog else frozenset(found)

    async def _whom(
        self, tx: Tx, programs: Sequence[Program], event: Event, rows: Sequence[SweptCustomer], waiting: frozenset[str]
    ) -> list[SweptCustomer]:
        """Those whom one of these journeys would let in, as far as can be seen from here. Who is about to be somebody else
        (who was merged, or has events that are to be routed first) may be one of them."""
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
        """Note that these were gone through."""
        if rows:
            await sweeps.proceed(tx, sweep, rows[-1].id)
        if self._last(rows):
            await sweeps.finish(tx, sweep, tx.now())
        return len(rows) or _SOME


def _applies(row: SweptCustomer, program: Program, event: Event, facts: Facts) -> bool:
    return isinstance(schedule.of_one(row.id, program, partial(applies, program, event, facts)), Applies)


async def _known(tx: Tx, program: Program, rows: Sequence[SweptCustomer], event: Event) -> list[Facts]:
    """What is known of each of these customers, of what decides whether ``program`` lets them in."""
    zones = [schedule.facts_of(row, program) for row in rows]
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
        for row, facts in zip(rows, zones, strict=True)
    ]


async def _counted(tx: Tx, rows: Iterable[SweptCustomer], name: str, upto: datetime) -> dict[str, list[CountedEvent]]:
    found: dict[str, list[CountedEvent]] = defaultdict(list)
    for row in await events.counted_of(tx, [row.id for row in rows], name, upto=upto):
        found[row.customer_id].append(CountedEvent(row.accepted_at, row.properties))
    return found


def _reads(program: Program) -> set[str]:
    entry = program.entry
    asked: list[Condition | None] = [entry.when, entry.for_each, *(pattern.when for pattern in entry.on)]
    return {name for when in asked if when is not None for name in attributes_read(when)}
