"""The step ``differentiate``: decides values and segment again."""

from __future__ import annotations

from typing import Literal

from idic.journey.definition.definition import DifferentiateDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepContext, StepKind, StepRun
from idic.journey.program.steps.step_schema import BOTH, NEEDS_IF, step_schema
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, choice


class Differentiate(Step):
    """Decides values and segment again, on what is known now."""

    kind: Literal["differentiate"] = "differentiate"

    def describe(self) -> Description:
        """``differentiate again``"""
        return Description("differentiate again", self._if())


class DifferentiateKind(StepKind[DifferentiateDefinition, Differentiate]):
    """The row of ``differentiate``."""

    keyword = "differentiate"
    step = Differentiate
    summary = "again: decide the segment anew"
    icon = (
        '<circle cx="5.5" cy="5" r="2.7"/>'
        '<path d="M.8 14c0-3 2-4.8 4.7-4.8s4.7 1.8 4.7 4.8M10.5 2.5a2.7 2.7 0 0 1 0 5'
        'M12 9.6c2 .6 3.2 2.2 3.2 4.4"/>'
    )
    colors = ("#6d28d9", "#faf5ff")

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> DifferentiateDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("differentiate", "then", "otherwise"))
        reader.needs_if(fields, label)
        if isinstance(fields["differentiate"], Mapping):
            hint = "segments stand under differentiate: of the journey; here write differentiate: again"
            reader.problems.error(kind.mark, f"{label}: differentiate decides again, and nothing else", hint)
        else:
            reader.shapes.choice(fields["differentiate"], f"{label}: differentiate", ("again",))
        return DifferentiateDefinition(*reader.common(fields, id_, kind))

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        what = "Decide values and segment anew, on what is known now."
        return step_schema("differentiate", "Differentiate again", what, choice(("again",)), BOTH, dependentRequired=NEEDS_IF)

    def compile(self, text: DifferentiateDefinition, context: StepContext) -> Differentiate:
        """The step of the program."""
        if not context.differentiates:
            hint = "write segments under differentiate: of the journey"
            message = f"{context.label}: this journey has no differentiate"
            context.problems.error(text.mark, message, hint, about=("differentiate", ""))
        return Differentiate(**context.fields)

    def act(self, step: Differentiate, move: StepRun) -> None:
        """Decides again."""
        move.decide_again()
        move.go_on(step.then)
