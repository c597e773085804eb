"""Follow all paths through a journey: what is certain and what is possible at each step.

Branches only lead forward, except that the rounds of a repeat lead back to it. So a repeat is two places here: one that is
reached from before it, and one (``AGAIN``) that is reached from the end of a round. This makes the effects of a round certain
after a repeat that always has a round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from idic.journey.program.steps.step_links import AGAIN, Transition
from idic.journey.program.values import Target


class PathFacts(NamedTuple):
    """What holds on the paths to a step: which names are set (``certain`` on every path, ``possible`` on some), and which
    steps come before it (``passed`` on every path, ``perhaps`` on some)."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()

    def with_name(self, name: str, *, certain: bool) -> PathFacts:
        """The same facts once this name is set too."""
        return self._replace(certain=self.certain | {name} if certain else self.certain, possible=self.possible | {name})


def facts_by_step(first: Target, order: Iterable[str], transitions: Iterable[Transition]) -> Mapping[str, PathFacts]:
    """The facts at each step that can be reached.

    In ``order`` all transitions lead forward, except for those back to a repeat. So one pass settles most steps; for what one
    round of a repeat brings to the next, passes are repeated until nothing changes. That comes soon, as sets only grow or only
    shrink.
    """
    onward: dict[str, list[Transition]] = {}
    for transition in transitions:
        onward.setdefault(transition.origin, []).append(transition)
    order = [step for step in order if step in onward]
    facts: dict[str, PathFacts] = {first.step: PathFacts()} if first.step else {}
    changed = True
    while changed:
        changed, done = False, set[str]()
        for step in order:
            here = facts.get(step)
            done.add(step)
            if here is None:
                continue
            passed = here.passed | {step.removesuffix(AGAIN)}
            perhaps = here.perhaps | {step.removesuffix(AGAIN)}
            for transition in onward[step]:
                target = transition.target.step
                if target is None:
                    continue
                possible = here.possible | transition.sets | transition.may_set
                there = PathFacts(here.certain | transition.sets, possible, passed, perhaps)
                before = facts.get(target)
                facts[target] = _meet(before, there)
                changed = changed or (target in done and facts[target] != before)
    return facts


def facts_anywhere(transitions: Iterable[Transition]) -> PathFacts:
    """The facts that may hold at any moment of the journey: for goals and leaves."""
    return PathFacts(possible=frozenset(name for each in transitions for name in each.sets | each.may_set))


def facts_at_all(all_: Iterable[PathFacts]) -> PathFacts:
    """The facts that hold at all of several steps: for a message that is sent from each of them."""
    common: PathFacts | None = None
    for facts in all_:
        common = _meet(common, facts)
    return common or PathFacts()


def unreachable_steps(order: Iterable[str], first: Target, transitions: Iterable[Transition]) -> list[str]:
    """The steps that no transition leads to. Steps that only follow one of these are not listed."""
    transitions = list(transitions)
    targets = {each.target.step for each in transitions} | {first.step}
    # A round that cannot end leads nowhere from its end.
    real = [each for each in transitions if not each.origin.endswith(AGAIN) or each.origin in targets]
    targets = {each.target.step for each in real} | {first.step}
    return [step for step in order if step not in targets and not step.endswith(AGAIN)]


def _meet(first: PathFacts | None, second: PathFacts) -> PathFacts:
    """The facts where two paths meet."""
    if first is None:
        return second
    return PathFacts(
        certain=first.certain & second.certain,
        possible=first.possible | second.possible,
        passed=first.passed & second.passed,
        perhaps=first.perhaps | second.perhaps,
    )
