"""One enrollment's workflow: it sleeps until its deadline or until it is woken, and does as the store says.

It decides nothing. Where the enrollment is and what comes next is its row in the store; what is here are a durable timer,
retries and task queues. Enrollments live for a year while this file changes, so it is changed by ``workflow.patched`` only,
and recorded histories of every released version replay in the tests.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from idic.router.instruction import Delivery, Instruction

# A store that is away for longer must not fill the history with markers: after this the same function runs as a regular
# activity, whose retries leave no trace.
_LOCALLY = timedelta(seconds=2)
# Two answers in a row to go on at once, without the row having moved, mean clocks that disagree.
_BREATH = 1.0


@workflow.defn(name="enrollment")
class Enrollment:
    def __init__(self) -> None:
        self._woken = False

    @workflow.signal(name="wake")
    def wake(self) -> None:
        """Something happened that may concern this enrollment. It carries nothing; two are as good as one."""
        self._woken = True

    @workflow.run
    async def run(self, enrollment: str, instruction: Instruction) -> None:
        """``enrollment`` is the id of its row, ``instruction`` what the row said when the workflow was started."""
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
        # What people read in Temporal's UI is no part of what must replay.
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
            # Not ActivityError alone: that is what a local activity's failure comes wrapped in when it happens, but not
            # when it is read back from its marker on replay. The two must take the same way.
            answer = await workflow.execute_activity(
                "advance",
                enrollment,
                result_type=Instruction,
                start_to_close_timeout=timedelta(seconds=60),
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
            )
        return answer

    async def _deliver(self, deliveries: list[Delivery]) -> Instruction:
        """Deliver all; each answers with what the row says after it, and the last to be recorded knows best."""
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
