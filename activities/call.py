"""Make one try of an endpoint call, and record what became of it.

What a call goes through is decided in ``idic.router.call_endpoint``; here are its two transactions and the request in between.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.coded_errors import coded
from activities.heartbeat import heartbeats, keep_offering
from idic.interact.endpoints import Caller, CallLater, CallOutcome, Failed
from idic.router import call_endpoint
from idic.router.call_endpoint import CallAttempt
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.store.database import Store
from idic.store.enrollment import endpoint_calls


class CallEndpoint:
    """The activity that makes calls. ``keep_trying`` is for how many real seconds an answer that only this process knows is
    offered to a store that does not answer."""

    def __init__(self, store: Store, runtime: Runtime, caller: Caller, *, keep_trying: float = 480) -> None:
        self.store = store
        self.runtime = runtime
        self.caller = caller
        self.keep_trying = keep_trying

    @activity.defn(name="call")
    @coded
    async def call(self, call_id: str) -> Instruction:
        """Make a call. Safe to repeat: a settled call is left alone."""
        async with heartbeats(self.runtime.patience):
            attempt = await self._attempt(call_id)
            if isinstance(attempt, Instruction):
                return attempt
            outcome = await self.caller.call(
                attempt.endpoint, attempt.given, key=call_id, currency=attempt.currency, seconds=attempt.seconds
            )
            if self.store.clock.now() > attempt.answer_by:
                outcome = Failed(call_endpoint.TOO_LATE, "it took longer than the journey waits")
            return await self._record(call_id, attempt, outcome)

    async def _attempt(self, call_id: str) -> CallAttempt | Instruction:
        async def work(held: HeldCustomer) -> CallAttempt | Instruction:
            return await call_endpoint.attempt(held, call_id)

        return await hold_customer(self.store, self.runtime, "attempt a call", endpoint_calls.customer_of(call_id), work)

    async def _record(self, call_id: str, attempt: CallAttempt, outcome: CallOutcome) -> Instruction:
        async def work(held: HeldCustomer) -> Instruction | CallLater:
            return await call_endpoint.record(held, call_id, attempt, outcome)

        answer = await keep_offering(
            lambda: hold_customer(self.store, self.runtime, "record a call", attempt.customer_id, work), self.keep_trying
        )
        if isinstance(answer, CallLater):
            # The pause is the service's time, which is real whatever idic's clock does.
            pause = timedelta(seconds=answer.after or call_endpoint.RETRY[0])
            raise ApplicationError(answer.code, type=answer.code, next_retry_delay=pause)
        return answer
