"""Resume a paused journey's enrollments, or end those of a stopped journey: one transaction for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from idic.journey.engine import interpreter, resume
from idic.journey.engine.resume import PAUSED, release
from idic.journey.engine.state import Ending
from idic.journey.program.steps import Send
from idic.router.batch import BatchItem, for_each_enrollment, items
from idic.router.held_customer import HeldCustomer
from idic.router.runtime import Runtime
from idic.store import temporal_outbox
from idic.store.database import Store, Tx
from idic.store.enrollment import touches
from idic.store.enrollment.enrollments import Enrollment
from idic.store.journey.programs import published_journeys
from idic.store.reports import journeys
from idic.store.reports.journeys import OpenAtStep

STOPPED = "stopped"
"""The reason of an enrollment that ended because its journey was stopped."""
SPREAD = timedelta(minutes=10)
"""The time over which held messages are sent after a pause, by default."""


async def release_held(
    store: Store,
    runtime: Runtime,
    journey: str,
    spread: timedelta = SPREAD,
    *,
    stop: asyncio.Event | None = None,
    progress: Callable[[str], None] = lambda word: None,
) -> int:
    """Resume the enrollments that a pause of this journey, now over, held back. Returns how many; if it is stopped, the next
    run resumes the rest. Raises ``StoreUnavailable``."""
    async with store.reading() as tx:
        sends = await _sends(tx, runtime, await journeys.open_by_step(tx, journey))
    return await _release_at(store, runtime, journey, sends[journey], spread, stop, progress) if sends else 0


async def release_left(store: Store, runtime: Runtime) -> int:
    """Resume the enrollments that a pause still holds though it is over, in every journey: the process that resumed them was
    interrupted. Returns how many."""
    async with store.reading() as tx:
        running = {journey.journey for journey in await published_journeys(tx) if journey.paused_at is None}
        sends = await _sends(tx, runtime, [row for row in await journeys.open_by_step(tx) if row.journey in running])
    return sum([await _release_at(store, runtime, journey, steps) for journey, steps in sends.items()])


async def _sends(tx: Tx, runtime: Runtime, inside: Sequence[OpenAtStep]) -> dict[str, set[str]]:
    """The sending steps that have open enrollments, by journey."""
    steps: dict[str, set[str]] = {}
    for row in inside:
        program = await runtime.programs.get(tx, row.program_id)
        if row.step is not None and isinstance(program.steps.get(row.step), Send):
            steps.setdefault(row.journey, set()).add(row.step)
    return steps


async def _release_at(
    store: Store,
    runtime: Runtime,
    journey: str,
    sends: set[str],
    spread: timedelta = SPREAD,
    stop: asyncio.Event | None = None,
    progress: Callable[[str], None] = lambda word: None,
) -> int:
    async def page(tx: Tx, after: str, limit: int) -> list[BatchItem]:
        waiting = await journeys.open_at_steps(tx, journey, sends, after, limit)
        return [BatchItem(enrollment.id, wanted=bool(resume.held(enrollment.state))) for enrollment in waiting]

    async def work(held: HeldCustomer, enrollment: Enrollment) -> str:
        return await _release(held, enrollment, spread)

    counted, _ = await for_each_enrollment(store, runtime, "resume", page, work, stop=stop, progress=progress)
    return counted["released"]


async def _release(held: HeldCustomer, enrollment: Enrollment, spread: timedelta) -> str:
    (published,) = await published_journeys(held.tx, [enrollment.journey]) or (None,)
    if not enrollment.open or published is None or published.paused_at is not None:
        return "left"
    program = await held.runtime.programs.get(held.tx, enrollment.program_id)
    facts = await held.customer.facts(program)
    released = release(program, enrollment.state, facts, held.now, spread)
    if released is None:
        return "left"
    rounds = enrollment.state.rounds.get(enrollment.state.step or "", 1)
    for channel in released.refused:
        # A touch that was claimed before it was held gives up its claim.
        touch = touches.touch_id(enrollment.id, enrollment.state.step or "", rounds, channel)
        await touches.mark(held.tx, touch, status="failed", reason=PAUSED, settled_at=held.now)
    outcome = await held.customer.drive(program, interpreter.advance(program, released.state, facts, held.now))
    await held.record(enrollment, outcome._replace(trace=(*released.trace, *outcome.trace)))
    await temporal_outbox.put(held.tx, "wake", [enrollment.id])
    return "released"


async def end_all(
    store: Store,
    runtime: Runtime,
    journey: str,
    *,
    stop: asyncio.Event | None = None,
    progress: Callable[[str], None] = lambda word: None,
) -> int:
    """End every open enrollment of a stopped journey at once. Returns how many; if it is stopped, the next run ends the rest.
    Raises ``StoreUnavailable``."""

    async def page(tx: Tx, after: str, limit: int) -> list[BatchItem]:
        return items(await journeys.open_ids(tx, journey, after, limit))

    async def work(held: HeldCustomer, enrollment: Enrollment) -> str:
        if not enrollment.open:
            return "left"
        await held.close(enrollment, Ending(kind="closed", reason=STOPPED, at=held.now))
        return "ended"

    counted, _ = await for_each_enrollment(store, runtime, "stop", page, work, stop=stop, progress=progress)
    return counted["ended"]
