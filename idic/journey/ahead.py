"""When a condition comes true by the passing of time alone: days begin, and events leave the windows they are counted in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.conditions import asks_today, holds
from idic.journey.program import Attribute, Condition
from idic.journey.scope import Facts, Scope
from idic.journey.times import local

_MOMENT = timedelta(microseconds=1)


class Truth(NamedTuple):
    """The first instant at which one of several conditions holds, its number, and what is known of the customer then."""

    at: datetime
    number: int
    facts: Facts


def holds_from(
    conditions: Sequence[tuple[int, Condition]],
    known: Sequence[tuple[datetime, Facts]],
    until: datetime,
    scope: Callable[[Facts, datetime], Scope],
) -> Truth | None:
    """When the first of ``conditions`` (each with its number) holds, from the first instant of ``known`` to ``until``, if
    nothing happens in between; of several in one instant the one that is first. ``known`` is what is known from each instant
    on, in order."""
    turns = [(at, facts) for at, facts in known if at <= until]
    days = any(asks_today(condition) for _, condition in conditions)
    for turn, (begins, facts) in enumerate(turns):
        ends = turns[turn + 1][0] if turn + 1 < len(turns) else until + _MOMENT
        for at in [begins, *(_midnights(begins, ends, facts.zone) if days else ())]:
            for number, condition in conditions:
                if holds(condition, scope(facts, at)):
                    return Truth(at, number, facts)
    return None


def _midnights(after: datetime, before: datetime, zone: str) -> Iterator[datetime]:
    day = after.astimezone(ZoneInfo(zone)).date()
    while (midnight := local(day := day + timedelta(days=1), time(), zone)) < before:
        if midnight > after:
            yield midnight


def leaving(attribute: Attribute, counted: Iterable[datetime], since: datetime, until: datetime, zone: str) -> list[datetime]:
    """The instants after ``since`` and up to ``until`` at which events that were accepted at ``counted`` leave the window of
    an attribute."""
    if attribute.window is None:
        return []
    found = set()
    for accepted_at in counted:
        # Looking back over a change of the clocks is not the mirror of looking ahead, to the hour.
        for hours in (-1, 0, 1):
            leaves = attribute.window.after(accepted_at, zone) + timedelta(hours=hours)
            inside, outside = attribute.window.before(leaves - _MOMENT, zone), attribute.window.before(leaves, zone)
            if since < leaves <= until and inside < accepted_at <= outside:
                found.add(leaves)
    return sorted(found)
