"""Change the state of an enrollment, and note why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from idic.journey.engine.deadlines import deadline_of
from idic.journey.engine.match_event import attribute_named
from idic.journey.engine.protocol import Claim, Effect, Outcome
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Ending, Event, State, Touched, TouchStatus, Trace
from idic.journey.expressions.evaluate import explain, holds, show_value, value
from idic.journey.program.program import Program
from idic.journey.program.steps import Step, Wait, WaitFor
from idic.journey.program.values import Assignment, Attribute, Condition, Moment, Target

UNSENT: tuple[TouchStatus, ...] = ("claimed", "deferred")
SETTLED: tuple[TouchStatus, ...] = ("sent", "failed", "uncertain", "refused")
WENT: tuple[TouchStatus, ...] = ("sent", "uncertain")
NOT_SENT: tuple[TouchStatus, ...] = ("deferred", "failed", "refused")


def close(state: State, ending: Ending) -> Outcome:
    """Ends the enrollment now. Messages that are claimed or deferred, but not yet attempted, will not be sent."""
    touches = {
        step: {
            channel: Touched.made(status="failed", at=ending.at, reason="ended") if touch.status in UNSENT else touch
            for channel, touch in channels.items()
        }
        for step, channels in state.touches.items()
    }
    ended = state.changed(ended=ending, step=None, deadline=None, touches=touches)
    return Outcome(ended, (Trace(ending.at, "ended", state.step, {"kind": ending.kind, "reason": ending.reason}),))


def settle(state: State, step: str, channel: str, touched: Touched) -> State:
    """The state with the new status of one touch."""
    return state.changed(touches=settled(state, step, channel, touched))


def settled(state: State, step: str, channel: str, touched: Touched) -> dict[str, dict[str, Touched]]:
    """The touches of a state with the new status of one of them."""
    return {**state.touches, step: {**state.touches.get(step, {}), channel: touched}}


TraceKinds = frozenset[str] | None
"""The kinds of trace to record; None: all. Writing the trace is expensive, so it is skipped if nobody reads it."""


class Move:
    """One move under way: the state so far, the trace, and the touches to claim. ``ours``: nobody else holds the state, so it
    may be changed in place."""

    def __init__(
        self, program: Program, state: State, facts: Facts, now: datetime, kept: TraceKinds = None, *, ours: bool = False
    ) -> None:
        self.program = program
        self.state = state
        self.ours = ours
        self.facts = facts
        self.now = now
        self.kept = kept
        self.trace: list[Trace] = []
        self.claims: list[Claim] = []
        self.effects: list[Effect] = []
        self.learnt: dict[str, Any] = {}

    def change(self, **fields: Any) -> None:
        """Changes fields of the state. The first change copies it; nobody else holds the copy, so later ones change it."""
        if self.ours:
            self.state.__dict__.update(fields)
        else:
            self.state = self.state.changed(**fields)
            self.ours = True

    def note(
        self,
        kind: str,
        why: Mapping[str, Any] | None = None,
        *,
        at: datetime | None = None,
        because: Callable[[], str] | None = None,
    ) -> None:
        """Adds to the trace. ``because`` writes the reason; it is called only if this kind of trace is recorded."""
        if self.kept is not None and kind not in self.kept:
            return
        why = why or {}
        if because is not None:
            why = {**why, "because": because()}
        self.trace.append(Trace(at or self.state.reached, kind, self.state.step, why))

    def scope(self, event: Event | None = None) -> Scope:
        """The values that conditions read now."""
        return Scope(self.program, self.facts, self.now, self.state, event)

    def differentiate(self) -> None:
        """Decides values and segment from what is known now."""
        for assignment in self.program.values:
            self.assign(assignment)
        if self.program.values:
            self.note_assigned("values", self.program.values)
        scope = self.scope()
        for segment in self.program.segments:
            if segment.when is None or holds(segment.when, scope):
                self.note("segment", {"segment": segment.name}, because=because(segment.when, scope))
                self.change(segment=segment.name)
                return
        self.change(segment=None)

    def assign(self, assignment: Assignment) -> None:
        """Sets an attribute or a variable; nothing if the new value is missing."""
        new = value(assignment.value, assignment.type, self.scope())
        if new is None:
            return
        if attribute := attribute_named(assignment.name):
            self.learnt[attribute[0]] = new
            self.facts = self.facts._replace(customer={**self.facts.customer, attribute[0]: new})
        else:
            self.change(variables={**self.state.variables, assignment.name: new})

    def note_assigned(self, kind: str, assigned: Sequence[Assignment]) -> None:
        """Adds the new values of these names to the trace."""
        if self.kept is None or kind in self.kept:
            scope = self.scope()
            values = (f"{one.name} {show_value(Attribute(type=one.type), one.name, scope)}" for one in assigned)
            self.note(kind, {"what": ", ".join(values)})

    def go(self, target: Target, at: datetime) -> None:
        """Arrives at the step of the target, or ends."""
        if target.step is None:
            self.end(target.exit or "done", at)
            return
        step = self.program.steps[target.step]
        self.change(
            step=step.id,
            reached=at,
            deadline=None,
            ends=None,
            seen=self.state.consumed,
            began={**self.state.began, step.id: at},
        )
        # A send asks its condition at the moment of sending; a wait on arrival.
        if isinstance(step, Wait | WaitFor) and not self.passed_over(step.when, step.otherwise):
            self.rest(step)

    def rest(self, step: Wait | WaitFor) -> None:
        """Sets the deadline of a wait, or passes over one whose moment is past or missing."""
        at = self.state.reached
        deadline = deadline_of(step, at, self.scope(), self.state)
        if deadline is None or deadline < at:
            self.note("passed over", because=partial(self.no_moment, step, deadline))
            self.go(step.otherwise, at)
            return
        self.change(deadline=deadline)
        if not (isinstance(step, WaitFor) and self.unsent(step)):
            self.note("waiting", {"until": deadline})

    @staticmethod
    def no_moment(step: Wait | WaitFor, deadline: datetime | None) -> str:
        """Why a wait is passed over: its moment is missing, or past."""
        name = step.until.name if isinstance(step, Wait) and isinstance(step.until, Moment) else "it"
        if deadline is None:
            return f"{name} is missing"
        return f"it would have been until {deadline:%Y-%m-%d %H:%M} UTC, which is past"

    def end(self, reason: str, at: datetime) -> None:
        """Ends the enrollment with an exit."""
        outcome = close(self.state, Ending.made(kind="exit", reason=reason, at=at))
        self.state = outcome.state
        self.trace.extend(outcome.trace)

    def passed_over(self, when: Condition | None, otherwise: Target) -> bool:
        """Whether the condition does not hold; then the enrollment has gone on to ``otherwise``."""
        if when is None or holds(when, scope := self.scope()):
            return False
        self.note("passed over", because=because(when, scope))
        self.go(otherwise, self.state.reached)
        return True

    def round(self, step: Step) -> int:
        """The number of the round in which this step is, from 1."""
        return self.state.rounds.get(step.id, 1)

    def unsent(self, step: WaitFor) -> list[str]:
        """The sends that every arm is about, if none of them was sent: then there is nothing to wait for."""
        in_vain = step.about and all(self.sent_at(of) is None for of in step.about)
        return list(step.about) if in_vain else []

    def sent_at(self, step: str) -> datetime | None:
        """When a step first sent its message in this round; None if it did not."""
        touches = self.state.touches.get(step)
        return min((touch.at for touch in touches.values() if touch.status in WENT), default=None) if touches else None

    def deadline(self) -> datetime:
        """The deadline of the present step. Raises ``ValueError`` if it has none."""
        if self.state.deadline is None:
            raise ValueError(f"step {self.state.step} waits without a deadline")
        return self.state.deadline

    def when_due(self, target: Target, kind: str) -> bool:
        """Goes on at the deadline once it is past, and notes it as this ``kind`` of trace. Says whether it was past."""
        deadline = self.deadline()
        if self.now < deadline:
            return False
        self.note(kind, at=deadline)
        self.go(target, deadline)
        return True


def latest_place(move: Move, event: Event) -> tuple[datetime, int]:
    """The place of the newest event that moved the enrollment, counting this one."""
    return max(move.state.consumed, event.place)


def because(when: Condition | None, scope: Scope) -> Callable[[], str] | None:
    """Why a condition holds or not, for ``note``."""
    return None if when is None else partial(explain, when, scope)
