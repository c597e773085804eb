"""Erase a customer's data. Random ids, counts and times remain, and nothing that says whose they were.

Every table is handled here or is in ``NOT_PERSONAL``; a test checks that none is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, text, update

from idic.journey.channels import ADDRESS_ATTRIBUTES
from idic.store.any_of import any_of
from idic.store.database import Tx
from idic.store.digests import salt, tombstone
from idic.store.tables import (
    Row,
    calls,
    consents,
    copies,
    customers,
    due,
    enrollments,
    events,
    idempotency,
    identities,
    numbers,
    placements,
    short_links,
    touches,
    trace,
)

NOT_PERSONAL = frozenset(
    {
        "programs", "journeys", "publications", "admissions", "sweeps", "vocabularies", "policies", "budgets", "outbox",
        "suppressions", "salts", "routers", "leases", "clock", "responses", "learnt",
    }
)  # fmt: skip
"""Tables without personal data: texts of marketing, counts, random ids, salted digests."""

_KEPT_WHY = ("channel", "rule", "event", "message")
"""The parts of a trace's ``why`` that are kept: names from the journey's file."""


async def merged_ids(tx: Tx, customer_id: str) -> list[str]:
    """The customer's id, and the ids of all customers who were merged into them, directly or not."""
    ids, newest = [customer_id], {customer_id}
    while newest:
        rows = await tx.rows(select(customers.c.id).where(any_of(tx, customers.c.merged_into, newest)))
        newest = {row["id"] for row in rows}
        ids += sorted(newest)
    return ids


async def forget(tx: Tx, customer_id: str, at: datetime) -> None:
    """Erase the data of a customer who is held, and whose enrollments have all ended."""
    if tx.sqlite:
        # Without it, erased data stays readable in the free space of the file.
        await tx.execute(text("PRAGMA secure_delete = ON"))
    ids = await merged_ids(tx, customer_id)
    trips = [row["id"] for row in await tx.rows(select(enrollments.c.id).where(any_of(tx, enrollments.c.customer_id, ids)))]
    messages = [row["id"] for row in await tx.rows(select(touches.c.id).where(any_of(tx, touches.c.customer_id, ids)))]
    for table in (identities, numbers, consents, due, placements):
        await tx.execute(delete(table).where(any_of(tx, table.c.customer_id, ids)))
    for table in (copies, short_links):
        await tx.execute(delete(table).where(any_of(tx, table.c.touch_id, messages)))
    answered = idempotency.c.response
    await tx.execute(
        delete(idempotency).where(
            or_(answered["customer_id"].as_string().in_(ids), answered["enrollment_id"].as_string().in_(trips))
        )
    )
    nothing = {"detail": None, "provider_id": None, "recipient": None}
    await tx.execute(update(touches).where(any_of(tx, touches.c.id, messages)).values(nothing))
    await tx.execute(update(calls).where(any_of(tx, calls.c.customer_id, ids)).values(given={}, detail=None))
    await _forget_events(tx, ids)
    await _forget_trips(tx, trips)
    await tx.execute(
        update(customers)
        .where(any_of(tx, customers.c.id, ids))
        .values(traits={}, web_seen_at=None, fewer=False, paused_until=None, erased_at=at, updated_at=at)
    )


async def _forget_events(tx: Tx, ids: Sequence[str]) -> None:
    """Keep of each event that it happened, and the digest of its message's id."""
    rows = await tx.rows(select(events.c.id, events.c.message_id).where(any_of(tx, events.c.customer_id, ids)))
    if rows:
        salted = await salt(tx)
        nothing: Row = {"kind": "erased", "name": "", "properties": {}, "merges": None, "occurred_at": None, "outcome": None}
        await tx.execute(
            update(events).where(events.c.id == bindparam("event")).values(message_id=bindparam("stone"), **nothing),
            [{"event": row["id"], "stone": tombstone(salted, row["message_id"])} for row in rows],
        )


async def _forget_trips(tx: Tx, trips: Sequence[str]) -> None:
    rows = await tx.rows(select(enrollments.c.id, enrollments.c.state).where(any_of(tx, enrollments.c.id, trips)))
    if rows:
        await tx.execute(
            update(enrollments)
            .where(enrollments.c.id == bindparam("trip"))
            .values(key="", attribute_until=None, state=bindparam("scrubbed", type_=enrollments.c.state.type)),
            [{"trip": row["id"], "scrubbed": _scrubbed(row["state"])} for row in rows],
        )
    traced = await tx.rows(select(trace.c.id, trace.c.why).where(any_of(tx, trace.c.enrollment_id, trips)))
    if traced:
        await tx.execute(
            update(trace).where(trace.c.id == bindparam("entry")).values(why=bindparam("reasons", type_=trace.c.why.type)),
            [
                {"entry": row["id"], "reasons": {name: row["why"][name] for name in _KEPT_WHY if name in row["why"]}}
                for row in traced
            ],
        )


def _kept_why(why: Row) -> Row:
    return {name: why[name] for name in _KEPT_WHY if name in why}


def _scrubbed(state: Row) -> Row:
    """A stored state without key, captured events and variables, and with little of its entry. It can still be parsed."""
    remains = {name: value for name, value in state.items() if name not in ("key", "captured", "variables")}
    entry: dict[str, Any] = {name: state["entry"][name] for name in ("number", "name", "accepted_at")}
    return {**remains, "entry": entry}


async def others_with_address(tx: Tx, customer_id: str, addresses: Sequence[str]) -> list[str]:
    """Other customers with one of these email addresses or phone numbers, as they are written: perhaps the same person."""
    written = [address.strip().lower() for address in addresses if address.strip()]
    if not written:
        return []
    traits = [func.lower(customers.c.traits[name].as_string()).in_(written) for name in ADDRESS_ATTRIBUTES]
    rows = await tx.rows(
        select(customers.c.id)
        .where(or_(*traits), customers.c.id != customer_id, customers.c.merged_into.is_(None))
        .order_by(customers.c.id)
        .limit(100)
    )
    return [row["id"] for row in rows]
