"""The ledger of consents, append-only, and the addresses that are not written to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select

from idic.interact.consent import ConsentEntry, ConsentStatement
from idic.interact.policy.touch_request import Consent, Suppressed
from idic.store.database import Tx
from idic.store.digests import digest, salt
from idic.store.journey import policies
from idic.store.tables import consents, journeys, suppressions


async def record(tx: Tx, customer_id: str, said: ConsentStatement, *, at: datetime, event_id: int | None = None) -> None:
    """Add an entry to the ledger of a customer who is held; ``at`` is from when on it counts."""
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
    """What this customer said of being written to, as the policy reads it, in the order in which it was said."""
    return [
        Consent(row.channel, row.topic, row.given, row.at, row.purpose, row.confirmed)
        for row in await ledger_of(tx, customer_id)
    ]


class DeliveryBlocks(NamedTuple):
    """What keeps a message from an address whatever its receiver allows: why the address must not be written to, if
    there is a reason, and whether the journey is paused; and which policy is in force."""

    suppressed: Suppressed | None
    paused: bool
    policy: int | None


async def delivery_blocks(tx: Tx, channel: str, address: str | None, journey: str) -> DeliveryBlocks:
    """One question for all: every message asks it, and hardly any address is barred."""
    ours = (suppressions.c.channel == channel) & (suppressions.c.digest == await address_digest(tx, channel, address or ""))
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
    return DeliveryBlocks(suppressed, row["paused_at"] is not None, row["policy"])


async def suppression_of(tx: Tx, channel: str, address: str) -> Suppressed | None:
    """Why and since when nobody may write to an address, if so."""
    ours = (suppressions.c.channel == channel) & (suppressions.c.digest == await address_digest(tx, channel, address))
    row = await tx.row(select(suppressions.c.reason, suppressions.c.at).where(ours))
    return Suppressed(row["reason"], row["at"]) if row is not None else None


async def address_digest(tx: Tx, channel: str, address: str) -> str:
    """What the store knows an address by that it does not keep."""
    return digest(await salt(tx), channel, address)


ERASED, OPTED_OUT = "erased", "opted_out"
_RANKS = (ERASED, OPTED_OUT, "complaint")
"""Reasons from the weakest on; any other (the address is dead) is stronger than these."""
WISHES = frozenset({ERASED, OPTED_OUT})
"""The reasons that are what somebody wished, who may change their mind. (Who complained is not asked again.)"""


async def suppress(tx: Tx, channel: str, address: str, reason: str, at: datetime) -> None:
    """Keep an address from being written to. A reason that is there already gives way to a stronger one alone."""
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
    """Let an address be written to again, whatever the reason or for one of these alone, and suppressed before an instant if
    one is given. Returns whether it was suppressed so."""
    lifted = delete(suppressions).where(
        suppressions.c.channel == channel, suppressions.c.digest == await address_digest(tx, channel, address)
    )
    if reasons is not None:
        lifted = lifted.where(suppressions.c.reason.in_(reasons))
    if before is not None:
        lifted = lifted.where(suppressions.c.at <= before)
    return (await tx.execute(lifted)).rowcount > 0
