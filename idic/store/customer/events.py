"""Read events for the router and for the inbox of an enrollment: both are this table."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from idic.differentiate.counted import CountedEvent
from idic.journey.channels import EMAIL
from idic.journey.engine.state import Event
from idic.store.database import Tx
from idic.store.tables import Row, enrollments, events, partition_of


class StoredEvent(NamedTuple):
    """An event as the router reads it. ``kind`` is the call it came by, or ``own`` for an event of idic; ``merges`` is an
    anonymous customer whom it shows to be this one."""

    id: int
    kind: str
    name: str
    properties: dict[str, Any]
    merges: str | None
    enrollment_id: str | None
    step: str | None
    occurred_at: datetime | None
    accepted_at: datetime

    @property
    def event(self) -> Event:
        """The event as journeys see it."""
        return Event(
            number=self.id,
            name=self.name,
            properties=self.properties,
            accepted_at=self.accepted_at,
            occurred_at=self.occurred_at,
            enrollment=self.enrollment_id,
            step=self.step,
        )


class CustomerEvent(NamedTuple):
    """An event that counts, of one of many customers."""

    customer_id: str
    accepted_at: datetime
    properties: dict[str, Any]


def read(row: Row) -> Event:
    """The event of a row of the table ``events``, as journeys see it."""
    return Event(
        number=row["id"],
        name=row["name"],
        properties=row["properties"],
        accepted_at=row["accepted_at"],
        occurred_at=row["occurred_at"],
        enrollment=row["enrollment_id"],
        step=row["step"],
    )


async def insert_routed(
    tx: Tx, customer_id: str, name: str, properties: dict[str, Any], at: datetime, occurred_at: datetime
) -> Event:
    """Store an event of idic that needs no routing, and return it. The customer is held."""
    row = {
        "message_id": f"idic-{uuid.uuid4().hex}",
        "customer_id": customer_id,
        "partition": partition_of(customer_id),
        "kind": "own",
        "name": name,
        "properties": properties,
        "occurred_at": occurred_at,
        "accepted_at": at,
        "routed_at": at,
    }
    number = await tx.scalar(insert(events).values(row).returning(events.c.id))
    return read({**row, "id": number, "enrollment_id": None, "step": None})


async def unrouted(tx: Tx, customer_id: str) -> list[StoredEvent]:
    """The unrouted events of a customer, in the order of acceptance."""
    rows = await tx.rows(
        select(*(events.c[name] for name in StoredEvent._fields))
        .where(events.c.customer_id == customer_id, events.c.routed_at.is_(None))
        .order_by(events.c.accepted_at, events.c.id)
    )
    return [StoredEvent(**row) for row in rows]


async def customers_waiting(tx: Tx, partitions: Iterable[int], limit: int, besides: Iterable[str] = ()) -> list[str]:
    """The customers in these partitions with unrouted events, the longest waiting first, without those of ``besides``."""
    oldest = func.min(events.c.id)
    rows = await tx.rows(
        select(events.c.customer_id, oldest.label("oldest"))
        .where(events.c.partition.in_(list(partitions)), events.c.routed_at.is_(None))
        .where(events.c.customer_id.not_in(list(besides)))
        .group_by(events.c.customer_id)
        .order_by(oldest)
        .limit(limit)
    )
    return [row["customer_id"] for row in rows]


async def mark_routed(tx: Tx, event_id: int, at: datetime, outcome: dict[str, Any]) -> None:
    """Mark an event as routed, with what came of it by journey."""
    await tx.execute(update(events).where(events.c.id == event_id).values(routed_at=at, outcome=outcome or None))


async def inbox(tx: Tx, customer_id: str, names: Sequence[str], since: datetime) -> list[Event]:
    """The customer's routed events of these names accepted at or after ``since``, in the order of acceptance."""
    rows = await tx.rows(
        select(events)
        .where(events.c.customer_id == customer_id, events.c.name.in_(names), events.c.accepted_at >= since)
        .where(events.c.routed_at.is_not(None))
        .order_by(events.c.accepted_at, events.c.id)
    )
    return [read(row) for row in rows]


async def newest_of(tx: Tx, enrollment_id: str, name: str, *, upto: datetime) -> Event | None:
    """The newest event of this name about an enrollment's messages."""
    row = await tx.row(
        select(events)
        .where(events.c.customer_id == enrollments.c.customer_id, enrollments.c.id == enrollment_id)
        .where(events.c.name == name, events.c.enrollment_id == enrollment_id, events.c.accepted_at <= upto)
        .order_by(events.c.accepted_at.desc(), events.c.id.desc())
        .limit(1)
    )
    return read(row) if row else None


DEFAULT_CHANNEL = EMAIL.name
"""The channel of an event about a message that names none: it is from a version that knew no other."""


async def count(tx: Tx, customer_id: str, name: str, *, upto: datetime, since: datetime | None) -> float:
    """How many events of this name the customer has, after ``since`` and up to ``upto``."""
    chosen = select(func.count()).select_from(events).where(_within(customer_id, name, upto, since))
    return float(await tx.scalar(chosen) or 0)


async def counted(tx: Tx, customer_id: str, name: str, *, upto: datetime, since: datetime | None) -> list[CountedEvent]:
    """The events that ``count`` counts, with their properties as they were sent."""
    rows = await tx.rows(select(events.c.accepted_at, events.c.properties).where(_within(customer_id, name, upto, since)))
    return [CountedEvent(row["accepted_at"], row["properties"]) for row in rows]


async def counted_of(tx: Tx, customer_ids: Collection[str], name: str, *, upto: datetime) -> list[CustomerEvent]:
    """The events of this name that many customers have up to ``upto``."""
    theirs = events.c.customer_id.in_(customer_ids) & (events.c.name == name) & (events.c.accepted_at <= upto)
    rows = await tx.rows(select(*(events.c[name] for name in CustomerEvent._fields)).where(theirs))
    return [CustomerEvent(**row) for row in rows]


async def entered_for(tx: Tx, customer_id: str, event: Event) -> bool:
    """Whether the customer has entered a journey before for the time or day that ``event`` says is due: through a customer
    who was merged with them, or in another time zone."""
    given = events.c.properties["given"]
    journey = str(event.properties["journey"])
    due = event.properties["given"]
    same = [given[name].as_string() == due[name] for name in ("at", "on") if isinstance(due, dict) and name in due]
    before = select(events.c.id).where(
        events.c.customer_id == customer_id, events.c.name == event.name, events.c.id != event.number
    )
    entered = events.c.outcome[journey].as_string().startswith("entered")
    asked = before.where(events.c.properties["journey"].as_string() == journey, or_(*same), entered)
    return await tx.row(asked.limit(1)) is not None


def _within(customer_id: str, name: str, upto: datetime, since: datetime | None) -> ColumnElement[bool]:
    theirs = and_(events.c.customer_id == customer_id, events.c.name == name, events.c.accepted_at <= upto)
    return theirs if since is None else and_(theirs, events.c.accepted_at > since)
