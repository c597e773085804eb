"""The step ``exit``: out of the journey, for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Target


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


class ExitKind(StepKind[Exit]):
    """The row of ``exit``."""

    keyword = "exit"
    step = Exit
    summary = "leave, for a reason"
    other_names: ClassVar = dict.fromkeys(("end", "stop", "leave"), "exit:")
    icon = '<path d="M9 2H3v12h6M6.5 8h8M11.5 5l3 3-3 3"/>'
    colors = ("#b91c1c", "#fef2f2")
