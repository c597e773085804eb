"""The ways through a journey: what is certain, and what is possible, by the time each step is reached.

Branches only ever lead forward, but for a repeat: its rounds lead back to it. A repeat is two places here, one that is
reached from before it and one (``AGAIN``) from the end of a round: what a round did is certain behind a repeat that always
has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from idic.journey.program.values import Target

AGAIN = " again"
"""What the place at the end of a round is called beside the repeat."""


class Transition(NamedTuple):
    """From one step to what follows. ``sets`` are the names that are captured or drawn on it for certain; ``may_set``
    perhaps."""

    origin: str
    target: Target
    sets: frozenset[str] = frozenset()
    may_set: frozenset[str] = frozenset()


class PathFacts(NamedTuple):
    """What is so when a step is reached: names set (``certain`` on every way, ``possible`` on some), steps ``passed``
    (on every way) and ``perhaps`` (on some)."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()

    def with_name(self, name: str, *, certain: bool) -> PathFacts:
        """The same where this name has been set besides."""
        return self._replace(certain=self.certain | {name} if certain else self.certain, possible=self.possible | {name})


def facts_by_step(first: Target, order: Iterable[str], ways: Iterable[Transition]) -> Mapping[str, PathFacts]:
    """For each step that can be reached at all, what is so when it is.

    In ``order`` every way but those back to a repeat leads forward, so most is settled the first time round; what a round
    of a repeat brings to the next is settled by going round until nothing changes. Sets only ever grow or only ever
    shrink, so that comes soon.
    """
    onward: dict[str, list[Transition]] = {}
    for way in ways:
        onward.setdefault(way.origin, []).append(way)
    order = [step for step in order if step in onward]
    found: dict[str, PathFacts] = {first.step: PathFacts()} if first.step else {}
    changed = True
    while changed:
        changed, done = False, set[str]()
        for step in order:
            here = found.get(step)
            done.add(step)
            if here is None:
                continue
            passed = here.passed | {step.removesuffix(AGAIN)}
            perhaps = here.perhaps | {step.removesuffix(AGAIN)}
            for way in onward[step]:
                target = way.target.step
                if target is None:
                    continue
                there = PathFacts(here.certain | way.sets, here.possible | way.sets | way.may_set, passed, perhaps)
                before = found.get(target)
                found[target] = _meet(before, there)
                changed = changed or (target in done and found[target] != before)
    return found


def facts_anywhere(ways: Iterable[Transition]) -> PathFacts:
    """What may be so at any moment of the journey: for goals and leaves."""
    ways = list(ways)
    return PathFacts(possible=frozenset(name for way in ways for name in way.sets | way.may_set))


def facts_at_all(all_: Iterable[PathFacts]) -> PathFacts:
    """What is so at several steps at once: for a message that is sent from each."""
    found: PathFacts | None = None
    for facts in all_:
        found = _meet(found, facts)
    return found or PathFacts()


def unreachable_steps(order: Iterable[str], first: Target, ways: Iterable[Transition]) -> list[str]:
    """The steps to which nothing leads; not those behind them, which would be reached if they were."""
    ways = list(ways)
    led_to = {way.target.step for way in ways} | {first.step}
    # Nothing leads on from the end of a round that never comes.
    led_to = {way.target.step for way in ways if not way.origin.endswith(AGAIN) or way.origin in led_to} | {first.step}
    return [step for step in order if step not in led_to and not step.endswith(AGAIN)]


def _meet(one: PathFacts | None, two: PathFacts) -> PathFacts:
    if one is None:
        return two
    return PathFacts(one.certain & two.certain, one.possible | two.possible, one.passed & two.passed, one.perhaps | two.perhaps)
