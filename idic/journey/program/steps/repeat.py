"""The step ``repeat``: the same steps, several times."""

from __future__ import annotations

from typing import Literal

from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Condition, Target


class Repeat(Step):
    """``first`` is where a round begins; its steps lead back here. ``until`` is asked before every round, the first one
    too."""

    kind: Literal["repeat"] = "repeat"
    times: int
    until: Condition | None = None
    first: Target

    @property
    def round_begins(self) -> Target:
        """The first step of a round."""
        return self.first

    def own_conditions(self) -> tuple[Condition, ...]:
        """The condition that ends the rounds."""
        return () if self.until is None else (self.until,)

    def describe(self) -> Description:
        """``repeat up to 3 times``, ``until customer.orders > 0``"""
        until = (f"until {self.until.text}",) if self.until else ()
        return Description(f"repeat up to {self.times} times", (*self._if(), *until))


class RepeatKind(StepKind[Repeat]):
    """The row of ``repeat``."""

    keyword = "repeat"
    step = Repeat
    summary = "some steps, so often or until"
    icon = (
        '<path d="M2.5 8a5.5 5.5 0 0 1 9.5-3.8L13.5 5.7M13.5 2.2v3.5H10M13.5 8A5.5 5.5 0 0 1 4 11.8L2.5 10.3M2.5 13.8v-3.5H6"/>'
    )
    colors = ("#4338ca", "#eef2ff")
