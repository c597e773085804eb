"""Move an enrollment through its program.

Given the state of an enrollment, its events and the time, the interpreter answers with the next state, the messages to send,
and why. It is plain and deterministic: no I/O, no clock, no dice.

Two drivers run it: a transaction of the store, and the simulator. The interpreter yields its questions: the events of the
customer (``Inbox``), whether the contact policy allows a touch (``MayWe``), the best channel or hour, and what changes by
time alone. What it cannot do itself, such as a call, it returns as ``effects``.

Time is nominal here. If a wait ended at ten o'clock, the next step was reached at ten o'clock, even if a worker does it at
noon. So delays never add up, and an event is compared with the deadline that was promised.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime
from typing import Any

from idic.journey.engine.admission import DUE
from idic.journey.engine.move import TraceKinds, because
from idic.journey.engine.protocol import Ask, Machine, Outcome
from idic.journey.engine.run_step import StepRunner
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Called, Event, State
from idic.journey.program.program import Program
from idic.journey.program.steps import STEP_KINDS, Call
from idic.journey.program.values import Target


def begin(
    program: Program, enrollment: str, customer: str, event: Event, key: str | None, facts: Facts, *, kept: TraceKinds = None
) -> Generator[Ask, Any, Outcome]:
    """Enters ``program`` on ``event``, and goes on as far as the instant of that event allows.

    Events that were accepted later are routed later, and later deadlines are advanced later.
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
    move = StepRunner(program, state, facts, now, kept, ours=True)
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
    """Goes on as far as ``now`` allows. If nothing is due, the outcome is the same state, without trace.

    ``kept`` are the kinds of trace to record. ``ours`` says that nobody else holds ``state``, so it may be changed in place.
    Neither changes where the enrollment goes.
    """
    return (yield from _run(StepRunner(program, state, facts, now, kept, ours=ours)))


def arrive(program: Program, state: State, step: str, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Puts the enrollment at ``step``, and goes on from there as far as ``now`` allows."""
    move = StepRunner(program, state, facts, now)
    move.go(Target(step=step), now)
    return (yield from _run(move))


def answered(
    program: Program, state: State, step: str, response: Mapping[str, Any] | None, reason: str | None, at: datetime
) -> State:
    """The state after a call has ended: with a response, or without one (None) for a ``reason``."""
    if step not in state.calls or state.calls[step].status != "asked":
        return state
    called = Called.made(status="failed" if response is None else "answered", at=at, reason=reason)
    captured, asked = state.captured, program.steps[step]
    if response is not None and isinstance(asked, Call) and asked.capture:
        # The answer is read like the properties of an event. No event can have this name.
        answer = Event(number=0, name=f"call {asked.endpoint.name}", properties=dict(response), accepted_at=at)
        captured = {**captured, asked.capture: answer}
    return state.changed(calls={**state.calls, step: called}, captured=captured)


def _run(move: StepRunner) -> Machine:
    moved = True
    while moved and move.state.ended is None and move.state.step is not None:
        step = move.program.steps[move.state.step]
        running = STEP_KINDS[step.kind].run(step, move)
        moved = running if isinstance(running, bool) else (yield from running)
    return Outcome(move.state, tuple(move.trace), tuple(move.claims), tuple(move.effects))
