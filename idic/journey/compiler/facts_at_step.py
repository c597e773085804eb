"""What is so when each step of a journey is reached: what has happened by then for certain, and what perhaps."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.compiler.link_steps import Flow
from idic.journey.compiler.reachability import PathFacts, Transition, facts_anywhere, facts_by_step, unreachable_steps
from idic.problems import Problems


class FactsAtStep:
    """``entered_on`` are the events of the entry."""

    def __init__(self, flow: Flow, entered_on: frozenset[str]) -> None:
        self.flow = flow
        self.entered_on = entered_on
        self.unsure({})

    def unsure(self, names: Mapping[str, frozenset[str]]) -> None:
        """Goes all ways anew where each step sets these ``names`` only perhaps."""
        self.ways: list[Transition] = self.flow.ways(entered_on=self.entered_on, unsure=names)
        self.by_step = facts_by_step(self.flow.first, self.flow.order, self.ways)

    def at(self, step: str) -> PathFacts:
        found = self.by_step.get(step)
        if found is None:  # never reached, which is reported; a second message about what it reads helps nobody
            found = PathFacts(*([self.anywhere().possible] * 2), *([frozenset(self.flow.steps)] * 2))
        return found

    def anywhere(self) -> PathFacts:
        """What may be so at any moment of the journey."""
        return facts_anywhere(self.ways)

    def warn_of_unreached(self, problems: Problems) -> None:
        for name in unreachable_steps(self.flow.order, self.flow.first, self.ways):
            step = self.flow.steps[name]
            mark = step.id.mark if step.id is not None else step.mark
            problems.warning(mark, f'step "{name}" is never reached', "every way before it ends; take it out or move it")
