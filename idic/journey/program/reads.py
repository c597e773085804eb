"""What a program asks and reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from idic.journey.program.content import Message
from idic.journey.program.entry import Entry, Goal, Segment
from idic.journey.program.steps import AnyStep, Call, Choose, Enter, Repeat, Set, Wait, WaitFor
from idic.journey.program.values import Assignment, Attribute, Condition, Moment, Pattern


def conditions(step: AnyStep) -> Iterator[Condition]:
    """Every condition and expression of a step."""
    if step.when is not None:
        yield step.when
    match step:
        case Wait(without=Pattern(when=Condition() as when)):
            yield when
        case WaitFor(arms=arms):
            for arm in arms:
                asked = arm.pattern.when if arm.pattern is not None else arm.until
                if asked is not None:
                    yield asked
        case Choose(branches=branches):
            yield from (branch.when for branch in branches)
        case Set(assign=given) | Call(given=given):
            yield from (one.value for one in given)
        case Enter(given=given):
            yield from (one.value for one in given or ())
        case Repeat(until=Condition() as until):
            yield until


def moments(step: AnyStep) -> Iterator[Moment]:
    """The moments that a step waits for."""
    if isinstance(step, Wait) and isinstance(step.until, Moment):
        yield step.until


def everything_read(
    entry: Entry,
    values: Iterable[Assignment],
    segments: Iterable[Segment],
    steps: Mapping[str, AnyStep],
    goal: Goal | None,
    leave: Iterable[Pattern],
    messages: Mapping[str, Message],
) -> dict[str, Attribute]:
    """Every name that is read anywhere in a program, in the order of the file as far as that matters."""
    asked = [pattern.when for pattern in (*entry.on, *leave)] + [segment.when for segment in segments]
    asked += [entry.when, entry.for_each, *(value.value for value in values)]
    if goal is not None:
        asked += [goal.value, *(pattern.when for pattern in goal.on)]
    reads: list[Mapping[str, Attribute]] = [one.reads for one in asked if one is not None]
    if entry.day is not None:
        reads.append({entry.day.moment.name: entry.day.moment.attribute})
    for step in steps.values():
        reads += [condition.reads for condition in conditions(step)]
        reads += [{moment.name: moment.attribute} for moment in moments(step)]
    reads += [message.reads for message in messages.values()]
    return {name: attribute for group in reads for name, attribute in sorted(group.items())}
