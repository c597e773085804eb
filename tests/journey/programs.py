"""Build small programs for the tests of the engine."""

from __future__ import annotations

from typing import Any

from idic.journey.channels.email import EmailContent
from idic.journey.program.content import Message
from idic.journey.program.entry import Again, Entry, Goal
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep, Arm, Send, Wait, WaitFor
from idic.journey.program.values import Condition, Pattern, Target
from idic.times import Duration

DONE = Target(exit="done")


def hours(count: float) -> Duration:
    return Duration(seconds=count * 3600)


def to(step: str) -> Target:
    return Target(step=step)


def out(reason: str) -> Target:
    return Target(exit=reason)


def wait(id: str, hours_: float, then: Target = DONE, **more: Any) -> Wait:
    return Wait(id=id, duration=hours(hours_), then=then, **more)


def send(id: str, then: Target = DONE, otherwise: Target | None = None, within: float = 24, **more: Any) -> Send:
    return Send(
        id=id,
        message="hello",
        channels=more.pop("channels", ("email",)),
        within=hours(within),
        then=then,
        otherwise=otherwise or then,
        **more,
    )


def wait_for(id: str, within: float, *arms: Arm, otherwise: Target = DONE) -> WaitFor:
    return WaitFor(id=id, arms=arms, within=hours(within), otherwise=otherwise)


def arm(on: str, then: Target = DONE, *, of: str | None = None, since: str | None = None, **more: Any) -> Arm:
    pattern = Pattern(on=on, of=of, key=more.pop("key", None), when=more.pop("when", None))
    return Arm(pattern=pattern, since=since or ("sent" if of else "wait"), then=then, **more)


def program(*steps: AnyStep, **more: Any) -> Program:
    """Entered on ``Signed Up``, always again, and beginning with the first of ``steps``."""
    entry = Entry(on=(Pattern(on="Signed Up"),), again=Again(kind="always"))
    return Program(
        journey=more.pop("journey", "trip"),
        title="A trip",
        purpose=more.pop("purpose", "service"),
        entry=more.pop("entry", entry),
        first=to(steps[0].id),
        steps={step.id: step for step in steps},
        messages={"hello": Message(id="hello", contents={"email": EmailContent(subject="Hello", body="<p>Hello</p>")})},
        **more,
    )


def goal(on: str = "Order Completed", **more: Any) -> Goal:
    return Goal(on=(Pattern(on=on),), **more)


def condition(cel: str, **reads: Any) -> Condition:
    return Condition(text=cel, cel=cel, reads={name.replace("__", "."): kind for name, kind in reads.items()})
