"""Compare the store with Temporal and mend what differs. The store is right.

Open in the store and absent in Temporal: started from where it stands. Running in Temporal and ended in the store: woken,
so that it ends by itself, and cancelled if it does not; but not while a message of its is under way. If nobody is left to
record what became of such a message: started to do that. Overdue: woken. Held back by a pause that is over: let go. After
the loss of Temporal's whole database this is all that needs to be done.
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
from idic.router.temporal import Engine
from idic.store.database import Store
from idic.store.enrollment import enrollments, touches

_PAGE = 500
_AT_ONCE = 50
OVERDUE = timedelta(seconds=30)
"""Real time after its deadline at which an enrollment counts as forgotten rather than about to move."""


@dataclass
class Reconciliation:
    """What a run saw and did; all counts of enrollments."""

    open: int = 0
    started: int = 0
    woken: int = 0
    ended: int = 0
    cancelled: int = 0


async def reconcile(
    store: Store,
    runtime: Runtime,
    engine: Engine,
    *,
    grace: float = 5,
    progress: Callable[[Reconciliation], None] = lambda found: None,
) -> Reconciliation:
    """``grace``: real seconds that a woken workflow has to end by itself. Interruptible: what is done is done.

    Raises ``StoreUnavailable`` and Temporal's ``RPCError``.
    """
    found = Reconciliation()
    running = {workflow_id async for workflow_id in engine.running()}
    room = asyncio.Semaphore(_AT_ONCE)

    async def mend(enrollment_id: str, due: datetime) -> None:
        async with room:
            found.open += 1
            if enrollment_id in running:
                if store.clock.real_seconds(store.clock.now() - due) <= OVERDUE.total_seconds():
                    return
                if await engine.wake(enrollment_id):
                    found.woken += 1
                    return
            if await engine.runs(enrollment_id):
                return  # visibility lagged
            try:
                if await start_from_row(store, runtime, engine, enrollment_id, afresh=True):
                    found.started += 1
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
        progress(found)

    ended = sorted(running - await _open(store, sorted(running)))
    await _all(_wake_ended(engine, enrollment_id, found) for enrollment_id in ended)
    if ended:
        await asyncio.sleep(grace)
        # Cancelled in the middle of a delivery, what became of the message would not be recorded.
        delivering = await _left_behind(store, runtime)
        for enrollment_id in ended:
            if enrollment_id not in delivering and await engine.runs(enrollment_id):
                await engine.cancel(enrollment_id)
                found.cancelled += 1
    for enrollment_id, instruction in (await _left_behind(store, runtime)).items():
        if not await engine.runs(enrollment_id):
            await engine.start(enrollment_id, instruction, afresh=True)
            found.started += 1
    await release_left(store, runtime)
    progress(found)
    return found


async def _left_behind(store: Store, runtime: Runtime) -> dict[str, Instruction]:
    """Who has ended with a message under way, and what their workflows are to do about it."""
    async with store.reading() as tx:
        orphans = await touches.orphaned(tx)
    found: dict[str, Instruction] = {}
    for touch in orphans:
        delivery = Delivery(touch.id, f"deliver-{touch.account}", runtime.patience)
        before = found.get(touch.enrollment_id, Instruction(touch.seq))
        found[touch.enrollment_id] = Instruction(touch.seq, deliver=[*before.deliver, delivery])
    return found


async def _wake_ended(engine: Engine, enrollment_id: str, found: Reconciliation) -> None:
    if await engine.wake(enrollment_id):
        found.ended += 1


async def _open(store: Store, ids: list[str]) -> set[str]:
    still_open: set[str] = set()
    for start in range(0, len(ids), _PAGE):
        async with store.reading() as tx:
            still_open |= await enrollments.open_among(tx, ids[start : start + _PAGE])
    return still_open


async def _all(work: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*work)
