"""The step ``differentiate``: decides values and segment again."""

from __future__ import annotations

from typing import Literal

from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepKind


class Differentiate(Step):
    """Decides values and segment again, on what is known now."""

    kind: Literal["differentiate"] = "differentiate"

    def describe(self) -> Description:
        """``differentiate again``"""
        return Description("differentiate again", self._if())


class DifferentiateKind(StepKind[Differentiate]):
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
