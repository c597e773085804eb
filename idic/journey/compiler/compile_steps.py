"""Compile steps: their conditions, events and branches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from idic.journey.compiler.calls_and_enters import CallAndEnterCompiler
from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.compiler.compile_messages import MessageCompiler
from idic.journey.compiler.facts_at_step import FactsAtStep
from idic.journey.compiler.other_journeys import OtherJourneys
from idic.journey.compiler.reachability import PathFacts
from idic.journey.compiler.wait_arms import ArmCompiler
from idic.journey.definition.definition import (
    CallDefinition,
    Definition,
    EnterDefinition,
    Given,
    MomentDefinition,
    PatternDefinition,
    RepeatDefinition,
    StepDefinition,
    WaitForDefinition,
)
from idic.journey.expressions.context import Names
from idic.journey.program.steps import STEP_KINDS, AnyStep, Arm, Call, Enter
from idic.journey.program.steps.step_links import CommonFields
from idic.journey.program.values import Assignment, Attribute, Condition, Moment, Pattern
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

    def step(self, name: str, text: StepDefinition) -> AnyStep:
        """One step of the program."""
        facts = self.facts_at_step.at(name)
        label = f'step "{name}"'
        names = self.names.at(facts, label)
        fields = CommonFields(
            id=name,
            when=self.conditions.condition(label, text.when, names),
            then=self.flow.targets[name].then,
            otherwise=self.flow.targets[name].otherwise,
        )
        step: AnyStep = STEP_KINDS[text.kind].compile(text, _StepContext(self, name, label, names, facts, fields))
        return step

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

    def check_rounds(self, label: str, text: RepeatDefinition) -> None:
        """Reports too many rounds of repeats within repeats."""
        inner = _most_rounds(text.do.steps if text.do is not None else ())
        if text.times * inner > _MOST_ROUNDS >= inner:
            message = f"{label}: {text.times * inner} rounds, including those of the repeat inside"
            self.problems.error(text.mark, message, f"the most is {_MOST_ROUNDS}")


class _StepContext:
    """What the compiler offers while it compiles one step."""

    def __init__(
        self, compiler: StepCompiler, name: str, label: str, names: Names, facts: PathFacts, fields: CommonFields
    ) -> None:
        self.compiler = compiler
        self.name = name
        self.label = label
        self.names = names
        self.facts = facts
        self.fields = fields
        self.targets = compiler.flow.targets[name]
        self.problems = compiler.problems
        self.within = compiler.within
        self.differentiates = bool(compiler.definition.segments or compiler.definition.values)

    def condition(self, text: Scalar | None) -> Condition | None:
        return self.compiler.conditions.condition(self.label, text, self.names)

    def pattern(self, text: PatternDefinition) -> Pattern:
        return self.compiler.conditions.pattern(self.label, text, self.names)

    def moment(self, text: MomentDefinition) -> Moment | None:
        return self.compiler.conditions.moment(self.label, text, self.names)

    def assigned(self, given: Given) -> tuple[Assignment, ...]:
        return tuple(self.compiler.assigned(self.label, given, self.facts))

    def arms(self, text: WaitForDefinition) -> tuple[Arm, ...]:
        arms = self.compiler.arms
        arms.warn_of_early(text, self.name, self.facts)
        linked = zip(text.arms, self.targets.branches, strict=True)
        return tuple(arms.arm(self.label, arm, target, self.names, self.facts) for arm, target in linked)

    def check_message(self, message: Scalar, channels: Sequence[Scalar]) -> None:
        self.compiler.messages.note_sent(message, channels, self.name)

    def check_rounds(self, text: RepeatDefinition) -> None:
        self.compiler.check_rounds(self.label, text)

    def call(self, text: CallDefinition) -> Call:
        return self.compiler.calls_and_enters.call(self.label, text, self.names, self.fields)

    def enter(self, text: EnterDefinition) -> Enter:
        return self.compiler.calls_and_enters.enter(self.label, text, self.names, self.fields)


def _most_rounds(steps: Sequence[StepDefinition]) -> int:
    """The most rounds that the innermost of these repeats can run."""
    most = 1
    for step in steps:
        inner = max((_most_rounds(branch.steps) for branch in step.all_branches() if branch is not None), default=1)
        most = max(most, inner * (step.times if isinstance(step, RepeatDefinition) else 1))
    return most
