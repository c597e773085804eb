"""Every name that a program reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.program.content import Message
from idic.journey.program.entry import Entry, Goal, Segment
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Assignment, Attribute, Pattern


def everything_read(
    entry: Entry,
    values: Iterable[Assignment],
    segments: Iterable[Segment],
    steps: Mapping[str, AnyStep],
    goal: Goal | None,
    leave: Iterable[Pattern],
    messages: Mapping[str, Message],
) -> dict[str, Attribute]:
    """Every name that is read anywhere in a program, roughly in the order of the file."""
    asked = [pattern.when for pattern in (*entry.on, *leave)] + [segment.when for segment in segments]
    asked += [entry.when, entry.for_each, *(value.value for value in values)]
    if goal is not None:
        asked += [goal.value, *(pattern.when for pattern in goal.on)]
    reads: list[Mapping[str, Attribute]] = [condition.reads for condition in asked if condition is not None]
    if entry.day is not None:
        reads.append({entry.day.moment.name: entry.day.moment.attribute})
    for step in steps.values():
        reads += [condition.reads for condition in step.conditions()]
        reads += [{moment.name: moment.attribute} for moment in step.moments()]
    reads += [message.reads for message in messages.values()]
    return {name: attribute for group in reads for name, attribute in sorted(group.items())}
