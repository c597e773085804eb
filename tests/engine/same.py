"""What a drawn journey does to a drawn customer, as it is meant (the simulator) and as it went (a store, and whoever drives
it): the same words of both, to be held against one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from idic.interact.choice import most_recently_answered
from idic.interact.policy import RULES, Request
from idic.journey.interpreter import Allow, Defer, MayWe, Verdict
from idic.journey.program import Program
from idic.journey.simulator import Rehearsed, Sent, Simulator
from idic.journey.state import State, Touched, TouchStatus
from idic.store import tables
from idic.store.enrollments import Enrollment
from tests.conftest import START
from tests.engine.world import World
from tests.journey.drawn import Happening

ZONE = "Europe/Berlin"
TRAITS = {"email": "anna@example.com", "phone": "+4915112345678", "zone": ZONE}
STARTED = {"n": 4, "at": "2026-03-06T10:30:00Z"}
DAYS = 40
"""After this long everything that was drawn is over."""

_NIGHT = (1, 6)
_UNCERTAIN_THINGS = {"clicked", "claimed"}
"""What only one of the two notes, or notes at its own time."""


class NoNights:
    """A rule for both: nothing is sent in these hours of UTC."""

    name = "night"

    def __call__(self, request: Request) -> Defer | None:
        return self.of(request.now)

    def of(self, now: datetime) -> Defer | None:
        begins, ends = _NIGHT
        if not begins <= now.hour < ends:
            return None
        return Defer(now.replace(hour=ends, minute=0, second=0, microsecond=0), self.name, "nobody reads now")


RULES_OF_BOTH = (*RULES, NoNights())


class Answers:
    """What endpoints answer, one after the other; from the last one on, nothing."""

    def __init__(self, levels: Sequence[float | None]) -> None:
        self.levels = list(levels)

    def next(self) -> Mapping[str, Any] | None:
        level = self.levels.pop(0) if self.levels else None
        return None if level is None else {"level": level}


class AsMeant:
    """The simulator's telling. ``delivered`` says how each message left, and when."""

    def __init__(
        self, trip: Program, customer: str, start: datetime, answers: Answers, delivered: Mapping[Any, Touched] | None = None
    ) -> None:
        self.answered: dict[str, datetime] = {}
        self.delivered = delivered
        self.simulator = Simulator(
            [trip],
            start,
            traits=TRAITS,
            zone=ZONE,
            customer=customer,
            policy=self.policy,
            best=lambda ask, now: most_recently_answered(ask.channels, self.answered, now),
            call=lambda step, given: answers.next(),
            deliver=self.deliver,
        )

    @staticmethod
    def policy(ask: MayWe, now: datetime) -> Verdict:
        return NoNights().of(now) or Allow()

    def deliver(self, sent: Sent) -> Touched:
        return Touched(status="sent", at=sent.at)

    def happens(self, happening: Happening) -> None:
        if happening.name == "identify":
            self.simulator.becomes_known(**happening.properties)
        elif happening.of is None:
            self.simulator.happens(happening.name, happening.properties)
        elif channel := clickable(self.newest, happening.of):
            said = {"step": happening.of, "channel": channel, **happening.properties}
            self.simulator.happens(happening.name, said, about=happening.of)
            self.answered[channel] = self.simulator.now

    @property
    def newest(self) -> State | None:
        return self.simulator.enrollments[-1].state if self.simulator.enrollments else None

    def told(self) -> list[object]:
        return [_words(one.state, _traced(one)) for one in self.simulator.enrollments]


def as_meant(trip: Program, customer: str, story: Sequence[Happening], levels: Sequence[float | None]) -> list[object]:
    meant = AsMeant(trip, customer, START, Answers(levels))
    meant.simulator.happens("Started", STARTED)
    for happening in story:
        meant.simulator.becomes(START + timedelta(minutes=happening.minute))
        meant.happens(happening)
    meant.simulator.wait(days=DAYS)
    return meant.told()


def clickable(state: State | None, step: str) -> str | None:
    """The first channel by which this step's newest message left."""
    touches = state.touches.get(step, {}) if state is not None else {}
    return next((channel for channel, touched in touches.items() if touched.status in ("sent", "uncertain")), None)


WENT: tuple[TouchStatus, ...] = ("sent", "uncertain")


async def as_told(world: World, customer: str) -> list[object]:
    """The store's telling."""
    told: list[object] = []
    for one in await world.enrollments(customer):
        async with world.store.reading() as tx:
            rows = await tx.rows(
                tables.trace.select().where(tables.trace.c.enrollment_id == one.id).order_by(tables.trace.c.id)
            )
        told.append(_words(one.state, [(row["at"], row["kind"], row["step"], row["why"]) for row in rows]))
    return told


def newest(enrollments: Sequence[Enrollment]) -> State | None:
    return enrollments[-1].state if enrollments else None


def _traced(one: Rehearsed) -> list[tuple[datetime, str, str | None, Mapping[str, Any]]]:
    return [(trace.at, trace.kind, trace.step, trace.why) for trace in one.trace]


def _words(state: State, traced: Sequence[tuple[datetime, str, str | None, Mapping[str, Any]]]) -> object:
    fields = ("step", "reached", "deadline", "ends", "segment", "variables", "splits", "began", "rounds", "loops", "expired")
    stands = {name: getattr(state, name) for name in (*fields, "goal_at", "ended")}
    lines = [(at, kind, step or "", _plain(why)) for at, kind, step, why in traced if kind not in _UNCERTAIN_THINGS]
    return stands, sorted(lines, key=lambda line: (line[0], line[1], line[2]))


def _plain(why: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in why.items()}
    return {name: value for name, value in plain.items() if value is not None}
