"""The step ``split``: customers are parted by chance, each for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Target


class Share(Frozen):
    """``percent`` of the customers go on with ``then``."""

    name: str
    percent: int
    then: Target


class Split(Step):
    """Draws one of the ``shares`` for each customer; their percent add up to 100."""

    kind: Literal["split"] = "split"
    shares: tuple[Share, ...]

    def ways(self) -> Iterator[Way]:
        """A way for each share."""
        yield from (Way(f"{share.name} · {share.percent} %", share.then) for share in self.shares)
        yield from self._if_not()

    @property
    def default(self) -> Target:
        """Where those go who are not split."""
        return self.otherwise

    def describe(self) -> Description:
        """``split by chance``"""
        return Description("split by chance", self._if())


class SplitKind(StepKind[Split]):
    """The row of ``split``."""

    keyword = "split"
    step = Split
    summary = "by fixed shares, drawn once for ever"
    other_names: ClassVar = {"ab_test": "split:", "test": "split:"}
    icon = '<path d="M8 14.5V9L3 4M8 9l5-5M3 7.5V4h3.5M13 7.5V4H9.5"/>'
    colors = ("#0f766e", "#f0fdfa")
    mermaid_box = ('{"', '"}')
