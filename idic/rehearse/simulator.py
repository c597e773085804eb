"""Simulate one customer's journeys in memory, on a virtual clock: no Temporal, no store, no waiting.

This is the second driver of the interpreter. What a transaction does under the customer's row, it does at once; what a timer
does, ``until`` does. Every message is sent as soon as it is claimed. So it shows what a journey does when nothing is late.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, assert_never

from idic.differentiate.counted import CountedEvent, tally, total
from idic.journey.engine import admission, interpreter, match_event, move
from idic.journey.engine.admission import REQUESTED, Admitted, Applies, StayOut, admit, applies
from idic.journey.engine.match_event import Ends, Late, ReachesGoal, Wakes
from idic.journey.engine.passing_time import leaving
from idic.journey.engine.protocol import (
    Ahead,
    Allow,
    Ask,
    Best,
    BestTime,
    CallRequest,
    Effect,
    Enroll,
    Inbox,
    Learn,
    Machine,
    MayWe,
    Outcome,
    Ranked,
    Timed,
    Verdict,
    drive,
)
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Ending, Event, State, Touched, Trace
from idic.journey.program.program import Program

_MOMENT = timedelta(microseconds=1)


class SentMessage(NamedTuple):
    """A message that left."""

    at: datetime
    journey: str
    step: str
    channel: str
    message: str
    enrollment: str = ""
    key: str | None = None
    round: int = 1


def message_properties(sent: SentMessage) -> dict[str, Any]:
    """The properties of every event about this message."""
    return {"step": sent.step, "channel": sent.channel, **({"round": sent.round} if sent.round > 1 else {})}


@dataclass
class SimulatedEnrollment:
    """An enrollment: its state, its trace, and what its goal was worth."""

    program: Program
    state: State
    trace: list[Trace] = field(default_factory=list)
    value: float | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state.ended is None


class Simulator:
    """One customer in some journeys. ``traits`` are their attributes; counts and sums start from them and grow.

    ``policy`` stands for the contact policy, ``best`` ranks the channels of a send, ``best_time`` chooses its time, ``call``
    answers for an endpoint (by its step's id; None is a failure), ``room`` says why nobody else may enter today. While one of
    them is called, ``asking`` is the program that needs the answer. ``past`` are earlier events by name: they count, and start
    nothing. ``refused`` lists the journeys that did not let the customer in, newest last. ``kept`` are the kinds of trace to
    keep (None: all).
    """

    def __init__(
        self,
        programs: Sequence[Program],
        start: datetime,
        *,
        traits: Mapping[str, Any] | None = None,
        zone: str = "UTC",
        customer: str = "customer",
        policy: Callable[[MayWe, datetime], Verdict] = lambda ask, now: Allow(),
        best: Callable[[Best, datetime], Ranked] = lambda ask, now: Ranked(ask.channels, "as listed"),
        best_time: Callable[[BestTime, datetime], Timed] = lambda ask, now: Timed(ask.earliest, "at once"),
        call: Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None] = lambda step, given: None,
        deliver: Callable[[SentMessage], Touched] = lambda sent: Touched.made(status="sent", at=sent.at),
        room: Callable[[Program, datetime], StayOut | None] = lambda program, at: None,
        past: Mapping[str, Sequence[CountedEvent]] | None = None,
        kept: move.TraceKinds = None,
    ) -> None:
        self.programs = programs
        self.asking = programs[0]
        self.now = start
        self.traits = dict(traits or {})
        self.zone = zone
        self.customer = customer
        self.enrollments: list[SimulatedEnrollment] = []
        self.sent: list[SentMessage] = []
        self.refused: list[tuple[str, StayOut]] = []
        self._policy = policy
        self._best = best
        self._best_time = best_time
        self._call = call
        self._deliver = deliver
        self._room = room
        self._events: dict[str, list[Event]] = {}
        self._counted: dict[str, list[CountedEvent]] = {event: [] for program in programs for _, _, event in program.computed}
        for name, counted in (past or {}).items():
            if name in self._counted:
                self._counted[name] += counted
        self._heard = frozenset(name for program in programs for name in program.hears)
        self._windowed = any(program.windowed for program in programs)
        self._known: dict[str, Facts] = {}
        self._kept = kept
        self._first: tuple[datetime, SimulatedEnrollment] | None = None
        self._moved = False
        self._number = 0
        self._queued_events: list[tuple[str, Mapping[str, Any], str | None]] = []

    def happens(
        self,
        name: str,
        properties: Mapping[str, Any] | None = None,
        *,
        about: str | None = None,
        enrollment: str | None = None,
    ) -> Event:
        """Let an event happen now; ``about`` is the step whose message it is about (in ``enrollment``, else the newest)."""
        if about and enrollment is None and self.enrollments:
            enrollment = self.enrollments[-1].state.enrollment
        event = Event.made(
            number=self._number + 1,
            name=name,
            properties=dict(properties or {}),
            accepted_at=self.now,
            enrollment=enrollment,
            step=about,
        )
        self._keep(event)
        for one in list(self.enrollments):
            if name in one.program.hears:
                self._meet(one, event)
        for program in self.programs:
            if name in program.begun_by or name in (REQUESTED, admission.DUE):
                self._enter(program, event)
        self._happen_queued()
        return event

    def asks(self, program: Program, name: str, properties: Mapping[str, Any]) -> None:
        """Ask for entry into one journey now: by a request, or because its time has come."""
        event = Event.made(number=self._number + 1, name=name, properties=dict(properties), accepted_at=self.now)
        self._keep(event)
        self._enter(program, event)
        self._happen_queued()

    def _keep(self, event: Event) -> None:
        self._number += 1
        self._events.setdefault(event.name, []).append(event)
        counted = self._counted.get(event.name)
        if counted is not None:
            counted.append(CountedEvent(event.accepted_at, event.properties))
        if counted is not None or self._windowed:
            self._known.clear()

    @property
    def deadline(self) -> datetime | None:
        """The instant of the next deadline, or None."""
        first = self._first_due()
        return first[0] if first else None

    def becomes_known(self, **traits: Any) -> None:
        """Set attributes now; None removes one."""
        self.traits = {name: value for name, value in {**self.traits, **traits}.items() if value is not None}
        self._known.clear()
        for one in list(self.enrollments):
            if match_event.watches(one.program, one.state) & traits.keys():
                self._advance(one)
        self._happen_queued()

    def until(self, instant: datetime) -> None:
        """Let time pass up to ``instant``; every deadline is acted on at its own instant."""
        while (first := self._first_due()) is not None and first[0] <= instant:
            self.now = max(self.now, first[0])
            if self._windowed:
                self._known.clear()
            self._advance(first[1])
            self._happen_queued()
        self.now = max(self.now, instant)

    def _first_due(self) -> tuple[datetime, SimulatedEnrollment] | None:
        if self._moved:
            # Cached: this is called several times for every move.
            self._moved = False
            due = [
                (one.state.deadline, one)
                for one in self.enrollments
                if one.state.ended is None and one.state.deadline is not None
            ]
            self._first = min(due, key=lambda one: (one[0], one[1].state.entered_at), default=None)
        return self._first

    def _note(self, enrolled: SimulatedEnrollment, at: datetime, kind: str, step: str | None, why: Mapping[str, Any]) -> None:
        if self._kept is None or kind in self._kept:
            enrolled.trace.append(Trace(at, kind, step, why))

    def _set_state(self, enrolled: SimulatedEnrollment, state: State) -> None:
        enrolled.state = state
        self._moved = True

    def becomes(self, instant: datetime) -> None:
        """Move to ``instant``, before what is due then: an event at a deadline comes before the deadline."""
        self.until(instant - _MOMENT)
        self.now = max(self.now, instant)

    def wait(self, **span: float) -> None:
        """Let a span pass, given as for ``timedelta``."""
        self.until(self.now + timedelta(**span))

    def facts(self, program: Program, at: datetime | None = None) -> Facts:
        """The customer's attributes at an instant, at most now (the default), with counts and sums."""
        known = dict(self.traits)
        for name, attribute, event in program.computed:
            begun = self.traits.get(name)
            counted = self._counted.get(event, ())
            if at is None and attribute.window is None:
                came = (
                    total(attribute, (one.properties for one in counted), program.currency) if attribute.sums else len(counted)
                )
            else:
                came = tally(attribute, counted, at or self.now, self.zone, program.currency)
            known[name] = (float(begun) if isinstance(begun, int | float) else 0.0) + came
        return Facts(known, self.zone)

    def _facts_now(self, program: Program) -> Facts:
        """The facts of now, cached: one move needs them several times."""
        facts = self._known.get(program.journey)
        if facts is None:
            facts = self._known[program.journey] = self.facts(program)
        return facts

    def _meet(self, enrolled: SimulatedEnrollment, event: Event) -> None:
        if not enrolled.open:
            reached, value = match_event.attributes(enrolled.program, enrolled.state, event, self._facts_now(enrolled.program))
            if reached:
                self._reach_goal(enrolled, event, value)
            return
        match match_event.meet(enrolled.program, enrolled.state, event, self._facts_now(enrolled.program)):
            case Ends(ending, value):
                if ending.kind == "goal":
                    self._reach_goal(enrolled, event, value)
                self._record(enrolled, move.close(enrolled.state, ending))
            case ReachesGoal(value):
                self._reach_goal(enrolled, event, value)
                self._advance(enrolled)
            case Late(step):
                self._note(enrolled, event.accepted_at, "late", step, {"event": event.name})
            case Wakes():
                self._advance(enrolled)
            case None:
                pass

    def _reach_goal(self, enrolled: SimulatedEnrollment, event: Event, value: float | None) -> None:
        enrolled.value = value
        self._note(enrolled, event.accepted_at, "goal", enrolled.state.step, {"event": event.name, "value": value})
        self._set_state(enrolled, enrolled.state.changed(goal_at=event.accepted_at))
        self._queue_event("Goal Reached", {"journey": enrolled.program.journey, **({} if value is None else {"value": value})})

    def _enter(self, program: Program, event: Event) -> None:
        asked = applies(program, event, self._facts_now(program))
        if not isinstance(asked, Applies):
            if asked is not None:
                self.refused.append((program.journey, asked))
            return
        before = [e for e in self.enrollments if e.program.journey == program.journey and e.state.key == asked.key]
        inside = [e for e in before if e.open]
        answer = admit(
            program,
            asked.key,
            event.accepted_at,
            self.zone,
            is_in=bool(inside),
            last_entered_at=max((e.state.entered_at for e in before), default=None),
        )
        if isinstance(answer, Admitted):
            answer = self._room(program, event.accepted_at) or answer
        if not isinstance(answer, Admitted):
            self.refused.append((program.journey, answer))
            return
        for restarted in inside:
            self._record(restarted, move.close(restarted.state, Ending.made(kind="closed", reason="restarted", at=self.now)))
        enrollment = f"{program.journey}-{len(self.enrollments) + 1}"
        machine = interpreter.begin(
            program, enrollment, self.customer, event, asked.key, self._facts_now(program), kept=self._kept
        )
        outcome = self._drive(program, machine)
        enrolled = SimulatedEnrollment(program, outcome.state)
        self.enrollments.append(enrolled)
        self._record(enrolled, outcome)

    def _advance(self, enrolled: SimulatedEnrollment) -> None:
        # No other code holds the state between two moves, so the interpreter may change it in place.
        machine = interpreter.advance(
            enrolled.program, enrolled.state, self._facts_now(enrolled.program), self.now, kept=self._kept, ours=True
        )
        self._record(enrolled, self._drive(enrolled.program, machine))

    def _drive(self, program: Program, machine: Machine) -> Outcome:
        self.asking = program
        return drive(machine, self._answer)

    def _record(self, enrolled: SimulatedEnrollment, outcome: Outcome) -> None:
        self._set_state(enrolled, outcome.state)
        enrolled.trace.extend(outcome.trace)
        for claim in outcome.claims:
            sent = SentMessage(
                self.now,
                enrolled.program.journey,
                claim.step,
                claim.channel,
                claim.message,
                enrolled.state.enrollment,
                enrolled.state.key,
                claim.round,
            )
            touched = self._deliver(sent)
            if touched.status in ("sent", "uncertain"):
                self.sent.append(sent)
            self._note(enrolled, touched.at, touched.status, claim.step, {"channel": claim.channel, "reason": touched.reason})
            self._set_state(enrolled, move.settle(enrolled.state, claim.step, claim.channel, touched))
            name = {"sent": "Message Sent", "failed": "Message Failed"}.get(touched.status)
            if name is not None:
                reason = {} if touched.reason is None else {"reason": touched.reason}
                self._queue_event(name, {**message_properties(sent), **reason}, enrolled.state.enrollment)
        for effect in outcome.effects:
            self._do(enrolled, effect)
        if outcome.claims or (outcome.effects and any(isinstance(effect, CallRequest) for effect in outcome.effects)):
            self._advance(enrolled)

    def _queue_event(self, name: str, properties: Mapping[str, Any], enrollment: str | None = None) -> None:
        """Queue an event of idic itself, if a journey listens for it, until the current move is done."""
        if name in self._heard:
            self._queued_events.append((name, properties, enrollment))

    def _happen_queued(self) -> None:
        while self._queued_events:
            name, properties, enrollment = self._queued_events.pop(0)
            self.happens(name, properties, about=properties.get("step"), enrollment=enrollment)

    def _do(self, enrolled: SimulatedEnrollment, effect: Effect) -> None:
        match effect:
            case Learn(values):
                self.becomes_known(**values)
            case CallRequest(step, _, given):
                self.asking = enrolled.program
                response = self._call(step, given)
                reason = "failed" if response is None else None
                self._set_state(
                    enrolled, interpreter.answered(enrolled.program, enrolled.state, step, response, reason, self.now)
                )
            case Enroll(_, _, journey, properties):
                for program in self.programs:
                    if program.journey == journey:
                        self.asks(program, REQUESTED, properties)
            case _:
                assert_never(effect)

    def _answer(self, question: Ask) -> object:
        match question:
            case Inbox():
                return self._inbox(question.names, question.since)
            case MayWe():
                return self._policy(question, self.now)
            case Best():
                return self._best(question, self.now)
            case BestTime():
                return self._best_time(question, self.now)
            case Ahead():
                return self._ahead(self.asking, question)
            case _:
                assert_never(question)

    def _inbox(self, names: Collection[str], since: datetime) -> list[Event]:
        events = [event for name in names for event in self._events.get(name, ()) if event.accepted_at >= since]
        return sorted(events, key=lambda event: event.number) if len(names) > 1 else events

    def _ahead(self, program: Program, ask: Ahead) -> list[tuple[datetime, Facts]]:
        turns = {ask.since}
        for name in ask.attributes:
            attribute = program.customer[name]
            counted = (event.accepted_at for event in self._counted.get(attribute.counted_event or "", ()))
            turns.update(leaving(attribute, counted, ask.since, ask.until, self.zone))
        return [(at, self.facts(program, at)) for at in sorted(turns)]
