"""Read the store in tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from idic.store.database import Store
from idic.store.tables import Row, customers, events, identities


async def kept(store: Store) -> list[Row]:
    """The accepted events, in order."""
    async with store.reading() as tx:
        return await tx.rows(select(events).order_by(events.c.id))


def said(events: list[Row]) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, name and properties of each event."""
    return [(event["kind"], event["name"], event["properties"]) for event in events]


async def belongs(store: Store) -> dict[str, str]:
    """The customer of each identity, by the identity's value."""
    async with store.reading() as tx:
        return {row["value"]: row["customer_id"] for row in await tx.rows(select(identities))}


async def how_many_customers(store: Store) -> int:
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
"""What a client's script that calls everything once is seen to have said."""


async def everything_arrived_of_one_person(store: Store) -> None:
    assert said(await kept(store)) == EVERY_CALL
    people = await belongs(store)
    assert people.keys() == {"anna", "phone", "card-17"}
    assert len({*people.values(), *(event["customer_id"] for event in await kept(store))}) == 1
