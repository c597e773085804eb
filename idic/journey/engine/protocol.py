"""The questions that the interpreter asks its driver, their answers, and its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from idic.journey.engine.state import Event, State, Trace

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Inbox(NamedTuple):
    """The customer's routed events of these names, accepted at or after ``since``, in the order of acceptance."""

    names: frozenset[str]
    since: datetime


class MayWe(NamedTuple):
    """Whether the contact policy allows this touch to be claimed now. ``entry`` is the event that began the enrollment."""

    step: str
    channel: str
    message: str
    deliver_by: datetime
    enrollment: str = ""
    entry: Event | None = None


class Best(NamedTuple):
    """In which order these channels suit the customer ``at`` an instant, the best first. ``draw`` is this choice's own point
    in [0, 1), the same whenever it is asked again: by it a share of choices tries something else."""

    step: str
    channels: tuple[str, ...]
    at: datetime
    draw: float


class Ranked(NamedTuple):
    """``because`` in words, for the trace. ``odds`` is the chance that each channel had of being first, by how this was chosen;
    ``explored``: it was chosen to learn from."""

    channels: tuple[str, ...]
    because: str
    odds: Mapping[str, float] = {}
    explored: bool = False


class BestTime(NamedTuple):
    """When, not before ``earliest`` and not after ``latest``, this customer answers best. ``draw`` as in ``Best``."""

    step: str
    earliest: datetime
    latest: datetime
    draw: float


class Timed(NamedTuple):
    """``because`` in words, for the trace. ``odds`` is the chance that this hour had of being chosen, where it was chosen by
    chances; ``explored``: it was chosen to learn from."""

    at: datetime
    because: str
    odds: float | None = None
    explored: bool = False


class Ahead(NamedTuple):
    """What is known of the customer at ``since``, and how that changes until ``until`` by the passing of time alone: these
    counted and summed attributes, as events leave their windows. The answer is a sequence of (instant, ``Facts``), the first
    of which is for ``since``."""

    attributes: tuple[str, ...]
    since: datetime
    until: datetime


class Allow(NamedTuple):
    """The touch may be claimed now. ``rules`` are those that were asked."""

    rules: tuple[str, ...] = ()


class Defer(NamedTuple):
    """Ask again at ``until``."""

    until: datetime
    rule: str
    reason: str


class Skip(NamedTuple):
    """The touch will not be sent."""

    rule: str
    reason: str


Verdict = Allow | Defer | Skip


Ask = Inbox | MayWe | Best | BestTime | Ahead


class Claim(NamedTuple):
    """A touch to be claimed: ``deliver_by`` is the last instant at which it may leave."""

    step: str
    channel: str
    message: str
    deliver_by: datetime
    round: int = 1


class Learn(NamedTuple):
    """The customer's attributes become these."""

    values: Mapping[str, Any]


class CallRequest(NamedTuple):
    """The endpoint of this step is to be called with ``given``; its answer counts until ``answer_by``."""

    step: str
    round: int
    given: Mapping[str, Any]
    answer_by: datetime


class Enroll(NamedTuple):
    """The customer asks for entry into another journey."""

    step: str
    round: int
    journey: str
    properties: Mapping[str, Any]


Effect = Learn | CallRequest | Enroll


class Outcome(NamedTuple):
    """Where the enrollment is after a move, why, and what the driver has to do: ``claims`` are touches, ``effects`` the
    rest."""

    state: State
    trace: tuple[Trace, ...]
    claims: tuple[Claim, ...] = ()
    effects: tuple[Effect, ...] = ()


Machine = Generator[Ask, Any, Outcome]


T = TypeVar("T")


def drive(machine: Generator[Ask, Any, T], answer: Callable[[Ask], Any]) -> T:
    """Runs ``machine`` to its end; ``answer`` answers every question at once."""
    try:
        question = next(machine)
        while True:
            question = machine.send(answer(question))
    except StopIteration as stop:
        result: T = stop.value
        return result
