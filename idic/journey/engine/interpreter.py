"""The machine of journeys: given where an enrollment is, what reached it and the time, where it goes, what is to be sent
and why. Plain and deterministic: no I/O, no clock, no dice.

Two drivers run it: a transaction of the store, and the simulator. What it must ask, it yields: the events of the customer
(``Inbox``), the contact policy's consent to a touch (``MayWe``), and what is best or comes by time alone. What it cannot do
itself it answers with, as ``effects``.

Time here is nominal. A wait that ended at ten o'clock is followed by a step that was reached at ten o'clock, even if a
worker comes to it at noon; so lateness never adds up, and an event is held against the deadline that it was promised.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime
from typing import Any

from idic.journey.engine.admission import DUE
from idic.journey.engine.match_event import attribute_named
from idic.journey.engine.move import Move, TraceKinds, because
from idic.journey.engine.protocol import Ask, CallRequest, Enroll, Learn, Machine, Outcome
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.send import send
from idic.journey.engine.state import Called, Event, State
from idic.journey.engine.wait import moved, silence, wait_for
from idic.journey.expressions.evaluate import holds, value
from idic.journey.program.flow import steps_of_round
from idic.journey.program.program import Program
from idic.journey.program.shares import draw_share
from idic.journey.program.steps import Call, Choose, Differentiate, Enter, Exit, Repeat, Send, Set, Split, Wait, WaitFor
from idic.journey.program.values import Assignment, Target


def begin(
    program: Program, enrollment: str, customer: str, event: Event, key: str | None, facts: Facts, *, kept: TraceKinds = None
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
    move = Move(program, state, facts, now, kept, ours=True)
    entered_by = next((pattern for pattern in program.entry.on if pattern.on == event.name), None)
    why = {"event": str(event.properties.get("because", event.name)) if event.name == DUE else event.name}
    when = entered_by.when if entered_by is not None else None
    move.note("entered", why, because=because(when, Scope(program, facts, now, state, event)))
    move.differentiate()
    move.go(program.first, now)
    return (yield from _run(move))


def advance(
    program: Program, state: State, facts: Facts, now: datetime, *, kept: TraceKinds = None, ours: bool = False
) -> Generator[Ask, Any, Outcome]:
    """Go as far as ``now`` allows. At rest already, the outcome is the state as it is and no trace.

    ``kept`` are the kinds of trace that are wanted, and ``ours`` says that nobody else holds ``state``, so that it may be
    written on: neither changes where this goes.
    """
    return (yield from _run(Move(program, state, facts, now, kept, ours=ours)))


def arrive(program: Program, state: State, step: str, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Stand at ``step`` from now on, wherever it stood before, and go as far as ``now`` allows."""
    move = Move(program, state, facts, now)
    move.go(Target(step=step), now)
    return (yield from _run(move))


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


def _run(move: Move) -> Machine:
    moved = True
    while moved and move.state.ended is None and move.state.step is not None:
        moved = yield from _step(move)
    return Outcome(move.state, tuple(move.trace), tuple(move.claims), tuple(move.effects))


def _step(move: Move) -> Generator[Ask, Any, bool]:
    """Do what the present step asks for; whether that moved the enrollment on."""
    step = move.program.steps[move.state.step or ""]
    match step:
        case Wait() if moved(move, step):
            return True
        case Wait(without=None):
            return move.when_due(step.then, "waited")
        case Wait():
            return (yield from silence(move, step))
        case WaitFor():
            return (yield from wait_for(move, step))
        case Choose():
            if not move.passed_over(step.when, step.otherwise):
                _choose(move, step)
            return True
        case Split():
            if not move.passed_over(step.when, step.otherwise):
                _split(move, step)
            return True
        case Send():
            return (yield from send(move, step))
        case Exit():
            if not move.passed_over(step.when, step.otherwise):
                move.end(step.reason, move.state.reached)
            return True
        case Set():
            if not move.passed_over(step.when, step.otherwise):
                _set(move, step)
            return True
        case Call():
            return _call(move, step)
        case Repeat():
            _repeat(move, step)
            return True
        case Enter():
            if not move.passed_over(step.when, step.otherwise):
                _enter(move, step)
            return True
        case Differentiate():
            if not move.passed_over(step.when, step.otherwise):
                move.differentiate()
                move.go(step.then, move.state.reached)
            return True
        case _:
            raise TypeError(step.kind)


def _set(move: Move, step: Set) -> None:
    for one in step.assign:
        move.assign(one)
    learnt = {
        attribute: move.facts.customer[attribute]
        for one in step.assign
        for attribute in attribute_named(one.name)
        if attribute in move.facts.customer
    }
    if learnt:
        move.effects.append(Learn(learnt))
    move.note_assigned("set", step.assign)
    move.go(step.then, move.state.reached)


def _given(move: Move, assigned: Sequence[Assignment]) -> dict[str, Any]:
    scope = move.scope()
    values = {one.name: value(one.value, one.type, scope) for one in assigned}
    return {name: found for name, found in values.items() if found is not None}


def _call(move: Move, step: Call) -> bool:
    called = move.state.calls.get(step.id)
    if called is None:
        if move.passed_over(step.when, step.otherwise):
            return True
        # From when it is asked, however late that is: the time is for the one who answers.
        answer_by = step.within.after(max(move.state.reached, move.now), move.facts.zone)
        move.effects.append(CallRequest(step.id, move.round(step), _given(move, step.given), answer_by))
        called = Called.made(status="asked", at=move.state.reached)
        move.change(calls={**move.state.calls, step.id: called}, deadline=answer_by)
        move.note("called", {"endpoint": step.endpoint.name})
    if called.status == "asked":
        if move.now <= move.deadline():
            return False
        called = Called.made(status="failed", at=move.deadline(), reason="no answer in time")
        move.change(calls={**move.state.calls, step.id: called})
    at = max(move.state.reached, called.at)
    if called.status == "answered":
        move.note("answered", {"endpoint": step.endpoint.name}, at=at)
        move.go(step.then, at)
    else:
        move.note("no answer", {"endpoint": step.endpoint.name, "because": called.reason}, at=at)
        move.go(step.otherwise, at)
    return True


def _repeat(move: Move, step: Repeat) -> None:
    done = move.state.loops.get(step.id, 0)
    if done == 0 and move.passed_over(step.when, step.otherwise):
        return
    scope = move.scope()
    reached = step.until is not None and holds(step.until, scope)
    if reached or done >= step.times:
        move.note("repeated", {"times": done}, because=because(step.until, scope) if reached else None)
        move.change(loops={name: count for name, count in move.state.loops.items() if name != step.id})
        move.go(step.then, move.state.reached)
        return
    move.change(loops={**move.state.loops, step.id: done + 1})
    if done:
        _afresh(move, steps_of_round(move.program, step))
    move.note("round", {"number": done + 1, "times": step.times})
    move.go(step.first, move.state.reached)


def _afresh(move: Move, steps: frozenset[str]) -> None:
    """Another round of these steps: what they send and call is new."""
    again = {name: move.state.rounds.get(name, 1) + 1 for name in sorted(steps & move.state.began.keys())}
    move.change(
        rounds={**move.state.rounds, **again},
        touches={name: touches for name, touches in move.state.touches.items() if name not in again},
        calls={name: called for name, called in move.state.calls.items() if name not in again},
        expired=tuple(name for name in move.state.expired if name not in again),
    )


def _enter(move: Move, step: Enter) -> None:
    given = move.state.entry.properties if step.given is None else _given(move, step.given)
    move.effects.append(Enroll(step.id, move.round(step), step.journey, given))
    move.note("asked for entry", {"journey": step.journey})
    move.go(step.then, move.state.reached)


def _choose(move: Move, step: Choose) -> None:
    scope = move.scope()
    for branch in step.branches:
        if holds(branch.when, scope):
            move.note("chose", because=because(branch.when, scope))
            move.go(branch.then, move.state.reached)
            return
    move.note("chose", {"because": "otherwise"})
    move.go(step.otherwise, move.state.reached)


def _split(move: Move, step: Split) -> None:
    # What was drawn before stays, also when the shares have changed since.
    before = move.state.splits.get(step.id)
    known = next((share for share in step.shares if share.name == before), None)
    share = known or draw_share(step, move.state.customer, move.program.journey)
    move.change(splits={**move.state.splits, step.id: share.name})
    move.note("split", {"share": share.name})
    move.go(share.then, move.state.reached)
