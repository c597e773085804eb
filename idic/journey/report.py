"""What a check says of a journey beside its problems: what is proved, what is matched by what, what is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from idic.journey.program import (
    Choose,
    Pattern,
    Program,
    Send,
    Split,
    Step,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.vocabulary import Vocabulary

_COUNTED = {"email": ("email", "emails"), "sms": ("SMS", "SMS"), "web": ("web", "web")}
_ALL = "messages"
"""Under which name all messages are counted together, beside the channels."""


class Bounds(NamedTuple):
    """The most that any way through a journey does: messages by channel, messages at all (fewer than the sum of these
    where a send is on one channel out of several), and the time it takes. Silence that is broken again and again
    (``restless`` are the events that do) is not counted: nobody knows how long it lasts."""

    most: Mapping[str, int]
    messages: int
    longest: timedelta
    restless: tuple[str, ...]


def bounds(program: Program) -> Bounds:
    """Branches only lead forward, so every way ends; this walks back from the ends and adds up."""
    known: dict[str, tuple[dict[str, int], timedelta]] = {}

    def after(target: Target) -> tuple[dict[str, int], timedelta]:
        return ({}, timedelta()) if target.step is None else known[target.step]

    for name in _last_first(program):
        step = program.steps[name]
        ways = [after(target) for target in _onward(step)]
        most: dict[str, int] = {}
        for counts, _ in ways:
            for channel, count in counts.items():
                most[channel] = max(most.get(channel, 0), count)
        if isinstance(step, Send):
            for channel in step.channels:
                most[channel] = most.get(channel, 0) + 1
            most[_ALL] = most.get(_ALL, 0) + (len(step.channels) if step.mode == "each" else 1)
        known[name] = most, max((time for _, time in ways), default=timedelta()) + _lasts(step)
    most, longest = after(program.first)
    restless = (step.without.on for step in program.steps.values() if isinstance(step, Wait) and step.without)
    in_order = {channel: most[channel] for channel in _COUNTED if most.get(channel)}
    return Bounds(in_order, most.get(_ALL, 0), longest, tuple(dict.fromkeys(restless)))


def proved(program: Program) -> str:
    """``every path ends · at most 1 email, 2 SMS, 1 web · longest 5 days``; where a send takes one channel of several,
    ``at most 2 messages: up to 1 email, 2 SMS, 1 web``."""
    found = bounds(program)
    counts = ", ".join(f"{count} {_COUNTED[channel][count > 1]}" for channel, count in found.most.items())
    sends = f"at most {counts}" if counts else "sends nothing"
    if found.messages < sum(found.most.values()):
        sends = f"at most {found.messages} message{'' if found.messages == 1 else 's'}: up to {counts}"
    since = f" after the last {' or '.join(found.restless)}" if found.restless else ""
    return f"every path ends · {sends} · longest {_spoken(found.longest)}{since}"


def matched(program: Program) -> str:
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
    return " · ".join(f"{', '.join(events)}: {how}" for how, events in groups.items())


def reads(program: Program, vocabulary: Vocabulary) -> str:
    """``customer.first_name, .orders · nothing sensitive``"""
    names = list(program.customer)
    listed = ", ".join([f"customer.{names[0]}", *(f".{name}" for name in names[1:])]) if names else "nothing of the customer"
    sensitive = [f"{name} ({vocabulary.sensitive[name]})" for name in names if name in vocabulary.sensitive]
    return f"{listed} · {'sensitive: ' + ', '.join(sensitive) if sensitive else 'nothing sensitive'}"


def _last_first(program: Program) -> list[str]:
    """The steps, each after all that can follow it."""
    order: list[str] = []
    visited: set[str] = set()

    def visit(target: Target) -> None:
        if target.step is None or target.step in visited:
            return
        visited.add(target.step)
        for onward in _onward(program.steps[target.step]):
            visit(onward)
        order.append(target.step)

    visit(program.first)
    return order


def _onward(step: Step) -> Iterable[Target]:
    match step:
        case WaitFor(arms=arms):
            return [*(arm.then for arm in arms), step.otherwise]
        case Choose(branches=branches):
            return [*(branch.then for branch in branches), step.otherwise]
        case Split(shares=shares):
            return [*(share.then for share in shares), *([step.otherwise] if step.when else [])]
        case Send():
            return [step.then, step.otherwise]
        case Wait():
            return [step.then, *([step.otherwise] if step.when else [])]
        case _:
            return [step.otherwise] if step.when else []


def _lasts(step: Step) -> timedelta:
    match step:
        case Wait(duration=duration):
            return timedelta(days=duration.days, seconds=duration.seconds)
        case WaitFor(within=within) | Send(within=within):
            return timedelta(days=within.days, seconds=within.seconds)
        case _:
            return timedelta()


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
