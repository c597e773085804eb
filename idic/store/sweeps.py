"""Sweeps: jobs that go through all customers, page by page, in the order of their ids.

The row of a sweep says how far it has come. ``due`` holds the days on which customers enter a journey by their own date.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import delete, or_, select, update

from idic.store.any_of import any_of
from idic.store.database import Tx
from idic.store.tables import customers, due, events, sweeps

Kind = Literal["scheduled", "days", "broadcast"]


class Sweep(NamedTuple):
    """A row of ``sweeps``. ``kind`` is ``scheduled`` (``name`` is a journey that all customers may enter at ``due_at``),
    ``days`` (``name`` is a journey whose days are found anew for everybody) or ``broadcast`` (``name`` is an event about a
    thing). Customers up to ``after_id`` are done."""

    id: int
    kind: Kind
    message_id: str
    name: str
    properties: dict[str, Any]
    due_at: datetime
    occurred_at: datetime | None
    after_id: str
    done_at: datetime | None

    @property
    def waiting(self) -> bool:
        """Whether the sweep has not begun."""
        return self.done_at is None and not self.after_id


async def add(
    tx: Tx,
    kind: Kind,
    message_id: str,
    name: str,
    due_at: datetime,
    properties: dict[str, Any] | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Add a sweep that begins at ``due_at``; a sweep with the same ``message_id`` is added once."""
    row = {"kind": kind, "message_id": message_id, "name": name, "due_at": due_at, "occurred_at": occurred_at}
    await tx.execute(tx.insert(sweeps).values(**row, properties=properties or {}).on_conflict_do_nothing())


async def newest(tx: Tx, kind: Kind, name: str) -> Sweep | None:
    """The sweep of this kind and name that is due last, done or not."""
    chosen = select(sweeps).where(sweeps.c.kind == kind, sweeps.c.name == name)
    row = await tx.row(chosen.order_by(sweeps.c.due_at.desc()).limit(1))
    return Sweep(**row) if row else None


async def cancel(tx: Tx, sweep: Sweep) -> None:
    """Delete a sweep, unless it has begun."""
    await tx.execute(delete(sweeps).where(sweeps.c.id == sweep.id, sweeps.c.after_id == "", sweeps.c.done_at.is_(None)))


async def due_now(tx: Tx, now: datetime) -> list[int]:
    """The ids of at most 20 sweeps that are due and not done, the longest waiting first."""
    open_ = select(sweeps.c.id).where(sweeps.c.done_at.is_(None), sweeps.c.due_at <= now)
    return [row["id"] for row in await tx.rows(open_.order_by(sweeps.c.due_at, sweeps.c.id).limit(20))]


async def hold(tx: Tx, sweep_id: int) -> Sweep | None:
    """Lock the sweep's row; None where it is done, or another router has locked it."""
    open_ = select(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.done_at.is_(None))
    row = await tx.row(open_.with_for_update(skip_locked=True))
    return Sweep(**row) if row else None


async def proceed(tx: Tx, sweep: Sweep, after_id: str) -> None:
    """Note that customers up to ``after_id`` are done. The sweep is held."""
    await tx.execute(update(sweeps).where(sweeps.c.id == sweep.id).values(after_id=after_id))


async def finish(tx: Tx, sweep: Sweep, at: datetime) -> None:
    """Mark a sweep as done."""
    await tx.execute(update(sweeps).where(sweeps.c.id == sweep.id).values(done_at=at))


class SweptCustomer(NamedTuple):
    """A customer whom a sweep has come to. ``merged_into`` is set only where they were merged after the sweep was due."""

    id: str
    traits: dict[str, Any]
    merged_into: str | None = None


async def page(tx: Tx, sweep: Sweep, limit: int) -> list[SweptCustomer]:
    """The next customers of a sweep, of those who existed when it was due. For ``days`` they are held, so that a change of
    their traits comes either before or after."""
    chosen = select(customers.c.id, customers.c.traits, customers.c.merged_into).where(customers.c.id > sweep.after_id)
    if sweep.kind == "days":
        chosen = chosen.where(customers.c.merged_into.is_(None)).with_for_update(read=True, key_share=True)
    else:
        since = or_(customers.c.merged_into.is_(None), customers.c.updated_at >= sweep.due_at)
        chosen = chosen.where(customers.c.created_at <= sweep.due_at, since)
    return [SweptCustomer(**row) for row in await tx.rows(chosen.order_by(customers.c.id).limit(limit))]


async def hold_customers(tx: Tx, ids: Collection[str]) -> list[SweptCustomer]:
    """Hold these customers, so that a change of their traits comes either before or after. Merged customers are left out."""
    chosen = select(customers.c.id, customers.c.traits).where(
        any_of(tx, customers.c.id, ids), customers.c.merged_into.is_(None)
    )
    rows = await tx.rows(chosen.order_by(customers.c.id).with_for_update(read=True, key_share=True))
    return [SweptCustomer(**row) for row in rows]


async def unrouted(tx: Tx, limit: int) -> list[str]:
    """The customer of each unrouted event, at most ``limit``: with as many, there may be more."""
    waiting = select(events.c.customer_id).where(events.c.routed_at.is_(None)).limit(limit)
    return [row["customer_id"] for row in await tx.rows(waiting)]


# Days that depend on a customer's own date.


class DueEntry(NamedTuple):
    """When a customer next enters a journey by their own date; ``at`` is None where there is no such day."""

    customer_id: str
    journey: str
    at: datetime | None


async def set_days(tx: Tx, days: Collection[DueEntry], now: datetime) -> None:
    """Store on which days customers, who are held, enter next. A day that has come already stays until it is taken, even if
    the customer's date has changed since."""
    known = [day._asdict() for day in sorted(days) if day.at is not None]
    if known:
        insert = tx.insert(due)
        await tx.execute(
            insert.on_conflict_do_update(
                index_elements=[due.c.journey, due.c.customer_id],
                set_={"at": insert.excluded.at},
                where=due.c.at > now,
            ),
            known,
        )
    for journey in {day.journey for day in days}:
        without = [day.customer_id for day in days if day.journey == journey and day.at is None]
        if without:
            theirs = (due.c.journey == journey) & any_of(tx, due.c.customer_id, without)
            await tx.execute(delete(due).where(theirs, due.c.at > now))


async def due_days(tx: Tx, now: datetime, limit: int) -> list[DueEntry]:
    """At most ``limit`` days that have come."""
    rows = await tx.rows(select(due).where(due.c.at <= now).order_by(due.c.at).limit(limit))
    return sorted(DueEntry(**row) for row in rows)


async def take_day(tx: Tx, day: DueEntry) -> bool:
    """Delete a day that has come; its customer is held. Returns False if another router already did."""
    taken = delete(due).where(due.c.journey == day.journey, due.c.customer_id == day.customer_id, due.c.at == day.at)
    return (await tx.execute(taken)).rowcount == 1


async def merge_days(tx: Tx, absorbed: str, into: str, now: datetime) -> None:
    """Give the days of a merged customer that have come to the customer ``into``, unless ``into`` has such a day already. The
    other days are deleted; the caller finds them anew."""
    come = await tx.rows(select(due).where(due.c.customer_id == absorbed, due.c.at <= now))
    await tx.execute(delete(due).where(due.c.customer_id == absorbed))
    await set_days(tx, [DueEntry(**row)._replace(customer_id=into) for row in come], now)
