"""Compare the store with Temporal, and repair what differs. The store is right.

- Open in the store, absent in Temporal: start it from where it stands.
- Running in Temporal, ended in the store: wake it, so that it ends by itself, and cancel it if it does not; but not while a
  message of it is under way. If no workflow is left to record what became of such a message, start one to do so.
- Overdue: wake it.
- Held back by a pause that is over: resume it.

After the loss of Temporal's whole database nothing else needs to be done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from idic.errors import NotFound
from idic.router.dispatch import start_from_row
from idic.router.instruction import Delivery, Instruction
from idic.router.pause import release_left
from idic.router.runtime import Runtime
from idic.router.temporal import TemporalWorkflows
from idic.store.database import Store
from idic.store.enrollment import enrollments, touches

_PAGE = 500
_AT_ONCE = 50
OVERDUE = timedelta(seconds=30)
"""Real time after its deadline at which an enrollment counts as forgotten rather than about to move."""


@dataclass
class Reconciliation:
    """What a run found and did, in numbers of enrollments."""

    open: int = 0
    started: int = 0
    woken: int = 0
    ended: int = 0
    cancelled: int = 0


async def reconcile(
    store: Store,
    runtime: Runtime,
    workflows: TemporalWorkflows,
    *,
    grace: float = 5,
    progress: Callable[[Reconciliation], None] = lambda done: None,
) -> Reconciliation:
    """Compare and repair once. ``grace``: real seconds that a woken workflow has to end by itself. It may be interrupted: what
    was done stays done.

    Raises ``StoreUnavailable`` and Temporal's ``RPCError``.
    """
    done = Reconciliation()
    running = {workflow_id async for workflow_id in workflows.running()}
    room = asyncio.Semaphore(_AT_ONCE)

    async def mend(enrollment_id: str, due: datetime) -> None:
        async with room:
            done.open += 1
            if enrollment_id in running:
                if store.clock.real_seconds(store.clock.now() - due) <= OVERDUE.total_seconds():
                    return
                if await workflows.wake(enrollment_id):
                    done.woken += 1
                    return
            if await workflows.runs(enrollment_id):
                return  # visibility lagged
            try:
                if await start_from_row(store, runtime, workflows, enrollment_id, afresh=True):
                    done.started += 1
            except NotFound:
                return

    after = ""
    while True:
        async with store.reading() as tx:
            page = await enrollments.open_ids(tx, after, _PAGE)
        if not page:
            break
        await _all(mend(enrollment_id, due) for enrollment_id, due in page)
        after = page[-1][0]
        progress(done)

    ended = sorted(running - await _open(store, sorted(running)))
    await _all(_wake_ended(workflows, enrollment_id, done) for enrollment_id in ended)
    if ended:
        await asyncio.sleep(grace)
        # Cancelled in the middle of a delivery, what became of the message would not be recorded.
        delivering = await _orphans(store, runtime)
        for enrollment_id in ended:
            if enrollment_id not in delivering and await workflows.runs(enrollment_id):
                await workflows.cancel(enrollment_id)
                done.cancelled += 1
    for enrollment_id, instruction in (await _orphans(store, runtime)).items():
        if not await workflows.runs(enrollment_id):
            await workflows.start(enrollment_id, instruction, afresh=True)
            done.started += 1
    await release_left(store, runtime)
    progress(done)
    return done


async def _orphans(store: Store, runtime: Runtime) -> dict[str, Instruction]:
    """The ended enrollments with a message under way, and the instructions to record what became of it."""
    async with store.reading() as tx:
        orphans = await touches.orphaned(tx)
    instructions: dict[str, Instruction] = {}
    for touch in orphans:
        delivery = Delivery(touch.id, f"deliver-{touch.account}", runtime.patience)
        before = instructions.get(touch.enrollment_id, Instruction(touch.seq))
        instructions[touch.enrollment_id] = Instruction(touch.seq, deliver=[*before.deliver, delivery])
    return instructions


async def _wake_ended(workflows: TemporalWorkflows, enrollment_id: str, done: Reconciliation) -> None:
    if await workflows.wake(enrollment_id):
        done.ended += 1


async def _open(store: Store, ids: list[str]) -> set[str]:
    still_open: set[str] = set()
    for start in range(0, len(ids), _PAGE):
        async with store.reading() as tx:
            still_open |= await enrollments.open_among(tx, ids[start : start + _PAGE])
    return still_open


async def _all(work: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*work)
