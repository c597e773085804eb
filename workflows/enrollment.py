"""The workflow of one enrollment: sleep until the deadline or a wake, then do what the store says.

It decides nothing. The enrollment's row in the store says where it is and what comes next; here are a durable timer, retries
and task queues. Enrollments live for a year while this file changes, so it is changed by ``workflow.patched`` only, and
recorded histories of every released version replay in the tests.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from idic.router.instruction import Delivery, Instruction

# A longer outage of the store must not fill the history with markers: after this the same function runs as a regular
# activity, whose retries leave no trace.
_LOCALLY = timedelta(seconds=2)
# Two answers in a row to go on at once, though the row has not moved, mean that clocks disagree: rest at least this long.
_BREATH = 1.0


@workflow.defn(name="enrollment")
class Enrollment:
    """The workflow of one enrollment."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """Something happened that may affect this enrollment. The signal carries nothing; two are as good as one."""
        self._woken = True

    @workflow.run
    async def run(self, enrollment: str, instruction: Instruction) -> None:
        """Run to the enrollment's end. ``enrollment`` is its id; ``instruction`` is what its row said at the start."""
        rested = -1
        while True:
            if instruction.deliver:
                instruction = await self._deliver(instruction.deliver)
            elif instruction.until is not None:
                if workflow.info().is_continue_as_new_suggested() and not self._woken:
                    workflow.continue_as_new(args=[enrollment, instruction])
                await self._rest(instruction, _BREATH if rested == instruction.seq else 0.0)
                rested = instruction.seq
                self._woken = False
                instruction = await self._advance(enrollment)
            else:
                return

    async def _rest(self, instruction: Instruction, at_least: float) -> None:
        seconds = max((instruction.until or 0.0) - workflow.time(), at_least)
        # The summary in Temporal's UI is no part of what must replay.
        summary = f"rests at {instruction.step}" if instruction.step else None
        if seconds > 0 and not self._woken:
            try:
                await workflow.wait_condition(lambda: self._woken, timeout=seconds, timeout_summary=summary)
            except TimeoutError:
                return

    async def _advance(self, enrollment: str) -> Instruction:
        try:
            answer: Instruction = await workflow.execute_local_activity(
                "advance",
                enrollment,
                result_type=Instruction,
                schedule_to_close_timeout=_LOCALLY,
                # The time-out bounds attempts that hang, the number those that fail at once.
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(milliseconds=100),
                    maximum_interval=timedelta(milliseconds=500),
                    maximum_attempts=5,
                ),
            )
        except FailureError:
            # Not ActivityError alone: a local activity's failure is wrapped in it when it happens, but not when it is read
            # back from its marker on replay. Both must take the same path.
            answer = await workflow.execute_activity(
                "advance",
                enrollment,
                result_type=Instruction,
                start_to_close_timeout=timedelta(seconds=60),
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
            )
        return answer

    async def _deliver(self, deliveries: list[Delivery]) -> Instruction:
        """Deliver all. Each delivery answers with what the row says after it; the answer recorded last holds."""
        answers: list[Instruction] = await asyncio.gather(
            *(
                workflow.execute_activity(
                    delivery.activity,
                    delivery.touch,
                    result_type=Instruction,
                    task_queue=delivery.queue,
                    start_to_close_timeout=timedelta(minutes=10),
                    heartbeat_timeout=timedelta(seconds=delivery.patience),
                    summary=delivery.label or None,
                    retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5)),
                )
                for delivery in deliveries
            )
        )
        return max(answers, key=lambda answer: answer.seq)
