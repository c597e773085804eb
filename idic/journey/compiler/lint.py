"""What is legal and most likely not meant. Each of these is certain of what it says; whether it was meant, the author
knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from idic.journey.definition.definition import (
    BranchText,
    ChooseText,
    Definition,
    ExitText,
    PatternText,
    RepeatText,
    SendText,
    SetText,
    SplitText,
    StepText,
    WaitForText,
    every_step,
)
from idic.journey.expressions.ranges import covers
from idic.journey.program.content import Message
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems
from idic.times import Duration, Hours


def warn_of_mistakes(definition: Definition, steps: Mapping[str, StepText], problems: Problems) -> None:
    """What the segments and the steps say by themselves."""
    segments = [condition for _, condition in definition.segments if condition is not None]
    _asked_in_vain("differentiate", segments, problems)
    for name, step in steps.items():
        label = f'step "{name}"'
        match step:
            case ChooseText():
                _asked_in_vain(label, [condition for condition, _ in step.branches], problems)
            case WaitForText():
                _never_taken(label, step, definition, problems)
            case RepeatText():
                _taken_again(step, problems)
            case SendText():
                _too_late(label, step, problems)
                _awaited_unsent(label, name, step, problems)


def warn_of_unread_names(
    definition: Definition,
    steps: Mapping[str, StepText],
    reads: Iterable[str],
    messages: Collection[Message],
    problems: Problems,
) -> None:
    """What is decided, drawn or set, and never read: ``reads`` are the names that are read anywhere."""
    read = {part for name in reads for part in (name, name.partition(".")[0])}
    told: set[str] = set()
    for step in steps.values():
        if isinstance(step, SplitText) and step.id is not None and _changes_nothing(step, read):
            message = f'step "{step.id.value}": this split changes nothing: no share has a branch, and nothing asks for it'
            problems.warning(step.id.mark, message, f"write do: with a branch, or ask for {step.id.value} later")
        for target, _ in step.assign if isinstance(step, SetText) else ():
            name = target.value
            if "." not in name and name not in read and name not in told:
                told.add(name)
                problems.warning(target.mark, f"{name} is set and never read", "take it out, or correct its name")
    for value, _ in definition.values:
        if value.value not in read:
            problems.warning(value.mark, f"value {value.value} is never read", "take it out, or correct its name")
    by_segment = any(not variant.startswith("/") for message in messages for variant in message.variants)
    if definition.segments and "segment" not in read and not by_segment:
        first = definition.segments[0][0]
        hint = 'ask for it, such as if: segment == "…", write content for: it, or take differentiate out'
        problems.warning(first.mark, "customers are put into segments, and nothing differs by segment", hint)


def _changes_nothing(step: SplitText, read: Collection[str]) -> bool:
    named = step.id is not None and step.id.value in read
    return not named and all(branch is None for _, _, branch in step.shares)


def _asked_in_vain(label: str, conditions: Iterable[Scalar], problems: Problems) -> None:
    """A condition that never decides, as one before it holds wherever it does."""
    before: dict[str, int] = {}
    for condition in conditions:
        text, line = " ".join(condition.value.split()), condition.mark.line
        if text in before:
            message = f"{label}: this is asked on line {before[text]} already, and the first that holds is taken"
            problems.warning(condition.mark, message, "take it out, or ask for something else")
        elif weaker := next((one for one in before if covers(one, text)), None):
            message = f"{label}: wherever this holds, {weaker} on line {before[weaker]} does too, and the first is taken"
            problems.warning(condition.mark, message, "move it up, or ask for something else")
        before.setdefault(text, line)


def _never_taken(label: str, step: WaitForText, definition: Definition, problems: Problems) -> None:
    """A line that another one always takes first, or the goal, or a leave."""
    ending = [(pattern, "under leave:") for pattern in definition.leave]
    if definition.goal is not None and definition.goal.then == "leave":
        ending += [(pattern, "the goal") for pattern in definition.goal.on]
    for number, arm in enumerate(step.arms):
        if not isinstance(arm, PatternText):
            continue
        for pattern, what in ending:
            if pattern.on.value == arm.on.value and pattern.when is None and (pattern.any_key or not arm.any_key):
                message = f"{label}: {arm.on.value} is {what} and ends the journey, so this line is never taken"
                problems.warning(arm.on.mark, message, "take the line out")
                break
        for before in step.arms[:number]:
            if isinstance(before, PatternText) and _takes_all(before, arm):
                line = before.on.mark.line
                message = f"{label}: the line before it (line {line}) takes every {arm.on.value}, so this one is never taken"
                problems.warning(arm.on.mark, message, "move it up, or take it out")
                break


def _takes_all(one: PatternText, other: PatternText) -> bool:
    same = one.on.value == other.on.value and _text(one.of) == _text(other.of) and _text(one.since) == _text(other.since)
    asks = one.when is None or _text(one.when) == _text(other.when)
    return same and asks and (one.any_key or not other.any_key)


def _text(scalar: object) -> str | None:
    return getattr(scalar, "value", None)


def _too_late(label: str, step: SendText, problems: Problems) -> None:
    """A window of the day that is closed for longer than a message may wait."""
    if not isinstance(step.at, Hours) or step.within is None:
        return
    closed = _closed(step.at)
    if step.within.longest < closed:
        message = f"{label}: within {step.within} is over before {step.at.opens}, for who comes here after {step.at.closes}"
        problems.warning(step.mark, message, f"write at least {_spoken(closed)}, if they are to get it")


def _closed(hours: Hours) -> timedelta:
    opens, closes = (timedelta(hours=clock.hour, minutes=clock.minute) for clock in (hours.opens, hours.closes))
    return (opens - closes) % timedelta(days=1)


def _spoken(span: timedelta) -> Duration:
    return Duration(seconds=span.total_seconds())


def _awaited_unsent(label: str, name: str, step: SendText, problems: Problems) -> None:
    """A wait for an answer to a message, on the way on which it was not sent."""
    for inner in every_step(step.otherwise.steps if step.otherwise is not None else ()):
        for arm in inner.events if isinstance(inner, WaitForText) else ():
            if arm.of is not None and arm.of.value == name:
                message = f"{label}: otherwise is for when it was not sent, and here {arm.on.value} of it is waited for"
                problems.warning(arm.of.mark, message, "wait for it after the step instead")


def _taken_again(repeat: RepeatText, problems: Problems) -> None:
    """A line that takes in every round what came before the rounds."""
    steps = every_step(repeat.do.steps if repeat.do is not None else ())
    within = {step.id.value for step in steps if step.id is not None}
    # A repeat inside is asked for itself.
    deeper = [one for step in steps if isinstance(step, RepeatText) and step.do for one in every_step(step.do.steps)]
    for step in steps:
        for arm in step.events if isinstance(step, WaitForText) and step not in deeper else ():
            since = arm.since
            if since is None or since.value in ("wait", *within) or _ends(arm.then):
                continue
            message = f"{arm.on.value} since {since.value} is taken again in every round, also where it is one and the same"
            problems.warning(since.mark, message, "take since: out, name a step of the round, or end with then: exit")


def _ends(branch: BranchText | None) -> bool:
    if branch is None:
        return False
    last = branch.steps[-1] if branch.steps else None
    return branch.reason is not None or (isinstance(last, ExitText) and last.when is None)
