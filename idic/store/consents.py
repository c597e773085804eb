"""The ledger of consents, append-only, and the addresses that are not written to."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select

from idic.interact.policy import Consent, Suppressed
from idic.store import policies
from idic.store.database import Tx
from idic.store.digests import digest
from idic.store.tables import Row, consents, journeys, salts, suppressions


async def record(
    tx: Tx, customer_id: str, *, channel: str, topic: str | None, given: bool, at: datetime, event_id: int
) -> None:
    await tx.execute(
        insert(consents).values(customer_id=customer_id, channel=channel, topic=topic, given=given, at=at, event_id=event_id)
    )


async def of(tx: Tx, customer_id: str) -> list[Row]:
    """In the order in which they were recorded."""
    return await tx.rows(select(consents).where(consents.c.customer_id == customer_id).order_by(consents.c.at, consents.c.id))


async def said(tx: Tx, customer_id: str) -> list[Consent]:
    """What this customer said of being written to, as the policy reads it, in the order in which it was recorded."""
    return [
        Consent(row["channel"], row["topic"], row["given"], row["at"], row["purpose"], row["confirmed"])
        for row in await of(tx, customer_id)
    ]


class Barred(NamedTuple):
    """What keeps a message from an address whatever its receiver allows: why the address must not be written to, if
    there is a reason, and whether the journey is paused; and which policy is in force."""

    suppressed: Suppressed | None
    paused: bool
    policy: int | None


async def barred(tx: Tx, channel: str, address: str | None, journey: str) -> Barred:
    """One question for all: every message asks it, and hardly any address is barred."""
    ours = (suppressions.c.channel == channel) & (suppressions.c.digest == await digested(tx, channel, address or ""))
    paused = select(journeys.c.paused_at).where(journeys.c.name == journey)
    row = await tx.row(
        select(
            select(suppressions.c.reason).where(ours).scalar_subquery().label("reason"),
            select(suppressions.c.at).where(ours).scalar_subquery().label("at"),
            paused.scalar_subquery().label("paused_at"),
            policies.newest().label("policy"),
        )
    )
    assert row is not None
    suppressed = Suppressed(row["reason"], row["at"]) if row["reason"] is not None else None
    return Barred(suppressed, row["paused_at"] is not None, row["policy"])


async def suppressed(tx: Tx, channel: str, address: str) -> Suppressed | None:
    """Why and since when nobody may write to an address, if so."""
    ours = (suppressions.c.channel == channel) & (suppressions.c.digest == await digested(tx, channel, address))
    row = await tx.row(select(suppressions.c.reason, suppressions.c.at).where(ours))
    return Suppressed(row["reason"], row["at"]) if row is not None else None


async def digested(tx: Tx, channel: str, address: str) -> str:
    """What the store knows an address by that it does not keep."""
    if "salt" not in tx.lasting:
        tx.lasting["salt"] = await tx.scalar(select(salts.c.salt))
    return digest(tx.lasting["salt"], channel, address)


async def suppress(tx: Tx, channel: str, address: str, reason: str, at: datetime) -> None:
    row = {"channel": channel, "digest": await digested(tx, channel, address), "reason": reason, "at": at}
    await tx.execute(tx.insert(suppressions).values(row).on_conflict_do_nothing())
