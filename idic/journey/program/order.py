"""The steps of a program in the order in which customers come to them."""

from __future__ import annotations

from idic.journey.program.flow import onward
from idic.journey.program.program import Program


def in_order(program: Program) -> list[str]:
    """The ids of all steps, each before those that it leads to (coming round again aside), branches in the order of the file.

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
                ahead.extend((target.step, False) for target in onward(program.steps[name]))
    return list(reversed(placed))
