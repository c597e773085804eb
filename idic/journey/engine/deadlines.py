"""Until when a wait lasts: the instant at which it is over, from its duration, its time of day or its moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from idic.journey.engine.scope import Scope
from idic.journey.engine.state import State
from idic.journey.program.steps import Wait, WaitFor
from idic.journey.program.values import Moment
from idic.journey.vocabulary.types import value_of
from idic.times import TimeOfDay, local

_MOMENT = timedelta(microseconds=1)


def deadline_of(step: Wait | WaitFor, since: datetime, scope: Scope, state: State) -> datetime | None:
    """When a wait that began at ``since`` is over; None where the moment that it is until is missing.

    A time of day that it is now goes on at once; not in the next round of a repeat, if that is come to in the very instant in
    which this wait went on in the round before: then it is the next such time, or all rounds would be of one instant.
    """
    if isinstance(step, WaitFor):
        return step.within.after(since, scope.zone)
    match step.until:
        case None:
            return step.duration.after(since, scope.zone)
        case TimeOfDay() as clock:
            came_round = state.rounds.get(step.id, 1) > 1 and state.began.get(step.then.step or "") == since
            return clock.next(since + _MOMENT if came_round else since, scope.zone)
        case moment:
            return instant_of(moment, scope)


def instant_of(moment: Moment, scope: Scope) -> datetime | None:
    """The instant that a moment names; None where the name that it hangs on is missing."""
    raw, siblings = scope.raw(moment.name)
    found = value_of(moment.attribute, raw, siblings=siblings, currency=scope.currency)
    if isinstance(found, datetime):
        instant = found.astimezone(UTC)
    elif isinstance(found, date):
        instant = local(found, time(), scope.zone)
    else:
        return None
    instant = moment.offset.before(instant, scope.zone) if moment.before else moment.offset.after(instant, scope.zone)
    if moment.at is not None:
        instant = local(instant.astimezone(ZoneInfo(scope.zone)).date(), moment.at.time, scope.zone)
    return instant
