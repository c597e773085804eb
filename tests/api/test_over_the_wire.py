"""A real server on a real port: Segment's and RudderStack's Python clients, and hostile bodies."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from idic.clock import Clock
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import WRITE_KEY, FakeRouter, app_on
from tests.api.servers import serving
from tests.api.store_queries import assert_every_call_arrived, customers_by_identity, stored_events, track


@pytest.fixture
async def real_store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def address(real_store: Store, links: Links, fake_router: FakeRouter) -> AsyncIterator[str]:
    async with serving(lambda _: app_on(real_store, links, fake_router)) as address:
        yield address


@pytest.mark.parametrize("packed", [False, True])
async def test_segments_client_sends_to_idic(address: str, real_store: Store, packed: bool) -> None:
    from segment.analytics import Client

    failed: list[object] = []

    def send() -> None:
        client = Client(WRITE_KEY, host=address, gzip=packed, on_error=lambda error, _: failed.append(error))
        client.identify("anna", {"firstName": "Anna", "email": "anna@example.com"}, anonymous_id="phone")
        for number in range(250):
            client.track("anna", "Cart Updated", {"total": number, "at": datetime(2026, 3, 2, tzinfo=UTC)})
        client.track(17, "Cart Updated", message_id="m17")
        client.shutdown()

    await asyncio.to_thread(send)
    assert failed == []
    events = await stored_events(real_store)
    assert len(events) == 252
    assert [event["properties"]["total"] for event in events[1:251]] == list(range(250))
    assert set(await customers_by_identity(real_store)) == {"anna", "phone", "17"}
    assert all(abs((event["occurred_at"] - event["accepted_at"]).total_seconds()) < 60 for event in events)


def segment(address: str, **more: Any) -> Any:
    from segment.analytics import Client

    return Client(WRITE_KEY, host=address, **more)


def rudderstack(address: str, **more: Any) -> Any:
    from rudderstack.analytics.client import Client

    return Client(WRITE_KEY, host=address, **more)


@pytest.mark.parametrize("make", [segment, rudderstack])
async def test_every_call_of_a_client_arrives(address: str, real_store: Store, make: Any) -> None:
    failed: list[object] = []

    def send() -> None:
        client = make(address, gzip=True, on_error=lambda error, _: failed.append(error))
        client.track(anonymous_id="phone", event="Product Viewed", properties={"sku": "espresso"})
        client.identify("anna", {"firstName": "Anna"}, anonymous_id="phone")
        client.page("anna", "Shop", "Beans", {"path": "/beans"})
        client.screen("anna", name="Cart", properties={"total": 80})
        client.group("anna", "roasters", {"plan": "pro"})
        client.alias("card-17", "anna")
        client.shutdown()

    await asyncio.to_thread(send)
    assert failed == []
    await assert_every_call_arrived(real_store)


@pytest.mark.parametrize("make", [segment, rudderstack])
async def test_a_client_does_not_retry_a_final_refusal(address: str, make: Any) -> None:
    failed: list[object] = []

    def send() -> None:
        client = make(address, on_error=lambda error, _: failed.append(error))
        client.track("anna", "Cart Updated", message_id="idic-1")
        client.shutdown()

    await asyncio.wait_for(asyncio.to_thread(send), 10)
    [error] = failed
    assert "no message of this batch can be accepted (400)" in str(error)


async def slow_body(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 50_000):
        yield b"x" * 50_000


async def test_oversized_bodies_are_refused_without_holding_them_in_memory(address: str, real_store: Store) -> None:
    bomb = gzip.compress(b'{"batch": ["' + b"x" * 100_000_000 + b'"]}')
    assert len(bomb) < 500_000
    async with httpx.AsyncClient(base_url=address, auth=(WRITE_KEY, "")) as shop:
        tracemalloc.start()
        answers = [
            await shop.post("/v1/batch", content=slow_body(10_000_000)),
            await shop.post("/v1/batch", content=slow_body(10_000_000), headers={"Content-Length": "10000000"}),
            await shop.post("/v1/batch", content=bomb, headers={"Content-Encoding": "gzip"}),
        ]
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert [answer.status_code for answer in answers] == [413, 413, 413]
        assert answers[0].json()["error"] == {
            "code": "too_large",
            "message": "the body has more than 512000 bytes, the most that is read here",
            "where": "body",
        }
        assert peak < 4_000_000
        assert (await shop.post("/v1/track", json=track())).status_code == 200
    assert len(await stored_events(real_store)) == 1


async def test_an_interrupted_request_stores_nothing(address: str, real_store: Store) -> None:
    port = int(address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(track(writeKey=WRITE_KEY)).encode()
    writer.write(b"POST /v1/track HTTP/1.1\r\nHost: idic\r\nContent-Length: %d\r\n\r\n" % (len(body) + 10) + body)
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    async with httpx.AsyncClient(base_url=address, auth=(WRITE_KEY, "")) as shop:
        assert (await shop.post("/v1/track", json=track("bert"))).status_code == 200
    assert set(await customers_by_identity(real_store)) == {"bert"}
