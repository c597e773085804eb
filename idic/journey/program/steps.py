"""The steps of a program, each with the steps that it leads to."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field as Model
from pydantic import SerializerFunctionWrapHandler, model_serializer

from idic.frozen import Frozen
from idic.journey.program.values import DONE, Assignment, Condition, Endpoint, Moment, Pattern, Target
from idic.times import Duration, Hours, TimeOfDay


class Arm(Frozen):
    """One line of a wait_for: an event (``pattern``), or a condition on the customer (``until``) that comes true. ``since`` is
    ``wait``, ``entry``, ``sent`` (with ``of``) or a step's id, and is for events."""

    pattern: Pattern | None = None
    until: Condition | None = None
    since: str = "wait"
    capture: str | None = None
    then: Target = DONE


class Step(Frozen):
    """What every step has. ``when`` is asked on arrival (of a send: at the moment of sending); if it does not hold, the
    step is passed over and ``otherwise`` is taken."""

    kind: str
    id: str
    when: Condition | None = None
    then: Target = DONE
    otherwise: Target = DONE

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        """The events that this step waits for."""
        return ()

    @cached_property
    def listens(self) -> frozenset[str]:
        """Their names."""
        return frozenset(pattern.on for pattern in self.awaits)

    @model_serializer(mode="wrap")
    def _kept(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Defaults are left out of what is stored and digested, so that a field added later changes no program; but what
        # tells the kinds apart must stay.
        return {**serialize(self), "kind": self.kind}


class Wait(Step):
    """For ``duration``, or ``until`` a time of day or a moment; a moment that is past or missing is passed over
    (``otherwise``)."""

    kind: Literal["wait"] = "wait"
    duration: Duration = Duration()
    until: TimeOfDay | Moment | None = None
    without: Pattern | None = None
    capture: str | None = None

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        return () if self.without is None else (self.without,)


class WaitFor(Step):
    kind: Literal["wait_for"] = "wait_for"
    arms: tuple[Arm, ...]
    within: Duration

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        return tuple(arm.pattern for arm in self.arms if arm.pattern is not None)

    @cached_property
    def conditions(self) -> tuple[tuple[int, Condition], ...]:
        """What may come true, each with the number of its arm."""
        return tuple((number, arm.until) for number, arm in enumerate(self.arms) if arm.until is not None)

    @cached_property
    def about(self) -> tuple[str, ...]:
        """The steps whose messages every arm is about; none if one arm is about something else."""
        about = [pattern.of for pattern in self.awaits if pattern.of is not None]
        return tuple(dict.fromkeys(about)) if len(about) == len(self.arms) else ()


class Branch(Frozen):
    when: Condition
    then: Target


class Choose(Step):
    kind: Literal["choose"] = "choose"
    branches: tuple[Branch, ...]


class Share(Frozen):
    name: str
    percent: int
    then: Target


class Split(Step):
    kind: Literal["split"] = "split"
    shares: tuple[Share, ...]


class Send(Step):
    """``channels`` in the order of the file. ``each`` sends on all of them, ``first_of`` on the first that is reachable and
    allowed, ``best_of`` on the one that is best for this customer and, where that cannot be, on the next best. ``at`` are the
    hours of the customer's day in which it may leave; ``best time`` asks for the hour at which this customer answers."""

    kind: Literal["send"] = "send"
    message: str
    channels: tuple[str, ...]
    mode: Literal["each", "first_of", "best_of"] = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration


class Exit(Step):
    kind: Literal["exit"] = "exit"
    reason: str


class Set(Step):
    """In the order of the file; what comes to nothing, for want of a value, leaves its name as it is."""

    kind: Literal["set"] = "set"
    assign: tuple[Assignment, ...]


class Call(Step):
    """``given`` is what is sent, ``capture`` the name of what comes back. No answer ``within`` this time, or one that is not
    what the endpoint ``gives``: ``otherwise``."""

    kind: Literal["call"] = "call"
    endpoint: Endpoint
    given: tuple[Assignment, ...] = ()
    capture: str | None = None
    within: Duration


class Repeat(Step):
    """``first`` is where a round begins; its steps lead back here. ``until`` is asked before every round, the first one
    too."""

    kind: Literal["repeat"] = "repeat"
    times: int
    until: Condition | None = None
    first: Target


class Enter(Step):
    """Ask for entry into another journey, as the API would; ``given`` are the properties of that request, by default those of
    this enrollment's own entry (None)."""

    kind: Literal["enter"] = "enter"
    journey: str
    given: tuple[Assignment, ...] | None = None


class Differentiate(Step):
    """Decide values and segment anew, on what is known now."""

    kind: Literal["differentiate"] = "differentiate"


AnyStep = Annotated[
    Wait | WaitFor | Choose | Split | Send | Exit | Set | Call | Repeat | Enter | Differentiate, Model(discriminator="kind")
]
