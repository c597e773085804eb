"""Compare the simulator with the store's driver on random journeys and customers.

Both describe what happened in the same words, so that the descriptions can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from idic.interact.best.pick import best_channel
from idic.interact.best.response_model import History, ResponseGroups
from idic.interact.policy.touch_request import TouchRequest
from idic.journey.engine.protocol import Allow, Defer, MayWe, Verdict
from idic.journey.engine.state import State, Touched
from idic.journey.program.program import Program
from idic.rehearse.simulator import SentMessage, SimulatedEnrollment, Simulator
from idic.store import tables
from idic.store.enrollment.enrollments import Enrollment
from tests.journey.random_journeys import Happening, started
from tests.router.world import World

ZONE = "Europe/Berlin"
TRAITS = {"email": "anna@example.com", "phone": "+4915112345678", "zone": ZONE}
BEGIN = datetime(2026, 3, 25, 9, 0, tzinfo=UTC)
"""Four days before the clocks change."""
DAYS = 40
"""After this many days every random journey has ended."""

_NIGHT = (1, 6)
_UNCERTAIN_THINGS = {"clicked", "claimed"}
"""Trace kinds that only one of the two records, or records at a time of its own."""


class NoNights:
    """A rule for both: nothing is sent at night (UTC)."""

    name = "night"

    def __call__(self, request: TouchRequest) -> Defer | None:
        return self.of(request.now)

    def of(self, now: datetime) -> Defer | None:
        begins, ends = _NIGHT
        if not begins <= now.hour < ends:
            return None
        return Defer(now.replace(hour=ends, minute=0, second=0, microsecond=0), self.name, "nobody reads now")


Left = dict[tuple[str, str], list[datetime]]


class Answers:
    """The endpoints' answers, one after the other; after the last, none."""

    def __init__(self, levels: Sequence[float | None]) -> None:
        self.levels = list(levels)

    def next(self) -> Mapping[str, Any] | None:
        level = self.levels.pop(0) if self.levels else None
        return None if level is None else {"level": level}


class AsMeant:
    """What the simulator does. ``left`` is when messages left, by step and channel, one after the other; others leave at once.
    ``explored`` is the share of channels that are chosen at random, to learn from."""

    def __init__(
        self,
        trip: Program,
        customer: str,
        start: datetime,
        answers: Answers,
        left: Left | None = None,
        *,
        explored: float = 0,
    ) -> None:
        self.history = History()
        self.left = left or {}
        self.simulator = Simulator(
            [trip],
            start,
            traits=TRAITS,
            zone=ZONE,
            customer=customer,
            policy=self.policy,
            best=lambda ask, now: best_channel(ask, self.history.messages, ResponseGroups(), explored=explored),
            call=lambda step, given: answers.next(),
            deliver=self.deliver,
        )

    @staticmethod
    def policy(ask: MayWe, now: datetime) -> Verdict:
        return NoNights().of(now) or Allow()

    def deliver(self, sent: SentMessage) -> Touched:
        instants = self.left.get((sent.step, sent.channel))
        at = instants.pop(0) if instants else sent.at
        self.history.sent((sent.enrollment, sent.step, sent.round, sent.channel), sent.channel, at)
        return Touched(status="sent", at=at)

    def happens(self, happening: Happening) -> None:
        if happening.name == "identify":
            self.simulator.becomes_known(**happening.properties)
        elif happening.of is None:
            self.simulator.happens(happening.name, happening.properties)
        elif channel := clickable(self.newest, happening.of):
            said = {"step": happening.of, "channel": channel, **happening.properties}
            if state := self.newest:
                about = state.enrollment, happening.of, state.rounds.get(happening.of, 1), channel
                self.history.answered(about, channel, self.simulator.now)
            self.simulator.happens(happening.name, said, about=happening.of)

    @property
    def newest(self) -> State | None:
        return self.simulator.enrollments[-1].state if self.simulator.enrollments else None

    def told(self) -> list[object]:
        return [_words(one.state, _traced(one)) for one in self.simulator.enrollments]


EXPLORED = 0.4
"""Much more than in life: both must explore at the same times."""


def as_meant(trip: Program, customer: str, story: Sequence[Happening], levels: Sequence[float | None]) -> list[object]:
    meant = AsMeant(trip, customer, BEGIN, Answers(levels), explored=EXPLORED)
    meant.simulator.happens("Started", started(BEGIN))
    for happening in story:
        meant.simulator.becomes(BEGIN + timedelta(minutes=happening.minute))
        meant.happens(happening)
    meant.simulator.wait(days=DAYS)
    return meant.told()


def clickable(state: State | None, step: str) -> str | None:
    """The first channel by which this step's newest message left."""
    touches = state.touches.get(step, {}) if state is not None else {}
    return next((channel for channel, touched in touches.items() if touched.status in ("sent", "uncertain")), None)


async def as_told(world: World, customer: str) -> list[object]:
    """What the store's driver does."""
    told: list[object] = []
    for one in await world.enrollments(customer):
        async with world.store.reading() as tx:
            rows = await tx.rows(
                tables.trace.select().where(tables.trace.c.enrollment_id == one.id).order_by(tables.trace.c.id)
            )
        told.append(_words(one.state, [(row["at"], row["kind"], row["step"], row["why"]) for row in rows]))
    return told


async def when_left(world: World, customer: str) -> Left:
    """When each message left, by step and channel, in the order of rounds."""
    left: Left = {}
    rows = [row for row in await world.rows(tables.touches) if row["customer_id"] == customer and row["status"] == "sent"]
    for row in sorted(rows, key=lambda row: row["settled_at"]):
        left.setdefault((row["step"], row["channel"]), []).append(row["settled_at"])
    return left


_LATE = timedelta(seconds=5)


def apart(went: Sequence[Any], meant: Sequence[Any]) -> list[str]:
    """How the two differ, except that a worker records what it did when it did it: within seconds of when it was due."""
    if len(went) != len(meant):
        return [f"{len(went)} enrollments, and {len(meant)} are meant", *map(str, went), "meant", *map(str, meant)]
    found: list[str] = []
    for (stands, lines), (should, meant_lines) in zip(went, meant, strict=True):
        found += [f"{name}: {stands[name]}, and {should[name]} is meant" for name in stands if stands[name] != should[name]]
        left = list(meant_lines)
        for line in lines:
            same = next((one for one in left if one[1:] == line[1:] and abs(one[0] - line[0]) <= _LATE), None)
            if same is None:
                found.append(f"not meant: {line}")
            else:
                left.remove(same)
        found += [f"did not happen: {line}" for line in left]
    return found


def newest(enrollments: Sequence[Enrollment]) -> State | None:
    return enrollments[-1].state if enrollments else None


def _traced(one: SimulatedEnrollment) -> list[tuple[datetime, str, str | None, Mapping[str, Any]]]:
    return [(trace.at, trace.kind, trace.step, trace.why) for trace in one.trace]


def _words(state: State, traced: Sequence[tuple[datetime, str, str | None, Mapping[str, Any]]]) -> object:
    fields = ("step", "reached", "deadline", "ends", "segment", "variables", "splits", "began", "rounds", "loops", "expired")
    stands = {name: getattr(state, name) for name in (*fields, "goal_at", "ended")}
    lines = [(at, kind, step or "", _plain(why)) for at, kind, step, why in traced if kind not in _UNCERTAIN_THINGS]
    # PostgreSQL keeps the names in a state in an order of its own: of two messages of one instant either may leave first.
    return stands, sorted(lines, key=lambda line: (line[0], line[1], line[2], str(line[3].get("channel", ""))))


def _plain(why: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in why.items()}
    return {name: value for name, value in plain.items() if value is not None}
