"""The second driver of the interpreter: one customer, a virtual clock and memory. No Temporal, no store, no waiting.

What a transaction does under the customer's row, this does at once; what a timer does, ``until`` does. Everything is sent
the moment it is claimed. So it shows what a journey does when nothing is late, which is what a journey means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from idic.journey import interpreter
from idic.journey.entry import Applies, Enter, StayOut, admit, applies
from idic.journey.interpreter import (
    Allow,
    Ask,
    Best,
    Ends,
    Inbox,
    Late,
    MayWe,
    Outcome,
    Ranked,
    ReachesGoal,
    Verdict,
    Wakes,
    drive,
)
from idic.journey.program import Program
from idic.journey.scope import Facts
from idic.journey.state import Ending, Event, State, Touched, Trace


class Sent(NamedTuple):
    at: datetime
    journey: str
    step: str
    channel: str
    message: str


@dataclass
class Rehearsed:
    """One enrollment as it went."""

    program: Program
    state: State
    trace: list[Trace] = field(default_factory=list)
    value: float | None = None

    @property
    def open(self) -> bool:
        return self.state.ended is None


class Simulator:
    """``traits`` are the customer's attributes (change them freely), ``policy`` answers for the contact policy, ``best``
    ranks the channels of a send. ``refused`` says of each journey why the customer was not let in, newest last."""

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
        deliver: Callable[[Sent], Touched] = lambda sent: Touched(status="sent", at=sent.at),
    ) -> None:
        self.programs = programs
        self.now = start
        self.traits = dict(traits or {})
        self.zone = zone
        self.customer = customer
        self.enrollments: list[Rehearsed] = []
        self.sent: list[Sent] = []
        self.refused: list[tuple[str, StayOut]] = []
        self._policy = policy
        self._best = best
        self._deliver = deliver
        self._events: list[Event] = []

    def happens(self, name: str, properties: Mapping[str, Any] | None = None, *, about: str | None = None) -> Event:
        """The customer does something now; ``about`` is the step whose message it concerns (of the newest enrollment)."""
        event = Event(
            number=len(self._events) + 1,
            name=name,
            properties=dict(properties or {}),
            accepted_at=self.now,
            enrollment=self.enrollments[-1].state.enrollment if about and self.enrollments else None,
            step=about,
        )
        self._events.append(event)
        for one in list(self.enrollments):
            self._meet(one, event)
        for program in self.programs:
            self._enter(program, event)
        return event

    def until(self, instant: datetime) -> None:
        """Let time pass, with every deadline acted upon at its own instant."""
        while due := [one for one in self.enrollments if one.open and one.state.deadline and one.state.deadline <= instant]:
            first = min(due, key=lambda one: (one.state.deadline, one.state.entered_at))
            self.now = max(self.now, first.state.deadline or self.now)
            self._advance(first)
        self.now = max(self.now, instant)

    def becomes(self, instant: datetime) -> None:
        """Let it be ``instant``, with what is due at it still to come: an event at a deadline comes before the deadline."""
        self.until(instant - timedelta(microseconds=1))
        self.now = max(self.now, instant)

    def wait(self, **span: float) -> None:
        self.until(self.now + timedelta(**span))

    def _facts(self) -> Facts:
        return Facts(self.traits, self.zone)

    def _meet(self, one: Rehearsed, event: Event) -> None:
        if not one.open:
            reached, value = interpreter.attributes(one.program, one.state, event, self._facts())
            if reached:
                self._goal(one, event, value)
            return
        match interpreter.meet(one.program, one.state, event, self._facts()):
            case Ends(ending, value):
                if ending.kind == "goal":
                    self._goal(one, event, value)
                self._record(one, interpreter.close(one.state, ending))
            case ReachesGoal(value):
                self._goal(one, event, value)
                self._advance(one)
            case Late(step):
                one.trace.append(Trace(event.accepted_at, "late", step, {"event": event.name}))
            case Wakes():
                self._advance(one)
            case None:
                pass

    def _goal(self, one: Rehearsed, event: Event, value: float | None) -> None:
        one.value = value
        one.trace.append(Trace(event.accepted_at, "goal", one.state.step, {"event": event.name, "value": value}))
        one.state = one.state.model_copy(update={"goal_at": event.accepted_at})

    def _enter(self, program: Program, event: Event) -> None:
        asked = applies(program, event, self._facts())
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
        if not isinstance(answer, Enter):
            self.refused.append((program.journey, answer))
            return
        for restarted in inside:
            self._record(restarted, interpreter.close(restarted.state, Ending(kind="closed", reason="restarted", at=self.now)))
        enrollment = f"{program.journey}-{len(self.enrollments) + 1}"
        machine = interpreter.begin(program, enrollment, self.customer, event, asked.key, self._facts())
        outcome = drive(machine, self._answer)
        one = Rehearsed(program, outcome.state)
        self.enrollments.append(one)
        self._record(one, outcome)

    def _advance(self, one: Rehearsed) -> None:
        self._record(one, drive(interpreter.advance(one.program, one.state, self._facts(), self.now), self._answer))

    def _record(self, one: Rehearsed, outcome: Outcome) -> None:
        one.state = outcome.state
        one.trace.extend(outcome.trace)
        for claim in outcome.claims:
            sent = Sent(self.now, one.program.journey, claim.step, claim.channel, claim.message)
            touched = self._deliver(sent)
            if touched.status in ("sent", "uncertain"):
                self.sent.append(sent)
            why = {"channel": claim.channel, "reason": touched.reason}
            one.trace.append(Trace(touched.at, touched.status, claim.step, why))
            one.state = interpreter.settle(one.state, claim.step, claim.channel, touched)
        if outcome.claims:
            self._advance(one)

    def _answer(self, question: Ask) -> Sequence[Event] | Verdict | Ranked:
        match question:
            case Inbox(names, since):
                return [event for event in self._events if event.name in names and event.accepted_at >= since]
            case MayWe():
                return self._policy(question, self.now)
            case Best():
                return self._best(question, self.now)
