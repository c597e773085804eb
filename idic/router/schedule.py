"""When scheduled journeys are due: the next time for everybody, and each customer's own day. Everything here is in the
caller's transaction, so that nothing that is due is ever only in a process's memory."""

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
    """A journey that is entered at times. While it is ``stopped`` its times pass and nobody enters."""

    program: Program
    published_at: datetime
    stopped: bool


async def published(tx: Tx, programs: Programs) -> dict[str, ScheduledJourney]:
    """Every scheduled journey by its name, those that are stopped too."""
    found = {}
    for one in await published_journeys(tx):
        program = await programs.get(tx, one.program_id)
        if scheduled(program.entry):
            found[one.journey] = ScheduledJourney(program, one.published_at, one.stopped_at is not None)
    return found


async def plan(tx: Tx, programs: Programs, now: datetime) -> None:
    """See to it that what comes next of every scheduled journey is in the store. Done when journeys are published, and by
    whoever sees that they were; as often as you like."""
    for name, one in (await published(tx, programs)).items():
        if one.program.entry.day is not None:
            at = one.published_at
            await sweeps.add(tx, "days", f"idic-days:{name}:{one.program.id}:{at.isoformat()}", name, at)
        else:
            await _plan_time(tx, one, now)


async def _plan_time(tx: Tx, one: ScheduledJourney, now: datetime) -> None:
    program = one.program
    last = await sweeps.newest(tx, "scheduled", program.journey)
    if last is not None and last.done_at is None:
        if last.due_at <= now:
            return  # under way
        following = next_due(program.entry, program, None, now)
        if following == last.due_at:
            return
        await sweeps.cancel(tx, last)
    else:
        following = next_due(program.entry, program, None, max(one.published_at, last.due_at) if last else one.published_at)
    await _add(tx, program.journey, following)


async def _add(tx: Tx, journey: str, at: datetime | None) -> None:
    if at is not None:
        await sweeps.add(tx, "scheduled", due_id(journey, at), journey, at)


def due_id(journey: str, at: datetime) -> str:
    """The message id, but for the customer, of what tells that a journey is due."""
    return f"idic-due:{journey}:{at.isoformat()}"


class PassedOver(NamedTuple):
    """A time is passed over, for ``because``; ``times`` of them, with those after it that were never begun."""

    because: str
    times: int


async def passed_over(tx: Tx, sweep: Sweep, one: ScheduledJourney | None, now: datetime) -> PassedOver | None:
    """Whether nobody (else) is to enter at the time of this sweep: the journey is not entered then any more, or a newer time
    has come, which is planned instead. Of times that were missed only the newest is made up for."""
    if one is None or one.program.entry.day is not None:
        return PassedOver("the journey is not entered at times any more", 1)
    entry = one.program.entry
    newest, times = last_due(one.program, sweep.due_at, now)
    if one.stopped:
        await _add(tx, sweep.name, next_due(entry, one.program, None, newest or sweep.due_at))
        return PassedOver("the journey is stopped", 1 + times)
    if newest is not None:
        await _add(tx, sweep.name, newest)
        return PassedOver("a newer time has come", times)
    if sweep.waiting and entry.ends is not None and now >= entry.ends:
        return PassedOver("the journey has ended", 1)
    return None


async def finished(tx: Tx, sweep: Sweep, one: ScheduledJourney) -> None:
    """Plan what comes after a time for which all customers have been gone through."""
    await _add(tx, sweep.name, next_due(one.program.entry, one.program, None, sweep.due_at))


def entry_due(program: Program, facts: Facts, at: datetime) -> NewEvent:
    """What a customer is told when entry is due."""
    return entry_request(DUE, program.journey, due_event(program, facts, at))


def of_one(customer_id: str, program: Program, ask: Callable[[], T]) -> T | None:
    """What is found out of one of many customers. None where that fails, which is logged: the others are not kept waiting."""
    try:
        return ask()
    except Exception as error:  # whatever it is, it would be met again with every try, and nobody would be let in any more
        log.error(
            "customer passed over",
            customer=customer_id,
            journey=program.journey,
            error=type(error).__name__,
            at=place(error),
        )
        return None


# Days of each customer's own.


def facts_of(row: SweptCustomer | CustomerRow, program: Program) -> Facts:
    """What a customer's row alone says."""
    return Facts(row.traits, zone_of(row.traits, program.zone))


async def find_days(tx: Tx, programs: Iterable[Program], rows: Iterable[SweptCustomer | CustomerRow], after: datetime) -> None:
    """Find out when these customers, who are held, next enter the journeys with a day of their own."""
    days = [program for program in programs if program.entry.day is not None]
    found = [
        DueEntry(row.id, program.journey, next_day(program, row.id, facts_of(row, program), after))
        for program in days
        for row in rows
    ]
    await sweeps.set_days(tx, found, after)


def next_day(program: Program, customer_id: str, facts: Facts, after: datetime) -> datetime | None:
    """When this customer next enters a journey with a day of their own."""
    return of_one(customer_id, program, lambda: next_due(program.entry, program, facts, after))


async def days_moved(
    tx: Tx, programs: Programs, customer_id: str, before: Mapping[str, Any], traits: Mapping[str, Any], at: datetime
) -> None:
    """What is known of a customer, who is held, changed from ``before`` to ``traits`` at ``at``: days that hang on it move."""
    changed = {name for name in before.keys() | traits.keys() if before.get(name) != traits.get(name)}
    if changed:
        known = [one.program for one in (await published(tx, programs)).values()]
        moved = [program for program in known if program.entry.day and depends_on(program.entry.day) & changed]
        await find_days(tx, moved, [SweptCustomer(customer_id, dict(traits))], at)


async def days_merged(tx: Tx, programs: Programs, absorbed: str, into: CustomerRow, at: datetime) -> None:
    """One customer, whose row is ``into``, was merged with another at ``at``; both are held."""
    await sweeps.merge_days(tx, absorbed, into.id, at)
    await find_days(tx, [one.program for one in (await published(tx, programs)).values()], [into], at)
