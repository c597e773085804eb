"""Take an enrollment as far as the present allows: one transaction, and what its workflow is to do after it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import NamedTuple

from temporalio import activity

from activities.coded_errors import coded
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.instruction import Instruction
from idic.router.runtime import Runtime
from idic.store.database import Store
from idic.store.enrollment import enrollments

# A timer that fires this much early, by the clocks' disagreement, is waited out here instead of in the history.
_EARLY = 0.25


class Advance:
    def __init__(self, store: Store, runtime: Runtime) -> None:
        self.store = store
        self.runtime = runtime

    @activity.defn(name="advance")
    @coded
    async def advance(self, enrollment_id: str) -> Instruction:
        """Safe to repeat: at rest already, it only says again what is to be done."""

        async def work(held: HeldCustomer) -> Instruction | _Early:
            enrollment = await enrollments.get(held.tx, enrollment_id)
            moved = await held.advance(enrollment)
            early = self._early(held, moved.state.deadline)
            return _Early(early) if moved.seq == enrollment.seq and 0 < early < _EARLY else await held.instruction(moved)

        while True:
            answer = await hold_customer(self.store, self.runtime, "advance", enrollments.customer_of(enrollment_id), work)
            if isinstance(answer, Instruction):
                return answer
            await asyncio.sleep(answer.seconds)

    def _early(self, held: HeldCustomer, deadline: datetime | None) -> float:
        """For how many real seconds the deadline is still to come."""
        return self.store.clock.real_seconds(deadline - held.now) if deadline else 0.0


class _Early(NamedTuple):
    seconds: float
