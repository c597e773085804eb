"""Compile steps: their conditions, events and branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from idic.journey.compiler.calls_and_enters import CallAndEnterCompiler
from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.compiler.compile_messages import MessageCompiler
from idic.journey.compiler.facts_at_step import FactsAtStep
from idic.journey.compiler.link_steps import CommonFields
from idic.journey.compiler.other_journeys import OtherJourneys
from idic.journey.compiler.reachability import PathFacts
from idic.journey.compiler.wait_arms import ArmCompiler
from idic.journey.definition import definition
from idic.journey.definition.definition import Definition, Given, MomentText, RepeatText, StepText, branches
from idic.journey.program import steps as program
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Assignment, Attribute
from idic.journey.vocabulary.built_in import UNSETTABLE
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import did_you_mean
from idic.times import Duration

_WITHIN = Duration(days=3)
"""``within`` of a service message that names none; for marketing the contact policy has a default."""
_MOST_ROUNDS = 1000
"""The most rounds of repeats within repeats, multiplied."""


class StepCompiler:
    """Compiles the steps of one journey, one at a time. ``deferral`` is ``within`` of a marketing message that names none."""

    def __init__(
        self,
        definition: Definition,
        facts_at_step: FactsAtStep,
        conditions: ConditionCompiler,
        messages: MessageCompiler,
        journeys: OtherJourneys,
        deferral: Duration,
    ) -> None:
        self.definition = definition
        self.flow = facts_at_step.flow
        self.facts_at_step = facts_at_step
        self.conditions = conditions
        self.messages = messages
        self.names = conditions.names
        self.problems = conditions.problems
        self.within = _WITHIN if definition.purpose == "service" else deferral
        self.arms = ArmCompiler(definition, self.flow.steps, conditions)
        self.calls_and_enters = CallAndEnterCompiler(definition, conditions, journeys)

    def step(self, name: str, text: StepText) -> AnyStep:
        """One step of the program."""
        facts = self.facts_at_step.at(name)
        label = f'step "{name}"'
        names = self.names.at(facts, label)
        targets = self.flow.targets[name]
        fields = CommonFields(
            id=name,
            when=self.conditions.condition(label, text.when, names),
            then=targets.then,
            otherwise=targets.otherwise,
        )
        match text:
            case definition.WaitText(duration=duration, until=until, without=without, capture=capture):
                pattern = self.conditions.pattern(label, without, names) if without is not None else None
                captured = capture.value if capture is not None else None
                at = self.conditions.moment(label, until, names) if isinstance(until, MomentText) else until
                return program.Wait(**fields, duration=duration, until=at, without=pattern, capture=captured)
            case definition.WaitForText(arms=arms, within=within):
                self.arms.warn_of_early(text, name, facts)
                wired = zip(arms, targets.branches, strict=True)
                return program.WaitFor(
                    **fields,
                    arms=tuple(self.arms.arm(label, arm, target, names, facts) for arm, target in wired),
                    within=within,
                )
            case definition.ChooseText():
                return program.Choose(
                    **fields,
                    branches=tuple(
                        program.Branch(when=when, then=target)
                        for (condition, _), target in zip(text.branches, targets.branches, strict=True)
                        if (when := self.conditions.condition(label, condition, names)) is not None
                    ),
                )
            case definition.SplitText(shares=shares):
                drawn = zip(shares, targets.branches, strict=True)
                return program.Split(
                    **fields,
                    shares=tuple(
                        program.Share(name=share.value, percent=percent, then=then) for (share, percent, _), then in drawn
                    ),
                )
            case definition.SendText(message=message, channels=channels, mode=mode, at=hours, within=within):
                if message is not None:
                    self.messages.note_sent(message, channels, name)
                return program.Send(
                    **fields,
                    message=message.value if message is not None else "",
                    channels=tuple(channel.value for channel in channels),
                    mode=mode,
                    at=hours,
                    within=within or self.within,
                )
            case definition.ExitText(reason=reason):
                return program.Exit(**fields, reason=reason)
            case definition.SetText(assign=assign):
                return program.Set(**fields, assign=tuple(self.assigned(label, assign, facts)))
            case definition.CallText():
                return self.calls_and_enters.call(label, text, names, fields)
            case RepeatText(times=times, until=until):
                self.check_rounds(label, text)
                condition = self.conditions.condition(label, until, names)
                return program.Repeat(**fields, times=times, until=condition, first=targets.branches[0])
            case definition.EnterText():
                return self.calls_and_enters.enter(label, text, names, fields)
            case definition.DifferentiateText():
                if not self.definition.segments and not self.definition.values:
                    hint = "write segments under differentiate: of the journey"
                    what = f"{label}: this journey has no differentiate"
                    self.problems.error(text.mark, what, hint, about=("differentiate", ""))
                return program.Differentiate(**fields)
            case _:
                raise TypeError(type(text).__name__)

    def assigned(self, label: str, assign: Given, facts: PathFacts) -> Iterable[Assignment]:
        """The assignments of a step, in its order: a later one may read an earlier one."""
        for target, text in assign:
            name = target.value
            names = self.names.at(facts, label)
            if name.startswith("customer."):
                attribute = self.settable(label, target)
                expression = (
                    self.conditions.expression(label, text, names, wanted=attribute.type, label=name)
                    if attribute is not None
                    else None
                )
            else:
                expression = self.conditions.expression(label, text, names)
                facts = facts.with_name(name, certain=expression is not None and expression.always_known)
            if expression is not None:
                type_ = expression.type if "." in name else self.names.variables.get(name) or expression.type
                yield Assignment(name=name, type=type_, value=expression.condition)

    def settable(self, label: str, target: Scalar) -> Attribute | None:
        """The customer attribute that a step sets; None if steps may not set it, which is reported."""
        name = target.value
        attribute = self.names.customer.get(name)
        if attribute is None:
            if name in self.names.absent:
                self.problems.error(target.mark, f"{label}: {self.names.absent[name]}", about=("name", name))
            elif name not in self.conditions.reading.broken:
                known = [known_name.partition(".")[2] for known_name in self.names.customer]
                hint = did_you_mean(name.partition(".")[2], known)
                hint = hint.replace('"', '"customer.', 1) if hint else "declare it in vocabulary.yaml"
                self.problems.error(target.mark, f"{label}: {name} does not exist", hint, about=("name", name))
            return None
        if attribute.counted_event:
            how = f"counts {attribute.counts}" if attribute.counts else f"sums {'.'.join(attribute.sums or ())}"
            self.problems.error(target.mark, f"{label}: {name} {how}, and cannot be set", "declare another attribute")
            return None
        if why := UNSETTABLE.get(name.partition(".")[2]):
            self.problems.error(target.mark, f"{label}: {name} {why}, and no journey can set it", "take it out")
            return None
        return attribute

    def check_rounds(self, label: str, text: RepeatText) -> None:
        """Reports too many rounds of repeats within repeats."""
        inner = _most_rounds(text.do.steps if text.do is not None else ())
        if text.times * inner > _MOST_ROUNDS >= inner:
            message = f"{label}: {text.times * inner} rounds, including those of the repeat inside"
            self.problems.error(text.mark, message, f"the most is {_MOST_ROUNDS}")


def _most_rounds(steps: Sequence[StepText]) -> int:
    """The most rounds that the innermost of these repeats can run."""
    most = 1
    for step in steps:
        inner = max((_most_rounds(branch.steps) for branch in branches(step) if branch is not None), default=1)
        most = max(most, inner * (step.times if isinstance(step, RepeatText) else 1))
    return most
