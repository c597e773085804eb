"""What follows from a program alone: which steps follow a step, whose share somebody is, and until when a step waits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from idic.journey.engine.scope import Scope
from idic.journey.engine.state import State
from idic.journey.program.program import (
    Call,
    Choose,
    Exit,
    Moment,
    Program,
    Repeat,
    Send,
    Share,
    Split,
    Step,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.vocabulary.types import value_of
from idic.times import Clock, local

_MOMENT = timedelta(microseconds=1)


def drawn(split: Split, customer: str, journey: str) -> Share:
    """The share into which a customer falls, for ever."""
    point = point_of(customer, journey, split.id)
    for share in split.shares:
        point -= share.percent
        if point < 0:
            break
    return share


def body(program: Program, repeat: Repeat) -> frozenset[str]:
    """The steps of one round: all that can be reached from its first without coming back."""
    found: set[str] = set()
    ahead = [repeat.first]
    while ahead:
        name = ahead.pop().step
        if name is not None and name != repeat.id and name not in found:
            found.add(name)
            ahead.extend(onward(program.steps[name]))
    return frozenset(found)


def onward(step: Step) -> Sequence[Target]:
    """Every way that leads on from a step, in the order of the file."""
    match step:
        case WaitFor(arms=arms):
            return [*(arm.then for arm in arms), step.otherwise]
        case Choose(branches=branches):
            return [*(branch.then for branch in branches), step.otherwise]
        case Split(shares=shares):
            return [*(share.then for share in shares), *([step.otherwise] if step.when else [])]
        case Send() | Call():
            return [step.then, step.otherwise]
        case Wait():
            return [step.then, *([step.otherwise] if step.when or isinstance(step.until, Moment) else [])]
        case Repeat(first=first):
            return [first, step.then, *([step.otherwise] if step.when else [])]
        case Exit():
            return [step.otherwise] if step.when else []
        case _:
            return [step.then, *([step.otherwise] if step.when else [])]


def point_of(*parts: str) -> float:
    """A number in [0, 100) that follows from the parts for ever."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * 100


def over(step: Wait | WaitFor, since: datetime, scope: Scope, state: State) -> datetime | None:
    """When a wait that began at ``since`` is over; None where the moment that it is until is missing.

    A time of day that it is now goes on at once; not in the next round of a repeat, if that is come to in the very instant in
    which this wait went on in the round before: then it is the next such time, or all rounds would be of one instant.
    """
    if isinstance(step, WaitFor):
        return step.within.after(since, scope.zone)
    match step.until:
        case None:
            return step.duration.after(since, scope.zone)
        case Clock() as clock:
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
