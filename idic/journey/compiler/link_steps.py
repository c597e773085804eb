"""Which step follows which: every step by its name, and where each of its branches goes."""

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
from idic.times import Clock


class StepTargets(NamedTuple):
    """Where a step's branches go, in their order; ``then`` and ``otherwise`` besides."""

    then: Target
    otherwise: Target
    branches: tuple[Target, ...] = ()


class CommonFields(TypedDict):
    """What steps of all kinds have in a program."""

    id: str
    when: Condition | None
    then: Target
    otherwise: Target


class Flow:
    """``steps`` by name, in the order of the file; ``first`` is where the journey begins, ``order`` an order in which every
    way but those back to a repeat leads forward."""

    def __init__(self, steps: Sequence[StepText], problems: Problems) -> None:
        self.problems = problems
        self.steps: dict[str, StepText] = {}
        self.order: list[str] = []
        self.targets: dict[str, StepTargets] = {}
        self._names: dict[int, str] = {}
        self._inside: dict[str, frozenset[str]] = {}
        self._collect(steps)
        self.first = self._flow(steps, DONE)

    def name(self, step: StepText) -> str:
        return self._names[id(step)]

    def _collect(self, steps: Iterable[StepText]) -> None:
        """Gives every step its name, in the order of the file; one that has none or shares one gets a stand-in."""
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

    def _flow(self, steps: Sequence[StepText], after: Target) -> Target:
        """Wires a list of steps that is followed by ``after``; returns where it begins."""
        for step in reversed(steps):
            name = self.name(step)
            self.targets[name] = self._wire(name, step, after)
            after = Target(step=name)
        return after

    def _wire(self, name: str, step: StepText, after: Target) -> StepTargets:
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
        return self._flow(branch.steps, after)

    def ways(self, *, entered_on: frozenset[str], unsure: Mapping[str, frozenset[str]]) -> list[Transition]:
        """Every way from one step to the next. ``entered_on`` are the events of the entry; ``unsure`` the names that a
        step sets if what they are set to is known."""
        found = [way for name in self.steps for way in self._ways_from(name, entered_on, unsure.get(name, frozenset()))]
        if not self._inside:
            return found
        return [
            way._replace(target=Target(step=f"{way.target.step}{AGAIN}"))
            if way.target.step in self._inside and way.origin in self._inside[way.target.step]
            else way
            for way in found
        ]

    def _ways_from(self, name: str, entered_on: frozenset[str], unsure: frozenset[str]) -> list[Transition]:
        step, targets = self.steps[name], self.targets[name]
        skipped = [Transition(name, targets.otherwise)] if step.when is not None else []
        match step:
            case WaitText(capture=capture, until=until):
                sets = frozenset({capture.value}) if capture else frozenset[str]()
                if until is not None and not isinstance(until, Clock):
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
                return [*skipped, Transition(name, targets.then, sets - unsure, sets & unsure)]
            case CallText(capture=capture):
                return [
                    Transition(name, targets.then, frozenset({capture.value}) if capture else frozenset()),
                    Transition(name, targets.otherwise),
                ]
            case RepeatText(do=do) if do is None or not do.steps:
                return [*skipped, Transition(name, targets.then)]  # which is wrong, and has been told
            case RepeatText(until=until):
                leaves = [Transition(name, targets.then)] if until is not None else []
                again = [Transition(name + AGAIN, target) for target in (*targets.branches, targets.then)]
                return [*skipped, *(Transition(name, target) for target in targets.branches), *leaves, *again]
            case EnterText() | DifferentiateText():
                return [*skipped, Transition(name, targets.then)]
            case _:
                return skipped


def _captures_for_certain(step: WaitText, entered_on: frozenset[str]) -> bool:
    """The newest event of a wait for silence is the one that began the enrollment, when no newer one came."""
    without = step.without
    return without is not None and without.when is None and entered_on == {without.on.value}
