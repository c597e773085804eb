"""What a check says of a journey beside its problems: what is proved, what is matched by what, what is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from idic.journey.channels import CHANNELS
from idic.journey.expressions.evaluate import depends_on_today
from idic.journey.program.program import (
    AnyStep,
    Call,
    Choose,
    Condition,
    Enter,
    Exit,
    Moment,
    Pattern,
    Program,
    Repeat,
    Send,
    Split,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.program.reads import moments
from idic.journey.vocabulary.vocabulary import Vocabulary
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


def describe_bounds(program: Program) -> str:
    """``every path ends · at most 1 email, 2 SMS, 1 web · longest 5 days · each time they enter``; where a send takes one of
    several channels,
    ``at most 2 messages: up to 1 email, 2 SMS, 1 web``."""
    found = bounds(program)
    counts = ", ".join(f"{count} {CHANNELS[channel].tally[count > 1]}" for channel, count in found.most.items())
    sends = f"at most {counts}" if counts else "sends nothing"
    if found.messages < sum(found.most.values()):
        sends = f"at most {found.messages} message{'' if found.messages == 1 else 's'}: up to {counts}"
    longest = _spoken(found.longest)
    if found.restless:
        longest += f" after the last {' or '.join(found.restless)}"
    if found.moments:
        longest += f", plus the time until {' and '.join(found.moments)}" if found.longest else ""
        longest = longest if found.longest else f"the time until {' and '.join(found.moments)}"
    entered = dict.fromkeys(step.journey for step in program.steps.values() if isinstance(step, Enter))
    enters = f" · enters {', '.join(entered)}" if entered else ""
    over = "over at once" if longest == "0 hours" else f"longest {longest}"
    each_time = " · each time they enter" if found.each_time else ""
    return f"every path ends · {sends} · {over}{each_time}{enters}"


def describe_matching(program: Program) -> str:
    """``Order Completed, Cart Updated: same cart_id · Link Clicked: message "nudge"``"""
    groups: dict[str, list[str]] = {}
    for pattern in _patterns(program):
        if pattern.of is not None:
            how = f'message "{pattern.of}"'
        elif pattern.key is not None:
            how = f"same {pattern.key}"
        else:
            how = "any of the customer's"
        events = groups.setdefault(how, [])
        if pattern.on not in events:
            events.append(pattern.on)
    said = [f"{', '.join(events)}: {how}" for how, events in groups.items()]
    return " · ".join(dict.fromkeys([*said, *(_comes_true(until) for until in _untils(program))]))


def _untils(program: Program) -> Iterator[Condition]:
    for step in program.steps.values():
        if isinstance(step, WaitFor):
            yield from (arm.until for arm in step.arms if arm.until is not None)


def _comes_true(until: Condition) -> str:
    """``customer.orders: when it changes, or in time``: time alone moves days, and what is counted in a window."""
    reads = {name: attribute for name, attribute in until.reads.items() if name.startswith("customer.")}
    if not reads:
        return f"{until.text}: in time"
    in_time = depends_on_today(until) or any(attribute.window is not None for attribute in reads.values())
    changes = "when it changes" if len(reads) == 1 else "when one of them changes"
    return f"{', '.join(reads)}: {changes}{', or in time' if in_time else ''}"


def describe_reads(program: Program, vocabulary: Vocabulary) -> str:
    """``customer.first_name, .orders · nothing sensitive · calls stock``"""
    names = list(program.customer)
    listed = ", ".join([f"customer.{names[0]}", *(f".{name}" for name in names[1:])]) if names else "nothing of the customer"
    sensitive = [f"{name} ({vocabulary.sensitive[name]})" for name in names if name in vocabulary.sensitive]
    calls = dict.fromkeys(step.endpoint.name for step in program.steps.values() if isinstance(step, Call))
    called = f" · calls {', '.join(calls)}" if calls else ""
    return f"{listed} · {'sensitive: ' + ', '.join(sensitive) if sensitive else 'nothing sensitive'}{called}"


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


def _patterns(program: Program) -> Iterable[Pattern]:
    if program.goal is not None:
        yield from program.goal.on
    yield from program.leave
    for step in program.steps.values():
        match step:
            case Wait(without=Pattern() as pattern):
                yield pattern
            case WaitFor(arms=arms):
                yield from (arm.pattern for arm in arms if arm.pattern)


def _spoken(span: timedelta) -> str:
    if span <= timedelta(hours=48):
        hours = math.ceil(span / timedelta(hours=1))
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{math.ceil(span / timedelta(days=1))} days"
