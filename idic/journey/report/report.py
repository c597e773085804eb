"""What ``idic check`` reports of a journey: its bounds, how events are matched, and which data it reads."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

from idic.journey.channels import CHANNELS
from idic.journey.expressions.evaluate import depends_on_today
from idic.journey.program.program import Program
from idic.journey.program.values import Condition, Pattern
from idic.journey.report.bounds import bounds
from idic.journey.vocabulary.vocabulary import Vocabulary


def describe_bounds(program: Program) -> str:
    """The bounds of a journey in one line.

    ``every path ends · at most 1 email, 2 SMS, 1 web · longest 5 days · each time they enter``. If a send takes one of several
    channels: ``at most 2 messages: up to 1 email, 2 SMS, 1 web``.
    """
    limits = bounds(program)
    counts = ", ".join(f"{count} {CHANNELS[channel].tally[count > 1]}" for channel, count in limits.most.items())
    sends = f"at most {counts}" if counts else "sends nothing"
    if limits.messages < sum(limits.most.values()):
        sends = f"at most {limits.messages} message{'' if limits.messages == 1 else 's'}: up to {counts}"
    longest = _in_words(limits.longest)
    if limits.resetting:
        longest += f" after the last {' or '.join(limits.resetting)}"
    if limits.moments:
        longest += f", plus the time until {' and '.join(limits.moments)}" if limits.longest else ""
        longest = longest if limits.longest else f"the time until {' and '.join(limits.moments)}"
    entered = dict.fromkeys(journey for step in program.steps.values() if (journey := step.entered_journey()))
    enters = f" · enters {', '.join(entered)}" if entered else ""
    over = "over at once" if longest == "0 hours" else f"longest {longest}"
    each_time = " · each time they enter" if limits.each_time else ""
    return f"every path ends · {sends} · {over}{each_time}{enters}"


def describe_matching(program: Program) -> str:
    """How events are matched: ``Order Completed, Cart Updated: same cart_id · Link Clicked: message "nudge"``."""
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
    matches = [f"{', '.join(events)}: {how}" for how, events in groups.items()]
    return " · ".join(
        dict.fromkeys([*matches, *(_describe_until(until) for step in program.steps.values() for _, until in step.untils)])
    )


def _describe_until(until: Condition) -> str:
    """``customer.orders: when it changes, or in time``. Time alone changes days, and counts within a window."""
    reads = {name: attribute for name, attribute in until.reads.items() if name.startswith("customer.")}
    if not reads:
        return f"{until.text}: in time"
    in_time = depends_on_today(until) or any(attribute.window is not None for attribute in reads.values())
    changes = "when it changes" if len(reads) == 1 else "when one of them changes"
    return f"{', '.join(reads)}: {changes}{', or in time' if in_time else ''}"


def describe_reads(program: Program, vocabulary: Vocabulary) -> str:
    """Which data a journey reads: ``customer.first_name, .orders · nothing sensitive · calls stock``."""
    names = list(program.customer)
    listed = ", ".join([f"customer.{names[0]}", *(f".{name}" for name in names[1:])]) if names else "nothing of the customer"
    sensitive = [f"{name} ({vocabulary.sensitive[name]})" for name in names if name in vocabulary.sensitive]
    calls = dict.fromkeys(endpoint.name for step in program.steps.values() if (endpoint := step.called_endpoint()))
    called = f" · calls {', '.join(calls)}" if calls else ""
    return f"{listed} · {'sensitive: ' + ', '.join(sensitive) if sensitive else 'nothing sensitive'}{called}"


def _patterns(program: Program) -> Iterable[Pattern]:
    if program.goal is not None:
        yield from program.goal.on
    yield from program.leave
    for step in program.steps.values():
        yield from step.awaits


def _in_words(span: timedelta) -> str:
    if span <= timedelta(hours=48):
        hours = math.ceil(span / timedelta(hours=1))
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{math.ceil(span / timedelta(days=1))} days"
