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
from tests.api.conftest import WRITE_KEY, Doorman, app_on
from tests.api.servers import serving
from tests.api.store_queries import belongs, everything_arrived_of_one_person, kept, track


@pytest.fixture
async def wired(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def address(wired: Store, links: Links, doorman: Doorman) -> AsyncIterator[str]:
    async with serving(lambda _: app_on(wired, links, doorman)) as address:
        yield address


@pytest.mark.parametrize("packed", [False, True])
async def test_segments_own_client_sends_here_unchanged(address: str, wired: Store, packed: bool) -> None:
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
    events = await kept(wired)
    assert len(events) == 252
    assert [event["properties"]["total"] for event in events[1:251]] == list(range(250))
    assert set(await belongs(wired)) == {"anna", "phone", "17"}
    assert all(abs((event["occurred_at"] - event["accepted_at"]).total_seconds()) < 60 for event in events)


def segment(address: str, **more: Any) -> Any:
    from segment.analytics import Client

    return Client(WRITE_KEY, host=address, **more)


def rudderstack(address: str, **more: Any) -> Any:
    from rudderstack.analytics.client import Client

    return Client(WRITE_KEY, host=address, **more)


@pytest.mark.parametrize("make", [segment, rudderstack])
async def test_every_call_of_a_client_arrives(address: str, wired: Store, make: Any) -> None:
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
    await everything_arrived_of_one_person(wired)


@pytest.mark.parametrize("make", [segment, rudderstack])
async def test_a_client_does_not_send_again_what_is_refused_for_good(address: str, make: Any) -> None:
    failed: list[object] = []

    def send() -> None:
        client = make(address, on_error=lambda error, _: failed.append(error))
        client.track("anna", "Cart Updated", message_id="idic-1")
        client.shutdown()

    await asyncio.wait_for(asyncio.to_thread(send), 10)
    [error] = failed
    assert "no message of this batch can be accepted (400)" in str(error)


async def slowly(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 50_000):
        yield b"x" * 50_000


async def test_ten_megabytes_are_refused_and_never_held(address: str, wired: Store) -> None:
    bomb = gzip.compress(b'{"batch": ["' + b"x" * 100_000_000 + b'"]}')
    assert len(bomb) < 500_000
    async with httpx.AsyncClient(base_url=address, auth=(WRITE_KEY, "")) as shop:
        tracemalloc.start()
        answers = [
            await shop.post("/v1/batch", content=slowly(10_000_000)),
            await shop.post("/v1/batch", content=slowly(10_000_000), headers={"Content-Length": "10000000"}),
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
    assert len(await kept(wired)) == 1


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(address: str, wired: Store) -> None:
    port = int(address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(track(writeKey=WRITE_KEY)).encode()
    writer.write(b"POST /v1/track HTTP/1.1\r\nHost: idic\r\nContent-Length: %d\r\n\r\n" % (len(body) + 10) + body)
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    async with httpx.AsyncClient(base_url=address, auth=(WRITE_KEY, "")) as shop:
        assert (await shop.post("/v1/track", json=track("bert"))).status_code == 200
    assert set(await belongs(wired)) == {"bert"}
