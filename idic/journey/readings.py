"""What the steps of a program ask and read."""

from __future__ import annotations

from collections.abc import Iterator

from idic.journey.program import (
    AnyStep,
    Call,
    Choose,
    Condition,
    Enter,
    Moment,
    Pattern,
    Repeat,
    Set,
    Wait,
    WaitFor,
)


def conditions(step: AnyStep) -> Iterator[Condition]:
    """Every condition and expression of a step."""
    if step.when is not None:
        yield step.when
    match step:
        case Wait(without=Pattern(when=Condition() as when)):
            yield when
        case WaitFor(arms=arms):
            for arm in arms:
                asked = arm.pattern.when if arm.pattern is not None else arm.until
                if asked is not None:
                    yield asked
        case Choose(branches=branches):
            yield from (branch.when for branch in branches)
        case Set(assign=given) | Call(given=given):
            yield from (one.value for one in given)
        case Enter(given=given):
            yield from (one.value for one in given or ())
        case Repeat(until=Condition() as until):
            yield until


def moments(step: AnyStep) -> Iterator[Moment]:
    """The moments that a step waits for."""
    if isinstance(step, Wait) and isinstance(step.until, Moment):
        yield step.until
