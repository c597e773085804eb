"""Warn of steps that are legal but most likely a mistake.

Each warning states a fact, such as a line that is never taken; only the author knows whether it was meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from idic.journey.definition.definition import (
    BranchDefinition,
    ChooseDefinition,
    Definition,
    ExitDefinition,
    PatternDefinition,
    RepeatDefinition,
    SendDefinition,
    SetDefinition,
    SplitDefinition,
    StepDefinition,
    WaitForDefinition,
    every_step,
)
from idic.journey.expressions.ranges import covers
from idic.journey.program.content import Message
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems
from idic.times import Duration, Hours


def warn_of_mistakes(definition: Definition, steps: Mapping[str, StepDefinition], problems: Problems) -> None:
    """Warns of mistakes in the segments and in single steps."""
    segments = [condition for _, condition in definition.segments if condition is not None]
    _warn_of_covered_conditions("differentiate", segments, problems)
    for name, step in steps.items():
        label = f'step "{name}"'
        match step:
            case ChooseDefinition():
                _warn_of_covered_conditions(label, [condition for condition, _ in step.branches], problems)
            case WaitForDefinition():
                _warn_of_lines_never_taken(label, step, definition, problems)
            case RepeatDefinition():
                _warn_of_repeated_events(step, problems)
            case SendDefinition():
                _warn_of_short_within(label, step, problems)
                _warn_of_waits_for_unsent(label, name, step, problems)


def warn_of_unread_names(
    definition: Definition,
    steps: Mapping[str, StepDefinition],
    reads: Iterable[str],
    messages: Collection[Message],
    problems: Problems,
) -> None:
    """Warns of splits, variables, values and segments that are never read. ``reads`` are all names that are read."""
    read = {part for name in reads for part in (name, name.partition(".")[0])}
    warned: set[str] = set()
    for step in steps.values():
        if isinstance(step, SplitDefinition) and step.id is not None and _changes_nothing(step, read):
            message = f'step "{step.id.value}": this split changes nothing: no share has a branch, and nothing reads it'
            problems.warning(step.id.mark, message, f"write do: with a branch, or use {step.id.value} in a later condition")
        for target, _ in step.assign if isinstance(step, SetDefinition) else ():
            name = target.value
            if "." not in name and name not in read and name not in warned:
                warned.add(name)
                problems.warning(target.mark, f"{name} is set and never read", "take it out, or correct its name")
    for value, _ in definition.values:
        if value.value not in read:
            problems.warning(value.mark, f"value {value.value} is never read", "take it out, or correct its name")
    by_segment = any(not variant.startswith("/") for message in messages for variant in message.variants)
    if definition.segments and "segment" not in read and not by_segment:
        first = definition.segments[0][0]
        hint = 'write a condition such as if: segment == "…", write content under for:, or take differentiate out'
        problems.warning(first.mark, "customers are put into segments, but nothing differs by segment", hint)


def _changes_nothing(step: SplitDefinition, read: Collection[str]) -> bool:
    named = step.id is not None and step.id.value in read
    return not named and all(branch is None for _, _, branch in step.shares)


def _warn_of_covered_conditions(label: str, conditions: Iterable[Scalar], problems: Problems) -> None:
    """Warns of a condition that never decides, as an earlier one holds wherever it does."""
    before: dict[str, int] = {}
    for condition in conditions:
        text, line = " ".join(condition.value.split()), condition.mark.line
        if text in before:
            message = f"{label}: line {before[text]} has the same condition, and the first that holds is taken"
            problems.warning(condition.mark, message, "take it out, or write another condition")
        elif wider := next((earlier for earlier in before if covers(earlier, text)), None):
            message = f"{label}: wherever this holds, {wider} on line {before[wider]} does too, and the first is taken"
            problems.warning(condition.mark, message, "move it up, or write another condition")
        before.setdefault(text, line)


def _warn_of_lines_never_taken(label: str, step: WaitForDefinition, definition: Definition, problems: Problems) -> None:
    """Warns of a line whose events an earlier line, the goal or ``leave`` always takes first."""
    ending = [(pattern, "under leave:") for pattern in definition.leave]
    if definition.goal is not None and definition.goal.then == "leave":
        ending += [(pattern, "the goal") for pattern in definition.goal.on]
    for number, arm in enumerate(step.arms):
        if not isinstance(arm, PatternDefinition):
            continue
        for pattern, what in ending:
            if pattern.on.value == arm.on.value and pattern.when is None and (pattern.any_key or not arm.any_key):
                message = f"{label}: {arm.on.value} is {what} and ends the journey, so this line is never taken"
                problems.warning(arm.on.mark, message, "take the line out")
                break
        for before in step.arms[:number]:
            if isinstance(before, PatternDefinition) and _takes_all_of(before, arm):
                line = before.on.mark.line
                message = f"{label}: the line before it (line {line}) takes every {arm.on.value}, so this one is never taken"
                problems.warning(arm.on.mark, message, "move it up, or take it out")
                break


def _takes_all_of(earlier: PatternDefinition, later: PatternDefinition) -> bool:
    """Whether the earlier line takes every event that the later one is for."""
    same_event = earlier.on.value == later.on.value and _text(earlier.of) == _text(later.of)
    same_start = _text(earlier.since) == _text(later.since)
    same_condition = earlier.when is None or _text(earlier.when) == _text(later.when)
    return same_event and same_start and same_condition and (earlier.any_key or not later.any_key)


def _text(scalar: object) -> str | None:
    return getattr(scalar, "value", None)


def _warn_of_short_within(label: str, step: SendDefinition, problems: Problems) -> None:
    """Warns if the hours of a message are closed for longer than the message may wait."""
    if not isinstance(step.at, Hours) or step.within is None:
        return
    closed = _closed(step.at)
    if step.within.longest < closed:
        message = (
            f"{label}: within {step.within} ends before {step.at.opens} for customers who come here after {step.at.closes}"
        )
        problems.warning(step.mark, message, f"write at least {_as_duration(closed)}, so that they get it")


def _closed(hours: Hours) -> timedelta:
    opens, closes = (timedelta(hours=clock.hour, minutes=clock.minute) for clock in (hours.opens, hours.closes))
    return (opens - closes) % timedelta(days=1)


def _as_duration(span: timedelta) -> Duration:
    return Duration(seconds=span.total_seconds())


def _warn_of_waits_for_unsent(label: str, name: str, step: SendDefinition, problems: Problems) -> None:
    """Warns of a wait for a reaction to a message in the branch for when it was not sent."""
    for inner in every_step(step.otherwise.steps if step.otherwise is not None else ()):
        for arm in inner.awaited() if isinstance(inner, WaitForDefinition) else ():
            if arm.of is not None and arm.of.value == name:
                message = f"{label}: otherwise is for when it was not sent, but this waits for {arm.on.value} of it"
                problems.warning(arm.of.mark, message, "wait for it after the step instead")


def _warn_of_repeated_events(repeat: RepeatDefinition, problems: Problems) -> None:
    """Warns of a line that takes the same event, from before the repeat, in every round."""
    steps = every_step(repeat.do.steps if repeat.do is not None else ())
    within = {step.id.value for step in steps if step.id is not None}
    # A repeat inside this one is checked by itself.
    deeper = [inner for step in steps if isinstance(step, RepeatDefinition) and step.do for inner in every_step(step.do.steps)]
    for step in steps:
        for arm in step.awaited() if isinstance(step, WaitForDefinition) and step not in deeper else ():
            since = arm.since
            if since is None or since.value in ("wait", *within) or _ends(arm.then):
                continue
            message = f"{arm.on.value} since {since.value} is taken again in every round, even if it is the same event"
            problems.warning(since.mark, message, "take since: out, name a step of the round, or end with then: exit")


def _ends(branch: BranchDefinition | None) -> bool:
    if branch is None:
        return False
    last = branch.steps[-1] if branch.steps else None
    return branch.reason is not None or (isinstance(last, ExitDefinition) and last.when is None)
