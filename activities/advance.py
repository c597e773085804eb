"""Take an enrollment as far as the present allows, and say what its workflow does next. One transaction."""

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

_EARLY = 0.25
"""Real seconds. A timer that fires early by less than this, because clocks disagree, is waited out here, not in the history."""


class Advance:
    """The activity that advances enrollments."""

    def __init__(self, store: Store, runtime: Runtime) -> None:
        self.store = store
        self.runtime = runtime

    @activity.defn(name="advance")
    @coded
    async def advance(self, enrollment_id: str) -> Instruction:
        """Advance an enrollment. Safe to repeat: one that is at rest already stays there."""

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
        """How many real seconds the deadline lies ahead."""
        return self.store.clock.real_seconds(deadline - held.now) if deadline else 0.0


class _Early(NamedTuple):
    seconds: float
