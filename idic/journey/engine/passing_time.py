"""Find when a condition comes true by time alone.

Time changes two things: days begin, and events leave the windows in which they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.engine.scope import Facts, Scope
from idic.journey.expressions.evaluate import depends_on_today, holds
from idic.journey.program.values import Attribute, Condition
from idic.times import Duration, local

_MOMENT = timedelta(microseconds=1)
_CHANGES = timedelta(hours=2)
"""The most that two changes of the clocks can shift."""
_QUARTER = timedelta(minutes=15)
_SOME_QUARTER = datetime(2000, 1, 1, tzinfo=UTC)


class Truth(NamedTuple):
    """The first instant at which one of several conditions holds, the condition's number, and the customer's facts then."""

    at: datetime
    number: int
    facts: Facts


def holds_from(
    conditions: Sequence[tuple[int, Condition]],
    known: Sequence[tuple[datetime, Facts]],
    until: datetime,
    scope: Callable[[Facts, datetime], Scope],
) -> Truth | None:
    """When the first of ``conditions`` (each with its number) holds if nothing happens until ``until``.

    ``known`` holds the facts from each instant on, in order. If several hold at the same instant, the first in the list
    wins.
    """
    turns = [(at, facts) for at, facts in known if at <= until]
    days = any(depends_on_today(condition) for _, condition in conditions)
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
    """The instants after ``since`` and up to ``until`` at which events accepted at ``counted`` leave an attribute's window."""
    window = attribute.window
    if window is None:
        return []
    found = {leaves for accepted_at in counted for leaves in _leaves(window, accepted_at, zone)}
    return sorted(leaves for leaves in found if since < leaves <= until)


def _leaves(window: Duration, accepted_at: datetime, zone: str) -> Iterator[datetime]:
    """When ``window`` no longer reaches back to ``accepted_at``; several instants if the clocks change and it reaches the
    same instants twice."""
    leaves = window.after(accepted_at, zone)
    ends = leaves - _CHANGES, leaves + _CHANGES
    if not window.days or all(window.before(end, zone) - accepted_at == end - leaves for end in ends):
        yield leaves
        return
    # The clocks change, here or there, and what is looked back to jumps. They change at quarters of an hour; in between it
    # moves as time does.
    elapsed = timedelta(seconds=window.seconds)
    quarter = ends[0] - (ends[0] - elapsed - _SOME_QUARTER) % _QUARTER
    inside = True
    while quarter <= ends[1]:
        lacks = accepted_at - window.before(quarter, zone)
        inside = inside or lacks > timedelta()
        if inside and lacks < _QUARTER:
            yield quarter + max(lacks, timedelta())
            inside = False
        quarter += _QUARTER
