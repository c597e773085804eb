"""The most that a journey can do: how many messages it sends, and how long it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from idic.journey.channels import CHANNELS
from idic.journey.program.program import (
    AnyStep,
    Call,
    Choose,
    Exit,
    Moment,
    Program,
    Repeat,
    Send,
    Split,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.program.reads import moments
from idic.times import Clock, Duration

_ALL = "messages"
"""Under which name all messages are counted together, beside the channels."""


class Bounds(NamedTuple):
    """The most that any way through a journey does: messages by channel, messages at all (fewer than the sum of these
    where a send is on one channel out of several), and the time it takes. Silence that is broken again and again
    (``restless`` are the events that do) is not counted: nobody knows how long it lasts. Neither is the time until a moment
    that the check does not know (``moments`` are its names). With ``each_time`` customers may well enter again, and all of it
    holds for each time they do."""

    most: Mapping[str, int]
    messages: int
    longest: timedelta
    restless: tuple[str, ...]
    moments: tuple[str, ...] = ()
    each_time: bool = False


class _Most(NamedTuple):
    """The most that some ways do."""

    counts: Mapping[str, int]
    time: timedelta

    def or_(self, other: _Most | None) -> _Most:
        if other is None:
            return self
        names = {*self.counts, *other.counts}
        counts = {name: max(self.counts.get(name, 0), other.counts.get(name, 0)) for name in names}
        return _Most(counts, max(self.time, other.time))

    def plus(self, other: _Most, times: int = 1) -> _Most:
        names = {*self.counts, *other.counts}
        counts = {name: self.counts.get(name, 0) + times * other.counts.get(name, 0) for name in names}
        return _Most(counts, self.time + times * other.time)


_NOTHING = _Most({}, timedelta())


class _Ways(NamedTuple):
    """What the ways from a step do that end the journey, and those that lead back to the repeat it is in; None where there
    are none."""

    end: _Most | None
    back: _Most | None


def bounds(program: Program) -> Bounds:
    """Branches lead forward, and repeats have so many rounds, so every way ends; this walks back from the ends and adds up."""
    known: dict[str, _Ways] = {}

    def after(target: Target) -> _Ways:
        if target.step is None:
            return _Ways(_NOTHING, None)
        # What is behind a step is known before it, but for the repeat that a round leads back to.
        return known.get(target.step, _Ways(None, _NOTHING))

    steps = [program.steps[name] for name in _last_first(program)]
    for step in steps:
        onward = [after(target) for target in _onward(step)]
        if isinstance(step, Repeat):
            onward = [*_rounds(step, after(step.first), after(step.then)), *([after(step.otherwise)] if step.when else [])]
        own = _Most(_sends(step), _lasts(step))
        known[step.id] = _Ways(_any(own, (ways.end for ways in onward)), _any(own, (ways.back for ways in onward)))
    most = after(program.first).end or _NOTHING
    restless = (step.without.on for step in steps if isinstance(step, Wait) and step.without)
    unknown = (moment.name for step in steps for moment in moments(step))
    in_order = {channel: most.counts[channel] for channel in CHANNELS if most.counts.get(channel)}
    return Bounds(
        in_order,
        most.counts.get(_ALL, 0),
        most.time,
        tuple(dict.fromkeys(restless)),
        tuple(dict.fromkeys(unknown)),
        each_time=program.entry.again.kind == "always" or program.entry.while_in == "restart",
    )


def _any(own: _Most, ways: Iterable[_Most | None]) -> _Most | None:
    found: _Most | None = None
    for way in ways:
        if way is not None:
            found = way.or_(found)
    return found.plus(own) if found is not None else None


def _rounds(step: Repeat, one: _Ways, then: _Ways) -> list[_Ways]:
    """All rounds and what follows, and all but the last with the one that ends the journey."""
    found = [then] if step.until is not None else []
    if one.back is not None:
        for way, name in ((then.end, "end"), (then.back, "back")):
            if way is not None:
                found.append(_Ways(None, None)._replace(**{name: way.plus(one.back, step.times)}))
    if one.end is not None:
        found.append(_Ways(one.end.plus(one.back, step.times - 1) if one.back is not None else one.end, None))
    return found


def _sends(step: AnyStep) -> Mapping[str, int]:
    if not isinstance(step, Send):
        return {}
    return {**dict.fromkeys(step.channels, 1), _ALL: len(step.channels) if step.mode == "each" else 1}


def _last_first(program: Program) -> list[str]:
    """The steps, each after all that can follow it but the repeat that it leads back to."""
    order: list[str] = []
    visited: set[str] = set()
    open_: list[tuple[str, Iterator[Target]]] = []

    def visit(target: Target) -> None:
        if target.step is not None and target.step not in visited:
            visited.add(target.step)
            open_.append((target.step, iter(_onward(program.steps[target.step]))))

    visit(program.first)
    while open_:
        name, onward = open_[-1]
        target = next(onward, None)
        if target is not None:
            visit(target)
        else:
            open_.pop()
            order.append(name)
    return order


def _onward(step: AnyStep) -> Iterable[Target]:
    skipped = [step.otherwise] if step.when else []
    match step:
        case WaitFor(arms=arms):
            return [*(arm.then for arm in arms), step.otherwise]
        case Choose(branches=branches):
            return [*(branch.then for branch in branches), step.otherwise]
        case Split(shares=shares):
            return [*(share.then for share in shares), *skipped]
        case Send() | Call() | Wait(until=Moment()):
            return [step.then, step.otherwise]
        case Repeat(first=first):
            return [first, step.then, *skipped]
        case Exit(reason=reason):
            return [Target(exit=reason), *skipped]
        case _:
            return [step.then, *skipped]


def _lasts(step: AnyStep) -> timedelta:
    match step:
        case Wait(until=Clock() as clock):
            return timedelta(days=_days_between(clock))
        case Wait(until=Moment()):
            return timedelta()
        case Wait(duration=span) | WaitFor(within=span) | Send(within=span) | Call(within=span):
            return _nominal(span)
        case _:
            return timedelta()


def _nominal(span: Duration) -> timedelta:
    return timedelta(days=span.days, seconds=span.seconds)


def _days_between(clock: Clock) -> int:
    """The most days from one such time to the next."""
    days = clock.days or tuple(range(7))
    return max((after - before - 1) % 7 + 1 for before, after in zip(days, (*days[1:], days[0]), strict=True))
