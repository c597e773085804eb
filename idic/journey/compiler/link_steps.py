"""Name the steps of a journey, and link each to the steps that can follow it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from idic.journey.compiler.reachability import AGAIN, Transition
from idic.journey.definition.definition import (
    BranchText,
    CallText,
    ChooseText,
    DifferentiateText,
    EnterText,
    PatternText,
    RepeatText,
    SendText,
    SetText,
    SplitText,
    StepText,
    WaitForText,
    WaitText,
    branches,
)
from idic.journey.program.values import DONE, Condition, Target
from idic.problems import Problems
from idic.times import TimeOfDay


class StepTargets(NamedTuple):
    """Where a step can lead: ``then``, ``otherwise``, and its branches in their order."""

    then: Target
    otherwise: Target
    branches: tuple[Target, ...] = ()


class CommonFields(TypedDict):
    """The fields that steps of all kinds have in a program."""

    id: str
    when: Condition | None
    then: Target
    otherwise: Target


class Flow:
    """The steps of a journey and how they are linked.

    ``steps`` are by name, in the order of the file; ``first`` is where the journey begins. ``order`` is an order in which all
    transitions lead forward, except for those back to a repeat.
    """

    def __init__(self, steps: Sequence[StepText], problems: Problems) -> None:
        self.problems = problems
        self.steps: dict[str, StepText] = {}
        self.order: list[str] = []
        self.targets: dict[str, StepTargets] = {}
        self._names: dict[int, str] = {}
        self._inside: dict[str, frozenset[str]] = {}
        self._collect(steps)
        self.first = self._link(steps, DONE)

    def name(self, step: StepText) -> str:
        """The name of a step."""
        return self._names[id(step)]

    def _collect(self, steps: Iterable[StepText]) -> None:
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
            inner = branches(step)
            for branch in inner:
                if branch is not None:
                    self._collect(branch.steps)
                if isinstance(step, RepeatText) and branch is inner[0]:
                    self._inside[name] = frozenset(self.order[before:])
                    self.order.append(name + AGAIN)

    def _link(self, steps: Sequence[StepText], after: Target) -> Target:
        """Links a list of steps that is followed by ``after``; returns where the list begins."""
        for step in reversed(steps):
            name = self.name(step)
            self.targets[name] = self._targets(name, step, after)
            after = Target(step=name)
        return after

    def _targets(self, name: str, step: StepText, after: Target) -> StepTargets:
        then, otherwise = self._target(step.then, after), self._target(step.otherwise, after)
        match step:
            case WaitForText():
                inner = tuple(self._target(arm.then, after) if arm.then else then for arm in step.arms)
            case ChooseText():
                inner = tuple(self._target(branch, then) for _, branch in step.branches)
            case SplitText():
                inner = tuple(self._target(branch, then) for _, _, branch in step.shares)
            case RepeatText():
                inner = (self._target(step.do, Target(step=name)),)
            case _:
                inner = ()
        return StepTargets(then, otherwise, inner)

    def _target(self, branch: BranchText | None, after: Target) -> Target:
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
        skipped = [Transition(name, targets.otherwise)] if step.when is not None else []
        match step:
            case WaitText(capture=capture, until=until):
                sets = frozenset({capture.value}) if capture else frozenset[str]()
                if until is not None and not isinstance(until, TimeOfDay):
                    skipped = [Transition(name, targets.otherwise)]
                if _captures_for_certain(step, entered_on):
                    return [*skipped, Transition(name, targets.then, sets)]
                return [*skipped, Transition(name, targets.then, may_set=sets)]
            case WaitForText(arms=arms):
                taken = [
                    Transition(
                        name,
                        target,
                        frozenset({arm.capture.value}) if isinstance(arm, PatternText) and arm.capture else frozenset(),
                    )
                    for arm, target in zip(arms, targets.branches, strict=True)
                ]
                return [*taken, Transition(name, targets.otherwise)]
            case ChooseText():
                return [
                    *skipped,
                    *(Transition(name, target) for target in targets.branches),
                    Transition(name, targets.otherwise),
                ]
            case SplitText():
                drawn = [Transition(name, target, frozenset({name})) for target in targets.branches]
                return [*skipped, *(drawn or [Transition(name, targets.then)])]
            case SendText():
                return [Transition(name, targets.then), Transition(name, targets.otherwise)]
            case SetText(assign=assign):
                sets = frozenset(target.value for target, _ in assign if "." not in target.value)
                return [*skipped, Transition(name, targets.then, sets - uncertain, sets & uncertain)]
            case CallText(capture=capture):
                return [
                    Transition(name, targets.then, frozenset({capture.value}) if capture else frozenset()),
                    Transition(name, targets.otherwise),
                ]
            case RepeatText(do=do) if do is None or not do.steps:
                return [*skipped, Transition(name, targets.then)]  # a reported error
            case RepeatText(until=until):
                leaves = [Transition(name, targets.then)] if until is not None else []
                again = [Transition(name + AGAIN, target) for target in (*targets.branches, targets.then)]
                return [*skipped, *(Transition(name, target) for target in targets.branches), *leaves, *again]
            case EnterText() | DifferentiateText():
                return [*skipped, Transition(name, targets.then)]
            case _:
                return skipped


def _captures_for_certain(step: WaitText, entered_on: frozenset[str]) -> bool:
    """Whether a wait for silence certainly captures an event: without a newer one it is the entry event."""
    without = step.without
    return without is not None and without.when is None and entered_on == {without.on.value}
