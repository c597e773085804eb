"""The step ``enter``: asks for entry into another journey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from idic.journey.definition.definition import EnterDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepContext, StepKind, StepRun
from idic.journey.program.steps.step_schema import BOTH, NEEDS_IF, WITH, step_schema
from idic.journey.program.values import Assignment, Condition
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, text


class Enter(Step):
    """Asks for entry into another journey, as the API would; ``given`` are the properties of that request, by default those
    of this enrollment's own entry (None)."""

    kind: Literal["enter"] = "enter"
    journey: str
    given: tuple[Assignment, ...] | None = None

    def own_conditions(self) -> Iterator[Condition]:
        """The expressions of the properties."""
        return (assignment.value for assignment in self.given or ())

    def entered_journey(self) -> str:
        """The other journey."""
        return self.journey

    def describe(self) -> Description:
        """``enter win_back``, ``cart_id = entry.cart_id``"""
        return Description(f"enter {self.journey}", (*self._if(), *phrases.assignments(self.given or ())))


class EnterKind(StepKind[EnterDefinition, Enter]):
    """The row of ``enter``."""

    keyword = "enter"
    step = Enter
    summary = "another journey; with"
    icon = '<path d="M7 2h6v12H7M1.5 8h7.5M6.2 5 9.2 8l-3 3"/>'
    colors = ("#047857", "#ecfdf5")

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> EnterDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("enter", "with", "then", "otherwise"))
        reader.needs_if(fields, label)
        given = (
            reader.given(fields["with"], f"{label}: with", "write with: {cart_id: entry.cart_id}") if "with" in fields else None
        )
        journey = reader.shapes.text(fields.get("enter"), f"{label}: enter")
        return EnterDefinition(*reader.common(fields, id_, kind), journey=journey, given=given)

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        more = {"with": WITH | {"description": "The properties of that entry. Default: those of this one."}, **BOTH}
        return step_schema(
            "enter",
            "Enter",
            "Ask for entry into another journey.",
            text(examples=["win_back"]),
            more,
            dependentRequired=NEEDS_IF,
        )

    def compile(self, text: EnterDefinition, context: StepContext) -> Enter:
        """The step of the program."""
        enter: Enter = context.enter(text)
        return enter

    def act(self, step: Enter, move: StepRun) -> None:
        """Asks for entry."""
        move.enter(step)
