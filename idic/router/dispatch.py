"""Empty the outbox: start and wake workflows, in order for each enrollment."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

import structlog
from temporalio.service import RPCError

from idic.errors import IdicError, NotFound, StoreUnavailable
from idic.router.next_instruction import instruct
from idic.router.runtime import Runtime
from idic.router.temporal import TemporalWorkflows
from idic.store import temporal_outbox
from idic.store.database import Store
from idic.store.enrollment import enrollments
from idic.store.temporal_outbox import OutboxEntry

log = structlog.get_logger()

_AT_ONCE = 50


async def dispatch(
    store: Store, runtime: Runtime, workflows: TemporalWorkflows, partitions: Iterable[int], limit: int = 500
) -> int:
    """Send the entries of these partitions. Returns how many were sent; those that Temporal did not take stay for the next
    time. Raises ``StoreUnavailable``."""
    async with store.reading() as tx:
        entries = await temporal_outbox.take(tx, partitions, limit)
    if not entries:
        return 0
    by_enrollment: dict[str, list[OutboxEntry]] = defaultdict(list)
    for entry in entries:
        by_enrollment[entry.enrollment_id].append(entry)
    room = asyncio.Semaphore(_AT_ONCE)

    async def tell(enrollment_id: str, theirs: list[OutboxEntry]) -> list[int]:
        async with room:
            try:
                await _tell(store, runtime, workflows, enrollment_id, start=any(entry.kind == "start" for entry in theirs))
            except StoreUnavailable:
                raise
            except (RPCError, IdicError) as error:
                log.warning("Temporal was not told", enrollment=enrollment_id, error=type(error).__name__)
                return [entry.id for entry in theirs] if isinstance(error, NotFound) else []
            return [entry.id for entry in theirs]

    results = await asyncio.gather(*(tell(id_, theirs) for id_, theirs in by_enrollment.items()), return_exceptions=True)
    done = [number for numbers in results if isinstance(numbers, list) for number in numbers]
    if done:
        await store.move("outbox", lambda tx: temporal_outbox.done(tx, done))
    for failed in results:
        if isinstance(failed, BaseException):
            raise failed
    return len(done)


async def _tell(store: Store, runtime: Runtime, workflows: TemporalWorkflows, enrollment_id: str, *, start: bool) -> None:
    """A start carries where the row stands now, so that later wakes add nothing. If a wake finds no workflow, the row decides:
    an open enrollment whose workflow is gone is started from where it stands."""
    if not start and await workflows.wake(enrollment_id):
        return
    if not await start_from_row(store, runtime, workflows, enrollment_id, afresh=not start):
        # It was started before, with less than the row says now; or it ended before the start was known to have worked. If
        # there is a workflow, wake it.
        await workflows.wake(enrollment_id)


async def start_from_row(
    store: Store, runtime: Runtime, workflows: TemporalWorkflows, enrollment_id: str, *, afresh: bool
) -> bool:
    """Start an enrollment's workflow from where its row stands. Returns False if it has ended or runs already.

    Raises ``NotFound``, ``StoreUnavailable`` and Temporal's ``RPCError``.
    """
    async with store.reading() as tx:
        enrollment = await enrollments.get(tx, enrollment_id)
        if not enrollment.open:
            return False
        instruction = await instruct(tx, runtime, enrollment)
        program = await runtime.programs.get(tx, enrollment.program_id)
    return await workflows.start(enrollment_id, instruction, program, afresh=afresh)
