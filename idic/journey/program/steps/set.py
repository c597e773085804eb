"""The step ``set``: gives attributes and variables a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Assignment, Condition


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


class SetKind(StepKind[Set]):
    """The row of ``set``."""

    keyword = "set"
    step = Set
    summary = "give customer.… or a variable a value"
    icon = '<path d="M2 14 3 10.5 11 2.5l2.5 2.5-8 8Z"/><path d="m9 4.5 2.5 2.5"/>'
