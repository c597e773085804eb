"""The order of a program's steps: which steps can follow a step, and which belong to one round of a repeat."""

from __future__ import annotations

from collections.abc import Sequence

from idic.journey.program.program import Program
from idic.journey.program.steps import Call, Choose, Exit, Repeat, Send, Split, Step, Wait, WaitFor
from idic.journey.program.values import Moment, Target


def steps_of_round(program: Program, repeat: Repeat) -> frozenset[str]:
    """The steps of one round: all that can be reached from its first without coming back."""
    found: set[str] = set()
    ahead = [repeat.first]
    while ahead:
        name = ahead.pop().step
        if name is not None and name != repeat.id and name not in found:
            found.add(name)
            ahead.extend(onward(program.steps[name]))
    return frozenset(found)


def onward(step: Step) -> Sequence[Target]:
    """Every way that leads on from a step, in the order of the file."""
    match step:
        case WaitFor(arms=arms):
            return [*(arm.then for arm in arms), step.otherwise]
        case Choose(branches=branches):
            return [*(branch.then for branch in branches), step.otherwise]
        case Split(shares=shares):
            return [*(share.then for share in shares), *([step.otherwise] if step.when else [])]
        case Send() | Call():
            return [step.then, step.otherwise]
        case Wait():
            return [step.then, *([step.otherwise] if step.when or isinstance(step.until, Moment) else [])]
        case Repeat(first=first):
            return [first, step.then, *([step.otherwise] if step.when else [])]
        case Exit():
            return [step.otherwise] if step.when else []
        case _:
            return [step.then, *([step.otherwise] if step.when else [])]


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
