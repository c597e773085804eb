"""The step ``exit``: out of the journey, for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.journey.definition.definition import ExitDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import NEEDS_IF, OTHERWISE, step_schema
from idic.journey.program.values import Target
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, text


class Exit(Step):
    """Ends the enrollment for this ``reason``."""

    kind: Literal["exit"] = "exit"
    reason: str

    def ways(self) -> Iterator[Way]:
        """Out of the journey; otherwise on, if it has a condition that does not hold."""
        yield Way(f"if {self.when.text}" if self.when else "", Target(exit=self.reason))
        yield from self._if_not()

    @property
    def exit_reason(self) -> str:
        """Its reason."""
        return self.reason

    def describe(self) -> Description:
        """``exit not_interested``"""
        return Description(f"exit {self.reason}")


class ExitKind(StepKind[ExitDefinition, Exit]):
    """The row of ``exit``."""

    keyword = "exit"
    step = Exit
    summary = "leave, for a reason"
    other_names: ClassVar = dict.fromkeys(("end", "stop", "leave"), "exit:")
    icon = '<path d="M9 2H3v12h6M6.5 8h8M11.5 5l3 3-3 3"/>'
    colors = ("#b91c1c", "#fef2f2")

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> ExitDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("exit", "otherwise"))
        reason = reader.shapes.text(fields.get("exit"), f"{label}: exit")
        reader.needs_if(fields, label)
        return ExitDefinition(*reader.common(fields, id_, kind), reason=reason.value if reason else "")

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        value = text(examples=["not_interested"])
        return step_schema("exit", "Exit", "Out of the journey, for this reason.", value, OTHERWISE, dependentRequired=NEEDS_IF)

    def transitions(
        self, text: ExitDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """On only if its condition does not hold."""
        return self.skipped(text, name, targets)

    def compile(self, text: ExitDefinition, context: StepContext) -> Exit:
        """The step of the program."""
        return Exit(**context.fields, reason=text.reason)

    def act(self, step: Exit, move: StepRun) -> None:
        """Ends the enrollment."""
        move.exit(step.reason)
