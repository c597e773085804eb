"""Take an enrollment as far as the present allows: one transaction, and what its workflow is to do after it."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.coded import coded
from idic.router.hold import Hold, House, holding
from idic.router.instruction import Instruction
from idic.store import enrollments
from idic.store.database import Store

# A timer that fires this much early, by the clocks' disagreement, is waited out here instead of in the history.
_EARLY = 0.25


class Advance:
    def __init__(self, store: Store, house: House) -> None:
        self.store = store
        self.house = house

    @activity.defn(name="advance")
    @coded
    async def advance(self, enrollment_id: str) -> Instruction:
        """Safe to repeat: at rest already, it only says again what is to be done."""
        async with self.store.reading() as tx:
            enrollment = await enrollments.get(tx, enrollment_id)
        if enrollment.state.deadline is not None:
            early = self.store.clock.real_seconds(enrollment.state.deadline - self.store.clock.now())
            if 0 < early < _EARLY:
                await asyncio.sleep(early)

        async def work(hold: Hold) -> Instruction:
            moved = await hold.advance(await enrollments.get(hold.tx, enrollment_id))
            return await hold.instruction(moved)

        return await holding(self.store, self.house, "advance", enrollment.customer_id, work)
