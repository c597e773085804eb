"""What a check says of a journey beside its problems: what is proved, what is matched by what, what is read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import timedelta

from idic.journey.channels import CHANNELS
from idic.journey.expressions.evaluate import depends_on_today
from idic.journey.program.program import (
    Call,
    Condition,
    Enter,
    Pattern,
    Program,
    Wait,
    WaitFor,
)
from idic.journey.report.bounds import bounds
from idic.journey.vocabulary.vocabulary import Vocabulary


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
