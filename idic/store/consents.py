"""The ledger of consents, append-only, and the addresses that are not written to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select

from idic.store.database import Tx
from idic.store.tables import Row, consents, journeys, suppressions


async def record(
    tx: Tx, customer_id: str, *, channel: str, topic: str | None, given: bool, at: datetime, event_id: int
) -> None:
    await tx.execute(
        insert(consents).values(customer_id=customer_id, channel=channel, topic=topic, given=given, at=at, event_id=event_id)
    )


async def of(tx: Tx, customer_id: str) -> list[Row]:
    """In the order in which they were recorded."""
    return await tx.rows(select(consents).where(consents.c.customer_id == customer_id).order_by(consents.c.at, consents.c.id))


class Barred(NamedTuple):
    """What keeps a message from an address whatever its receiver allows: why the address must not be written to, if
    there is a reason, and whether the journey is paused."""

    suppressed: str | None
    paused: bool


async def barred(tx: Tx, channel: str, address: str | None, journey: str) -> Barred:
    """One question for both: every message asks it, and hardly any journey is paused."""
    suppressed = select(suppressions.c.reason).where(
        suppressions.c.channel == channel, suppressions.c.address == (address or "").strip().lower()
    )
    paused = select(journeys.c.paused_at).where(journeys.c.name == journey)
    row = await tx.row(select(suppressed.scalar_subquery().label("suppressed"), paused.scalar_subquery().label("paused_at")))
    assert row is not None
    return Barred(row["suppressed"], row["paused_at"] is not None)


async def suppress(tx: Tx, channel: str, address: str, reason: str, at: datetime) -> None:
    address = address.strip().lower()
    row = {"channel": channel, "address": address, "reason": reason, "at": at}
    await tx.execute(tx.insert(suppressions).values(row).on_conflict_do_nothing())
