"""Find the customers who visit a website, and the content to show them.

A visitor is one identity: a proven ``user_id``, or else an ``anonymous_id``. An anonymous id proves nothing, so it leads to a
customer only as long as they have no user id. Content for a customer with a user id is shown only to visitors who prove it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import false, or_, select, update

from idic.identify.resolution import Identity
from idic.store.any_of import any_of
from idic.store.customer.ingest import NAMED
from idic.store.database import Tx
from idic.store.enrollment import web_placements
from idic.store.enrollment.web_placements import LivePlacement
from idic.store.tables import Row, customers, identities

SEEN_EVERY = timedelta(hours=1)
"""How exactly the last visit of a customer is recorded."""


class SiteVisit(NamedTuple):
    """A customer's visit. ``shows`` is the placement in each slot. ``unnoted``: this visit is not recorded yet."""

    customer: str
    unnoted: bool
    shows: dict[str, LivePlacement]


async def visits(tx: Tx, visitors: Collection[Identity]) -> dict[Identity, SiteVisit]:
    """The customers among these visitors to whom content may be shown, with that content."""
    now = tx.now()
    known = await _customers(tx, visitors)
    shown: dict[str, dict[str, LivePlacement]] = {}
    for placement in await web_placements.live(tx, {customer["id"] for customer in known.values()}, now):
        shown.setdefault(placement.customer_id, {})[placement.slot] = placement  # the newest comes last
    return {
        visitor: SiteVisit(
            customer["id"],
            customer["web_seen_at"] is None or now - customer["web_seen_at"] >= SEEN_EVERY,
            shown.get(customer["id"], {}),
        )
        for visitor, customer in known.items()
    }


async def note_seen(tx: Tx, customer_ids: Collection[str]) -> None:
    """Record that these customers are on the site; those whose row is locked are skipped until next time."""
    now = tx.now()
    chosen = (
        select(customers.c.id)
        .where(any_of(tx, customers.c.id, customer_ids), customers.c.merged_into.is_(None))
        .where(or_(customers.c.web_seen_at.is_(None), customers.c.web_seen_at <= now - SEEN_EVERY))
        .with_for_update(key_share=True, skip_locked=True)
    )
    free = [row["id"] for row in await tx.rows(chosen)]
    if free:
        await tx.execute(update(customers).where(any_of(tx, customers.c.id, free)).values(web_seen_at=now))


async def _customers(tx: Tx, visitors: Collection[Identity]) -> dict[Identity, Row]:
    asked = [
        (identities.c.kind == kind) & any_of(tx, identities.c.value, values)
        for kind in ("user_id", "anonymous_id")
        if (values := {visitor.value for visitor in visitors if visitor.kind == kind})
    ]
    columns = (customers.c.id, customers.c.merged_into, customers.c.web_seen_at, NAMED)
    rows = await tx.rows(
        select(identities.c.kind, identities.c.value, *columns)
        .join(customers, customers.c.id == identities.c.customer_id)
        .where(or_(false(), *asked))
    )
    known = {Identity(row["kind"], row["value"]): row for row in rows}
    while merged := {row["merged_into"] for row in known.values() if row["merged_into"] is not None}:
        into = {row["id"]: row for row in await tx.rows(select(*columns).where(any_of(tx, customers.c.id, merged)))}
        known = {
            visitor: into.get(row["merged_into"], row)
            for visitor, row in known.items()
            if row["merged_into"] is None or row["merged_into"] in into
        }
    return {visitor: row for visitor, row in known.items() if visitor.kind == "user_id" or not row["named"]}
