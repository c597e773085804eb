"""When a wait ends: from its duration, its time of day or its moment."""

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
    """When a wait that began at ``since`` ends; None if its moment is missing.

    If the wait is until a time of day, and it is that time now, the wait ends at once. A round of a repeat that begins in the
    instant in which this wait ended in the round before waits for the next such time; otherwise all rounds would happen at
    once.
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
    """The instant of a moment; None if the value of its name is missing."""
    raw, siblings = scope.raw(moment.name)
    named = value_of(moment.attribute, raw, siblings=siblings, currency=scope.currency)
    if isinstance(named, datetime):
        instant = named.astimezone(UTC)
    elif isinstance(named, date):
        instant = local(named, time(), scope.zone)
    else:
        return None
    instant = moment.offset.before(instant, scope.zone) if moment.before else moment.offset.after(instant, scope.zone)
    if moment.at is not None:
        instant = local(instant.astimezone(ZoneInfo(scope.zone)).date(), moment.at.time, scope.zone)
    return instant
