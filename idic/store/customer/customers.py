"""Customers: holding one, what we know of them, and making one of two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, select, update

from idic.errors import NotFound
from idic.store.database import Tx
from idic.store.tables import (
    Row,
    calls,
    consents,
    customers,
    enrollments,
    events,
    identities,
    partition_of,
    placements,
    touches,
)


async def lock(tx: Tx, customer_id: str | ScalarSelect[str]) -> Row:
    """The customer's row, held until the transaction ends; of a customer who was merged, the one they became. The id may
    be a question, such as whose an enrollment is.

    Raises ``NotFound``.
    """
    while True:
        row = await tx.row(select(customers).where(customers.c.id == customer_id).with_for_update())
        if row is None:
            raise NotFound(f"there is no customer {customer_id}" if isinstance(customer_id, str) else "it is nobody's")
        if row["merged_into"] is None:
            return row
        customer_id = row["merged_into"]


async def current_id(tx: Tx, customer_id: str) -> str:
    """Who a customer is today, merges followed."""
    while into := await tx.scalar(select(customers.c.merged_into).where(customers.c.id == customer_id)):
        customer_id = into
    return customer_id


async def lock_together(tx: Tx, ids: Collection[str]) -> None:
    """Hold several customers, in the order of their ids, as everybody does who needs more than one."""
    all_ = select(customers.c.id).where(customers.c.id.in_(ids)).order_by(customers.c.id)
    await tx.rows(all_.with_for_update())


async def set_traits(tx: Tx, customer_id: str, traits: dict[str, Any], at: datetime) -> None:
    await tx.execute(update(customers).where(customers.c.id == customer_id).values(traits=traits, updated_at=at))


async def set_preferences(tx: Tx, customer_id: str, preferred: dict[str, Any], at: datetime) -> None:
    """Keep what they asked for: ``fewer``, ``paused_until``."""
    await tx.execute(update(customers).where(customers.c.id == customer_id).values(**preferred, updated_at=at))


async def merge(tx: Tx, absorbed: Row, into: Row, at: datetime) -> Row:
    """Give everything of ``absorbed`` to ``into``; both are held. What ``into`` knows of itself wins. Returns its row."""
    traits = {**absorbed["traits"], **into["traits"]}
    moving = {"customer_id": into["id"]}
    for table in (identities, enrollments, touches, calls, consents, placements):
        await tx.execute(update(table).where(table.c.customer_id == absorbed["id"]).values(moving))
    await tx.execute(
        update(events)
        .where(events.c.customer_id == absorbed["id"])
        .values(customer_id=into["id"], partition=partition_of(into["id"]))
    )
    await tx.execute(
        update(customers).where(customers.c.id == absorbed["id"]).values(merged_into=into["id"], updated_at=at, traits={})
    )
    seen = max(filter(None, (absorbed["web_seen_at"], into["web_seen_at"])), default=None)
    paused_until = max(filter(None, (absorbed["paused_until"], into["paused_until"])), default=None)
    # What one of the two asked for holds for the one person.
    one = {"traits": traits, "web_seen_at": seen, "paused_until": paused_until, "fewer": absorbed["fewer"] or into["fewer"]}
    await tx.execute(update(customers).where(customers.c.id == into["id"]).values(updated_at=at, **one))
    return {**into, **one}


async def has_identity(tx: Tx, customer_id: str, kinds: Sequence[str]) -> bool:
    found = select(identities.c.kind).where(identities.c.customer_id == customer_id, identities.c.kind.in_(kinds))
    return await tx.row(found.limit(1)) is not None
