"""Touches: one message each to one customer on one channel.

A touch is an intent first, claimed under a unique key, so that its message is never sent twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, func, or_, select, update

from idic.errors import NotFound
from idic.journey.engine.migrate import MIGRATED
from idic.journey.engine.protocol import Claim
from idic.journey.program.program import Program
from idic.store.database import Tx
from idic.store.tables import customers, enrollments, touches


class Touch(NamedTuple):
    """A row of ``touches``: one message to one customer on one channel. ``reason`` and ``detail`` say why it is in its status;
    ``detail`` may hold an address. ``recipient`` is the digest of the address it went to."""

    id: str
    enrollment_id: str
    customer_id: str
    step: str
    round: int
    channel: str
    message: str
    journey: str
    purpose: str
    topic: str | None
    account: str
    status: str
    reason: str | None
    detail: str | None
    attempts: int
    provider_id: str | None
    deliver_by: datetime
    claimed_at: datetime
    attempted_at: datetime | None
    settled_at: datetime | None
    segments: int | None
    sender: str | None
    recipient: str | None
    delivered_at: datetime | None
    shown_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    replied_at: datetime | None
    bounced_at: datetime | None


class CountedTouch(NamedTuple):
    """A touch as the contact policy counts it."""

    status: str
    channel: str
    journey: str
    topic: str | None
    claimed_at: datetime
    attempted_at: datetime | None


class OrphanedTouch(NamedTuple):
    """A touch under way whose enrollment has ended, with the ``seq`` of that enrollment."""

    id: str
    enrollment_id: str
    account: str
    seq: int


def touch_id(enrollment_id: str, step: str, round_: int, channel: str) -> str:
    """The id of a touch: a digest of what makes it unique. The Message-ID of its mail follows from it too."""
    parts = "\x1f".join((enrollment_id, step, str(round_), channel))
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


_CLAIMED_ANEW = ("status", "message", "purpose", "topic", "account", "deliver_by", "claimed_at")


async def claim(
    tx: Tx,
    enrollment_id: str,
    customer_id: str,
    claims: Sequence[Claim],
    program: Program,
    accounts: Mapping[str, Sequence[str]],
    at: datetime,
) -> None:
    """Claim a touch for each of ``claims``, for the first of its channel's ``accounts``. Only a touch that was deferred, or
    that a migration gave up, is claimed again; any other stays as it is."""
    for wanted in claims:
        row = {
            "id": touch_id(enrollment_id, wanted.step, wanted.round, wanted.channel),
            "enrollment_id": enrollment_id,
            "customer_id": customer_id,
            "step": wanted.step,
            "round": wanted.round,
            "channel": wanted.channel,
            "message": wanted.message,
            "journey": program.journey,
            "purpose": program.purpose,
            "topic": program.topic,
            "account": accounts[wanted.channel][0],
            "status": "claimed",
            "deliver_by": wanted.deliver_by,
            "claimed_at": at,
        }
        statement = tx.insert(touches).values(row)
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=[touches.c.id],
                # Claimed anew, the step may send another message.
                set_={name: row[name] for name in _CLAIMED_ANEW} | {"reason": None, "settled_at": None},
                where=(touches.c.status == "deferred") | ((touches.c.status == "failed") & (touches.c.reason == MIGRATED)),
            )
        )


async def get(tx: Tx, touch: str) -> Touch:
    """The touch with this id. Raises ``NotFound``."""
    found = await find(tx, touch)
    if found is None:
        raise NotFound(f"there is no touch {touch}")
    return found


def customer_of(touch: str) -> ScalarSelect[str]:
    """A subquery for the touch's customer, to be part of the statement that needs it."""
    return select(touches.c.customer_id).where(touches.c.id == touch).scalar_subquery()


async def mark(tx: Tx, touch: str, **columns: Any) -> None:
    """Write these columns of a touch."""
    await tx.execute(update(touches).where(touches.c.id == touch).values(**columns))


async def identify(tx: Tx, touch: str, provider_id: str) -> None:
    """Note the provider's id of the touch's message, unless it is known already or the customer was erased."""
    not_erased = select(customers.c.id).where(customers.c.id == touches.c.customer_id, customers.c.erased_at.is_(None))
    unknown = (touches.c.id == touch) & touches.c.provider_id.is_(None) & not_erased.exists()
    await tx.execute(update(touches).where(unknown).values(provider_id=provider_id))


BECAME = {
    "Message Delivered": "delivered_at",
    "Message Shown": "shown_at",
    "Email Opened": "opened_at",
    "Link Clicked": "clicked_at",
    "Replied": "replied_at",
    "Message Bounced": "bounced_at",
}
"""The event that says what became of a touch, and the column that keeps when it first happened."""

EVIDENCE = frozenset({*BECAME, "Message Sent"})
"""The events that prove that a touch left. "Message Sent", a provider's word that it has the message, proves no more."""


_COUNTS = ("claimed", "attempting", "sent", "uncertain")


async def counting(tx: Tx, customer_id: str, since: datetime, besides: str | None) -> list[CountedTouch]:
    """The marketing touches to a held customer, without ``besides``, that the contact policy counts: all that are claimed and
    not yet attempted, and those last attempted after ``since``."""
    last = func.coalesce(touches.c.attempted_at, touches.c.claimed_at)
    rows = await tx.rows(
        select(
            touches.c.status,
            touches.c.channel,
            touches.c.journey,
            touches.c.topic,
            touches.c.claimed_at,
            touches.c.attempted_at,
        )
        .where(touches.c.customer_id == customer_id, touches.c.purpose == "marketing", touches.c.status.in_(_COUNTS))
        .where(or_(touches.c.status == "claimed", last > since))
        .where(touches.c.id != (besides or ""))
    )
    return [CountedTouch(**row) for row in rows]


async def newest_to(tx: Tx, channel: str, recipient: str, limit: int) -> list[Touch]:
    """The messages that were, or may have been, sent to an address, newest first; ``recipient`` is its digest."""
    rows = await tx.rows(
        select(touches)
        .where(touches.c.recipient == recipient, touches.c.channel == channel)
        .where(touches.c.status.in_(("attempting", "sent", "uncertain")))
        .order_by(touches.c.attempted_at.desc(), touches.c.id)
        .limit(limit)
    )
    return [Touch(**row) for row in rows]


async def written_to(tx: Tx, channel: str, recipient: str, limit: int = 100) -> list[str]:
    """The customers of the messages that were, or may have been, sent to an address; ``recipient`` is its digest."""
    recipients = select(touches.c.customer_id).where(touches.c.recipient == recipient, touches.c.channel == channel)
    rows = await tx.rows(recipients.distinct().order_by(touches.c.customer_id).limit(limit))
    return [row["customer_id"] for row in rows]


async def accounts(tx: Tx, ids: Collection[str]) -> dict[str, str]:
    """The provider account of each of these touches, by touch id."""
    rows = await tx.rows(select(touches.c.id, touches.c.account).where(touches.c.id.in_(ids)))
    return {row["id"]: row["account"] for row in rows}


async def attempts_under_way(tx: Tx, customer_id: str, channel: str | None) -> list[datetime]:
    """When each message to this customer that is under way was begun, on one channel or all."""
    under_way = select(touches.c.attempted_at).where(touches.c.customer_id == customer_id, touches.c.status == "attempting")
    rows = await tx.rows(under_way if channel is None else under_way.where(touches.c.channel == channel))
    return [row["attempted_at"] for row in rows if row["attempted_at"] is not None]


async def attempts_under_way_to(tx: Tx, channel: str, recipient: str) -> list[datetime]:
    """When each message to an address that is under way was begun; ``recipient`` is its digest."""
    ours = (touches.c.recipient == recipient) & (touches.c.channel == channel) & (touches.c.status == "attempting")
    rows = await tx.rows(select(touches.c.attempted_at).where(ours))
    return [row["attempted_at"] for row in rows if row["attempted_at"] is not None]


def may_have_left(touch: Touch) -> bool:
    """Whether proof that the touch left would be news: it is under way or uncertain, or was tried and is claimed again,
    deferred or given up."""
    given_up = touch.status == "failed" and touch.reason == MIGRATED
    return touch.status in ("attempting", "uncertain") or (
        (given_up or touch.status in ("claimed", "deferred")) and touch.attempts > 0
    )


async def became(tx: Tx, touch: Touch, event: str, at: datetime) -> bool:
    """Note what became of a touch. Returns whether that is new."""
    column = BECAME[event]
    if getattr(touch, column) is not None:
        return False
    await mark(tx, touch.id, **{column: at})
    return True


async def find(tx: Tx, touch: str) -> Touch | None:
    """The touch with this id, if there is one."""
    row = await tx.row(select(touches).where(touches.c.id == touch))
    return Touch(**row) if row else None


async def claimed(tx: Tx, enrollment_id: str) -> list[Touch]:
    """The touches of an enrollment that are claimed and not being attempted."""
    ours = (touches.c.enrollment_id == enrollment_id) & (touches.c.status == "claimed")
    return [Touch(**row) for row in await tx.rows(select(touches).where(ours))]


async def cancel(tx: Tx, enrollment_id: str, at: datetime) -> None:
    """Fail the touches of an ended enrollment that are claimed or deferred: they will not be attempted."""
    await tx.execute(
        update(touches)
        .where(touches.c.enrollment_id == enrollment_id, touches.c.status.in_(("claimed", "deferred")))
        .values(status="failed", reason="ended", settled_at=at)
    )


async def orphaned(tx: Tx) -> list[OrphanedTouch]:
    """The touches under way of enrollments that have ended."""
    rows = await tx.rows(
        select(touches.c.id, touches.c.enrollment_id, touches.c.account, enrollments.c.seq)
        .join(enrollments, enrollments.c.id == touches.c.enrollment_id)
        .where(touches.c.status == "attempting", enrollments.c.ended_at.is_not(None))
    )
    return [OrphanedTouch(**row) for row in rows]


async def of_enrollment(tx: Tx, enrollment_id: str) -> list[Touch]:
    """The touches of an enrollment, in the order in which they were claimed."""
    theirs = select(touches).where(touches.c.enrollment_id == enrollment_id).order_by(touches.c.claimed_at)
    return [Touch(**row) for row in await tx.rows(theirs)]
