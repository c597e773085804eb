"""Name the steps of a journey, and link each to the steps that can follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from idic.journey.definition.definition import BranchDefinition, RepeatDefinition, StepDefinition
from idic.journey.program.steps import STEP_KINDS
from idic.journey.program.steps.step_links import AGAIN, StepTargets, Transition
from idic.journey.program.values import DONE, Target
from idic.problems import Problems


class Flow:
    """The steps of a journey and how they are linked.

    ``steps`` are by name, in the order of the file; ``first`` is where the journey begins. ``order`` is an order in which all
    transitions lead forward, except for those back to a repeat.
    """

    def __init__(self, steps: Sequence[StepDefinition], problems: Problems) -> None:
        self.problems = problems
        self.steps: dict[str, StepDefinition] = {}
        self.order: list[str] = []
        self.targets: dict[str, StepTargets] = {}
        self._names: dict[int, str] = {}
        self._inside: dict[str, frozenset[str]] = {}
        self._collect(steps)
        self.first = self._link(steps, DONE)

    def name(self, step: StepDefinition) -> str:
        """The name of a step."""
        return self._names[id(step)]

    def _collect(self, steps: Iterable[StepDefinition]) -> None:
        """Names every step, in the order of the file. A step without an id, or with a duplicate, gets a made-up name."""
        for step in steps:
            name = step.id.value if step.id is not None else f"step on line {step.mark.line}"
            if step.id is not None and name in self.steps:
                first = self.steps[name].id
                line = first.mark.line if first is not None else 0
                self.problems.error(step.id.mark, f'there are two steps "{name}"; the first is on line {line}', "rename one")
            while name in self.steps:
                name += "+"
            self.steps[name] = step
            self.order.append(name)
            self._names[id(step)] = name
            before = len(self.order)
            inner = step.all_branches()
            for branch in inner:
                if branch is not None:
                    self._collect(branch.steps)
                if isinstance(step, RepeatDefinition) and branch is inner[0]:
                    self._inside[name] = frozenset(self.order[before:])
                    self.order.append(name + AGAIN)

    def _link(self, steps: Sequence[StepDefinition], after: Target) -> Target:
        """Links a list of steps that is followed by ``after``; returns where the list begins."""
        for step in reversed(steps):
            name = self.name(step)
            self.targets[name] = self._targets(name, step, after)
            after = Target(step=name)
        return after

    def _targets(self, name: str, step: StepDefinition, after: Target) -> StepTargets:
        then, otherwise = self._target(step.then, after), self._target(step.otherwise, after)
        inner = STEP_KINDS[step.kind].link(step, name, then, after, self._target)
        return StepTargets(then, otherwise, inner)

    def _target(self, branch: BranchDefinition | None, after: Target) -> Target:
        if branch is None:
            return after
        if branch.reason is not None:
            return Target(exit=branch.reason)
        return self._link(branch.steps, after)

    def transitions(self, *, entered_on: frozenset[str], uncertain: Mapping[str, frozenset[str]]) -> list[Transition]:
        """Every transition from one step to the next. ``entered_on`` are the events of the entry; ``uncertain`` are the names
        that a step sets only if their new value is known."""
        transitions = [
            transition
            for name in self.steps
            for transition in self._transitions_from(name, entered_on, uncertain.get(name, frozenset()))
        ]
        if not self._inside:
            return transitions
        return [
            transition._replace(target=Target(step=f"{transition.target.step}{AGAIN}"))
            if transition.target.step in self._inside and transition.origin in self._inside[transition.target.step]
            else transition
            for transition in transitions
        ]

    def _transitions_from(self, name: str, entered_on: frozenset[str], uncertain: frozenset[str]) -> list[Transition]:
        step, targets = self.steps[name], self.targets[name]
        return STEP_KINDS[step.kind].transitions(step, name, targets, entered_on, uncertain)
