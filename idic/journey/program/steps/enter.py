"""The step ``enter``: asks for entry into another journey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Assignment, Condition


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


class EnterKind(StepKind[Enter]):
    """The row of ``enter``."""

    keyword = "enter"
    step = Enter
    summary = "another journey; with"
    icon = '<path d="M7 2h6v12H7M1.5 8h7.5M6.2 5 9.2 8l-3 3"/>'
    colors = ("#047857", "#ecfdf5")
