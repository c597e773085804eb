"""The outbox: what Temporal is to be told. Written in the transaction that decided it, read by the router that holds the
partition, and deleted once Temporal has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import delete, func, insert, select

from idic.store.database import Tx
from idic.store.tables import outbox, partition_of

Kind = Literal["start", "wake"]


class OutboxEntry(NamedTuple):
    id: int
    enrollment_id: str
    kind: Kind


async def put(tx: Tx, kind: Kind, enrollment_ids: Sequence[str]) -> None:
    if enrollment_ids:
        await tx.execute(
            insert(outbox),
            [{"partition": partition_of(one), "enrollment_id": one, "kind": kind} for one in enrollment_ids],
        )


async def take(tx: Tx, partitions: Iterable[int], limit: int) -> list[OutboxEntry]:
    rows = await tx.rows(
        select(outbox.c.id, outbox.c.enrollment_id, outbox.c.kind)
        .where(outbox.c.partition.in_(list(partitions)))
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [OutboxEntry(**row) for row in rows]


async def done(tx: Tx, ids: Sequence[int]) -> None:
    await tx.execute(delete(outbox).where(outbox.c.id.in_(ids)))


async def length(tx: Tx) -> int:
    return int(await tx.scalar(select(func.count()).select_from(outbox)) or 0)
