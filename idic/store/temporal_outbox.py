"""The outbox: workflows to start or wake in Temporal.

An entry is written in the transaction that decided it, sent by the router that holds the partition, and deleted once
Temporal has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import delete, func, insert, select

from idic.store.database import Tx
from idic.store.tables import outbox, partition_of

Kind = Literal["start", "wake"]


class OutboxEntry(NamedTuple):
    """A workflow to start or wake."""

    id: int
    enrollment_id: str
    kind: Kind


async def put(tx: Tx, kind: Kind, enrollment_ids: Sequence[str]) -> None:
    """Add an entry for each of these enrollments."""
    if enrollment_ids:
        await tx.execute(
            insert(outbox),
            [{"partition": partition_of(id_), "enrollment_id": id_, "kind": kind} for id_ in enrollment_ids],
        )


async def take(tx: Tx, partitions: Iterable[int], limit: int) -> list[OutboxEntry]:
    """The oldest entries of these partitions, at most ``limit``. They stay until they are ``done``."""
    rows = await tx.rows(
        select(outbox.c.id, outbox.c.enrollment_id, outbox.c.kind)
        .where(outbox.c.partition.in_(list(partitions)))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [OutboxEntry(**row) for row in rows]


async def done(tx: Tx, ids: Sequence[int]) -> None:
    """Delete entries that Temporal has."""
    await tx.execute(delete(outbox).where(outbox.c.id.in_(ids)))


async def length(tx: Tx) -> int:
    """How many entries wait."""
    return int(await tx.scalar(select(func.count()).select_from(outbox)) or 0)
