"""Store idic's clock: its speed factor, and its time at the last checkpoint with the real time of that moment.

While idic is stopped its clock stands still. A process that is killed leaves a checkpoint that is a moment old; so that
time never runs backwards, the clock goes on from the newest instant that anything was recorded at.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from idic.clock import Clock
from idic.store import temporal_outbox
from idic.store.database import Store, Tx
from idic.store.tables import clock as table
from idic.store.tables import enrollments, events, touches, trace


async def read(store: Store) -> Clock:
    """The clock as it runs now: real time, unless another factor was ever set."""
    async with store.reading() as tx:
        row = await tx.row(select(table))
    return Clock(row["factor"], row["idic"], row["real"]) if row else Clock()


async def resume(store: Store, factor: float) -> Clock:
    """Start the clock from where it stood, at ``factor``. Only a command that starts the whole of idic does this."""

    async def work(tx: Tx) -> Clock:
        row = await tx.row(select(table))
        real = datetime.now(UTC)
        newest = [real] if row is None else [row["idic"]]
        for column in (events.c.accepted_at, events.c.routed_at, trace.c.at, touches.c.settled_at, enrollments.c.ended_at):
            instant = await tx.scalar(select(func.max(column)))
            if instant is not None:
                newest.append(instant)
        clock = Clock(factor, max(newest), real)
        await _write(tx, clock, real)
        if row is not None and factor > row["factor"]:
            # Timers were set for the slower clock: wake every workflow, so that it sets its timer anew.
            open_enrollments = await tx.rows(select(enrollments.c.id).where(enrollments.c.ended_at.is_(None)))
            await temporal_outbox.put(tx, "wake", [row["id"] for row in open_enrollments])
        return clock

    return await store.move("clock", work)


async def checkpoint(store: Store, clock: Clock) -> None:
    """Store where the clock is; it runs on unchanged."""
    await store.move("clock", lambda tx: _write(tx, clock, datetime.now(UTC)))


async def _write(tx: Tx, clock: Clock, real: datetime) -> None:
    row = {"factor": clock.factor, "idic": clock.at(real), "real": real}
    await tx.execute(tx.insert(table).values(id=1, **row).on_conflict_do_update(index_elements=[table.c.id], set_=row))
