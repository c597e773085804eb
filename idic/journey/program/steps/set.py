"""The step ``set``: gives attributes and variables a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from idic.journey.definition.definition import SetDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, NEEDS_IF, step_schema
from idic.journey.program.values import Assignment, Condition
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, named, text


class Set(Step):
    """Sets the values in the order of the file. Where the new value is missing, the old one stays."""

    kind: Literal["set"] = "set"
    assign: tuple[Assignment, ...]

    def own_conditions(self) -> Iterator[Condition]:
        """The expressions of the values."""
        return (assignment.value for assignment in self.assign)

    def assigned(self) -> tuple[Assignment, ...]:
        """The values that it sets."""
        return self.assign

    def describe(self) -> Description:
        """``set``, ``discount = 20``"""
        return Description("set", (*self._if(), *phrases.assignments(self.assign)))


class SetKind(StepKind[SetDefinition, Set]):
    """The row of ``set``."""

    keyword = "set"
    step = Set
    summary = "give customer.… or a variable a value"
    icon = '<path d="M2 14 3 10.5 11 2.5l2.5 2.5-8 8Z"/><path d="m9 4.5 2.5 2.5"/>'

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> SetDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("set", "then", "otherwise"))
        example = "write set: {customer.plan: entry.plan}"
        assign = reader.given(fields["set"], f"{label}: set", example)
        assign = tuple((name, value) for name, value in assign if self._settable(reader, name, label))
        reader.needs_if(fields, label)
        return SetDefinition(*reader.common(fields, id_, kind), assign=assign)

    def _settable(self, reader: StepReader, name: Scalar, label: str) -> bool:
        """Whether steps may set this name; if not, that is reported."""
        root, dot, attribute = name.value.partition(".")
        if not dot:
            return reader.shapes.name(name, f"{label}: set")
        if root == "customer" and attribute and "." not in attribute:
            return True
        hint = "set a customer attribute, such as customer.plan, or a name of your own, such as stage"
        reader.problems.error(name.mark, f'{label}: "{name.value}" cannot be set', hint)
        return False

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        value = named(
            text("An expression; text in it stands in double quotes.", examples=["score.value", '"warm"']),
            {"pattern": r"^(customer\.)?[a-z][a-z0-9_]*$"},
            minProperties=1,
        )
        what = "Gives customer attributes, or names of this journey's own, a value."
        return step_schema("set", "Set", what, value, BOTH, dependentRequired=NEEDS_IF)

    def transitions(
        self, text: SetDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """On, with the variables that it sets."""
        sets = frozenset(target.value for target, _ in text.assign if "." not in target.value)
        return [*self.skipped(text, name, targets), Transition(name, targets.then, sets - uncertain, sets & uncertain)]

    def compile(self, text: SetDefinition, context: StepContext) -> Set:
        """The step of the program."""
        return Set(**context.fields, assign=context.assigned(text.assign))

    def act(self, step: Set, move: StepRun) -> None:
        """Sets the values."""
        move.set_values(step.assign)
        move.go_on(step.then)
