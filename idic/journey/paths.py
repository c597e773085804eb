"""The ways through a journey: what is certain, and what is possible, by the time each step is reached.

Branches only ever lead forward, so the steps in the order of the file are in an order in which every way passes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from idic.journey.program import Target


class Way(NamedTuple):
    """From one step to what follows. ``sets`` are the names that are captured or drawn on it for certain; ``may_set``
    perhaps."""

    origin: str
    target: Target
    sets: frozenset[str] = frozenset()
    may_set: frozenset[str] = frozenset()


class Reach(NamedTuple):
    """What is so when a step is reached: names set (``certain`` on every way, ``possible`` on some), steps ``passed``
    (on every way) and ``perhaps`` (on some)."""

    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def reaches(first: Target, order: Iterable[str], ways: Iterable[Way]) -> Mapping[str, Reach]:
    """For each step that can be reached at all, what is so when it is."""
    onward: dict[str, list[Way]] = {}
    for way in ways:
        onward.setdefault(way.origin, []).append(way)
    found: dict[str, Reach] = {first.step: Reach()} if first.step else {}
    for step in order:
        here = found.get(step)
        if here is None:
            continue
        for way in onward.get(step, []):
            if way.target.step is None:
                continue
            there = Reach(
                here.certain | way.sets,
                here.possible | way.sets | way.may_set,
                here.passed | {step},
                here.perhaps | {step},
            )
            found[way.target.step] = _meet(found.get(way.target.step), there)
    return found


def everywhere(ways: Iterable[Way]) -> Reach:
    """What may be so at any moment of the journey: for goals and leaves."""
    ways = list(ways)
    return Reach(possible=frozenset(name for way in ways for name in way.sets | way.may_set))


def together(all_: Iterable[Reach]) -> Reach:
    """What is so at several steps at once: for a message that is sent from each."""
    found: Reach | None = None
    for reach in all_:
        found = _meet(found, reach)
    return found or Reach()


def unreached(order: Iterable[str], first: Target, ways: Iterable[Way]) -> list[str]:
    """The steps to which nothing leads; not those behind them, which would be reached if they were."""
    led_to = {way.target.step for way in ways} | {first.step}
    return [step for step in order if step not in led_to]


def _meet(one: Reach | None, two: Reach) -> Reach:
    if one is None:
        return two
    return Reach(one.certain & two.certain, one.possible | two.possible, one.passed & two.passed, one.perhaps | two.perhaps)
