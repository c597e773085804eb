"""The machine of journeys: given where an enrollment is, what reached it and the time, where it goes, what is to be sent
and why. Plain and deterministic: no I/O, no clock, no dice.

Two drivers run it: a transaction of the store, and the simulator. What it must ask, it yields: the events of the customer
(``Inbox``), the contact policy's consent to a touch (``MayWe``), and what is best or comes by time alone. What it cannot do
itself it answers with, as ``effects``.

Time here is nominal. A wait that ended at ten o'clock is followed by a step that was reached at ten o'clock, even if a
worker comes to it at noon; so lateness never adds up, and an event is held against the deadline that it was promised.
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
    """Go as far as ``now`` allows. At rest already, the outcome is the state as it is and no trace.

    ``kept`` are the kinds of trace that are wanted, and ``ours`` says that nobody else holds ``state``, so that it may be
    written on: neither changes where this goes.
    """
    return (yield from _run(StepRunner(program, state, facts, now, kept, ours=ours)))


def arrive(program: Program, state: State, step: str, facts: Facts, now: datetime) -> Generator[Ask, Any, Outcome]:
    """Stand at ``step`` from now on, wherever it stood before, and go as far as ``now`` allows."""
    move = StepRunner(program, state, facts, now)
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


def _run(move: StepRunner) -> Machine:
    moved = True
    while moved and move.state.ended is None and move.state.step is not None:
        step = move.program.steps[move.state.step]
        running = STEP_KINDS[step.kind].run(step, move)
        moved = running if isinstance(running, bool) else (yield from running)
    return Outcome(move.state, tuple(move.trace), tuple(move.claims), tuple(move.effects))
