"""What every step of a program has, and what it answers for itself.

The rest of idic asks a step where it can lead, what it asks, sets and sends. Nobody needs to know its kind for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import SerializerFunctionWrapHandler, model_serializer

from idic.frozen import Frozen
from idic.journey.program.phrases import Description
from idic.journey.program.values import DONE, Assignment, Condition, Endpoint, Moment, Pattern, Target
from idic.times import Duration


class Way(NamedTuple):
    """One reason to go on from a step, and where it leads. The only way on has no reason (empty)."""

    reason: str
    target: Target


class Step(Frozen):
    """What every step has. ``when`` is asked on arrival (of a send: at the moment of sending); if it does not hold, the
    step is passed over and ``otherwise`` is taken.

    Each kind is a subclass. It overrides the answers below that differ for it.
    """

    kind: str
    id: str
    when: Condition | None = None
    then: Target = DONE
    otherwise: Target = DONE

    stops: ClassVar[bool] = False
    """Whether customers can stand at this step for some time."""

    # Where it can lead.

    def ways(self) -> Iterator[Way]:
        """Every reason to go on and where it leads, in the order of the file; not into the rounds of a repeat."""
        yield Way("", self.then)
        yield from self._if_not()

    def _if_not(self) -> Iterator[Way]:
        """The way past the step, if it has a condition."""
        if self.when is not None:
            yield Way("otherwise", self.otherwise)

    @property
    def round_begins(self) -> Target | None:
        """Where the first step of a round is, if this step repeats others."""
        return None

    def targets(self) -> list[Target]:
        """Every place to which this step can lead, in the order of the file."""
        into = self.round_begins
        return [*(() if into is None else (into,)), *(way.target for way in self.ways())]

    @property
    def default(self) -> Target:
        """Where most customers go on."""
        return self.then

    @property
    def exit_reason(self) -> str | None:
        """The reason for which customers leave the journey here, if they do."""
        return None

    @property
    def ends(self) -> str | None:
        """The reason for which everybody leaves the journey here; None if anybody can go on."""
        return self.exit_reason if self.when is None else None

    # What it waits for.

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        """The events that this step waits for."""
        return ()

    @cached_property
    def listens(self) -> frozenset[str]:
        """The names of the events that this step waits for."""
        return frozenset(pattern.on for pattern in self.awaits)

    @cached_property
    def untils(self) -> tuple[tuple[int, Condition], ...]:
        """The conditions that this step waits for to come true, each with its number."""
        return ()

    def moments(self) -> tuple[Moment, ...]:
        """The moments that this step waits for."""
        return ()

    def longest(self) -> timedelta:
        """The longest that this step lasts; moments, which nobody knows in advance, are not counted."""
        return timedelta()

    # What it asks, sets and sends.

    def conditions(self) -> Iterator[Condition]:
        """Every condition and expression of this step."""
        if self.when is not None:
            yield self.when
        yield from self.own_conditions()

    def own_conditions(self) -> Iterable[Condition]:
        """The conditions and expressions besides ``when``."""
        return ()

    def assigned(self) -> tuple[Assignment, ...]:
        """The attributes and variables that this step sets."""
        return ()

    def sent_message(self) -> str | None:
        """The name of the message that this step sends."""
        return None

    def sent_channels(self) -> tuple[str, ...]:
        """The channels by which this step may send, in the order of the file."""
        return ()

    def most_messages(self) -> int:
        """The most messages that this step sends to one customer."""
        return len(self.sent_channels())

    def called_endpoint(self) -> Endpoint | None:
        """The service that this step calls."""
        return None

    def entered_journey(self) -> str | None:
        """The name of the other journey into which this step asks for entry."""
        return None

    # Its words.

    def describe(self) -> Description:
        """What this step does, and its limits. Where it leads is not part of it."""
        return Description(self.kind, self._if())

    def lines(self) -> list[str]:
        """What this step waits for, one line for each thing; empty if it waits for nothing of the kind."""
        return []

    def _if(self) -> tuple[str, ...]:
        return (f"if {self.when.text}",) if self.when else ()

    @model_serializer(mode="wrap")
    def _kept(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Defaults are left out of what is stored and digested, so that a field added later changes no program; but what
        # tells the kinds apart must stay.
        return {**serialize(self), "kind": self.kind}


def nominal(span: Duration) -> timedelta:
    """How long a duration is if no clock changes in it."""
    return timedelta(days=span.days, seconds=span.seconds)
