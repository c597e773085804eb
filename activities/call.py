"""Make one call of an endpoint: a try each time this runs, as many as the endpoint allows and as long as it is waited for.

A call may be repeated, because every try carries the same idempotency key. So who finds one that another worker died over
tries again; only that try counts too, so that ``tries: 1`` means that nothing is ever asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from pydantic import JsonValue
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.coded_errors import coded
from activities.heartbeat import alive, offered
from idic.interact.endpoints import Answered, Caller, CallLater, CallOutcome, Failed
from idic.journey.engine.state import State, Trace
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.program.values import Endpoint
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.store.database import Store
from idic.store.enrollment import endpoint_calls, enrollments
from idic.store.enrollment.endpoint_calls import EndpointCall
from idic.store.enrollment.enrollments import Enrollment

log = structlog.get_logger()

_RETRY = (1.0, 900.0)
"""Real seconds before the second try, doubled for each after it, and at the most."""
_LONGEST = 120.0
"""Real seconds one try may take, whatever the endpoint says."""
TOO_LATE = "no answer in time"
_DROPPED = Failed("ended", "nobody waits for its answer any more")


class Attempt(NamedTuple):
    """The endpoint may be asked, once. ``number`` tells this attempt from a later one; ``seconds`` is how long it may take, in
    real time."""

    number: int
    customer_id: str
    endpoint: Endpoint
    given: Mapping[str, JsonValue]
    currency: str
    answer_by: datetime
    seconds: float


class Calling:
    """``keep_trying`` bounds, in real seconds, for how long an answer that only this process knows is offered to a store that
    does not answer."""

    def __init__(self, store: Store, runtime: Runtime, caller: Caller, *, keep_trying: float = 480) -> None:
        self.store = store
        self.runtime = runtime
        self.caller = caller
        self.keep_trying = keep_trying

    @activity.defn(name="call")
    @coded
    async def call(self, call_id: str) -> Instruction:
        """Safe to repeat: a call that is settled is left alone."""
        async with alive(self.runtime.patience):
            attempt = await self._attempt(call_id)
            if isinstance(attempt, Instruction):
                return attempt
            outcome = await self.caller.call(
                attempt.endpoint, attempt.given, key=call_id, currency=attempt.currency, seconds=attempt.seconds
            )
            if self.store.clock.now() > attempt.answer_by:
                outcome = Failed(TOO_LATE, "it took longer than the journey waits")
            return await self._record(call_id, attempt, outcome)

    async def _attempt(self, call_id: str) -> Attempt | Instruction:
        async def work(held: HeldCustomer) -> Attempt | Instruction:
            call = await endpoint_calls.get(held.tx, call_id)
            enrollment = await enrollments.get(held.tx, call.enrollment_id)
            if call.status != "asked":
                return await self._reconciled(held, enrollment, call)
            program = await self.runtime.programs.get(held.tx, enrollment.program_id)
            endpoint = _asked(program, enrollment.state, call)
            if endpoint is None:
                return await _settle(held, enrollment, call, _DROPPED)
            if held.now > call.answer_by:
                return await _settle(held, enrollment, call, Failed(TOO_LATE, "no worker came to it in time"))
            if call.attempts >= endpoint.tries:
                return await _settle(held, enrollment, call, Failed("interrupted", "the worker died over its last try"))
            number = call.attempts + 1
            await endpoint_calls.mark(held.tx, call_id, attempts=number)
            return Attempt(
                number=number,
                customer_id=held.id,
                endpoint=endpoint,
                given=call.given,
                currency=program.currency,
                answer_by=call.answer_by,
                seconds=min(_LONGEST, max(0.0, self.store.clock.real_seconds(call.answer_by - held.now))),
            )

        return await hold_customer(self.store, self.runtime, "attempt a call", endpoint_calls.whose(call_id), work)

    async def _reconciled(self, held: HeldCustomer, enrollment: Enrollment, call: EndpointCall) -> Instruction:
        """What the workflow is to do where there is nothing to call. A state that still waits for this call would have it
        made again at once, for ever: it learns here how it ended. An answer counts if it is remembered, or nobody reads it."""
        program, state = await self.runtime.programs.get(held.tx, enrollment.program_id), enrollment.state
        if _asked(program, state, call) is None:
            return await held.instruction(enrollment)
        log.warning("state behind its call", enrollment=enrollment.id, call=call.id, status=call.status)
        step = program.steps[call.step]
        response: Mapping[str, JsonValue] | None = None
        if call.status == "answered" and isinstance(step, Call):
            remembered = state.captured.get(step.capture) if step.capture else None
            response = {} if step.capture is None else remembered.properties if remembered else None
        reason = None if response is not None else call.reason or "answered before"
        return await held.instruction(await held.answer(enrollment, call, response, reason))

    async def _record(self, call_id: str, attempt: Attempt, outcome: CallOutcome) -> Instruction:
        async def work(held: HeldCustomer) -> Instruction | CallLater:
            call = await endpoint_calls.get(held.tx, call_id)
            enrollment = await enrollments.get(held.tx, call.enrollment_id)
            newer = call.attempts != attempt.number
            if call.status != "asked" or (newer and not isinstance(outcome, Answered)):
                # Somebody tries again, taking us for dead: an answer is as good from either, a failure is theirs to tell.
                return await held.instruction(enrollment)
            if isinstance(outcome, CallLater):
                return await self._later(held, enrollment, call, attempt, outcome)
            return await _settle(held, enrollment, call, outcome)

        answer = await offered(
            lambda: hold_customer(self.store, self.runtime, "record a call", attempt.customer_id, work), self.keep_trying
        )
        if isinstance(answer, CallLater):
            # The pause is the service's time, which is real whatever idic's clock does.
            raise ApplicationError(answer.code, type=answer.code, next_retry_delay=timedelta(seconds=answer.after or _RETRY[0]))
        return answer

    async def _later(
        self, held: HeldCustomer, enrollment: Enrollment, call: EndpointCall, attempt: Attempt, outcome: CallLater
    ) -> Instruction | CallLater:
        first, longest = _RETRY
        pause = min(max(outcome.after or 0, first * 2 ** min(attempt.number - 1, 10)), longest)
        retry_at = held.now + timedelta(seconds=pause) * held.tx.clock.factor
        if attempt.number >= attempt.endpoint.tries or retry_at > call.answer_by:
            return await _settle(held, enrollment, call, Failed(outcome.code, outcome.detail))
        # What an endpoint said may name who has been forgotten meanwhile.
        await endpoint_calls.mark(
            held.tx, call.id, reason=outcome.code, detail=None if held.customer.erased else outcome.detail
        )
        why = {"endpoint": attempt.endpoint.name, "reason": outcome.code}
        await enrollments.note(held.tx, enrollment.id, [Trace(held.now, "calling again", call.step, why)])
        return outcome._replace(after=pause)


def _asked(program: Program, state: State, call: EndpointCall) -> Endpoint | None:
    """What is to be called, if the enrollment still waits for this call. Nobody is moved while a call of theirs is under
    way, so its step has the name that it had."""
    name = str(call.step)
    step, called = program.steps.get(name), state.calls.get(name)
    waits = state.ended is None and called is not None and called.status == "asked"
    return step.endpoint if waits and isinstance(step, Call) and state.rounds.get(name, 1) == call.round else None


async def _settle(held: HeldCustomer, enrollment: Enrollment, call: EndpointCall, outcome: Answered | Failed) -> Instruction:
    """Record how the call came to its end. Whoever does not wait for it any more is not moved."""
    status, reason, detail = "answered", None, None
    if isinstance(outcome, Failed):
        status, (reason, detail) = "failed", outcome
    if reason == TOO_LATE:
        # The step ended when it should have: everything after it counts from then.
        moved = await held.advance(enrollment)
    else:
        moved = await held.answer(enrollment, call, outcome.values if isinstance(outcome, Answered) else None, reason)
        if moved.seq == enrollment.seq:
            status, (reason, detail) = "failed", _DROPPED
    if held.customer.erased:
        detail = None
    await endpoint_calls.mark(held.tx, call.id, status=status, reason=reason, detail=detail, settled_at=held.now)
    return await held.instruction(moved)
