"""Lock, change and merge customers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, select, update

from idic.errors import NotFound
from idic.store.database import Tx
from idic.store.tables import (
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


class CustomerRow(NamedTuple):
    """A row of the table ``customers``, whose comments say what its columns mean."""

    id: str
    traits: dict[str, Any]
    merged_into: str | None
    web_seen_at: datetime | None
    fewer: bool
    paused_until: datetime | None
    erased_at: datetime | None
    created_at: datetime
    updated_at: datetime


async def get(tx: Tx, customer_id: str) -> CustomerRow | None:
    """The row with exactly this id, or None; merges are not followed."""
    row = await tx.row(select(customers).where(customers.c.id == customer_id))
    return CustomerRow(**row) if row is not None else None


async def lock(tx: Tx, customer_id: str | ScalarSelect[str]) -> CustomerRow:
    """Lock the customer's row until the transaction ends; a merged customer's is the row of the customer they became. The id
    may be a subquery, such as ``enrollments.whose``.

    Raises ``NotFound``.
    """
    while True:
        row = await tx.row(select(customers).where(customers.c.id == customer_id).with_for_update())
        if row is None:
            raise NotFound(f"there is no customer {customer_id}" if isinstance(customer_id, str) else "no customer has it")
        if row["merged_into"] is None:
            return CustomerRow(**row)
        customer_id = row["merged_into"]


async def current_id(tx: Tx, customer_id: str) -> str:
    """The id of the customer whom this one has become, merges followed."""
    while into := await tx.scalar(select(customers.c.merged_into).where(customers.c.id == customer_id)):
        customer_id = into
    return customer_id


async def lock_together(tx: Tx, ids: Collection[str]) -> None:
    """Lock several customers in the order of their ids. All code that locks more than one does so, to avoid deadlocks."""
    all_ = select(customers.c.id).where(customers.c.id.in_(ids)).order_by(customers.c.id)
    await tx.rows(all_.with_for_update())


async def set_traits(tx: Tx, customer_id: str, traits: dict[str, Any], at: datetime) -> None:
    """Replace all traits of a customer."""
    await tx.execute(update(customers).where(customers.c.id == customer_id).values(traits=traits, updated_at=at))


async def set_preferences(tx: Tx, customer_id: str, preferred: dict[str, Any], at: datetime) -> None:
    """Store preferences of a customer: ``fewer``, ``paused_until``."""
    await tx.execute(update(customers).where(customers.c.id == customer_id).values(**preferred, updated_at=at))


async def merge(tx: Tx, absorbed: CustomerRow, into: CustomerRow, at: datetime) -> CustomerRow:
    """Move everything of ``absorbed`` to ``into``; both are held. Where both have a trait, that of ``into`` stays. Returns
    the row of ``into`` as it is afterwards."""
    moving = {"customer_id": into.id}
    for table in (identities, enrollments, touches, calls, consents, placements):
        await tx.execute(update(table).where(table.c.customer_id == absorbed.id).values(moving))
    await tx.execute(
        update(events).where(events.c.customer_id == absorbed.id).values(customer_id=into.id, partition=partition_of(into.id))
    )
    await tx.execute(
        update(customers).where(customers.c.id == absorbed.id).values(merged_into=into.id, updated_at=at, traits={})
    )
    # A preference of either of the two holds for the merged customer.
    merged: dict[str, Any] = {
        "traits": {**absorbed.traits, **into.traits},
        "web_seen_at": max(filter(None, (absorbed.web_seen_at, into.web_seen_at)), default=None),
        "paused_until": max(filter(None, (absorbed.paused_until, into.paused_until)), default=None),
        "fewer": absorbed.fewer or into.fewer,
    }
    await tx.execute(update(customers).where(customers.c.id == into.id).values(updated_at=at, **merged))
    return into._replace(**merged)


async def has_identity(tx: Tx, customer_id: str, kinds: Sequence[str]) -> bool:
    """Whether an identity of one of these kinds points at the customer."""
    known = select(identities.c.kind).where(identities.c.customer_id == customer_id, identities.c.kind.in_(kinds))
    return await tx.row(known.limit(1)) is not None
