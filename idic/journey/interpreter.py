"""The machine of journeys: given where an enrollment is, what reached it and the time, where it goes, what is to be sent
and why. Plain and deterministic: no I/O, no clock, no dice.

Two drivers run it: a transaction of the store, and the simulator. What it must ask, it yields: the events of the customer
(``Inbox``) and the contact policy's consent to a touch (``MayWe``).

Time here is nominal. A wait that ended at ten o'clock is followed by a step that was reached at ten o'clock, even if a
worker comes to it at noon; so lateness never adds up, and an event is held against the deadline that it was promised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar, assert_never

from idic.journey.conditions import amount, explain, holds
from idic.journey.program import (
    Arm,
    Choose,
    Condition,
    Exit,
    Pattern,
    Program,
    Send,
    Split,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.scope import Facts, Scope
from idic.journey.state import Ending, Event, Place, State, Touched, TouchStatus, Trace

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


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
Ask = Inbox | MayWe | Best


# What it answers.


class Claim(NamedTuple):
    """A touch to be claimed: ``deliver_by`` is the last instant at which it may leave."""

    step: str
    channel: str
    message: str
    deliver_by: datetime


class Outcome(NamedTuple):
    state: State
    trace: tuple[Trace, ...]
    claims: tuple[Claim, ...] = ()


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
        return Ends(Ending(kind="goal", reason=event.name, at=event.accepted_at), value)
    if _any_matches(program.leave, state, event, scope):
        return Ends(Ending(kind="leave", reason=event.name, at=event.accepted_at), None)
    if state.step is not None and _awaits(program, state.step, state, event):
        if state.deadline is None or event.accepted_at <= state.deadline:
            return Wakes()
        return Late(state.step)
    for expired in state.expired:
        if _awaits(program, expired, state, event):
            return Late(expired)
    return None


def takes_back(program: Program, state: State, event: Event, facts: Facts) -> str | None:
    """Whether ``event`` would have ended this enrollment, had it not come to its end before, so that what is still shown of
    it is taken back: ``goal`` or ``leave``."""
    scope = Scope(program, facts, event.accepted_at, state, event)
    if program.goal and state.goal_at is None and _any_matches(program.goal.on, state, event, scope):
        return "goal"
    return "leave" if _any_matches(program.leave, state, event, scope) else None


def attributes(program: Program, state: State, event: Event, facts: Facts) -> tuple[bool, float | None]:
    """Whether ``event`` is still put down to an enrollment that has ended without its goal, and its value."""
    until = attributed_until(program, state)
    if program.goal is None or until is None or event.accepted_at > until:
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
            channel: Touched(status="failed", at=ending.at, reason="ended") if touch.status in _UNSENT else touch
            for channel, touch in channels.items()
        }
        for step, channels in state.touches.items()
    }
    ended = state.model_copy(update={"ended": ending, "step": None, "deadline": None, "touches": touches})
    return Outcome(ended, (Trace(ending.at, "ended", state.step, {"kind": ending.kind, "reason": ending.reason}),))


_UNSENT: tuple[TouchStatus, ...] = ("claimed", "deferred")
_SETTLED: tuple[TouchStatus, ...] = ("sent", "failed", "uncertain", "refused")
_WENT: tuple[TouchStatus, ...] = ("sent", "uncertain")
_NOT_SENT: tuple[TouchStatus, ...] = ("deferred", "failed", "refused")


def settle(state: State, step: str, channel: str, touched: Touched) -> State:
    """The state after one touch came to stand as ``touched``."""
    return state.model_copy(update={"touches": {**state.touches, step: {**state.touches.get(step, {}), channel: touched}}})


# Moving.


def begin(
    program: Program, enrollment: str, customer: str, event: Event, key: str | None, facts: Facts
) -> Generator[Ask, Any, Outcome]:
    """Enter ``program`` on ``event`` and go as far as its instant allows.

    The present is the event's: what was accepted later is routed, and what is due later is advanced, in its turn.
    """
    now = event.accepted_at
    state = State(
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
    scope = move.scope()
    entered_by = next((pattern for pattern in program.entry.on if pattern.on == event.name), None)
    why = {"event": event.name}
    if entered_by is not None and entered_by.when is not None:
        why["because"] = explain(entered_by.when, Scope(program, facts, now, state, event))
    move.note("entered", why)
    for segment in program.segments:
        if segment.when is None or holds(segment.when, scope):
            move.change(segment=segment.name)
            move.note("segment", {"segment": segment.name, **_because(segment.when, scope)})
            break
    move.go(program.first, now)
    return (yield from move.run())


def advance(program: Program, state: State, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Go as far as ``now`` allows. At rest already, the outcome is the state as it is and no trace."""
    return (yield from _Move(program, state, facts, now).run())


class _Move:
    """One move under way: the state so far, what was noted and what is claimed."""

    def __init__(self, program: Program, state: State, facts: Facts, now: datetime) -> None:
        self.program = program
        self.state = state
        self.facts = facts
        self.now = now
        self.trace: list[Trace] = []
        self.claims: list[Claim] = []

    def change(self, **fields: Any) -> None:
        self.state = self.state.model_copy(update=fields)

    def note(self, kind: str, why: Mapping[str, Any] | None = None, *, at: datetime | None = None) -> None:
        self.trace.append(Trace(at or self.state.reached, kind, self.state.step, why or {}))

    def scope(self, event: Event | None = None) -> Scope:
        return Scope(self.program, self.facts, self.now, self.state, event)

    def run(self) -> Machine:
        moved = True
        while moved and self.state.ended is None and self.state.step is not None:
            moved = yield from self._step()
        return Outcome(self.state, tuple(self.trace), tuple(self.claims))

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
            seen=self.state.consumed,
            began={**self.state.began, step.id: at},
        )
        match step:
            case Wait(duration=duration) | WaitFor(within=duration):
                # A send asks its condition at the moment of sending; every other step on arrival.
                if self._passed_over(step.when, step.otherwise):
                    return
                self.change(deadline=duration.after(at, self.facts.zone))
                if not (isinstance(step, WaitFor) and self._unsent(step)):
                    self.note("waiting", {"until": self.state.deadline})
            case Send() | Choose() | Split() | Exit():
                pass
            case _:
                assert_never(step)

    def _end(self, reason: str, at: datetime) -> None:
        outcome = close(self.state, Ending(kind="exit", reason=reason, at=at))
        self.state = outcome.state
        self.trace.extend(outcome.trace)

    def _passed_over(self, when: Condition | None, otherwise: Target) -> bool:
        scope = self.scope()
        if when is None or holds(when, scope):
            return False
        self.note("passed over", {"because": explain(when, scope)})
        self.go(otherwise, self.state.reached)
        return True

    def _step(self) -> Generator[Ask, Any, bool]:
        """Do what the present step asks for; whether that moved the enrollment on."""
        step = self.program.steps[self.state.step or ""]
        match step:
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
            case _:
                assert_never(step)

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
            if _matches(pattern, self.state, event, self.scope(event)):
                self.change(deadline=step.duration.after(event.accepted_at, self.facts.zone), consumed=_later(self, event))
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
        since = [self._since(arm) for arm in step.arms]
        earliest = min((instant for instant, _ in since if instant is not None), default=self.state.reached)
        events: Sequence[Event] = yield Inbox(frozenset(arm.pattern.on for arm in step.arms), earliest)
        deadline = self._deadline()
        for event in events:
            if event.accepted_at > min(deadline, self.now):
                break
            for arm, (instant, after) in zip(step.arms, since, strict=True):
                if instant is None or event.accepted_at < instant or event.place <= after:
                    continue
                if event.place <= self.state.seen and arm.since == "wait":
                    continue
                if _matches(arm.pattern, self.state, event, self.scope(event)):
                    self._take(step, arm, event)
                    return True
            if self._unseen(event):
                self.change(seen=event.place)
        if self.now < deadline:
            return False
        self.change(expired=(*self.state.expired, step.id))
        return self._when_due(step.otherwise, "timed out")

    def _unsent(self, step: WaitFor) -> list[str]:
        """The messages that every arm is about, if none of them was sent: there is nothing to wait for then."""
        about = [arm.pattern.of for arm in step.arms if arm.pattern.of]
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
                of = arm.pattern.of or ""
                return self.state.began.get(of) if self._sent_at(of) else None, entry
            case step:
                return self.state.began.get(step, self.state.reached), entry

    def _take(self, step: WaitFor, arm: Arm, event: Event) -> None:
        at = max(self.state.reached, event.accepted_at)
        self.note("happened", {"event": event.name, **_because(arm.pattern.when, self.scope(event))}, at=at)
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
        point = _hash(self.state.customer, self.program.journey, step.id)
        for share in step.shares:
            point -= share.percent
            if point < 0:
                break
        self.change(splits={**self.state.splits, step.id: share.name})
        self.note("split", {"share": share.name})
        self.go(share.then, self.state.reached)

    def _send(self, step: Send) -> Generator[Ask, Any, bool]:
        touches = self.state.touches.get(step.id, {})
        wanting = [c for c in step.channels if c not in touches or touches[c].status == "deferred"]
        one = step.mode != "each"
        if one and any(touch.status not in _NOT_SENT for touch in touches.values()):
            wanting = []  # one is enough, and it is on its way or there
        if self.state.deadline is not None and self.now < self.state.deadline:
            # What was deferred has its time. Of one that was when it was about to leave, the others are not asked yet.
            wanting = [c for c in wanting if one and c not in touches]
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
        self.go(step.then if went else step.otherwise, max(touch.at for touch in touches.values()))
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
        for channel in channels:
            verdict: Verdict
            if self.now > deliver_by:
                verdict = Skip("too late", f"within {step.within}")
            elif step.when is not None and not holds(step.when, scope):
                verdict = Skip("condition", explain(step.when, scope))
            else:
                verdict = yield MayWe(step.id, channel, step.message, deliver_by)
                if isinstance(verdict, Defer) and verdict.until > deliver_by:
                    self.note("deferred", _said(channel, verdict), at=self.now)
                    verdict = Skip("too late", f"within {step.within}")
            match verdict:
                case Allow():
                    touched = Touched(status="claimed", at=self.now)
                    self.claims.append(Claim(step.id, channel, step.message, deliver_by))
                    self.note("claimed", {"channel": channel, "message": step.message}, at=self.now)
                case Defer(until=until, rule=rule):
                    touched = Touched(status="deferred", at=self.now, reason=rule)
                    deferrals.append(until)
                    self.note("deferred", {**_said(channel, verdict), "until": until}, at=self.now)
                case Skip(rule=rule):
                    touched = Touched(status="refused", at=asked_at, reason=rule)
                    self.note("not sent", _said(channel, verdict), at=asked_at)
                case _:
                    assert_never(verdict)
            self.state = settle(self.state, step.id, channel, touched)
            if one and touched.status == "claimed":
                # What was deferred is asked again only if this one fails.
                deferrals.clear()
                kept = {c: t for c, t in self.state.touches[step.id].items() if t.status != "deferred"}
                self.change(touches={**self.state.touches, step.id: kept})
                break
        self.change(deadline=min(deferrals, default=None))


def _any_matches(patterns: Sequence[Pattern], state: State, event: Event, scope: Scope) -> bool:
    return any(_matches(pattern, state, event, scope) for pattern in patterns)


def _matches(pattern: Pattern, state: State, event: Event, scope: Scope) -> bool:
    return _concerns(pattern, state, event) and (pattern.when is None or holds(pattern.when, scope))


def _concerns(pattern: Pattern, state: State, event: Event) -> bool:
    """Whether the event is of this name, this key and this message; its condition aside."""
    if pattern.on != event.name:
        return False
    if pattern.key is not None and key_of(event, pattern.key) != state.key:
        return False
    return pattern.of is None or (event.enrollment == state.enrollment and event.step == pattern.of)


def _awaits(program: Program, step_id: str, state: State, event: Event) -> bool:
    return any(_concerns(pattern, state, event) for pattern in _awaited(program, step_id))


def _awaited(program: Program, step_id: str) -> Iterator[Pattern]:
    match program.steps[step_id]:
        case Wait(without=Pattern() as pattern):
            yield pattern
        case WaitFor(arms=arms):
            yield from (arm.pattern for arm in arms)


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


def _hash(*parts: str) -> float:
    """A number in [0, 100) that follows from the parts for ever."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * 100
