"""The state of an enrollment, the events that reach it, and its trace.

All instants are aware datetimes in UTC of idic's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue

from idic.frozen import Frozen

TouchStatus = Literal["claimed", "attempting", "deferred", "sent", "failed", "uncertain", "refused"]


class Place(NamedTuple):
    """A place in the order in which events were accepted."""

    accepted_at: datetime
    number: int


class Event(Frozen):
    """An event of one customer. ``number`` is its place among events accepted in the same instant; ``occurred_at`` is what
    the sender said. idic's own events name in ``enrollment`` and ``step`` the message that they are about."""

    number: int
    name: str
    properties: dict[str, JsonValue] = {}
    accepted_at: datetime
    occurred_at: datetime | None = None
    enrollment: str | None = None
    step: str | None = None

    @cached_property
    def place(self) -> Place:
        """Its place in the order of acceptance."""
        return Place(self.accepted_at, self.number)


class Touched(Frozen):
    """The status of one touch of a send. ``at`` is when it got this status."""

    status: TouchStatus
    at: datetime
    reason: str | None = None


class Called(Frozen):
    """The status of the call of a step. ``at`` is when it got this status; ``reason`` is a code."""

    status: Literal["asked", "answered", "failed"]
    at: datetime
    reason: str | None = None


class Ending(Frozen):
    """``kind``: ``goal`` and ``leave`` by an event, ``exit`` by a step (with its reason), ``closed`` by an operator or a
    merge or a restart."""

    kind: Literal["goal", "leave", "exit", "closed"]
    reason: str
    at: datetime


class State(Frozen):
    """Where an enrollment is.

    ``reached``   the nominal instant at which ``step`` was reached: lateness of a worker does not move it
    ``deadline``  when the step ends by itself, or a deferred send tries again
    ``consumed``  the place of the newest event that moved this enrollment
    ``seen``      the place of the newest event the present wait has judged; each event is judged once a wait
    ``ends``      when the present wait ends by itself, where it has to look (``deadline``) earlier than that
    ``began``     when each step was last reached
    ``rounds``    which time round each step is, where it is not the first; what is sent and called is of that round
    ``loops``     how many rounds each repeat that is under way has begun
    ``variables`` by name, as they are stored: values of differentiate, and what steps set
    ``touches``   by step, then channel; of its newest round
    ``calls``     by step; of its newest round
    ``expired``   the waits that timed out, so that a late event can be recorded as late
    ``formerly``  by the ids of steps in former programs: what these steps are called in the present one
    """

    enrollment: str
    customer: str
    entered_at: datetime
    entry: Event
    key: str | None = None
    segment: str | None = None
    step: str | None = None
    reached: datetime
    deadline: datetime | None = None
    ends: datetime | None = None
    consumed: tuple[datetime, int]
    seen: tuple[datetime, int]
    captured: dict[str, Event] = {}
    variables: dict[str, JsonValue] = {}
    splits: dict[str, str] = {}
    began: dict[str, datetime] = {}
    rounds: dict[str, int] = {}
    loops: dict[str, int] = {}
    touches: dict[str, dict[str, Touched]] = {}
    calls: dict[str, Called] = {}
    expired: tuple[str, ...] = ()
    formerly: dict[str, str] = {}
    goal_at: datetime | None = None
    ended: Ending | None = None


class Trace(NamedTuple):
    """One thing that happened to an enrollment, and why. ``kind`` is one of ``idic.journey.engine.trace.KINDS``."""

    at: datetime
    kind: str
    step: str | None = None
    why: Mapping[str, Any] = {}
