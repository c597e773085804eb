"""The order of a program's steps, and the steps of a repeat's round."""

from __future__ import annotations

from idic.journey.program.program import Program
from idic.journey.program.steps import Repeat


def steps_of_round(program: Program, repeat: Repeat) -> frozenset[str]:
    """The ids of the steps of one round: all that can be reached from its first step without coming back."""
    found: set[str] = set()
    ahead = [repeat.first]
    while ahead:
        name = ahead.pop().step
        if name is not None and name != repeat.id and name not in found:
            found.add(name)
            ahead.extend(program.steps[name].targets())
    return frozenset(found)


def in_order(program: Program) -> list[str]:
    """The ids of all steps, each before those that it leads to, branches in the order of the file. The way back to a repeat
    does not count.

    A program that comes from a store has its steps in any order.
    """
    placed: list[str] = []
    seen: set[str] = set()
    for start in (program.first.step, *program.steps):
        ahead = [(start, False)]
        while ahead:
            name, done = ahead.pop()
            if done and name is not None:
                placed.append(name)
            elif name is not None and name not in seen:
                seen.add(name)
                ahead.append((name, True))
                ahead.extend((target.step, False) for target in program.steps[name].targets())
    return list(reversed(placed))
