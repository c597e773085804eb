"""Which facts hold at each step: certain, possible."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.compiler.link_steps import Flow
from idic.journey.compiler.reachability import PathFacts, facts_anywhere, facts_by_step, unreachable_steps
from idic.journey.program.steps.step_links import Transition
from idic.problems import Problems


class FactsAtStep:
    """The facts that hold at each step of one journey. ``entered_on`` are the events of the entry."""

    def __init__(self, flow: Flow, entered_on: frozenset[str]) -> None:
        self.flow = flow
        self.entered_on = entered_on
        self.set_uncertain({})

    def set_uncertain(self, names: Mapping[str, frozenset[str]]) -> None:
        """Computes the facts again, where each step sets these ``names`` only possibly."""
        self.transitions: list[Transition] = self.flow.transitions(entered_on=self.entered_on, uncertain=names)
        self.by_step = facts_by_step(self.flow.first, self.flow.order, self.transitions)

    def at(self, step: str) -> PathFacts:
        """The facts at a step."""
        facts = self.by_step.get(step)
        if facts is None:  # never reached, which is reported; what it reads is not reported too
            facts = PathFacts(*([self.anywhere().possible] * 2), *([frozenset(self.flow.steps)] * 2))
        return facts

    def anywhere(self) -> PathFacts:
        """The facts that may hold at any moment of the journey."""
        return facts_anywhere(self.transitions)

    def warn_of_unreachable_steps(self, problems: Problems) -> None:
        """Warns of steps that no path reaches."""
        for name in unreachable_steps(self.flow.order, self.flow.first, self.transitions):
            step = self.flow.steps[name]
            mark = step.id.mark if step.id is not None else step.mark
            problems.warning(mark, f'step "{name}" is never reached', "every path before it ends; take it out or move it")
