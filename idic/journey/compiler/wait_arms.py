"""Compile what ``wait_for`` waits for: events, and conditions that come true."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.channels import EMAIL, WEB
from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.compiler.reachability import PathFacts
from idic.journey.definition.definition import (
    Definition,
    PatternDefinition,
    SendDefinition,
    StepDefinition,
    UntilDefinition,
    WaitForDefinition,
)
from idic.journey.expressions.context import Names
from idic.journey.expressions.evaluate import depends_on_today
from idic.journey.program.steps import Arm
from idic.journey.program.values import Target
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import did_you_mean, one_of

_CHANNEL_OF_EVENT = {"Email Opened": EMAIL.name, "Message Shown": WEB.name}


class ArmCompiler:
    """Compiles the lines of ``wait_for``, and checks ``since:`` and ``of:``."""

    def __init__(self, definition: Definition, steps: Mapping[str, StepDefinition], conditions: ConditionCompiler) -> None:
        self.definition = definition
        self.steps = steps
        self.conditions = conditions
        self.vocabulary = conditions.vocabulary
        self.problems = conditions.problems

    def arm(self, label: str, text: PatternDefinition | UntilDefinition, target: Target, names: Names, facts: PathFacts) -> Arm:
        """One line of a ``wait_for``; ``label`` begins the message of each problem."""
        if isinstance(text, UntilDefinition):
            until = self.conditions.condition(label, text.until, names)
            if (
                until is not None
                and not any(name.startswith("customer.") for name in until.reads)
                and not depends_on_today(until)
            ):
                hint = "use customer.… in it, or wait for the event that changes it"
                self.problems.error(text.until.mark, f"{label}: this cannot come true while it waits", hint)
            return Arm(until=until, then=target)
        pattern = self.conditions.pattern(label, text, names)
        capture = text.capture.value if text.capture is not None else None
        return Arm(pattern=pattern, since=self.since(text, facts), capture=capture, then=target)

    def since(self, text: PatternDefinition, facts: PathFacts) -> str:
        """From when on events count for this line: ``wait``, ``entry``, ``sent`` or a step's name."""
        if text.of is not None:
            self.check_of(text.of, text.on, facts)
            if text.since is not None:
                self.problems.error(text.since.mark, "of: already counts from the moment of sending", "take since: or of: out")
            return "sent"
        if text.since is None or text.since.value in ("wait", "entry"):
            return text.since.value if text.since is not None else "wait"
        name = text.since.value
        if name not in self.steps:
            hint = did_you_mean(name, [*self.steps, "entry", "wait"])
            self.problems.error(text.since.mark, f'step "{name}" does not exist', hint, about=("step", name))
        elif name not in facts.perhaps:
            self.problems.error(text.since.mark, f'step "{name}" does not come before this one', "name one that does")
        elif name not in facts.passed:
            hint = "name one that always does, or write since: entry"
            self.problems.error(text.since.mark, f'step "{name}" comes before this one on some paths only', hint)
        return name

    def check_of(self, of: Scalar, on: Scalar, facts: PathFacts) -> None:
        """Checks that ``of:`` names a step that sends before this one, and that ``on`` is about messages."""
        step = self.steps.get(of.value)
        if step is None:
            sends = [name for name, step in self.steps.items() if isinstance(step, SendDefinition)]
            hint = did_you_mean(of.value, sends)
            self.problems.error(of.mark, f'step "{of.value}" does not exist', hint, about=("step", of.value))
        elif not isinstance(step, SendDefinition):
            self.problems.error(of.mark, f'step "{of.value}" sends nothing', "of: names a step with send:")
        elif of.value not in facts.perhaps:
            self.problems.error(of.mark, f'step "{of.value}" does not come before this one', "name one that does")
        elif (
            (only := _CHANNEL_OF_EVENT.get(on.value))
            and step.channels
            and only not in [channel.value for channel in step.channels]
        ):
            message = f'{on.value} only happens on the channel {only}, and step "{of.value}" does not send by it'
            self.problems.warning(on.mark, message, "wait for another event, or send by it")
        if on.value in self.vocabulary.events and on.value not in ABOUT_MESSAGES:
            hint = f"take of: out; only {one_of(sorted(ABOUT_MESSAGES))} are"
            self.problems.error(of.mark, f"{on.value} is not about a message that was sent", hint)

    def warn_of_early(self, text: WaitForDefinition, name: str, facts: PathFacts) -> None:
        """Warns of an event that could come during an earlier wait that does not look for it."""
        before = [step for step in facts.perhaps if self.steps[step].waits]
        ending = {pattern.on.value for pattern in self.definition.leave}
        if self.definition.goal is not None and self.definition.goal.then == "leave":
            ending |= {pattern.on.value for pattern in self.definition.goal.on}
        for arm in text.awaited():
            event = arm.on.value
            if arm.of is not None or arm.since is not None or event in ending or event not in self.vocabulary.events:
                continue
            ignoring = sorted(
                step for step in before if event not in {pattern.on.value for pattern in self.steps[step].awaited()}
            )
            if ignoring:
                self.problems.warning(
                    arm.on.mark,
                    f'step "{name}": {event} could come before this wait, during "{ignoring[0]}", and would not count',
                    "write since: entry to count it, or since: wait if that is meant",
                )
