"""Decide who enters a journey, and when.

Pure: the router and the simulator ask the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, assert_never
from zoneinfo import ZoneInfo

from idic.journey.engine.deadlines import instant_of
from idic.journey.engine.match_event import key_of
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Event
from idic.journey.expressions.evaluate import explain, holds
from idic.journey.program.entry import Day, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Condition, Type
from idic.journey.vocabulary.types import YES_NO, read, value_of

REQUESTED = "Enrollment Requested"
"""The event that records a request through the API. It enters only the requested journey."""
DUE = "Enrollment Due"
"""The event that enters a customer at a due time; ``because`` names the time."""

_MOMENT = timedelta(microseconds=1)
_DATE = Type(kind="date")


class Admitted(NamedTuple):
    """``restart``: the open enrollment of this key ends first."""

    key: str | None
    restart: bool = False


class StayOut(NamedTuple):
    """``code``: ``not yet``, ``over``, ``test only``, ``moved``, ``condition``, ``no key``, ``already in``, ``again`` or
    ``full``; ``reason`` in plain words."""

    code: str
    reason: str


class Applies(NamedTuple):
    """The event enters this journey, under this key, unless what happened to the key before prevents it."""

    key: str | None


def applies(program: Program, event: Event, facts: Facts) -> Applies | StayOut | None:
    """Whether ``event`` requests entry into ``program``; None if the journey isn't entered on it at all.

    A request through the API stands for any of the journey's events, or for its due time, and must meet the same
    conditions.
    """
    if event.name not in program.begun_by and event.name not in (REQUESTED, DUE):
        return None
    ways = _ways(program.entry, event)
    if not ways:
        return None
    at = asked_at(event)
    if outside := _outside(program, at, facts):
        return outside
    if event.name == DUE and program.entry.day is not None and next_due(program.entry, program, facts, at - _MOMENT) != at:
        return StayOut("moved", f"{program.entry.day.moment.name} is another day by now")
    scope = Scope(program, facts, event.accepted_at, event=event)
    unmet = [[when for when in way if not holds(when, scope)] for way in ways]
    if all(unmet):
        return StayOut("condition", "; ".join(explain(when, scope) for way in unmet for when in way))
    if program.entry.key is None:
        return Applies(None)
    key = key_of(event, program.entry.key)
    if key is None:
        return StayOut("no key", f"the event has no {program.entry.key}")
    return Applies(key)


def _ways(entry: Entry, event: Event) -> list[tuple[Condition, ...]]:
    """The ways in which this event may enter, each with its conditions."""
    requested = event.name == REQUESTED
    ways = [way for name, way in entry.on_events if requested or event.name == name]
    if (requested or event.name == DUE) and scheduled(entry):
        ways.append(() if entry.when is None else (entry.when,))
    return ways


def scheduled(entry: Entry) -> bool:
    """Whether this journey is entered at times, and not only when something happens."""
    return entry.every is not None or entry.once is not None or entry.day is not None


def asked_at(event: Event) -> datetime:
    """The instant for which entry is requested: the due time for a scheduled entry."""
    at = event.properties.get("at") if event.name == DUE else None
    return datetime.fromisoformat(at) if isinstance(at, str) else event.accepted_at


def _outside(program: Program, at: datetime, facts: Facts) -> StayOut | None:
    """Whether the launch limits exclude everyone, or this customer, at ``at``."""
    entry, zone = program.entry, ZoneInfo(program.zone)
    if entry.starts is not None and at < entry.starts:
        return StayOut("not yet", f"starts on {entry.starts.astimezone(zone):%Y-%m-%d %H:%M}")
    if entry.ends is not None and at >= entry.ends:
        return StayOut("over", f"ended on {entry.ends.astimezone(zone):%Y-%m-%d %H:%M}")
    if entry.testers and not read(YES_NO, facts.customer.get("test"), siblings={}, currency=program.currency):
        return StayOut("test only", "is no test customer, and only those enter")
    return None


def admit(
    program: Program, key: str | None, at: datetime, zone: str, *, is_in: bool, last_entered_at: datetime | None
) -> Admitted | StayOut:
    """Whether a customer who requests entry at ``at`` is admitted. ``is_in``: an enrollment under this key is open;
    ``last_entered_at``: its last entry (None: never)."""
    entry = program.entry
    if is_in:
        if entry.while_in == "restart":
            return Admitted(key, restart=True)
        return StayOut("already in", "is in this journey already")
    if last_entered_at is None:
        return Admitted(key)
    match entry.again.kind:
        case "always":
            return Admitted(key)
        case "never":
            return StayOut("again", "has been in this journey before, and it says again: never")
        case "after":
            assert entry.again.after is not None
            if entry.every is not None:
                # With a daily entry, the second counts as a day later even if it comes a second too early.
                at, last_entered_at, zone = _time_of(program, at), _time_of(program, last_entered_at), program.zone
            due = entry.again.after.after(last_entered_at, zone)
            if at >= due:
                return Admitted(key)
            return StayOut(
                "again", f"entered at {last_entered_at:%Y-%m-%d %H:%M}, and it says again: after {entry.again.after}"
            )
        case kind:
            assert_never(kind)


def full(program: Program) -> StayOut:
    """The refusal when ``at_most`` is reached. Only the holder of the count knows how many have entered."""
    return StayOut("full", f"{program.entry.at_most} have entered today, and no more do")


def day_of(program: Program, at: datetime) -> str:
    """The day (ISO) whose ``at_most`` counts an entry at ``at``."""
    return at.astimezone(ZoneInfo(program.zone)).date().isoformat()


# Due times.


def next_due(entry: Entry, program: Program, facts: Facts | None, after: datetime) -> datetime | None:
    """The first due instant after ``after`` (UTC), for everyone, or for the customer with these ``facts`` if the journey
    has a ``day``.

    None if the date is missing or the journey ends before.
    """
    if entry.starts is not None:
        after = max(after, entry.starts - _MOMENT)
    due = None
    if entry.every is not None:
        due = entry.every.next(after, program.zone)
    elif entry.once is not None:
        due = entry.once if entry.once > after else None
    elif entry.day is not None and facts is not None:
        due = next((at for at, _ in _days(entry.day, program, facts, after) if at > after), None)
    return due if due is not None and (entry.ends is None or due < entry.ends) else None


def last_due(program: Program, after: datetime, upto: datetime) -> tuple[datetime | None, int]:
    """The newest due instant after ``after`` and up to ``upto``, and how many there were."""
    found, count = None, 0
    while (due := next_due(program.entry, program, None, found or after)) is not None and due <= upto:
        found, count = due, count + 1
    return found, count


def due_event(program: Program, facts: Facts, at: datetime) -> dict[str, Any]:
    """The properties of the event that says entry is due at ``at``: ``because`` in words, and ``on``, the customer's own
    day."""
    entry, told = program.entry, {"journey": program.journey, "at": at.isoformat()}
    if entry.every is not None:
        return {**told, "because": f"every {entry.every}"}
    if entry.day is None:
        return {**told, "because": f"once, on {at.astimezone(ZoneInfo(program.zone)):%Y-%m-%d %H:%M}"}
    on = next((day for due, day in _days(entry.day, program, facts, at - _MOMENT) if due == at), None)
    moment, name = entry.day.moment, entry.day.moment.name.removeprefix("customer.")
    offset = f"{moment.offset} {'before' if moment.before else 'after'} " if moment.offset.longest else ""
    because = f"{offset}{name} {on}{', as every year' if entry.day.yearly else ''}"
    return {**told, "because": because, "on": str(on)}


def depends_on(day: Day) -> frozenset[str]:
    """The traits that decide when a day of a customer's own begins."""
    return frozenset((day.moment.name.removeprefix("customer."), "zone", "timezone"))


def _days(day: Day, program: Program, facts: Facts, after: datetime) -> Iterator[tuple[datetime, date]]:
    """The occurrences of this day from before ``after`` on, each with its date."""
    name = day.moment.name.removeprefix("customer.")
    raw = facts.customer.get(name)
    found = value_of(day.moment.attribute, raw, siblings=facts.customer, currency=program.currency)
    if isinstance(found, datetime):
        found = found.astimezone(ZoneInfo(facts.zone)).date()
    if found is None:
        return
    if not day.yearly:
        if (at := instant_of(day.moment, Scope(program, facts, after))) is not None:
            yield at, found
        return
    moment = day.moment.model_copy(update={"attribute": day.moment.attribute.model_copy(update={"type": _DATE})})
    apart = 1 + moment.offset.longest.days // 365
    for year in range(max(found.year, after.year - 1 - apart), min(after.year + 3 + apart, 9999)):
        this_year = _in_year(found, year)
        told: Mapping[str, Any] = {**facts.customer, name: this_year.isoformat()}
        if (at := instant_of(moment, Scope(program, facts._replace(customer=told), after))) is not None:
            yield at, this_year


def _in_year(day: date, year: int) -> date:
    """The date in another year; 29 February becomes the 28th."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def _time_of(program: Program, at: datetime) -> datetime:
    """The newest of the times of ``every`` at or before ``at``; they are at most 31 days apart."""
    assert program.entry.every is not None
    due = at
    found = program.entry.every.next(at - timedelta(days=63), program.zone)
    while found <= at:
        due, found = found, program.entry.every.next(found, program.zone)
    return due
