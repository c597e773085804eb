"""Erasing a customer: no table keeps anything that could identify them, whatever was under way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import to_json
from sqlalchemy import String, cast, select

from idic.identify.messages import IncomingMessage
from idic.interact.channels.channel_edge import Parcel
from idic.interact.channels.contract import Accepted, Outcome
from idic.router.erase import Erasure
from idic.router.erase import erase as erase_customer
from idic.store import tables
from idic.store.customer import consents, customers, erase, events, export, ingest
from idic.store.database import Store, Tx
from idic.store.digests import tombstone
from idic.store.enrollment import short_links, touches
from tests.conftest import HandClock
from tests.journey.compiled import written
from tests.router.world import Postman, World

SECRETS = (
    "anna@example.com",
    "Annabella",
    "+4915112345678",
    "4711-anna",
    "red-stiletto",
    "visitor-77",
    "user-anna",
    "10.1.2.3",
)
"""Strings that would identify her."""

_WORDS = """
country: DE
customer: {first_name: text, last_bought: text}
events: {Signed Up: {cart: text, item: text}, Item Liked: {item: text}, Bought: {total: number}}
"""
TRIP = """
journey: trip
purpose: service
identify: {on: Signed Up, key: event.cart, again: always}
differentiate: {values: {liked: entry.item}}
interact:
  - {id: mail, send: words, by: email}
  - {id: liked, wait_for: {on: Item Liked, as: like}, within: 1 day, otherwise: continue}
  - {id: text, send: words, by: sms, within: 2 days}
  - {id: rest, wait: 30 days}
goal: {on: Bought, within: 60 days, value: event.total, then: continue}
customize:
  words:
    email:
      subject: "Hello {{ customer.first_name | default: 'you' }}"
      body: "Hello {{ customer.first_name | default: 'you' }}"
    sms: {text: "Hello {{ customer.first_name | default: 'you' }}"}
"""


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def everything(store: Store) -> str:
    """Every column of every table, as text."""
    told = []
    async with store.reading() as tx:
        for table in tables.metadata.sorted_tables:
            for row in await tx.rows(select(*(cast(column, String).label(column.name) for column in table.c))):
                told.append(f"{table.name}: {row}")
    return "\n".join(told)


def found_in(text: str) -> dict[str, list[str]]:
    lines = text.splitlines()
    return {
        secret: hits for secret in SECRETS if (hits := [line for line in lines if secret.lower() in line.lower()])
    }  # fmt: skip


async def anna(world: World) -> str:
    """Create Anna: two ids, in the middle of a journey, a mail sent and an SMS claimed."""
    await world.publish(*written(_WORDS, TRIP))
    await world.store.move(
        "vocabulary",
        lambda tx: tx.execute(tables.vocabularies.insert().values(document={"country": "DE"}, published_at=tx.now())),
    )

    async def accept(tx: Tx) -> None:
        await ingest.accept(
            tx,
            [
                IncomingMessage(
                    "identify", "", {"email": "Anna@example.com", "phone": "+4915112345678", "firstName": "Annabella"},
                    anonymous_id="visitor-77", message_id="m-visitor-77",
                ),
                IncomingMessage(
                    "track", "Consent Given", {"channel": "sms", "act": "form", "proof": {"ip": "10.1.2.3"}},
                    anonymous_id="visitor-77", message_id="consent",
                ),
                IncomingMessage(
                    "track", "Signed Up", {"cart": "4711-anna", "item": "red-stiletto"}, "user-anna", "visitor-77", "m-1",
                ),
            ],
        )  # fmt: skip

    await world.store.move("accept", accept)
    await world.route_all()
    trip = await world.only()
    await world.work(trip.id)
    await world.happens(trip.customer_id, "Item Liked", {"item": "red-stiletto"}, outcome={"note": "red-stiletto"})
    return trip.customer_id


async def erased(world: World, customer_id: str) -> Erasure:
    return await erase_customer(world.store, world.runtime, customer_id)


async def test_nothing_of_her_is_left_anywhere(world: World) -> None:
    customer_id = await anna(world)
    trip = await world.only()
    await world.advance(trip.id)

    async def besides(tx: Tx) -> None:
        texted = next(row["id"] for row in await tx.rows(select(tables.touches)) if row["channel"] == "sms")
        await short_links.keep(tx, texted, {"abc": "https://shop.example/?u=user-anna"}, tx.now())
        said: dict[str, Any] = {"customer_id": customer_id, "enrollment_id": trip.id, "reason": "Annabella"}
        kept = {"key": "4711-anna", "request": "x", "status": 201, "response": said, "at": tx.now()}
        await tx.execute(tables.idempotency.insert().values(kept))
        asked = {"step": "ask", "round": 1, "endpoint": "erp", "status": "asked", "given": {"who": "user-anna"}}
        await tx.execute(
            tables.calls.insert().values(
                id="c", enrollment_id=trip.id, customer_id=customer_id, detail="Annabella", attempts=1, answer_by=tx.now(),
                asked_at=tx.now(), **asked,
            )
        )  # fmt: skip

    await world.store.move("besides", besides)
    assert set(found_in(await everything(world.store))) == set(SECRETS)
    assert {row.status for row in await world.touches()} == {"sent", "claimed"}

    done = await erased(world, customer_id)

    assert done == Erasure(customer_id, 1, ())
    assert found_in(await everything(world.store)) == {}
    over = await world.only()
    assert over.state.ended
    assert over.state.ended.reason == "erased"
    assert {(row.channel, row.status, row.reason) for row in await world.touches()} == {
        ("email", "sent", None), ("sms", "failed", "ended"),
    }  # fmt: skip
    # Her workflow is woken, and told to stop; nothing of hers is in what Temporal is told.
    assert (trip.id, "wake") in [(row["enrollment_id"], row["kind"]) for row in await world.rows(tables.outbox)]
    told = await world.advance(trip.id)
    assert not told.deliver
    assert found_in(to_json(told).decode()) == {}
    assert (await erased(world, customer_id)).already


async def test_what_is_left_can_still_be_counted(world: World) -> None:
    customer_id = await anna(world)
    before = await world.only()
    await world.happens(customer_id, "Bought", {"total": 80})
    await erased(world, customer_id)
    (row,) = await world.rows(tables.enrollments)
    assert (row["entered_at"], row["goal_value"]) == (before.state.entered_at, 80)
    assert "sent" in await world.trace(before.id)
    assert len(await world.rows(tables.events)) >= 4
    assert {row["name"] for row in await world.rows(tables.events)} == {""}


class Slow(Postman):
    """A provider so slow that something else happens meanwhile."""

    world: World
    customer: str

    async def send(self, message: Parcel) -> Outcome:
        await erased(self.world, self.customer)
        await super().send(message)
        return Accepted("anna@example.com took it")


async def test_a_delivery_under_way_writes_nothing_back(world: World) -> None:
    customer_id = await anna(world)
    trip = await world.only()
    told = await world.advance(trip.id)
    slow = Slow("twilio")
    slow.world, slow.customer = world, customer_id
    world.delivering.couriers = {**world.delivering.couriers, "twilio": slow}
    (texted,) = [one.touch for one in told.deliver]
    stops = await world.deliver(texted)
    assert slow.taken == [texted]
    assert not stops.deliver
    assert found_in(await everything(world.store)) == {}
    (row,) = [row for row in await world.touches() if row.id == texted]
    assert (row.status, row.provider_id) == ("sent", None)
    async with world.store.reading() as tx:
        assert await tx.rows(select(tables.copies)) == []
    # Nor does a short link that was about to be kept come back, nor what is heard of a message later.
    assert not await world.store.move(
        "links", lambda tx: short_links.keep(tx, texted, {"x": "https://shop.example/?u=user-anna"}, tx.now())
    )
    await world.reported(texted, "Link Clicked", {"url": "https://shop.example/?u=user-anna"})
    await world.store.move("report", lambda tx: touches.identify(tx, texted, "user-anna"))
    assert found_in(await everything(world.store)) == {}


async def test_her_messages_sent_once_more_do_not_bring_her_back(world: World) -> None:
    customer_id = await anna(world)
    await erased(world, customer_id)
    again = IncomingMessage("track", "Signed Up", {"cart": "4711-anna"}, "user-anna", "visitor-77", "m-1")
    await world.store.move("accept", lambda tx: ingest.accept(tx, [again]))
    assert found_in(await everything(world.store)) == {}
    # What she does from now on is somebody new's.
    new = again._replace(message_id="m-2")
    await world.store.move("accept", lambda tx: ingest.accept(tx, [again, new]))
    (_, somebody) = sorted(await world.rows(tables.customers), key=lambda row: row["created_at"])[-2:]
    await world.route_all()
    names = [row["name"] for row in await world.rows(tables.events) if row["customer_id"] == somebody["id"]]
    assert somebody["id"] != customer_id
    assert names == ["Signed Up"]


async def test_her_addresses_are_known_again_and_stand_nowhere(world: World) -> None:
    customer_id = await anna(world)
    await world.store.move("dead", lambda tx: consents.suppress(tx, "sms", "+4915112345678", "no_such_number", tx.now()))
    await erased(world, customer_id)
    async with world.store.reading() as tx:
        mail = await consents.suppression_of(tx, "email", "anna@EXAMPLE.com")
        number = await consents.suppression_of(tx, "sms", "+4915112345678")
    assert mail
    assert mail.reason == "erased"
    assert number
    assert number.reason == "no_such_number"
    # Whoever comes back and shows that the address is theirs is written to again.
    back = await world.customer(email="anna@example.com")
    await world.happens(back, "Consent Given", {"channel": "email"})
    async with world.store.reading() as tx:
        assert await consents.suppression_of(tx, "email", "anna@example.com")
    await world.happens(back, "Consent Given", {"channel": "email", "act": "double opt-in", "confirmed": True})
    async with world.store.reading() as tx:
        assert not await consents.suppression_of(tx, "email", "anna@example.com")


async def test_others_at_the_same_address_are_named_and_left_alone(world: World) -> None:
    customer_id = await anna(world)
    guest = await world.customer(email="ANNA@example.com", first_name="A guest")
    assert (await erased(world, customer_id)).same_address == (guest,)
    (row,) = [row for row in await world.rows(tables.customers) if row["id"] == guest]
    assert row["traits"]["first_name"] == "A guest"


async def test_who_has_just_turned_out_to_be_her_is_erased_with_her(world: World) -> None:
    """The visitor is erased while the event that says who she is waits to be routed."""
    await world.publish(*written(_WORDS, TRIP))
    seen = IncomingMessage("identify", "", {"firstName": "Annabella"}, None, "visitor-77", "m-0")
    known = IncomingMessage("identify", "", {"email": "anna@example.com"}, "user-anna", None, "m-1")
    await world.store.move("accept", lambda tx: ingest.accept(tx, [seen, known]))
    await world.route_all()
    both = seen._replace(user_id="user-anna", message_id="m-2")
    await world.store.move("accept", lambda tx: ingest.accept(tx, [both]))
    rows = await world.rows(tables.identities)
    visitor = next(row["customer_id"] for row in rows if row["value"] == "visitor-77")
    await erased(world, visitor)
    assert found_in(await everything(world.store)) == {}


async def test_sweeps_and_requests_pass_over_who_is_erased(world: World) -> None:
    customer_id = await anna(world)
    await erased(world, customer_id)
    told = ingest.NewEvent("track", "Annabella's day", {})
    await world.store.move("tell", lambda tx: ingest.record_for_customers(tx, "day", {customer_id: told}))
    async with world.store.reading() as tx:
        assert await events.unrouted(tx, customer_id) == []


def test_no_table_is_forgotten() -> None:
    """Every table, new ones too, is either emptied of an erased customer or holds no personal data."""
    dealt_with = {
        "customers", "identities", "events", "enrollments", "touches", "copies", "placements", "short_links", "calls", "trace",
        "consents", "due", "idempotency", "numbers",
    }  # fmt: skip
    assert set(tables.metadata.tables) == dealt_with | erase.NOT_PERSONAL


def test_the_same_message_has_the_same_tombstone_in_one_store_alone() -> None:
    assert tombstone("a", "M1") == tombstone("a", "M1")
    assert len({tombstone("a", "M1"), tombstone("a", "m1"), tombstone("b", "M1")}) == 3


async def test_what_is_known_of_her_is_hers_to_read(world: World) -> None:
    """Before erasure her export has all her data; after it, none."""
    customer_id = await anna(world)
    async with world.store.reading() as tx:
        row = await customers.get(tx, customer_id)
        assert row is not None
        told = await export.customer_export(tx, row)
    assert set(found_in(json.dumps(told, indent=1))) == set(SECRETS)
    (trip,) = told["journeys"]
    mail, text = sorted(trip["messages"], key=lambda one: str(one["channel"]))
    assert (mail["channel"], mail["copy"]["address"]) == ("email", "Anna@example.com")
    assert mail["why"][0].startswith("entered: Signed Up")
    assert "mail: sent by email" in mail["why"]
    assert not [why for why in mail["why"] if why.startswith("text:")]
    assert (text["channel"], text["status"], text["copy"]) == ("sms", "claimed", None)
    assert told["consents"]["said"][0]["proof"] == {"ip": "10.1.2.3"}
    await erased(world, customer_id)
    async with world.store.reading() as tx:
        row = await customers.get(tx, customer_id)
        assert row is not None
        told = await export.customer_export(tx, row)
    assert found_in(json.dumps(told, indent=1)) == {}
    assert told["customer"]["erased_at"] == world.clock.now().isoformat()
