"""Store consents in an append-only ledger, and suppressed addresses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, insert, select

from idic.interact.consent import ConsentEntry, ConsentStatement
from idic.interact.policy.touch_request import Consent, Suppressed
from idic.store.database import Tx
from idic.store.digests import digest, salt
from idic.store.journey import policies
from idic.store.tables import consents, journeys, suppressions


async def record(tx: Tx, customer_id: str, said: ConsentStatement, *, at: datetime, event_id: int | None = None) -> None:
    """Add a statement to the ledger of a customer who is held; it counts from ``at`` on."""
    await tx.execute(insert(consents).values(customer_id=customer_id, **said._asdict(), at=at, event_id=event_id))


class RecordedConsent(NamedTuple):
    """A row of the ledger, as the table ``consents`` explains it."""

    purpose: str
    topic: str | None
    channel: str
    given: bool
    confirmed: bool
    act: str
    proof: Any
    at: datetime


async def ledger_of(tx: Tx, customer_id: str) -> list[RecordedConsent]:
    """The ledger of a customer as it is stored, oldest first."""
    rows = await tx.rows(
        select(*(consents.c[name] for name in RecordedConsent._fields))
        .where(consents.c.customer_id == customer_id)
        .order_by(consents.c.at, consents.c.id)
    )
    return [RecordedConsent(**row) for row in rows]


async def entries(tx: Tx, customer_id: str) -> list[ConsentEntry]:
    """The ledger of a customer, oldest first."""
    return [
        ConsentEntry(ConsentStatement(**{name: getattr(row, name) for name in ConsentStatement._fields}), row.at)
        for row in await ledger_of(tx, customer_id)
    ]


async def consents_of(tx: Tx, customer_id: str) -> list[Consent]:
    """The ledger of a customer as the contact policy reads it, oldest first."""
    return [
        Consent(row.channel, row.topic, row.given, row.at, row.purpose, row.confirmed)
        for row in await ledger_of(tx, customer_id)
    ]


class DeliveryBlocks(NamedTuple):
    """What blocks a message, whatever its customer consented to: whether the address is suppressed, and whether the journey
    is paused. ``policy`` is the number of the policy in force."""

    suppressed: Suppressed | None
    paused: bool
    policy: int | None


async def delivery_blocks(tx: Tx, channel: str, address: str | None, journey: str) -> DeliveryBlocks:
    """Read what blocks a message, in one statement, since every message needs it."""
    suppressed_by = _suppression(channel, await address_digest(tx, channel, address or ""))
    paused = select(journeys.c.paused_at).where(journeys.c.name == journey)
    row = await tx.row(
        select(
            select(suppressions.c.reason).where(suppressed_by).scalar_subquery().label("reason"),
            select(suppressions.c.at).where(suppressed_by).scalar_subquery().label("at"),
            paused.scalar_subquery().label("paused_at"),
            policies.newest().label("policy"),
        )
    )
    assert row is not None
    suppressed = Suppressed(row["reason"], row["at"]) if row["reason"] is not None else None
    return DeliveryBlocks(suppressed, row["paused_at"] is not None, row["policy"])


async def suppression_of(tx: Tx, channel: str, address: str) -> Suppressed | None:
    """Why and since when an address is suppressed, or None."""
    suppressed_by = _suppression(channel, await address_digest(tx, channel, address))
    row = await tx.row(select(suppressions.c.reason, suppressions.c.at).where(suppressed_by))
    return Suppressed(row["reason"], row["at"]) if row is not None else None


def _suppression(channel: str, digest_: str) -> ColumnElement[bool]:
    return (suppressions.c.channel == channel) & (suppressions.c.digest == digest_)


async def address_digest(tx: Tx, channel: str, address: str) -> str:
    """The digest of an address under this store's salt."""
    return digest(await salt(tx), channel, address)


ERASED, OPTED_OUT = "erased", "opted_out"
_RANKS = (ERASED, OPTED_OUT, "complaint")
"""The weakest reasons, in order; every other (the address does not work) is stronger than these."""
WISHES = frozenset({ERASED, OPTED_OUT})
"""Reasons that are a customer's wish, which they can take back. (A complaint cannot be taken back.)"""


async def suppress(tx: Tx, channel: str, address: str, reason: str, at: datetime) -> None:
    """Suppress an address; a stronger existing reason is kept."""
    row = {"channel": channel, "digest": await address_digest(tx, channel, address), "reason": reason, "at": at}
    weaker = _RANKS[: _RANKS.index(reason)] if reason in _RANKS else _RANKS
    await tx.execute(
        tx.insert(suppressions)
        .values(row)
        .on_conflict_do_update(
            index_elements=[suppressions.c.channel, suppressions.c.digest],
            set_={"reason": reason, "at": at},
            where=suppressions.c.reason.in_(weaker),
        )
    )


async def lift(
    tx: Tx, channel: str, address: str, reasons: Collection[str] | None = None, *, before: datetime | None = None
) -> bool:
    """Lift the suppression of an address: for any reason or only for ``reasons``, and only if it is from ``before`` or
    earlier. Returns whether one was lifted."""
    lifted = delete(suppressions).where(
        suppressions.c.channel == channel, suppressions.c.digest == await address_digest(tx, channel, address)
    )
    if reasons is not None:
        lifted = lifted.where(suppressions.c.reason.in_(reasons))
    if before is not None:
        lifted = lifted.where(suppressions.c.at <= before)
    return (await tx.execute(lifted)).rowcount > 0
