"""Nest the steps of a program as in its file: branches, and where they meet again.

A program only says which steps can follow a step. The nesting is derived: branches that do not leave the journey meet at the
first step that all of them reach, and the last steps of a ``repeat`` lead back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Target
from idic.picture.describe import GroupedWay, ways

_END = "@end"


class WayOut(NamedTuple):
    """Leaves the journey; ``step`` is the id of the exit, if it is a step."""

    reason: str
    step: str | None = None


class Onward(NamedTuple):
    """Goes on at a step that is drawn elsewhere. This happens only in programs that cannot be written as a file."""

    step: str


class NestedFlow(NamedTuple):
    """A list of steps. ``labels`` say when it is taken; ``open``: customers go on after its parent."""

    labels: tuple[str, ...]
    flow: Flow
    open: bool


class Node(NamedTuple):
    """A step. ``body`` are the steps of a repeat; ``exits`` the ways that leave the journey at once, each with its reasons;
    ``label`` says when customers go straight on, if there are exits; ``branches`` are two or more, or none."""

    step: AnyStep
    label: tuple[str, ...] = ()
    exits: tuple[tuple[tuple[str, ...], str], ...] = ()
    branches: tuple[NestedFlow, ...] = ()
    body: NestedFlow | None = None


Flow = tuple[Node | WayOut | Onward, ...]


def nested_flow(program: Program) -> NestedFlow:
    """The whole flow of a program."""
    return _Structure(program).whole()


def rounds_of_repeats(program: Program) -> dict[str, frozenset[str]]:
    """The ids of the steps of every repeat, by the id of the repeat."""
    rounds: dict[str, frozenset[str]] = {}
    for repeat in program.steps.values():
        if repeat.round_begins is None:
            continue
        reached: set[str] = set()
        waiting = [repeat.round_begins]
        while waiting:
            name = waiting.pop().step
            if name is None or name in reached or name == repeat.id:
                continue
            reached.add(name)
            waiting += program.steps[name].targets()
        rounds[repeat.id] = frozenset(reached)
    return rounds


class _Structure:
    def __init__(self, program: Program) -> None:
        self.steps = program.steps
        self.first = program.first
        self.placed: set[str] = set()
        self.bodies = rounds_of_repeats(program)
        self.onward: dict[str, list[str]] = {}
        for order in self.last_first():
            self.onward[order] = self.meets([self.place(order, target) for target in self.targets(order)], order)

    def whole(self) -> NestedFlow:
        return self.flow((), self.first, None, _END)

    def flow(self, labels: tuple[str, ...], target: Target, origin: str | None, stop: str) -> NestedFlow:
        """The steps from a target to ``stop``, without that step."""
        found: list[Node | WayOut | Onward] = []
        while True:
            place = self.place(origin, target)
            if place == stop:
                return NestedFlow(labels, tuple(found), True)
            if target.step is None:
                return NestedFlow(labels, (*found, WayOut(target.exit or "done")), False)
            if target.step in self.placed or place.startswith("@"):
                return NestedFlow(labels, (*found, Onward(target.step)), False)
            origin = target.step
            self.placed.add(origin)
            step = self.steps[origin]
            if step.ends is not None:
                return NestedFlow(labels, (*found, WayOut(step.ends, step.id)), False)
            body = self.flow((), step.round_begins, origin, f"@{origin}") if step.round_begins else None
            leaving, staying = self.parted(step, stop)
            exits = tuple((way.labels, way.target.exit or "done") for way in leaving)
            if len(staying) <= 1:
                found.append(Node(step, staying[0].labels if staying else (), exits, body=body))
                if not staying:
                    return NestedFlow(labels, tuple(found), False)
                target = staying[0].target
                continue
            meets = self.meets([self.place(origin, way.target) for way in staying], origin)
            join = meets[0] if meets else "@nowhere"
            branches = tuple(self.flow(way.labels, way.target, origin, join) for way in staying)
            found.append(Node(step, (), exits, branches, body))
            if not any(branch.open for branch in branches):
                return NestedFlow(labels, tuple(found), False)
            if join == stop:
                return NestedFlow(labels, tuple(found), True)
            if join == _END:
                return NestedFlow(labels, (*found, WayOut("done")), False)
            if join.startswith("@"):
                return NestedFlow(labels, (*found, Onward(join[1:])), False)
            # Branches that meet come from several steps; only a way back would need to know from which.
            target = Target(step=join)

    def parted(self, step: AnyStep, stop: str) -> tuple[list[GroupedWay], list[GroupedWay]]:
        """The ways that leave the journey at once, and the others. ``done`` counts as leaving only if others go on."""
        leaving: list[GroupedWay] = []
        staying: list[GroupedWay] = []
        for way in ways(step):
            out = way.target.step is None and self.place(step.id, way.target) != stop
            (leaving if out else staying).append(way)
        return leaving, staying

    def meets(self, places: Iterable[str], origin: str) -> list[str]:
        """The steps that all of these places reach, in order. Places from which customers leave do not count."""
        chains = [[place, *self.onward.get(place, [])] for place in places if not place.startswith("@exit")]
        chains = [chain for chain in chains if chain[-1].startswith("@")] or chains
        if not chains:
            return []
        return [place for place in chains[0] if all(place in chain for chain in chains[1:])]

    def place(self, origin: str | None, target: Target) -> str:
        """A step, ``@end``, ``@exit``, or ``@`` and the repeat to whose next round this leads."""
        if target.step is None:
            return _END if target.exit == "done" else "@exit"
        if target.step in self.bodies and origin in self.bodies[target.step]:
            return f"@{target.step}"
        if target.step == origin and target.step in self.bodies:
            return f"@{target.step}"
        return target.step

    def targets(self, name: str) -> list[Target]:
        return [way.target for way in ways(self.steps[name])]

    def last_first(self) -> Iterator[str]:
        """The steps, each after all that can follow it."""
        seen: set[str] = set()
        roots = [self.first, *(begins for step in self.steps.values() if (begins := step.round_begins))]
        for root in roots:
            stack: list[tuple[str, Iterator[Target]]] = []
            names = [root.step] if root.step is not None and root.step not in seen else []
            while names or stack:
                if names:
                    name = names.pop()
                    seen.add(name)
                    stack.append((name, iter(self.targets(name))))
                name, rest = stack[-1]
                for target in rest:
                    place = self.place(name, target)
                    if not place.startswith("@") and place not in seen:
                        names.append(place)
                        break
                else:
                    stack.pop()
                    yield name
