"""Find the customers who have a phone number, by its digest, to assign an incoming SMS."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from idic.interact.reach import reach
from idic.journey.channels import SMS
from idic.store.customer.consents import address_digest
from idic.store.customer.customers import current_id
from idic.store.database import Tx
from idic.store.enrollment import touches
from idic.store.enrollment.touches import Touch
from idic.store.journey import programs
from idic.store.tables import customers, identities
from idic.store.tables import numbers as table
from idic.store.tables import touches as touches_table

CHANNEL = SMS.name
NUMBER_ATTRIBUTES = frozenset({"phone", "country"})
"""The attributes from which a customer's number is read."""
_LOOKED_AT = 20
"""How many of the newest messages to a number are searched for the one that an SMS answers."""


class NumberHolders(NamedTuple):
    """The customers who have a number, by id. ``answering`` is the one who was sent the last message, and ``touch`` the message
    that they answer, if there is one."""

    customers: tuple[str, ...]
    answering: str
    touch: Touch | None


async def note_number(tx: Tx, customer_id: str, traits: Mapping[str, Any], at: datetime) -> None:
    """Store which number a customer who is held has by these traits."""
    country = (await programs.vocabulary(tx) or {}).get("country")
    number = reach(CHANNEL, customer_id, traits, None, at, country).address
    await tx.execute(delete(table).where(table.c.customer_id == customer_id))
    if number is not None:
        await _note(tx, customer_id, await address_digest(tx, CHANNEL, number))


async def _note(tx: Tx, customer_id: str, digest: str) -> None:
    await tx.execute(tx.insert(table).values(digest=digest, customer_id=customer_id).on_conflict_do_nothing())


async def find_holders(tx: Tx, number: str, senders: tuple[str, ...]) -> NumberHolders | None:
    """The customers who have ``number`` (E.164), and the message that an SMS from it to one of ``senders`` answers: the newest
    that one of these senders sent to it, else the newest of all. None where nobody has the number."""
    digest = await address_digest(tx, CHANNEL, number)
    sent = await touches.newest_to(tx, CHANNEL, digest, _LOOKED_AT)
    touch = next((one for one in sent if one.sender in senders), sent[0] if sent else None)
    holders = select(table.c.customer_id).where(table.c.digest == digest)
    written = select(touches_table.c.customer_id).where(touches_table.c.recipient == digest)
    rows = await tx.rows(
        select(customers.c.id)
        .where(or_(customers.c.id.in_(holders), customers.c.id.in_(written)), customers.c.merged_into.is_(None))
        .where(customers.c.erased_at.is_(None))
        .order_by(customers.c.updated_at.desc(), customers.c.id)
    )
    if not rows:
        return None
    answering = await current_id(tx, touch.customer_id) if touch is not None else rows[0]["id"]
    return NumberHolders(tuple(sorted(row["id"] for row in rows)), answering, touch)


async def customer_by_number(tx: Tx, number: str) -> str:
    """The customer whose identity is ``number``, created when there is none."""
    known = select(identities.c.customer_id).where(identities.c.kind == "phone", identities.c.value == number)
    while True:
        if (found := await tx.scalar(known)) is not None:
            return await current_id(tx, found)
        id_, now = uuid.uuid4().hex, tx.now()
        try:
            async with tx.connection.begin_nested():
                row = {"id": id_, "traits": {"phone": number}, "created_at": now, "updated_at": now}
                await tx.execute(insert(customers).values(row))
                identity = {"kind": "phone", "value": number, "customer_id": id_, "created_at": now}
                await tx.execute(insert(identities).values(identity))
        except IntegrityError:
            continue  # another SMS from this number was first
        await _note(tx, id_, await address_digest(tx, CHANNEL, number))
        return id_
