"""The ledger of consents, append-only, and the addresses that are not written to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select

from idic.store.database import Tx
from idic.store.tables import Row, consents, suppressions


async def record(
    tx: Tx, customer_id: str, *, channel: str, topic: str | None, given: bool, at: datetime, event_id: int
) -> None:
    await tx.execute(
        insert(consents).values(customer_id=customer_id, channel=channel, topic=topic, given=given, at=at, event_id=event_id)
    )


async def of(tx: Tx, customer_id: str) -> list[Row]:
    """In the order in which they were recorded."""
    return await tx.rows(select(consents).where(consents.c.customer_id == customer_id).order_by(consents.c.at, consents.c.id))


async def suppressed(tx: Tx, channel: str, address: str) -> str | None:
    found = await tx.scalar(
        select(suppressions.c.reason).where(
            suppressions.c.channel == channel, suppressions.c.address == address.strip().lower()
        )
    )
    return None if found is None else str(found)


async def suppress(tx: Tx, channel: str, address: str, reason: str, at: datetime) -> None:
    address = address.strip().lower()
    row = {"channel": channel, "address": address, "reason": reason, "at": at}
    await tx.execute(tx.insert(suppressions).values(row).on_conflict_do_nothing())
