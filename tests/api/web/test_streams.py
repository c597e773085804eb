"""Streams to open pages on a real server: updated at once, limited in number, ended at the stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from idic.api.streams import Page, Streams
from idic.errors import StoreUnavailable
from idic.identify.resolution import Identity
from idic.store.database import Store, Tx
from tests.api.servers import serving
from tests.api.web.site import WRITE_KEY, Site, journey, open_page
from tests.journey.programs import send, to, wait

LONG = (send("show", to("rest"), channels=("web",)), wait("rest", 500))


@pytest.fixture
async def url(site: Site) -> AsyncIterator[str]:
    async with serving(lambda _: site.app) as url:
        yield url
        site.streams.close()


async def next_of(told: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async with asyncio.timeout(5):
        return await anext(told)


async def test_an_open_page_is_updated_when_content_starts_and_ends(site: Site, url: str) -> None:
    await site.world.publish(journey(*LONG))
    async with open_page(url) as told, open_page(url, "browser-2") as others:
        assert await next_of(told) == {"slots": {}} == await next_of(others)
        await site.send_event("identify", "browser-1")  # the page is open, and only now are they a customer
        while await site.seen_at() == [None]:
            await asyncio.sleep(0.01)
        await site.send_event("Signed Up", "browser-1")
        shown = (await next_of(told))["slots"]["home_hero"]
        assert shown == (await site.view())["home_hero"]
        await site.send_event("Order Completed", "browser-1")
        assert await next_of(told) == {"slots": {}}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(others), 0.1)


async def test_an_open_page_is_updated_when_time_is_over_or_a_visitor_signs_in(site: Site, url: str) -> None:
    await site.world.publish(journey())
    await site.welcome("browser-1")
    await site.welcome("browser-2")
    async with open_page(url) as told, open_page(url, "browser-2") as others:
        assert (await next_of(told))["slots"].keys() == (await next_of(others))["slots"].keys() == {"home_hero"}
        await site.send_event("identify", "browser-2", "berta")
        assert await next_of(others) == {"slots": {}}
        site.clock.advance(hours=48)
        assert await next_of(told) == {"slots": {}}


async def test_the_number_of_open_pages_is_limited(site: Site, url: str) -> None:
    async with httpx.AsyncClient() as client:
        asked = {"writeKey": WRITE_KEY, "anonymousId": "browser-4", "slots": ["home_hero"]}
        async with open_page(url) as one, open_page(url) as two, open_page(url) as three:
            for told in (one, two, three):
                await next_of(told)
            answer = await client.post(f"{url}/v1/web/stream", json=asked)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_room")
            assert answer.headers["retry-after"] == "30"
            assert (await client.post(f"{url}/v1/web/content", json=asked)).status_code == 200
        async with asyncio.timeout(5):
            while site.streams.open_pages:
                await asyncio.sleep(0.01)
    async with open_page(url) as told:
        await next_of(told)


async def test_an_open_page_gets_heartbeats(site: Site) -> None:
    streams = Streams(site.store, site.links, heartbeat=0.05)
    async with asyncio.timeout(5):
        answer = streams.stream(Identity("anonymous_id", "browser-1"), [], {}).body_iterator
        assert [await anext(answer), await anext(answer)] == [b": idic\n\n", b":\n\n"]


class UnavailableStore(Store):
    """A store that does not answer for a while."""

    failures_left = 3

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        self.failures_left -= 1
        if self.failures_left >= 0:
            raise StoreUnavailable("the database does not answer")
        async with super().reading() as tx:
            yield tx


async def test_open_pages_wait_while_the_store_is_down(site: Site) -> None:
    await site.world.publish(journey())
    await site.welcome()
    streams = Streams(UnavailableStore(site.store.engine, site.clock), site.links, every=0.01)
    page = Page(Identity("anonymous_id", "browser-1"), ["home_hero"], {})
    lines = page.events(heartbeat=5)
    with streams.opened(page):
        async with asyncio.timeout(5):
            told = [await anext(lines), await anext(lines)]
    assert b"home_hero" in told[1]
    streams.close()
    await streams.closed()


async def test_open_pages_end_when_the_server_stops(site: Site) -> None:
    async with serving(lambda _: site.app) as url, open_page(url) as told:
        await next_of(told)
        site.streams.close()
        with pytest.raises(StopAsyncIteration):
            await next_of(told)
        async with httpx.AsyncClient() as client:
            asked = {"writeKey": WRITE_KEY, "anonymousId": "browser-1", "slots": []}
            assert (await client.post(f"{url}/v1/web/stream", json=asked)).status_code == 503
