"""Events about things: sent by services only, they reach every customer whom the thing concerns."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from idic.journey.program.entry import Entry
from idic.journey.program.values import Attribute, Pattern, Type
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store import tables
from idic.store.database import Store
from idic.store.journey import programs
from idic.store.tables import Row
from tests.api.conftest import SECRET_KEY, browser
from tests.api.store_queries import event_contents, stored_events, track
from tests.conftest import HandClock
from tests.journey.programs import condition, program, wait
from tests.router.world import World

TEXT = Type(kind="text")
WISHES = Attribute(type=Type(kind="list", of=TEXT))
VOCABULARY = Vocabulary(
    events={"Price Dropped": {"sku": Attribute(type=TEXT, required=True), "new_price": Attribute(type=Type(kind="money"))}},
    about={"Price Dropped": "product"},
)


def dropped(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Price Dropped", "properties": {"sku": "boots"}, "messageId": "p1"} | more


async def publish(store: Store) -> World:
    world = World(store, store.clock)  # type: ignore[arg-type]
    document = VOCABULARY.model_dump(mode="json")
    await store.move("publish", lambda tx: programs.publish_vocabulary(tx, document, tx.now()))
    wanted = condition("event.sku in customer.wishlist", event__sku=Attribute(type=TEXT), customer__wishlist=WISHES)
    entry = Entry(on=(Pattern(on="Price Dropped"),), for_each=wanted)
    await world.publish(program(wait("rest", 1), entry=entry, customer={"wishlist": WISHES}))
    return world


async def broadcasts(store: Store) -> list[Row]:
    async with store.reading() as tx:
        return await tx.rows(tables.sweeps.select().where(tables.sweeps.c.kind == "broadcast"))


async def test_everyone_with_the_product_on_the_wishlist_enters(
    service: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    world = await publish(store)
    wants = sorted([await world.customer(wishlist=["boots", sku]) for sku in ("hat", "scarf", "gloves")])
    await world.customer(wishlist=["hat"])
    await world.customer()
    for _ in range(2):  # the service isn't sure whether it arrived and sends it again
        answer = await service.post("/v1/track", json=dropped())
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert await stored_events(store) == []
    clock.advance(seconds=5)
    await world.sweep()
    assert sorted(one.customer_id for one in await world.enrollments()) == wants
    own = await stored_events(store)
    assert event_contents(own) == [("track", "Price Dropped", {"sku": "boots"})] * 3
    assert sorted(event["message_id"] for event in own) == [f"idic-about:p1:{customer}" for customer in wants]
    assert {event["occurred_at"] for event in own} == {clock.now().replace(second=0)}


async def test_a_batch_may_mix_events_of_things_and_of_customers(service: httpx.AsyncClient, store: Store) -> None:
    await publish(store)
    messages = [
        track(),
        dropped(),
        dropped(),
        dropped(messageId="p2", properties={"sku": 3}),
        dropped(messageId="p3", properties={}),
    ]
    answer = (await service.post("/v1/batch", json={"batch": messages})).json()
    assert [refusal["error"] for refusal in answer["refused"]] == ["batch[4].properties: Price Dropped needs sku (text)"]
    assert event_contents(await stored_events(store)) == [("track", "Cart Updated", {"total": 80})]
    assert [row["message_id"] for row in await broadcasts(store)] == ["p1", "p2"]


async def test_a_write_key_cannot_send_an_event_about_a_thing(shop: httpx.AsyncClient, store: Store) -> None:
    await publish(store)
    answer = await shop.post("/v1/track", json=dropped())
    assert answer.status_code == 400
    error = "userId: Price Dropped is about a product: say whose it is, or send it with a secret key"
    assert answer.json()["message"] == error
    assert (await broadcasts(store), await stored_events(store)) == ([], [])


async def test_other_events_need_a_customer_with_a_secret_key_too(service: httpx.AsyncClient, store: Store) -> None:
    await publish(store)
    for message in (track(None), dropped(type="identify"), dropped(event=["Price Dropped"]), dropped(event=None)):
        answer = await service.post("/v1/batch", json={"batch": [message]})
        assert answer.status_code == 400
    assert (await service.post("/v1/track", json=track())).status_code == 200


async def test_an_event_with_an_identity_concerns_that_customer_only(shop: httpx.AsyncClient, store: Store) -> None:
    world = await publish(store)
    await shop.post("/v1/identify", json={"userId": "anna", "traits": {"wishlist": ["boots"]}})
    for user in ("anna", "bert"):
        assert (await shop.post("/v1/track", json=dropped(userId=user, messageId=f"of {user}"))).status_code == 200
    await world.route_all()
    assert await broadcasts(store) == []
    assert len(await world.enrollments()) == 1


async def test_a_secret_key_in_the_body_is_refused(app: FastAPI, store: Store) -> None:
    await publish(store)
    async with browser(app) as client:
        assert (await client.post("/v1/track", json=dropped(writeKey=SECRET_KEY))).status_code == 401


async def test_an_event_that_no_journey_listens_to_reaches_nobody(service: httpx.AsyncClient, store: Store) -> None:
    world = await publish(store)
    await world.customer(wishlist=["boots"])
    await store.move("stop", lambda tx: programs.stop(tx, "trip", tx.now()))
    await service.post("/v1/track", json=dropped())
    await world.sweep()
    assert await stored_events(store) == []
    assert [row["done_at"] is not None for row in await broadcasts(store)] == [True]
