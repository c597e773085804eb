"""The step ``choose``: the first branch whose condition holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Condition, Target


class Branch(Frozen):
    """``when`` it holds, customers go on with ``then``."""

    when: Condition
    then: Target


class Choose(Step):
    """Takes the first of the ``branches`` that holds, or else ``otherwise``."""

    kind: Literal["choose"] = "choose"
    branches: tuple[Branch, ...]

    def ways(self) -> Iterator[Way]:
        """A way for each branch, and for those for whom none holds."""
        yield from (Way(branch.when.text, branch.then) for branch in self.branches)
        yield Way("otherwise", self.otherwise)

    @property
    def default(self) -> Target:
        """Where those go for whom no branch holds."""
        return self.otherwise

    def own_conditions(self) -> Iterator[Condition]:
        """The conditions of the branches."""
        return (branch.when for branch in self.branches)

    def describe(self) -> Description:
        """``choose``"""
        return Description("choose", self._if())


class ChooseKind(StepKind[Choose]):
    """The row of ``choose``."""

    keyword = "choose"
    step = Choose
    summary = "the first branch whose if holds"
    other_names: ClassVar = dict.fromkeys(("branch", "switch", "when", "condition"), "choose:")
    icon = (
        '<path d="M8 1.2 14.8 8 8 14.8 1.2 8Z"/>'
        '<path d="M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1.1"/>'
        '<path d="M8 11.3v.1"/>'
    )
    colors = ("#0369a1", "#f0f9ff")
    mermaid_box = ('{"', '"}')
