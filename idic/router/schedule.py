"""Plan scheduled journeys: the next due time for everyone, and each customer's own day.

Everything runs in the caller's transaction, so that nothing due exists only in a process's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import structlog

from idic.differentiate.profile import zone_of
from idic.journey.engine.admission import DUE, depends_on, due_event, last_due, next_due, scheduled
from idic.journey.engine.scope import Facts
from idic.journey.program.program import Program
from idic.logs import place
from idic.store import sweeps
from idic.store.customer.customers import CustomerRow
from idic.store.customer.ingest import NewEvent, entry_request
from idic.store.database import Tx
from idic.store.journey.programs import Programs, published_journeys
from idic.store.sweeps import DueEntry, Sweep, SweptCustomer

log = structlog.get_logger()

T = TypeVar("T")


class ScheduledJourney(NamedTuple):
    """A journey with due times. While it is ``stopped``, its times pass without entries."""

    program: Program
    published_at: datetime
    stopped: bool


async def published(tx: Tx, programs: Programs) -> dict[str, ScheduledJourney]:
    """Every published scheduled journey by name, stopped ones too."""
    journeys = {}
    for published in await published_journeys(tx):
        program = await programs.get(tx, published.program_id)
        if scheduled(program.entry):
            stopped = published.stopped_at is not None
            journeys[published.journey] = ScheduledJourney(program, published.published_at, stopped)
    return journeys


async def plan(tx: Tx, programs: Programs, now: datetime) -> None:
    """Write the next sweep of every scheduled journey to the store. Every process does this when it sees that journeys were
    published. Safe to repeat."""
    for name, journey in (await published(tx, programs)).items():
        if journey.program.entry.day is not None:
            at = journey.published_at
            await sweeps.add(tx, "days", f"idic-days:{name}:{journey.program.id}:{at.isoformat()}", name, at)
        else:
            await _plan_time(tx, journey, now)


async def _plan_time(tx: Tx, journey: ScheduledJourney, now: datetime) -> None:
    program = journey.program
    last = await sweeps.newest(tx, "scheduled", program.journey)
    if last is not None and last.done_at is None:
        if last.due_at <= now:
            return  # in progress
        following = next_due(program.entry, program, None, now)
        if following == last.due_at:
            return
        await sweeps.cancel(tx, last)
    else:
        after = max(journey.published_at, last.due_at) if last else journey.published_at
        following = next_due(program.entry, program, None, after)
    await _add(tx, program.journey, following)


async def _add(tx: Tx, journey: str, at: datetime | None) -> None:
    if at is not None:
        await sweeps.add(tx, "scheduled", due_id(journey, at), journey, at)


def due_id(journey: str, at: datetime) -> str:
    """The message id, without the customer, of the event that a journey is due."""
    return f"idic-due:{journey}:{at.isoformat()}"


class PassedOver(NamedTuple):
    """Why a due time is skipped. ``times`` counts it and the later times that were skipped with it."""

    because: str
    times: int


async def passed_over(tx: Tx, sweep: Sweep, journey: ScheduledJourney | None, now: datetime) -> PassedOver | None:
    """Why this sweep's time is skipped: the journey is no longer entered then, or a newer time has come, which is planned
    instead. Of missed times, only the newest is made up for."""
    if journey is None or journey.program.entry.day is not None:
        return PassedOver("the journey is not entered at times any more", 1)
    entry = journey.program.entry
    newest, times = last_due(journey.program, sweep.due_at, now)
    if journey.stopped:
        await _add(tx, sweep.name, next_due(entry, journey.program, None, newest or sweep.due_at))
        return PassedOver("the journey is stopped", 1 + times)
    if newest is not None:
        await _add(tx, sweep.name, newest)
        return PassedOver("a newer time has come", times)
    if sweep.waiting and entry.ends is not None and now >= entry.ends:
        return PassedOver("the journey has ended", 1)
    return None


async def finished(tx: Tx, sweep: Sweep, journey: ScheduledJourney) -> None:
    """Plan the journey's next time after a sweep that is complete."""
    await _add(tx, sweep.name, next_due(journey.program.entry, journey.program, None, sweep.due_at))


def entry_due(program: Program, facts: Facts, at: datetime) -> NewEvent:
    """The event by which a customer enters when the journey is due."""
    return entry_request(DUE, program.journey, due_event(program, facts, at))


def of_one(customer_id: str, program: Program, ask: Callable[[], T]) -> T | None:
    """Compute something for one of many customers. An error is logged and gives None: it must not stop the others."""
    try:
        return ask()
    except Exception as error:  # a retry would fail again, and no customer would enter any more
        log.error(
            "customer passed over",
            customer=customer_id,
            journey=program.journey,
            error=type(error).__name__,
            at=place(error),
        )
        return None


# Each customer's own days.


def facts_of(row: SweptCustomer | CustomerRow, program: Program) -> Facts:
    """The facts that a customer's row alone gives."""
    return Facts(row.traits, zone_of(row.traits, program.zone))


async def find_days(tx: Tx, programs: Iterable[Program], rows: Iterable[SweptCustomer | CustomerRow], after: datetime) -> None:
    """Find and store when these held customers next enter journeys with a day of their own."""
    by_day = [program for program in programs if program.entry.day is not None]
    entries = [
        DueEntry(row.id, program.journey, next_day(program, row.id, facts_of(row, program), after))
        for program in by_day
        for row in rows
    ]
    await sweeps.set_days(tx, entries, after)


def next_day(program: Program, customer_id: str, facts: Facts, after: datetime) -> datetime | None:
    """When this customer next enters a journey with a day of their own."""
    return of_one(customer_id, program, lambda: next_due(program.entry, program, facts, after))


async def days_moved(
    tx: Tx, programs: Programs, customer_id: str, before: Mapping[str, Any], traits: Mapping[str, Any], at: datetime
) -> None:
    """Move the days that depend on attributes of a held customer, which changed from ``before`` to ``traits`` at ``at``."""
    changed = {name for name in before.keys() | traits.keys() if before.get(name) != traits.get(name)}
    if changed:
        scheduled_programs = [journey.program for journey in (await published(tx, programs)).values()]
        moved = [program for program in scheduled_programs if program.entry.day and depends_on(program.entry.day) & changed]
        await find_days(tx, moved, [SweptCustomer(customer_id, dict(traits))], at)


async def days_merged(tx: Tx, programs: Programs, absorbed: str, into: CustomerRow, at: datetime) -> None:
    """Merge the days of two held customers: ``absorbed`` was merged at ``at`` into the one whose row is ``into``."""
    await sweeps.merge_days(tx, absorbed, into.id, at)
    await find_days(tx, [journey.program for journey in (await published(tx, programs)).values()], [into], at)
