"""Read the store in tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from idic.store.database import Store
from idic.store.tables import Row, customers, events, identities


async def stored_events(store: Store) -> list[Row]:
    """The accepted events, in order."""
    async with store.reading() as tx:
        return await tx.rows(select(events).order_by(events.c.id))


def event_contents(events: list[Row]) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, name and properties of each event."""
    return [(event["kind"], event["name"], event["properties"]) for event in events]


async def customers_by_identity(store: Store) -> dict[str, str]:
    """The customer of each identity, by the identity's value."""
    async with store.reading() as tx:
        return {row["value"]: row["customer_id"] for row in await tx.rows(select(identities))}


async def count_customers(store: Store) -> int:
    async with store.reading() as tx:
        return len(await tx.rows(select(customers.c.id)))


def track(user: str | None = "anna", **more: Any) -> dict[str, Any]:
    return {"type": "track", "userId": user, "event": "Cart Updated", "properties": {"total": 80}} | more


def identify(user: str | None = "anna", **more: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "traits": {"firstName": "Anna"}} | more


EVERY_CALL = [
    ("track", "Product Viewed", {"sku": "espresso"}),
    ("identify", "", {"firstName": "Anna"}),
    ("page", "Page Viewed", {"name": "Beans", "category": "Shop", "path": "/beans"}),
    ("screen", "Screen Viewed", {"name": "Cart", "total": 80}),
    ("group", "Group Joined", {"group_id": "roasters", "traits": {"plan": "pro"}}),
    ("alias", "Identity Aliased", {"previous_id": "card-17"}),
]
"""What a client's script that calls everything once is seen to have event_contents."""


async def assert_every_call_arrived(store: Store) -> None:
    """Check that each event of ``EVERY_CALL`` is stored, all for one customer."""
    assert event_contents(await stored_events(store)) == EVERY_CALL
    people = await customers_by_identity(store)
    assert people.keys() == {"anna", "phone", "card-17"}
    assert len({*people.values(), *(event["customer_id"] for event in await stored_events(store))}) == 1
