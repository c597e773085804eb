"""A move of an enrollment under way, and the ways in which its state changes."""

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
    """End the enrollment here and now; what is claimed and not yet attempted will not be sent."""
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
    """The state after one touch came to stand as ``touched``."""
    return state.changed(touches=settled(state, step, channel, touched))


def settled(state: State, step: str, channel: str, touched: Touched) -> dict[str, dict[str, Touched]]:
    return {**state.touches, step: {**state.touches.get(step, {}), channel: touched}}


TraceKinds = frozenset[str] | None
"""The kinds of trace that are wanted; None: all. Where nobody reads them, their words are a good part of all the work."""


class Move:
    """One move under way: the state so far, what was noted and what is claimed. ``ours``: nobody else holds the state, and it
    may be written on."""

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
        """Nobody else has seen the state since the first change of a move, so that one is written on and not copied again."""
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
        """``because`` is asked for its words only if somebody wants them."""
        if self.kept is not None and kind not in self.kept:
            return
        why = why or {}
        if because is not None:
            why = {**why, "because": because()}
        self.trace.append(Trace(at or self.state.reached, kind, self.state.step, why))

    def scope(self, event: Event | None = None) -> Scope:
        return Scope(self.program, self.facts, self.now, self.state, event)

    def differentiate(self) -> None:
        """Decide values and segment, on what is known now."""
        for one in self.program.values:
            self.assign(one)
        if self.program.values:
            self.note_assigned("values", self.program.values)
        scope = self.scope()
        for segment in self.program.segments:
            if segment.when is None or holds(segment.when, scope):
                self.note("segment", {"segment": segment.name}, because=because(segment.when, scope))
                self.change(segment=segment.name)
                return
        self.change(segment=None)

    def assign(self, one: Assignment) -> None:
        found = value(one.value, one.type, self.scope())
        if found is None:
            return
        if attribute := attribute_named(one.name):
            self.learnt[attribute[0]] = found
            self.facts = self.facts._replace(customer={**self.facts.customer, attribute[0]: found})
        else:
            self.change(variables={**self.state.variables, one.name: found})

    def note_assigned(self, kind: str, assigned: Sequence[Assignment]) -> None:
        if self.kept is None or kind in self.kept:
            scope = self.scope()
            said = (f"{one.name} {show_value(Attribute(type=one.type), one.name, scope)}" for one in assigned)
            self.note(kind, {"what": ", ".join(said)})

    def go(self, target: Target, at: datetime) -> None:
        """Follow a branch: arrive at the step it names, or end."""
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
    def no_moment(step: Wait | WaitFor, found: datetime | None) -> str:
        name = step.until.name if isinstance(step, Wait) and isinstance(step.until, Moment) else "it"
        return f"{name} is missing" if found is None else f"it would have been until {found:%Y-%m-%d %H:%M} UTC, which is past"

    def end(self, reason: str, at: datetime) -> None:
        outcome = close(self.state, Ending.made(kind="exit", reason=reason, at=at))
        self.state = outcome.state
        self.trace.extend(outcome.trace)

    def passed_over(self, when: Condition | None, otherwise: Target) -> bool:
        if when is None or holds(when, scope := self.scope()):
            return False
        self.note("passed over", because=because(when, scope))
        self.go(otherwise, self.state.reached)
        return True

    def round(self, step: Step) -> int:
        return self.state.rounds.get(step.id, 1)

    def unsent(self, step: WaitFor) -> list[str]:
        """The messages that every arm is about, if none of them was sent: there is nothing to wait for then."""
        in_vain = step.about and all(self.sent_at(of) is None for of in step.about)
        return list(step.about) if in_vain else []

    def sent_at(self, step: str) -> datetime | None:
        touches = self.state.touches.get(step)
        return min((touch.at for touch in touches.values() if touch.status in WENT), default=None) if touches else None

    def deadline(self) -> datetime:
        if self.state.deadline is None:
            raise ValueError(f"step {self.state.step} waits without a deadline")
        return self.state.deadline

    def when_due(self, target: Target, kind: str) -> bool:
        deadline = self.deadline()
        if self.now < deadline:
            return False
        self.note(kind, at=deadline)
        self.go(target, deadline)
        return True


def latest_place(move: Move, event: Event) -> tuple[datetime, int]:
    return max(move.state.consumed, event.place)


def because(when: Condition | None, scope: Scope) -> Callable[[], str] | None:
    """Why a condition was answered as it was, for a note."""
    return None if when is None else partial(explain, when, scope)
