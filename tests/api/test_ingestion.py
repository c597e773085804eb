"""Ingestion: what is stored, what is refused, and what the sender is told."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue
from sqlalchemy import insert

from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store.customer.customers import lock, merge
from idic.store.database import Store, Tx
from idic.store.journey import programs
from idic.store.tables import identities, partition_of
from tests.api.conftest import WRITE_KEY
from tests.api.store_queries import count_customers, customers_by_identity, event_contents, identify, stored_events, track
from tests.conftest import HandClock


async def batch(shop: httpx.AsyncClient, *messages: object, **more: JsonValue) -> httpx.Response:
    return await shop.post("/v1/batch", json={"batch": messages} | more)


async def test_a_tracked_event_is_stored_before_the_response(shop: httpx.AsyncClient, store: Store, clock: HandClock) -> None:
    answer = await shop.post("/v1/track", json=track(messageId="m1", anonymousId="phone"))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    [event] = await stored_events(store)
    anna = (await customers_by_identity(store))["anna"]
    assert event["customer_id"] == anna == (await customers_by_identity(store))["phone"]
    assert {name: event[name] for name in ("message_id", "kind", "name", "properties", "merges", "partition")} == {
        "message_id": "m1",
        "kind": "track",
        "name": "Cart Updated",
        "properties": {"total": 80},
        "merges": None,
        "partition": partition_of(anna),
    }
    assert event["accepted_at"] == event["occurred_at"] == clock.now()
    assert event["routed_at"] is None


async def test_identify_stores_the_traits_for_the_router(shop: httpx.AsyncClient, store: Store) -> None:
    assert (await shop.post("/v1/identify", json=identify())).status_code == 200
    [event] = await stored_events(store)
    assert (event["kind"], event["name"], event["properties"]) == ("identify", "", {"firstName": "Anna"})


async def test_a_batch_is_stored_in_its_order(shop: httpx.AsyncClient, store: Store) -> None:
    messages = [track(f"u{number % 7}", properties={"number": number}) for number in range(50)]
    assert (await batch(shop, *messages)).json() == {"success": True}
    assert [event["properties"]["number"] for event in await stored_events(store)] == list(range(50))
    assert await count_customers(store) == 7


async def test_text_of_any_script_survives(shop: httpx.AsyncClient, store: Store) -> None:
    properties = {"name": "山田 🛒 Ünsal", "quote": 'a"b\\u0000c', "big": 2**70, "small": 1e-7, "nothing": None}
    assert (await batch(shop, track("Łucja 🛒", event="Корзина", properties=properties))).status_code == 200
    [event] = await stored_events(store)
    assert (event["name"], event["properties"]) == ("Корзина", properties)
    assert "Łucja 🛒" in await customers_by_identity(store)


async def test_duplicates_in_a_batch_count_once_and_the_first_wins(shop: httpx.AsyncClient, store: Store) -> None:
    await batch(shop, track(messageId="m1"), track("bert", messageId="m1"), track(messageId="m2"))
    assert [event["message_id"] for event in await stored_events(store)] == ["m1", "m2"]
    assert await count_customers(store) == 1


async def test_a_message_seen_before_is_accepted_and_changes_nothing(shop: httpx.AsyncClient, store: Store) -> None:
    await batch(shop, track(messageId="m1"))
    again = await batch(shop, track("bert", messageId="m1", anonymousId="phone"), track("cleo", messageId="m2"))
    assert again.json() == {"success": True}
    assert [event["message_id"] for event in await stored_events(store)] == ["m1", "m2"]
    assert set(await customers_by_identity(store)) == {"anna", "cleo"}


async def test_only_the_invalid_messages_of_a_batch_are_refused(shop: httpx.AsyncClient, store: Store) -> None:
    answer = await batch(shop, track(messageId="m1"), track("", messageId="m2"), "?", track(messageId="m4"))
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "refused": [
            {"index": 1, "messageId": "m2", "error": "batch[1].userId: is empty"},
            {"index": 2, "messageId": None, "error": "batch[2]: a message is a JSON object"},
        ],
    }
    assert [event["message_id"] for event in await stored_events(store)] == ["m1", "m4"]


async def test_a_batch_without_a_valid_message_is_refused(shop: httpx.AsyncClient, store: Store) -> None:
    answer = await batch(shop, track(None, messageId="m1"))
    assert answer.status_code == 400
    assert answer.json()["refused"][0]["messageId"] == "m1"
    assert answer.json()["error"]["code"] == "invalid_input"
    assert await stored_events(store) == []
    assert (await batch(shop)).json() == {"success": True}


async def test_an_event_without_a_user_is_refused(shop: httpx.AsyncClient) -> None:
    answer = await shop.post("/v1/track", json={"event": "Cart Updated", "messageId": "m1"})
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": {
            "code": "invalid_input",
            "message": "say whose this is: userId or anonymousId is required",
            "where": "userId",
        },
        "code": "invalid_input",
        "message": "userId: say whose this is: userId or anonymousId is required",
        "refused": [
            {
                "index": 0,
                "messageId": "m1",
                "error": "userId: say whose this is: userId or anonymousId is required",
            }
        ],
    }


@pytest.mark.parametrize("poison", [r'"\u0000"', r'"\ud800"', "NaN", "-Infinity", "1e999", "[" * 300 + "]" * 300])
async def test_values_that_cannot_be_stored_are_refused_alone(shop: httpx.AsyncClient, store: Store, poison: str) -> None:
    bad = '{"type": "track", "userId": "bert", "event": "E", "properties": {"x": ' + poison + "}}"
    body = '{"batch": [' + bad + ", " + json.dumps(track(messageId="good")) + "]}"
    answer = await shop.post("/v1/batch", content=body)
    assert answer.status_code == 200
    assert answer.json()["refused"][0]["index"] == 0
    assert [event["message_id"] for event in await stored_events(store)] == ["good"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "the body is empty; it must be JSON"),
        (b'{"batch": [\n  {"type": "track",}\n]}', "the body is not JSON: trailing comma at line 2 column 20"),
        (b'{"batch": [', "the body is not JSON: EOF while parsing a list at line 1 column 11"),
        (b"\xff", "the body is not JSON: expected value at line 1 column 1"),
        (b"[1]", "the body must be a JSON object, as in {…}"),
        (b'{"batch": 1}', "must be a list of messages"),
        (b"[" * 100_000, "the body is nested too deeply"),
    ],
)
async def test_malformed_bodies_are_refused_with_line_and_column(shop: httpx.AsyncClient, body: bytes, complaint: str) -> None:
    answer = await shop.post("/v1/batch", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == complaint


async def test_browsers_send_text_with_the_key_in_the_body(anyone: httpx.AsyncClient, store: Store) -> None:
    body = json.dumps({"batch": [track()], "writeKey": WRITE_KEY})
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"}
    answer = await anyone.post("/v1/batch", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    single = json.dumps(track(writeKey=WRITE_KEY))
    assert (await anyone.post("/v1/track", content=single, headers=headers)).status_code == 200
    assert len(await stored_events(store)) == 2


async def test_any_origin_may_send_events_and_none_may_read_customers(anyone: httpx.AsyncClient) -> None:
    asking = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    asking["Access-Control-Request-Headers"] = "authorization,content-type"
    assert (await anyone.options("/v1/track", headers=asking)).status_code == 200
    bad = await anyone.post("/v1/track", content=b"{", headers={"Origin": "https://shop.example"})
    assert bad.headers["access-control-allow-origin"] == "*"
    closed = await anyone.options("/v1/customers/anna", headers=asking)
    assert "access-control-allow-origin" not in closed.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic " + base64.b64encode(b"wrong:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b":").decode()},
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic"},
        {"Authorization": "Digest x"},
    ],
)
async def test_without_a_write_key_nothing_is_stored(anyone: httpx.AsyncClient, store: Store, headers: dict[str, str]) -> None:
    for path, body in (("/v1/batch", {"batch": [track()]}), ("/v1/track", track(writeKey="wrong"))):
        answer = await anyone.post(path, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthorized"
    assert await stored_events(store) == []


async def test_gzip_is_unpacked(shop: httpx.AsyncClient, store: Store) -> None:
    packed = gzip.compress(json.dumps({"batch": [track()]}).encode())
    headers = {"Content-Encoding": "gzip"}
    assert (await shop.post("/v1/batch", content=packed, headers=headers)).status_code == 200
    assert len(await stored_events(store)) == 1
    for broken, complaint in (
        (b'{"batch": []}', "the body isn't gzip, although its Content-Encoding says so"),
        (packed[:-4], "the gzip body is cut off, or followed by other data"),
        (packed + b"more", "the gzip body is cut off, or followed by other data"),
    ):
        answer = await shop.post("/v1/batch", content=broken, headers=headers)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, complaint)
    other = await shop.post("/v1/batch", content=packed, headers={"Content-Encoding": "br"})
    assert other.status_code == 415


async def test_an_endless_gzip_body_is_refused_early(shop: httpx.AsyncClient) -> None:
    packed = gzip.compress(json.dumps({"batch": [track()]}).encode())
    nothing = packed[:3] + bytes([packed[3] | 0x08]) + packed[4:10]  # an endless file name follows
    for begun in (packed, nothing):
        read = 0

        async def endless(begun: bytes = begun) -> AsyncIterator[bytes]:
            nonlocal read
            yield begun
            for _ in range(200):
                read += 1
                yield b"x" * 50_000

        answer = await shop.post("/v1/batch", content=endless(), headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        assert read < 20


async def test_only_the_oversized_message_of_a_batch_is_refused(shop: httpx.AsyncClient, store: Store) -> None:
    large = track(properties={"note": "x" * 33_000})
    answer = await batch(shop, track(messageId="m1"), large)
    assert answer.status_code == 200
    assert "a message has at most 32768" in answer.json()["refused"][0]["error"]
    assert (await shop.post("/v1/track", json=large)).status_code == 413
    assert len(await stored_events(store)) == 1


async def test_an_implausible_timestamp_is_replaced_with_a_warning(
    shop: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    answer = await batch(shop, track(timestamp="1970-01-01T00:00:00Z"))
    warning = "batch[0].timestamp: too far from now to be believed; taken as happening now"
    assert (answer.status_code, answer.json()) == (200, {"success": True, "warnings": [warning]})
    assert (await stored_events(store))[0]["occurred_at"] == clock.now()


async def test_the_senders_timestamp_is_corrected_by_its_clock(shop: httpx.AsyncClient, store: Store, clock: HandClock) -> None:
    await batch(shop, track(timestamp="2026-03-02T08:59:00Z"), sentAt="2026-03-02T09:01:00Z")
    [event] = await stored_events(store)
    assert event["occurred_at"] == clock.now() - timedelta(minutes=2)
    assert event["accepted_at"] == clock.now()


async def test_a_declared_event_needs_what_the_vocabulary_requires(
    shop: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    needed = Attribute(type=Type(kind="money"), required=True)
    vocabulary = Vocabulary(events={"Cart Updated": {"total": needed}})

    async def publish(tx: Tx) -> None:
        await programs.publish_vocabulary(tx, vocabulary.model_dump(mode="json"), clock.now())

    await store.move("publish", publish)
    for properties in ({}, {"total": "a lot"}):
        answer = await shop.post("/v1/track", json=track(properties=properties))
        assert answer.status_code == 400
        assert answer.json()["error"]["where"] == "properties"
    answer = await batch(shop, track(properties={}), track(), track(event="Undeclared", properties={}))
    assert [refusal["index"] for refusal in answer.json()["refused"]] == [0]
    assert [event["name"] for event in await stored_events(store)] == ["Cart Updated", "Undeclared"]


async def test_an_anonymous_visitor_becomes_known(shop: httpx.AsyncClient, store: Store) -> None:
    await shop.post("/v1/track", json=track(None, anonymousId="phone"))
    await shop.post("/v1/identify", json=identify("anna", anonymousId="phone"))
    await shop.post("/v1/track", json=track("anna"))
    assert len({event["customer_id"] for event in await stored_events(store)}) == 1
    assert await count_customers(store) == 1


async def test_two_customers_who_are_the_same_person_are_marked_for_merging(shop: httpx.AsyncClient, store: Store) -> None:
    await batch(shop, track("anna"), track(None, anonymousId="tablet"))
    await shop.post("/v1/identify", json=identify("anna", anonymousId="tablet"))
    people = await customers_by_identity(store)
    event = (await stored_events(store))[-1]
    assert people["anna"] != people["tablet"]
    assert (event["customer_id"], event["merges"]) == (people["anna"], people["tablet"])


async def test_a_shared_device_stays_with_its_first_user(shop: httpx.AsyncClient, store: Store) -> None:
    await shop.post("/v1/track", json=track("anna", anonymousId="phone"))
    await shop.post("/v1/track", json=track("bert", anonymousId="phone"))
    people = await customers_by_identity(store)
    assert people["phone"] == people["anna"] != people["bert"]
    assert (await stored_events(store))[-1]["merges"] is None


async def test_events_of_a_merged_customer_go_to_the_surviving_customer(
    shop: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    await batch(shop, track("anna"), track(None, anonymousId="tablet"), track(None, anonymousId="phone"))
    people = await customers_by_identity(store)

    async def join(tx: Tx) -> None:
        """phone becomes tablet, and tablet becomes anna."""
        for absorbed, into in (("phone", "tablet"), ("tablet", "anna")):
            await merge(tx, await lock(tx, people[absorbed]), await lock(tx, people[into]), clock.now())
        # An identity that was linked during the merge still points at the merged customer.
        stray = {"kind": "anonymous_id", "value": "kiosk", "customer_id": people["phone"], "created_at": clock.now()}
        await tx.execute(insert(identities), stray)

    await store.move("merge", join)
    await batch(shop, track(None, anonymousId="kiosk"), identify("anna", anonymousId="kiosk"), track("anna"))
    for event in (await stored_events(store))[-3:]:
        assert (event["customer_id"], event["merges"]) == (people["anna"], None)


async def test_every_kind_of_call_has_a_long_and_a_short_path(shop: httpx.AsyncClient, store: Store) -> None:
    for name, body in CALLS.items():
        for path in (f"/v1/{name}", f"/v1/{name[0]}"):
            assert (await shop.post(path, json={"userId": "anna"} | body)).json() == {"success": True}
    assert (await shop.post("/v1/b", json={"batch": [{"userId": "anna", "type": n} | CALLS[n] for n in CALLS]})).is_success
    events = event_contents(await stored_events(store))
    assert events[::2][:6] == events[1::2][:6] == events[12:] == [
        ("track", "Cart Updated", {"total": 80}),
        ("identify", "", {"firstName": "Anna"}),
        ("page", "Page Viewed", {"name": "Beans", "path": "/beans"}),
        ("screen", "Screen Viewed", {"name": "Cart"}),
        ("group", "Group Joined", {"group_id": "roasters", "traits": {"plan": "pro"}}),
        ("alias", "Identity Aliased", {"previous_id": "phone"}),
    ]  # fmt: skip
    assert await count_customers(store) == 1
    assert set(await customers_by_identity(store)) == {"anna", "phone"}


CALLS: dict[str, dict[str, Any]] = {
    "track": {"event": "Cart Updated", "properties": {"total": 80}},
    "identify": {"traits": {"firstName": "Anna"}},
    "page": {"name": "Beans", "properties": {"path": "/beans"}},
    "screen": {"name": "Cart"},
    "group": {"groupId": "roasters", "traits": {"plan": "pro"}},
    "alias": {"previousId": "phone"},
}


async def test_an_alias_of_an_anonymous_customer_is_marked_for_merging(shop: httpx.AsyncClient, store: Store) -> None:
    await batch(shop, track("anna"), track(None, anonymousId="tablet"))
    assert (await shop.post("/v1/alias", json={"userId": "anna", "previousId": "tablet"})).json() == {"success": True}
    people, event = await customers_by_identity(store), (await stored_events(store))[-1]
    assert (event["customer_id"], event["merges"]) == (people["anna"], people["tablet"])


async def test_an_alias_never_merges_two_users_and_warns(shop: httpx.AsyncClient, store: Store) -> None:
    await batch(shop, track("anna"), track("bert", anonymousId="phone"))
    people = await customers_by_identity(store)
    takes = {"userId": "anna", "previousId": "bert"}
    told = "previousId: belongs to another user; idic never merges two users, so this is stored and changes nothing"
    assert (await shop.post("/v1/alias", json=takes)).json() == {"success": True, "warnings": [told]}
    again = await batch(shop, "?", track("anna"), takes | {"type": "alias", "previousId": "phone"})
    assert again.json()["warnings"] == [f"batch[2].{told}"]
    assert await customers_by_identity(store) == people
    assert {event["merges"] for event in await stored_events(store)} == {None}
    assert (await stored_events(store))[2]["customer_id"] == people["anna"]


async def test_senders_cannot_impersonate_idics_own_events(shop: httpx.AsyncClient, store: Store) -> None:
    told = {"enrollment": "e1", "step": "s1", "channel": "email"}
    await shop.post("/v1/track", json=track(event="Message Delivered", properties=told, enrollment_id="e1", step="s1"))
    refused = await shop.post("/v1/track", json=track(event="Message Delivered", messageId="idic-delivered:t1"))
    assert refused.status_code == 400
    assert refused.json()["message"] == 'messageId: begins with "idic-", as only idic\'s own may'
    [event] = await stored_events(store)
    assert (event["kind"], event["enrollment_id"], event["step"]) == ("track", None, None)


async def test_segments_browser_client_gets_its_settings(anyone: httpx.AsyncClient) -> None:
    for path in (f"/v1/projects/{WRITE_KEY}/settings", f"/projects/{WRITE_KEY}/settings"):
        answer = await anyone.get(path, headers={"Origin": "https://shop.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
        segment = answer.json()["integrations"]["Segment.io"]
        assert segment == {"apiKey": WRITE_KEY, "apiHost": "idic/v1", "protocol": "http"}
    wrong = await anyone.get("/v1/projects/wrong/settings", headers={"Origin": "https://shop.example"})
    assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (404, "*")
    # Its metrics come without a key and are ignored.
    metrics = await anyone.post("/v1/m", content=b'{"series": []}', headers={"Content-Type": "text/plain"})
    assert metrics.status_code == 200


async def test_the_reference_lists_every_path(anyone: httpx.AsyncClient) -> None:
    paths = (await anyone.get("/openapi.json")).json()["paths"]
    assert {f"/v1/{name}" for name in ("batch", *CALLS)} | {"/v1/projects/{write_key}/settings"} <= paths.keys()
    assert "/v1/t" not in paths


async def test_unknown_methods_and_paths_are_refused(anyone: httpx.AsyncClient) -> None:
    wrong: list[Any] = [await anyone.get("/v1/batch"), await anyone.post("/v1/trakc")]
    assert [answer.status_code for answer in wrong] == [405, 404]
    assert [answer.json()["error"]["code"] for answer in wrong] == ["method_not_allowed", "not_found"]
