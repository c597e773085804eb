"""The life of an endpoint call: attempted, then answered, failed or tried again.

A call may be repeated, because every try carries the same idempotency key. So a call whose worker died is tried again; the
try of the dead worker counts too, so that ``tries: 1`` means that the endpoint is never called twice. All functions here run
on a held customer, in the transaction that holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from pydantic import JsonValue

from idic.interact.endpoints import Answered, CallLater, CallOutcome, Failed
from idic.journey.engine.state import State, Trace
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.program.values import Endpoint
from idic.router.held_customer import HeldCustomer
from idic.router.instruction import Instruction
from idic.store.enrollment import endpoint_calls, enrollments
from idic.store.enrollment.endpoint_calls import EndpointCall
from idic.store.enrollment.enrollments import Enrollment

log = structlog.get_logger()

RETRY = (1.0, 900.0)
"""Real seconds before the second try, doubled for each after it, and at the most."""
_LONGEST = 120.0
"""Real seconds one try may take, whatever the endpoint says."""
TOO_LATE = "no answer in time"
"""The reason of a call whose time ran out."""
_DROPPED = Failed("ended", "nobody waits for its answer any more")


class CallAttempt(NamedTuple):
    """The endpoint may be called, once. ``number`` tells this attempt from a later one; ``seconds`` is how long it may take,
    in real time."""

    number: int
    customer_id: str
    endpoint: Endpoint
    given: Mapping[str, JsonValue]
    currency: str
    answer_by: datetime
    seconds: float


async def attempt(held: HeldCustomer, call_id: str) -> CallAttempt | Instruction:
    """Count one more try of a call if it may be made now. Otherwise settle it, and say what its workflow is to do."""
    call = await endpoint_calls.get(held.tx, call_id)
    enrollment = await enrollments.get(held.tx, call.enrollment_id)
    if call.status != "asked":
        return await _reconcile(held, enrollment, call)
    program = await held.runtime.programs.get(held.tx, enrollment.program_id)
    endpoint = _awaited_endpoint(program, enrollment.state, call)
    if endpoint is None:
        return await _settle(held, enrollment, call, _DROPPED)
    if held.now > call.answer_by:
        return await _settle(held, enrollment, call, Failed(TOO_LATE, "no worker came to it in time"))
    if call.attempts >= endpoint.tries:
        return await _settle(held, enrollment, call, Failed("interrupted", "the worker died over its last try"))
    number = call.attempts + 1
    await endpoint_calls.mark(held.tx, call_id, attempts=number)
    return CallAttempt(
        number=number,
        customer_id=held.id,
        endpoint=endpoint,
        given=call.given,
        currency=program.currency,
        answer_by=call.answer_by,
        seconds=min(_LONGEST, max(0.0, held.tx.clock.real_seconds(call.answer_by - held.now))),
    )


async def record(held: HeldCustomer, call_id: str, attempt: CallAttempt, outcome: CallOutcome) -> Instruction | CallLater:
    """Record what became of an attempt, and take the enrollment further. ``CallLater`` where it is to be tried again."""
    call = await endpoint_calls.get(held.tx, call_id)
    enrollment = await enrollments.get(held.tx, call.enrollment_id)
    newer = call.attempts != attempt.number
    if call.status != "asked" or (newer and not isinstance(outcome, Answered)):
        # Another worker took this one for dead and tries again: either's answer is good, a failure is the other's to record.
        return await held.instruction(enrollment)
    if isinstance(outcome, CallLater):
        return await _later(held, enrollment, call, attempt, outcome)
    return await _settle(held, enrollment, call, outcome)


async def _reconcile(held: HeldCustomer, enrollment: Enrollment, call: EndpointCall) -> Instruction:
    """There is nothing to call: the call is settled. A state that still waits for it would have it made again at once, for
    ever: it learns here how the call ended. An answer counts if it is remembered, or if nobody reads it."""
    program, state = await held.runtime.programs.get(held.tx, enrollment.program_id), enrollment.state
    if _awaited_endpoint(program, state, call) is None:
        return await held.instruction(enrollment)
    log.warning("state behind its call", enrollment=enrollment.id, call=call.id, status=call.status)
    step = program.steps[call.step]
    response: Mapping[str, JsonValue] | None = None
    if call.status == "answered" and isinstance(step, Call):
        remembered = state.captured.get(step.capture) if step.capture else None
        response = {} if step.capture is None else remembered.properties if remembered else None
    reason = None if response is not None else call.reason or "answered before"
    return await held.instruction(await held.answer(enrollment, call, response, reason))


async def _later(
    held: HeldCustomer, enrollment: Enrollment, call: EndpointCall, attempt: CallAttempt, outcome: CallLater
) -> Instruction | CallLater:
    """Try again after a pause, unless that would be one try too many, or too late."""
    first, longest = RETRY
    pause = min(max(outcome.after or 0, first * 2 ** min(attempt.number - 1, 10)), longest)
    retry_at = held.now + timedelta(seconds=pause) * held.tx.clock.factor
    if attempt.number >= attempt.endpoint.tries or retry_at > call.answer_by:
        return await _settle(held, enrollment, call, Failed(outcome.code, outcome.detail))
    # The endpoint's words may name a customer who was erased meanwhile.
    detail = None if held.customer.erased else outcome.detail
    await endpoint_calls.mark(held.tx, call.id, reason=outcome.code, detail=detail)
    why = {"endpoint": attempt.endpoint.name, "reason": outcome.code}
    await enrollments.note(held.tx, enrollment.id, [Trace(held.now, "calling again", call.step, why)])
    return outcome._replace(after=pause)


def _awaited_endpoint(program: Program, state: State, call: EndpointCall) -> Endpoint | None:
    """The endpoint to call, if the enrollment still waits for this call. Nobody is migrated while a call of theirs is under
    way, so its step has the name that it had."""
    step, called = program.steps.get(call.step), state.calls.get(call.step)
    waits = state.ended is None and called is not None and called.status == "asked"
    return step.endpoint if waits and isinstance(step, Call) and state.rounds.get(call.step, 1) == call.round else None


async def _settle(held: HeldCustomer, enrollment: Enrollment, call: EndpointCall, outcome: Answered | Failed) -> Instruction:
    """Record how the call ended. An enrollment that no longer waits for it is not moved."""
    status, reason, detail = "answered", None, None
    if isinstance(outcome, Failed):
        status, (reason, detail) = "failed", outcome
    if reason == TOO_LATE:
        # The step ended when its time ran out: everything after it counts from then.
        moved = await held.advance(enrollment)
    else:
        moved = await held.answer(enrollment, call, outcome.values if isinstance(outcome, Answered) else None, reason)
        if moved.seq == enrollment.seq:
            status, (reason, detail) = "failed", _DROPPED
    if held.customer.erased:
        detail = None
    await endpoint_calls.mark(held.tx, call.id, status=status, reason=reason, detail=detail, settled_at=held.now)
    return await held.instruction(moved)
