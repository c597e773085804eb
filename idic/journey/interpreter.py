"""The machine of journeys: given where an enrollment is, what reached it and the time, where it goes, what is to be sent
and why. Plain and deterministic: no I/O, no clock, no dice.

Two drivers run it: a transaction of the store, and the simulator. What it must ask, it yields: the events of the customer
(``Inbox``), the contact policy's consent to a touch (``MayWe``), and what is best or comes by time alone. What it cannot do
itself it answers with, as ``effects``.

Time here is nominal. A wait that ended at ten o'clock is followed by a step that was reached at ten o'clock, even if a
worker comes to it at noon; so lateness never adds up, and an event is held against the deadline that it was promised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple, TypeVar, assert_never
from zoneinfo import ZoneInfo

from idic.journey.ahead import holds_from
from idic.journey.conditions import amount, explain, holds, shown, value
from idic.journey.program import (
    Arm,
    Assignment,
    Attribute,
    Call,
    Choose,
    Condition,
    Differentiate,
    Enter,
    Exit,
    Moment,
    Pattern,
    Program,
    Repeat,
    Send,
    Set,
    Share,
    Split,
    Step,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.scope import Facts, Scope
from idic.journey.state import Called, Ending, Event, Place, State, Touched, TouchStatus, Trace
from idic.journey.times import Clock, Hours, local
from idic.journey.types import value_of

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

DUE = "Enrollment Due"
"""The event by which a customer is told that the time has come at which they enter a journey; ``because`` says which."""


# What the interpreter asks of its driver.


class Inbox(NamedTuple):
    """The customer's routed events of these names, accepted at or after ``since``, in the order of acceptance."""

    names: frozenset[str]
    since: datetime


class MayWe(NamedTuple):
    """Whether the contact policy lets this touch be claimed now."""

    step: str
    channel: str
    message: str
    deliver_by: datetime


class Best(NamedTuple):
    """In which order these channels suit the customer, the best first."""

    step: str
    channels: tuple[str, ...]


class Ranked(NamedTuple):
    """``because`` in words, for the trace."""

    channels: tuple[str, ...]
    because: str


class BestTime(NamedTuple):
    """When, not before ``earliest`` and not after ``latest``, this customer answers best."""

    step: str
    earliest: datetime
    latest: datetime


class Timed(NamedTuple):
    """``because`` in words, for the trace."""

    at: datetime
    because: str


class Ahead(NamedTuple):
    """What is known of the customer at ``since``, and how that changes until ``until`` by the passing of time alone: these
    counted and summed attributes, as events leave their windows. The answer is a sequence of (instant, ``Facts``), the first
    of which is for ``since``."""

    attributes: tuple[str, ...]
    since: datetime
    until: datetime


class Allow(NamedTuple):
    rules: tuple[str, ...] = ()


class Defer(NamedTuple):
    until: datetime
    rule: str
    reason: str


class Skip(NamedTuple):
    rule: str
    reason: str


Verdict = Allow | Defer | Skip
Ask = Inbox | MayWe | Best | BestTime | Ahead


# What it answers.


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


class Request(NamedTuple):
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


Effect = Learn | Request | Enroll


class Outcome(NamedTuple):
    state: State
    trace: tuple[Trace, ...]
    claims: tuple[Claim, ...] = ()
    effects: tuple[Effect, ...] = ()


Machine = Generator[Ask, Any, Outcome]
T = TypeVar("T")


def drive(machine: Generator[Ask, Any, T], answer: Callable[[Ask], Any]) -> T:
    """Run ``machine`` to its end, with every question answered at once by ``answer``."""
    try:
        question = next(machine)
        while True:
            question = machine.send(answer(question))
    except StopIteration as stop:
        result: T = stop.value
        return result


# What an event means to an open enrollment, before it moves: the router's question.


class Ends(NamedTuple):
    """The goal is reached or the customer leaves: final at once."""

    ending: Ending
    value: float | None


class ReachesGoal(NamedTuple):
    """The goal is reached and the journey goes on."""

    value: float | None


class Wakes(NamedTuple):
    """The step where the enrollment stands may take the event."""


class Late(NamedTuple):
    """The step waited for this event, but not so long."""

    step: str


Meaning = Ends | ReachesGoal | Wakes | Late | None


def meet(program: Program, state: State, event: Event, facts: Facts) -> Meaning:
    """What ``event`` means to this enrollment. Goal before leave before the waiting step."""
    if state.ended is not None or event.place <= state.entry.place:
        return None
    scope = Scope(program, facts, event.accepted_at, state, event)
    goal = program.goal
    if goal and (goal.then == "leave" or state.goal_at is None) and _any_matches(goal.on, state, event, scope):
        value = amount(goal.value, scope) if goal.value else None
        if goal.then == "continue":
            return ReachesGoal(value)
        return Ends(Ending.made(kind="goal", reason=event.name, at=event.accepted_at), value)
    if _any_matches(program.leave, state, event, scope):
        return Ends(Ending.made(kind="leave", reason=event.name, at=event.accepted_at), None)
    if state.step is not None and _awaits(program, state.step, state, event):
        until = state.ends or state.deadline
        if until is None or event.accepted_at <= until:
            return Wakes()
        return Late(state.step)
    if changes(program, state, event):
        return Wakes()
    for expired in state.expired:
        if _awaits(program, expired, state, event):
            return Late(expired)
    return None


def watches(program: Program, state: State) -> frozenset[str]:
    """The customer's attributes on which the step where the enrollment stands depends: when one of them changes, it is to be
    advanced."""
    if state.ended is not None or state.step is None:
        return frozenset()
    match program.steps[state.step]:
        case WaitFor(arms=arms):
            return frozenset(name for arm in arms if arm.until for name in attributes_read(arm.until))
        case Wait(until=Moment(name=name)):
            return frozenset(attribute_named(name))
        case _:
            return frozenset()


def changes(program: Program, state: State, event: Event) -> bool:
    """Whether the event counts in an attribute that the present step watches."""
    watched = watches(program, state)
    return any(
        event.name in (attribute.counts, attribute.sums and attribute.sums[0])
        for name, attribute in program.customer.items()
        if name in watched
    )


def attribute_named(name: str) -> tuple[str, ...]:
    root, _, attribute = name.partition(".")
    return (attribute,) if root == "customer" else ()


def attributes_read(condition: Condition) -> Iterator[str]:
    """The customer's attributes that a condition reads."""
    for name in condition.reads:
        yield from attribute_named(name)


def takes_back(program: Program, state: State, event: Event, facts: Facts) -> str | None:
    """Whether ``event`` would have ended this enrollment, had it not come to its end before, so that what is still shown of
    it is taken back: ``goal`` or ``leave``."""
    scope = Scope(program, facts, event.accepted_at, state, event)
    if program.goal and state.goal_at is None and _any_matches(program.goal.on, state, event, scope):
        return "goal"
    return "leave" if _any_matches(program.leave, state, event, scope) else None


def attributes(program: Program, state: State, event: Event, facts: Facts) -> tuple[bool, float | None]:
    """Whether ``event`` is still put down to an enrollment that has ended without its goal, and its value."""
    if program.goal is None or all(pattern.on != event.name for pattern in program.goal.on):
        return False, None
    until = attributed_until(program, state)
    if until is None or event.accepted_at > until:
        return False, None
    scope = Scope(program, facts, event.accepted_at, state, event)
    if not _any_matches(program.goal.on, state, event, scope):
        return False, None
    return True, amount(program.goal.value, scope) if program.goal.value else None


def attributed_until(program: Program, state: State) -> datetime | None:
    """Until when a goal after the end is put down to the journey; None if not at all. Days are the program's zone's."""
    if state.ended is None or state.goal_at is not None or program.goal is None or program.goal.within is None:
        return None
    if state.ended.kind == "closed":
        return None  # another enrollment took its place, and the goal is that one's
    return program.goal.within.after(state.ended.at, program.zone)


def close(state: State, ending: Ending) -> Outcome:
    """End the enrollment here and now; what is claimed and not yet attempted will not be sent."""
    touches = {
        step: {
            channel: Touched.made(status="failed", at=ending.at, reason="ended") if touch.status in _UNSENT else touch
            for channel, touch in channels.items()
        }
        for step, channels in state.touches.items()
    }
    ended = state.changed(ended=ending, step=None, deadline=None, touches=touches)
    return Outcome(ended, (Trace(ending.at, "ended", state.step, {"kind": ending.kind, "reason": ending.reason}),))


_UNSENT: tuple[TouchStatus, ...] = ("claimed", "deferred")
_SETTLED: tuple[TouchStatus, ...] = ("sent", "failed", "uncertain", "refused")
_WENT: tuple[TouchStatus, ...] = ("sent", "uncertain")
_NOT_SENT: tuple[TouchStatus, ...] = ("deferred", "failed", "refused")


def settle(state: State, step: str, channel: str, touched: Touched) -> State:
    """The state after one touch came to stand as ``touched``."""
    return state.changed(touches=_settled(state, step, channel, touched))


def _settled(state: State, step: str, channel: str, touched: Touched) -> dict[str, dict[str, Touched]]:
    return {**state.touches, step: {**state.touches.get(step, {}), channel: touched}}


def answered(
    program: Program, state: State, step: str, response: Mapping[str, Any] | None, reason: str | None, at: datetime
) -> State:
    """The state after the call of a step came to its end: with a response, or (None) for a ``reason`` without one."""
    if step not in state.calls or state.calls[step].status != "asked":
        return state
    called = Called.made(status="failed" if response is None else "answered", at=at, reason=reason)
    captured, asked = state.captured, program.steps[step]
    if response is not None and isinstance(asked, Call) and asked.capture:
        # What comes back is read as an event's properties are; its name cannot be an event's.
        answer = Event(number=0, name=f"call {asked.endpoint.name}", properties=dict(response), accepted_at=at)
        captured = {**captured, asked.capture: answer}
    return state.changed(calls={**state.calls, step: called}, captured=captured)


# Moving.


def begin(
    program: Program, enrollment: str, customer: str, event: Event, key: str | None, facts: Facts
) -> Generator[Ask, Any, Outcome]:
    """Enter ``program`` on ``event`` and go as far as its instant allows.

    The present is the event's: what was accepted later is routed, and what is due later is advanced, in its turn.
    """
    now = event.accepted_at
    state = State.made(
        enrollment=enrollment,
        customer=customer,
        entered_at=now,
        entry=event,
        key=key,
        reached=now,
        consumed=event.place,
        seen=event.place,
    )
    move = _Move(program, state, facts, now)
    entered_by = next((pattern for pattern in program.entry.on if pattern.on == event.name), None)
    why = {"event": str(event.properties.get("because", event.name)) if event.name == DUE else event.name}
    if entered_by is not None and entered_by.when is not None:
        why["because"] = explain(entered_by.when, Scope(program, facts, now, state, event))
    move.note("entered", why)
    move.differentiate()
    move.go(program.first, now)
    return (yield from move.run())


def advance(program: Program, state: State, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Go as far as ``now`` allows. At rest already, the outcome is the state as it is and no trace."""
    return (yield from _Move(program, state, facts, now).run())


def arrive(program: Program, state: State, step: str, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Stand at ``step`` from now on, wherever it stood before, and go as far as ``now`` allows."""
    move = _Move(program, state, facts, now)
    move.go(Target(step=step), now)
    return (yield from move.run())


class _Move:
    """One move under way: the state so far, what was noted and what is claimed."""

    def __init__(self, program: Program, state: State, facts: Facts, now: datetime) -> None:
        self.program = program
        self.state = state
        self.ours = False
        self.facts = facts
        self.now = now
        self.trace: list[Trace] = []
        self.claims: list[Claim] = []
        self.effects: list[Effect] = []

    def change(self, **fields: Any) -> None:
        """Nobody else has seen the state since the first change of a move, so that one is written on and not copied again."""
        if self.ours:
            self.state.__dict__.update(fields)
        else:
            self.state = self.state.changed(**fields)
            self.ours = True

    def note(self, kind: str, why: Mapping[str, Any] | None = None, *, at: datetime | None = None) -> None:
        self.trace.append(Trace(at or self.state.reached, kind, self.state.step, why or {}))

    def scope(self, event: Event | None = None) -> Scope:
        return Scope(self.program, self.facts, self.now, self.state, event)

    def run(self) -> Machine:
        moved = True
        while moved and self.state.ended is None and self.state.step is not None:
            moved = yield from self._step()
        return Outcome(self.state, tuple(self.trace), tuple(self.claims), tuple(self.effects))

    def differentiate(self) -> None:
        """Decide values and segment, on what is known now."""
        for one in self.program.values:
            self._assign(one)
        if self.program.values:
            self.note("values", {"what": self._said(self.program.values)})
        scope = self.scope()
        for segment in self.program.segments:
            if segment.when is None or holds(segment.when, scope):
                self.change(segment=segment.name)
                self.note("segment", {"segment": segment.name, **_because(segment.when, scope)})
                return
        self.change(segment=None)

    def _assign(self, one: Assignment) -> None:
        found = value(one.value, one.type, self.scope())
        if found is None:
            return
        if attribute := attribute_named(one.name):
            self.facts = self.facts._replace(customer={**self.facts.customer, attribute[0]: found})
        else:
            self.change(variables={**self.state.variables, one.name: found})

    def _said(self, assigned: Sequence[Assignment]) -> str:
        scope = self.scope()
        return ", ".join(f"{one.name} {shown(Attribute(type=one.type), one.name, scope)}" for one in assigned)

    def go(self, target: Target, at: datetime) -> None:
        """Follow a branch: arrive at the step it names, or end."""
        if target.step is None:
            self._end(target.exit or "done", at)
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
        match step:
            case Wait() | WaitFor():
                # A send asks its condition at the moment of sending; every other step on arrival.
                if not self._passed_over(step.when, step.otherwise):
                    self._rest(step)
            case _:
                pass

    def _rest(self, step: Wait | WaitFor) -> None:
        at = self.state.reached
        deadline = over(step, at, self.scope())
        if deadline is None or deadline < at:
            self.note("passed over", {"because": self._no_moment(step, deadline)})
            self.go(step.otherwise, at)
            return
        self.change(deadline=deadline)
        if not (isinstance(step, WaitFor) and self._unsent(step)):
            self.note("waiting", {"until": deadline})

    @staticmethod
    def _no_moment(step: Wait | WaitFor, found: datetime | None) -> str:
        name = step.until.name if isinstance(step, Wait) and isinstance(step.until, Moment) else "it"
        return f"{name} is missing" if found is None else f"it would have been until {found:%Y-%m-%d %H:%M} UTC, which is past"

    def _end(self, reason: str, at: datetime) -> None:
        outcome = close(self.state, Ending.made(kind="exit", reason=reason, at=at))
        self.state = outcome.state
        self.trace.extend(outcome.trace)

    def _passed_over(self, when: Condition | None, otherwise: Target) -> bool:
        if when is None or holds(when, scope := self.scope()):
            return False
        self.note("passed over", {"because": explain(when, scope)})
        self.go(otherwise, self.state.reached)
        return True

    def _step(self) -> Generator[Ask, Any, bool]:
        """Do what the present step asks for; whether that moved the enrollment on."""
        step = self.program.steps[self.state.step or ""]
        match step:
            case Wait() if self._moved(step):
                return True
            case Wait(without=None):
                return self._when_due(step.then, "waited")
            case Wait():
                return (yield from self._silence(step))
            case WaitFor():
                return (yield from self._wait_for(step))
            case Choose():
                if not self._passed_over(step.when, step.otherwise):
                    self._choose(step)
                return True
            case Split():
                if not self._passed_over(step.when, step.otherwise):
                    self._split(step)
                return True
            case Send():
                return (yield from self._send(step))
            case Exit():
                if not self._passed_over(step.when, step.otherwise):
                    self._end(step.reason, self.state.reached)
                return True
            case Set():
                if not self._passed_over(step.when, step.otherwise):
                    self._set(step)
                return True
            case Call():
                return self._call(step)
            case Repeat():
                self._repeat(step)
                return True
            case Enter():
                if not self._passed_over(step.when, step.otherwise):
                    self._enter(step)
                return True
            case Differentiate():
                if not self._passed_over(step.when, step.otherwise):
                    self.differentiate()
                    self.go(step.then, self.state.reached)
                return True
            case _:
                assert_never(step)

    def _moved(self, step: Wait) -> bool:
        """A wait until a moment of the customer's follows that moment, and ends if it is gone."""
        if not isinstance(step.until, Moment) or not attribute_named(step.until.name):
            return False
        moment = over(step, self.state.reached, self.scope())
        if moment == self.state.deadline:
            return False
        if moment is None or moment < self.now:
            self.note("passed over", {"because": self._no_moment(step, moment)}, at=self.now)
            self.go(step.otherwise, self.now)
            return True
        self.change(deadline=moment)
        self.note("moved", {"because": f"{step.until.name} changed", "until": moment}, at=self.now)
        return False

    def _set(self, step: Set) -> None:
        for one in step.assign:
            self._assign(one)
        learnt = {
            attribute: self.facts.customer[attribute]
            for one in step.assign
            for attribute in attribute_named(one.name)
            if attribute in self.facts.customer
        }
        if learnt:
            self.effects.append(Learn(learnt))
        self.note("set", {"what": self._said(step.assign)})
        self.go(step.then, self.state.reached)

    def _given(self, assigned: Sequence[Assignment]) -> dict[str, Any]:
        scope = self.scope()
        values = {one.name: value(one.value, one.type, scope) for one in assigned}
        return {name: found for name, found in values.items() if found is not None}

    def _call(self, step: Call) -> bool:
        called = self.state.calls.get(step.id)
        if called is None:
            if self._passed_over(step.when, step.otherwise):
                return True
            answer_by = step.within.after(self.state.reached, self.facts.zone)
            self.effects.append(Request(step.id, self._round(step), self._given(step.given), answer_by))
            called = Called.made(status="asked", at=self.state.reached)
            self.change(calls={**self.state.calls, step.id: called}, deadline=answer_by)
            self.note("called", {"endpoint": step.endpoint.name})
        if called.status == "asked":
            if self.now <= self._deadline():
                return False
            called = Called.made(status="failed", at=self._deadline(), reason="no answer in time")
            self.change(calls={**self.state.calls, step.id: called})
        at = max(self.state.reached, called.at)
        if called.status == "answered":
            self.note("answered", {"endpoint": step.endpoint.name}, at=at)
            self.go(step.then, at)
        else:
            self.note("no answer", {"endpoint": step.endpoint.name, "because": called.reason}, at=at)
            self.go(step.otherwise, at)
        return True

    def _round(self, step: Step) -> int:
        return self.state.rounds.get(step.id, 1)

    def _repeat(self, step: Repeat) -> None:
        done = self.state.loops.get(step.id, 0)
        if done == 0 and self._passed_over(step.when, step.otherwise):
            return
        scope = self.scope()
        over = step.until is not None and holds(step.until, scope)
        if over or done >= step.times:
            because = _because(step.until, scope) if over else {}
            self.note("repeated", {"times": done, **because})
            self.change(loops={name: count for name, count in self.state.loops.items() if name != step.id})
            self.go(step.then, self.state.reached)
            return
        self.change(loops={**self.state.loops, step.id: done + 1})
        if done:
            self._afresh(body(self.program, step))
        self.note("round", {"number": done + 1, "times": step.times})
        self.go(step.first, self.state.reached)

    def _afresh(self, steps: frozenset[str]) -> None:
        """Another round of these steps: what they send and call is new."""
        again = {name: self.state.rounds.get(name, 1) + 1 for name in sorted(steps & self.state.began.keys())}
        self.change(
            rounds={**self.state.rounds, **again},
            touches={name: touches for name, touches in self.state.touches.items() if name not in again},
            calls={name: called for name, called in self.state.calls.items() if name not in again},
            expired=tuple(name for name in self.state.expired if name not in again),
        )

    def _enter(self, step: Enter) -> None:
        given = self.state.entry.properties if step.given is None else self._given(step.given)
        self.effects.append(Enroll(step.id, self._round(step), step.journey, given))
        self.note("asked for entry", {"journey": step.journey})
        self.go(step.then, self.state.reached)

    def _deadline(self) -> datetime:
        if self.state.deadline is None:
            raise ValueError(f"step {self.state.step} waits without a deadline")
        return self.state.deadline

    def _when_due(self, target: Target, kind: str) -> bool:
        deadline = self._deadline()
        if self.now < deadline:
            return False
        self.note(kind, at=deadline)
        self.go(target, deadline)
        return True

    def _silence(self, step: Wait) -> Generator[Ask, Any, bool]:
        """Wait until ``duration`` has passed without the event; each one starts the wait over."""
        pattern = step.without
        assert pattern is not None
        began = self.state.entry.name == pattern.on or all(entry.on == pattern.on for entry in self.program.entry.on)
        if step.capture and step.capture not in self.state.captured and began:
            # The newest one so far is the one that began the enrollment, or the request that stood for it: the check
            # counts on it being there.
            self.change(captured={**self.state.captured, step.capture: self.state.entry})
        events: Sequence[Event] = yield Inbox(frozenset((pattern.on,)), self.state.reached)
        for event in events:
            if not self._unseen(event) or event.accepted_at > min(self._deadline(), self.now):
                continue
            if self._takes(pattern, event):
                self.change(deadline=over(step, event.accepted_at, self.scope()), consumed=_later(self, event))
                if step.capture:
                    self.change(captured={**self.state.captured, step.capture: event})
                self.note("starts over", {"event": event.name, "until": self.state.deadline}, at=event.accepted_at)
            self.change(seen=event.place)
        return self._when_due(step.then, "silence")

    def _wait_for(self, step: WaitFor) -> Generator[Ask, Any, bool]:
        if unsent := self._unsent(step):
            self.note("skipped", {"because": f"{', '.join(unsent)} was not sent"})
            self.go(step.otherwise, self.state.reached)
            return True
        ends = self.state.ends or self._deadline()
        happened = yield from self._first_event(step, ends)
        came_true = yield from self._first_truth(step, ends)
        # The first to happen wins; of two in one instant, the one that is listed first.
        if happened is not None and (came_true is None or (happened[0], happened[1]) <= (came_true[0], came_true[1])):
            _, index, event = happened
            self._take(step, step.arms[index], event)
            return True
        if came_true is not None and came_true[0] <= min(ends, self.now):
            at, index, facts = came_true
            until = step.arms[index].until
            assert until is not None
            self.note("came true", {"because": explain(until, Scope(self.program, facts, at, self.state))}, at=at)
            self.go(step.arms[index].then, at)
            return True
        if any(arm.until for arm in step.arms):
            self.change(ends=ends, deadline=came_true[0] if came_true is not None else ends)
        if self.now < ends:
            return False
        self.change(expired=(*(name for name in self.state.expired if name != step.id), step.id))
        return self._when_due(step.otherwise, "timed out")

    def _first_event(self, step: WaitFor, ends: datetime) -> Generator[Ask, Any, tuple[datetime, int, Event] | None]:
        """The first event that an arm takes: when it was accepted, which arm, and the event."""
        since = [self._since(arm) for arm in step.arms]
        names = frozenset(arm.pattern.on for arm in step.arms if arm.pattern)
        if not names:
            return None
        earliest = min((instant for instant, _ in since if instant is not None), default=self.state.reached)
        events: Sequence[Event] = yield Inbox(names, earliest)
        for event in events:
            if event.accepted_at > min(ends, self.now):
                break
            for index, (arm, (instant, after)) in enumerate(zip(step.arms, since, strict=True)):
                if arm.pattern is None or instant is None or event.accepted_at < instant or event.place <= after:
                    continue
                if event.place <= self.state.seen and arm.since == "wait":
                    continue
                if self._takes(arm.pattern, event):
                    return max(self.state.reached, event.accepted_at), index, event
            if self._unseen(event):
                self.change(seen=event.place)
        return None

    def _takes(self, pattern: Pattern, event: Event) -> bool:
        return _concerns(pattern, self.state, event) and (pattern.when is None or holds(pattern.when, self.scope(event)))

    def _first_truth(self, step: WaitFor, ends: datetime) -> Generator[Ask, Any, tuple[datetime, int, Facts] | None]:
        """When one of the conditions first holds, from now (or where nobody has looked yet, from then) until ``ends``, which
        one it is, and what is known of the customer then."""
        conditions = [(index, arm.until) for index, arm in enumerate(step.arms) if arm.until]
        if not conditions:
            return None
        looked = self.state.ends is not None
        since = self.state.reached if not looked else min(self.now, self._deadline())
        counted = tuple(
            sorted(
                {
                    name
                    for _, condition in conditions
                    for name in attributes_read(condition)
                    if name in self.program.customer
                    and (self.program.customer[name].counts or self.program.customer[name].sums)
                }
            )
        )
        known: Sequence[tuple[datetime, Facts]] = [(since, self.facts)]
        if counted:
            known = yield Ahead(counted, since, max(since, ends))
        return holds_from(conditions, known, ends, lambda facts, at: Scope(self.program, facts, at, self.state))

    def _unsent(self, step: WaitFor) -> list[str]:
        """The messages that every arm is about, if none of them was sent: there is nothing to wait for then."""
        about = [arm.pattern.of for arm in step.arms if arm.pattern and arm.pattern.of]
        in_vain = len(about) == len(step.arms) and all(self._sent_at(of) is None for of in about)
        return list(dict.fromkeys(about)) if in_vain else []

    def _since(self, arm: Arm) -> tuple[datetime | None, Place]:
        """From which instant on this arm's events count, and after which place; (None, …) if they cannot come."""
        entry = self.state.entry.place
        match arm.since:
            case "wait":
                return self.state.reached, Place(*self.state.consumed)
            case "entry":
                return self.state.entered_at, entry
            case "sent":
                # Whoever clicks has the message, even before its sending is recorded here.
                of = (arm.pattern.of if arm.pattern else None) or ""
                return self.state.began.get(of) if self._sent_at(of) else None, entry
            case step:
                return self.state.began.get(step, self.state.reached), entry

    def _take(self, step: WaitFor, arm: Arm, event: Event) -> None:
        at = max(self.state.reached, event.accepted_at)
        when = arm.pattern.when if arm.pattern else None
        self.note("happened", {"event": event.name, **(_because(when, self.scope(event)) if when else {})}, at=at)
        self.change(consumed=_later(self, event))
        if arm.capture:
            self.change(captured={**self.state.captured, arm.capture: event})
        self.go(arm.then, at)

    def _unseen(self, event: Event) -> bool:
        return event.place > self.state.seen and event.accepted_at >= self.state.reached

    def _sent_at(self, step: str) -> datetime | None:
        went = [touch.at for touch in self.state.touches.get(step, {}).values() if touch.status in _WENT]
        return min(went, default=None)

    def _choose(self, step: Choose) -> None:
        scope = self.scope()
        for branch in step.branches:
            if holds(branch.when, scope):
                self.note("chose", {"because": explain(branch.when, scope)})
                self.go(branch.then, self.state.reached)
                return
        self.note("chose", {"because": "otherwise"})
        self.go(step.otherwise, self.state.reached)

    def _split(self, step: Split) -> None:
        # What was drawn before stays, also when the shares have changed since.
        before = self.state.splits.get(step.id)
        known = next((share for share in step.shares if share.name == before), None)
        share = known or drawn(step, self.state.customer, self.program.journey)
        self.change(splits={**self.state.splits, step.id: share.name})
        self.note("split", {"share": share.name})
        self.go(share.then, self.state.reached)

    def _send(self, step: Send) -> Generator[Ask, Any, bool]:
        touches = self.state.touches.get(step.id, {})
        if not touches and self.state.deadline is not None and self.now < self.state.deadline:
            return False  # it waits for its hour
        wanting = [c for c in step.channels if c not in touches or touches[c].status == "deferred"]
        one = step.mode != "each"
        if one and any(touch.status not in _NOT_SENT for touch in touches.values()):
            wanting = []  # one is enough, and it is on its way or there
        if self.state.deadline is not None and self.now < self.state.deadline:
            # What was deferred has its time. Of one that was when it was about to leave, the others are not asked yet.
            wanting = [c for c in wanting if one and c not in touches]
        if wanting and (yield from self._not_yet(step)):
            return False
        if wanting:
            if step.mode == "best_of" and len(wanting) > 1:
                ranked: Ranked = yield Best(step.id, tuple(wanting))
                wanting = list(ranked.channels)
                self.note("best", {"channels": ", ".join(wanting), "because": ranked.because}, at=self.now)
            yield from self._claim(step, wanting, one)
            touches = self.state.touches.get(step.id, {})
        if any(touch.status not in _SETTLED for touch in touches.values()):
            return False
        went = any(touch.status in _WENT for touch in touches.values())
        settled_at = max(touch.at for touch in touches.values())
        self.go(step.then if went else step.otherwise, max(self.state.reached, settled_at))
        return True

    def _not_yet(self, step: Send) -> Generator[Ask, Any, bool]:
        """Whether the send has to wait for its hour. One that comes after the message may leave is not waited for."""
        if step.at is None:
            return False
        now = max(self.state.reached, self.now)
        latest = step.within.after(self.state.reached, self.facts.zone)
        because = str(step.at)
        match step.at:
            case Hours() as hours:
                hour = hours.next(now, self.facts.zone)
            case "best time" if self.state.deadline is None and not self.state.touches.get(step.id) and now < latest:
                timed: Timed = yield BestTime(step.id, now, latest)
                hour, because = timed.at, timed.because
            case _:
                return False
        if hour <= now or hour > latest:
            return False
        self.change(deadline=hour)
        self.note("scheduled", {"because": because, "until": hour}, at=now)
        return True

    def _claim(self, step: Send, channels: list[str], one: bool) -> Generator[Ask, Any, None]:
        """Ask for each channel whether the touch may be claimed, in this order and with ``one`` until one is; what is
        deferred is asked again at its time."""
        deliver_by = step.within.after(self.state.reached, self.facts.zone)
        asked_at = self.state.deadline or self.state.reached
        scope = self.scope()
        deferrals = []
        if asked_at > self.now:
            deferrals.append(asked_at)
            asked_at = self.now
        closed = isinstance(step.at, Hours) and step.at.next(self.now, self.facts.zone) > self.now
        for channel in channels:
            verdict: Verdict
            if self.now > deliver_by or closed:
                verdict = Skip("too late", f"within {step.within}" + (f", at {step.at}" if closed else ""))
            elif step.when is not None and not holds(step.when, scope):
                verdict = Skip("condition", explain(step.when, scope))
            else:
                verdict = yield MayWe(step.id, channel, step.message, deliver_by)
                if isinstance(verdict, Defer) and verdict.until > deliver_by:
                    self.note("deferred", _said(channel, verdict), at=self.now)
                    verdict = Skip("too late", f"within {step.within}")
            match verdict:
                case Allow():
                    touched = Touched.made(status="claimed", at=self.now)
                    self.claims.append(Claim(step.id, channel, step.message, deliver_by, self._round(step)))
                    self.note("claimed", {"channel": channel, "message": step.message}, at=self.now)
                case Defer(until=until, rule=rule):
                    touched = Touched.made(status="deferred", at=self.now, reason=rule)
                    deferrals.append(until)
                    self.note("deferred", {**_said(channel, verdict), "until": until}, at=self.now)
                case Skip(rule=rule):
                    touched = Touched.made(status="refused", at=asked_at, reason=rule)
                    self.note("not sent", _said(channel, verdict), at=asked_at)
                case _:
                    assert_never(verdict)
            self.change(touches=_settled(self.state, step.id, channel, touched))
            if one and touched.status == "claimed":
                # What was deferred is asked again only if this one fails.
                deferrals.clear()
                kept = {c: t for c, t in self.state.touches[step.id].items() if t.status != "deferred"}
                self.change(touches={**self.state.touches, step.id: kept})
                break
        self.change(deadline=min(deferrals, default=None))


def _any_matches(patterns: Sequence[Pattern], state: State, event: Event, scope: Scope) -> bool:
    for pattern in patterns:
        if _concerns(pattern, state, event) and (pattern.when is None or holds(pattern.when, scope)):
            return True
    return False


def _concerns(pattern: Pattern, state: State, event: Event) -> bool:
    """Whether the event is of this name, this key and this message; its condition aside."""
    if pattern.on != event.name:
        return False
    if pattern.key is not None and key_of(event, pattern.key) != state.key:
        return False
    step = state.formerly.get(event.step or "", event.step)
    return pattern.of is None or (event.enrollment == state.enrollment and step == pattern.of)


def _awaits(program: Program, step_id: str, state: State, event: Event) -> bool:
    return any(_concerns(pattern, state, event) for pattern in _awaited(program, step_id))


def _awaited(program: Program, step_id: str) -> Iterator[Pattern]:
    match program.steps[step_id]:
        case Wait(without=Pattern() as pattern):
            yield pattern
        case WaitFor(arms=arms):
            yield from (arm.pattern for arm in arms if arm.pattern)


def drawn(split: Split, customer: str, journey: str) -> Share:
    """The share into which a customer falls, for ever."""
    point = point_of(customer, journey, split.id)
    for share in split.shares:
        point -= share.percent
        if point < 0:
            break
    return share


def body(program: Program, repeat: Repeat) -> frozenset[str]:
    """The steps of one round: all that can be reached from its first without coming back."""
    found: set[str] = set()
    ahead = [repeat.first]
    while ahead:
        name = ahead.pop().step
        if name is not None and name != repeat.id and name not in found:
            found.add(name)
            ahead.extend(onward(program.steps[name]))
    return frozenset(found)


def onward(step: Step) -> Sequence[Target]:
    """Every way that leads on from a step, in the order of the file."""
    match step:
        case WaitFor(arms=arms):
            return [*(arm.then for arm in arms), step.otherwise]
        case Choose(branches=branches):
            return [*(branch.then for branch in branches), step.otherwise]
        case Split(shares=shares):
            return [*(share.then for share in shares), *([step.otherwise] if step.when else [])]
        case Send() | Call():
            return [step.then, step.otherwise]
        case Wait():
            return [step.then, *([step.otherwise] if step.when or isinstance(step.until, Moment) else [])]
        case Repeat(first=first):
            return [first, step.then, *([step.otherwise] if step.when else [])]
        case Exit():
            return [step.otherwise] if step.when else []
        case _:
            return [step.then, *([step.otherwise] if step.when else [])]


def over(step: Wait | WaitFor, since: datetime, scope: Scope) -> datetime | None:
    """When a wait that began at ``since`` is over; None where the moment that it is until is missing."""
    if isinstance(step, WaitFor):
        return step.within.after(since, scope.zone)
    match step.until:
        case None:
            return step.duration.after(since, scope.zone)
        case Clock() as clock:
            return clock.next(since, scope.zone)
        case moment:
            return instant_of(moment, scope)


def instant_of(moment: Moment, scope: Scope) -> datetime | None:
    """The instant that a moment names; None where the name that it hangs on is missing."""
    raw, siblings = scope.raw(moment.name)
    found = value_of(moment.attribute, raw, siblings=siblings, currency=scope.currency)
    if isinstance(found, datetime):
        instant = found.astimezone(UTC)
    elif isinstance(found, date):
        instant = local(found, time(), scope.zone)
    else:
        return None
    instant = moment.offset.before(instant, scope.zone) if moment.before else moment.offset.after(instant, scope.zone)
    if moment.at is not None:
        instant = local(instant.astimezone(ZoneInfo(scope.zone)).date(), moment.at.time, scope.zone)
    return instant


LONGEST_KEY = 255


def key_of(event: Event, name: str) -> str | None:
    """The event's key as text, None where it has none."""
    value = event.properties.get(name)
    if value is None or isinstance(value, (dict, list)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        key = str(value)
    except ValueError:  # a number of thousands of digits
        return None
    return key if 0 < len(key) <= LONGEST_KEY else None


def _later(move: _Move, event: Event) -> Place:
    return max(Place(*move.state.consumed), event.place)


def _said(channel: str, verdict: Defer | Skip) -> dict[str, Any]:
    return {"channel": channel, "rule": verdict.rule, "because": verdict.reason}


def _because(when: Condition | None, scope: Scope) -> Mapping[str, str]:
    return {} if when is None else {"because": explain(when, scope)}


def point_of(*parts: str) -> float:
    """A number in [0, 100) that follows from the parts for ever."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * 100
