"""Deliver one touch: mark it ``attempting``, call the provider once, and record the outcome.

The rules are in ``idic.router.deliver``; this module holds the two transactions and the call between them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.coded_errors import coded
from activities.heartbeat import heartbeats, keep_offering
from idic.errors import IdicError
from idic.interact.channels.channel_edge import Courier
from idic.interact.channels.contract import Later, Outcome, OutgoingSms, Refused
from idic.logs import place
from idic.providers.registry import PROVIDERS
from idic.router import deliver
from idic.router.deliver import Attempt, Composed, DownAccounts
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.store.database import Store
from idic.store.enrollment import touches

log = structlog.get_logger()

BEGIN_WITHIN = 2.0
"""Real seconds after a touch was marked ``attempting``; later than that, its provider is no longer called."""

_COPIED = {name for name, provider in PROVIDERS.items() if provider.keeps_copies}
"""Accounts for which copies of messages are always kept."""


class Deliver:
    """The activity that delivers touches.

    ``couriers``: by account. ``keep_trying``: real seconds to retry recording a result while the store is unavailable.
    ``begin_within``: real seconds after a touch was marked in which its provider may still be called; a withdrawal of
    consent waits until they are over (``idic.api.wait_until_settled``).
    """

    def __init__(
        self,
        store: Store,
        runtime: Runtime,
        couriers: Mapping[str, Courier],
        *,
        keep_trying: float = 480,
        begin_within: float = BEGIN_WITHIN,
    ) -> None:
        self.store = store
        self.runtime = runtime
        self.couriers = couriers
        self.keep_trying = keep_trying
        self.begin_within = begin_within
        self._down = DownAccounts()

    @activity.defn(name="deliver")
    @coded
    async def deliver(self, touch_id: str) -> Instruction:
        """Deliver a touch. Safe to repeat: a settled touch is left alone."""
        async with heartbeats(self.runtime.patience):
            attempt = await self._attempt(touch_id)
            if isinstance(attempt, Instruction):
                return attempt
            outcome, composed = await self._call(attempt)
            return await self._record(touch_id, attempt, outcome, composed)

    async def _attempt(self, touch_id: str) -> Attempt | Instruction:
        async def work(held: HeldCustomer) -> Attempt | Instruction:
            return await deliver.attempt(held, touch_id, self._down)

        return await hold_customer(self.store, self.runtime, "attempt", touches.customer_of(touch_id), work)

    async def _call(self, attempt: Attempt) -> tuple[Outcome, Composed]:
        parcel = attempt.parcel
        try:
            courier = self.couriers[attempt.account]
            message = courier.compose(parcel)
            keeps_copy = self.runtime.keep_copies or courier.account in _COPIED
            segments, sender = (message.segments, message.sender) if isinstance(message, OutgoingSms) else (None, None)
            composed = Composed(courier.copy(message) if keeps_copy else None, segments, sender)
        except IdicError as error:
            return Refused(error.code, str(error)), Composed()
        except Exception as error:
            # No provider was called yet, so the message certainly did not leave. The error's text may hold its content.
            log.error("message not composed", touch=parcel.touch, error=type(error).__name__, at=place(error))
            return Refused("compose_failed", type(error).__name__), Composed()
        if hindered := await courier.ready(message):
            return hindered, composed
        if time.monotonic() - attempt.since > self.begin_within:
            return Later("began_too_late", "it took too long from asking whether it may be sent to sending it", 0), composed
        return await courier.send(message), composed

    async def _record(self, touch_id: str, attempt: Attempt, outcome: Outcome, composed: Composed) -> Instruction:
        async def work(held: HeldCustomer) -> Instruction | Later:
            return await deliver.record(held, touch_id, attempt, outcome, composed, self._down)

        # Only this process knows what the provider said.
        answer = await keep_offering(
            lambda: hold_customer(self.store, self.runtime, "record", attempt.customer_id, work), self.keep_trying
        )
        if isinstance(answer, Later):
            # The pause is the provider's time, which is real whatever idic's clock does.
            pause = timedelta(seconds=answer.after or deliver.RETRY[0])
            raise ApplicationError(answer.code, type=answer.code, next_retry_delay=pause)
        return answer
