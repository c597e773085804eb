"""Published clients send to idic with only their address changed: two for Node, and Segment's for browsers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from idic.api.app import create_app
from idic.clock import Clock
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.tables import Row
from idic.store.upgrade import migrate
from tests.api.conftest import SECRET_KEY, WRITE_KEY, FakeRouter
from tests.api.servers import serving
from tests.api.store_queries import assert_every_call_arrived, customers_by_identity, event_contents, stored_events

HERE = Path(__file__).parent


@pytest.fixture
async def kept_in(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def idic(kept_in: Store) -> AsyncIterator[str]:
    def make(address: str) -> Any:
        links = Links(address, ["a key of our own to sign links with"])
        return create_app(kept_in, write_keys=[WRITE_KEY], secret_keys=[SECRET_KEY], links=links, enroll=FakeRouter())

    async with serving(make) as address:
        yield address


async def arrived(store: Store, number: int) -> list[Row]:
    """The accepted events, once there are so many."""
    until = time.monotonic() + 30
    while len(events := await stored_events(store)) < number and time.monotonic() < until:
        await asyncio.sleep(0.05)
    return events


@pytest.mark.parametrize("script", ["segment_node.mjs", "rudderstack_node.cjs"])
async def test_every_call_of_a_client_for_node_arrives(
    idic: str, kept_in: Store, node: str, node_modules: Path, script: str
) -> None:
    process = await asyncio.create_subprocess_exec(node, HERE / script, idic, WRITE_KEY, cwd=node_modules.parent)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    await assert_every_call_arrived(kept_in)


SEGMENT = """<script src="/segment.js"></script><script>
const analytics = AnalyticsNext.AnalyticsBrowser.load({writeKey: "%s", cdnURL: "%s"}, %s)
</script>"""
IDIC = """<script src="%s/idic.js" data-write-key="%s"></script>"""

Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def shop(idic: str, node_modules: Path, chromium: Browser) -> AsyncIterator[Open]:
    """A shop's page of another origin than idic's, opened with this write key and these options for Segment's client, and
    with idic's own script before or after it."""
    bundle = node_modules / "@segment" / "analytics-next" / "dist" / "umd" / "index.js"
    page = await chromium.new_page()
    told: list[str] = []
    scripts: list[str] = []

    async def home(_: Request) -> Response:
        return HTMLResponse(f"<!doctype html><title>Beans</title><div data-idic-slot=home></div>{''.join(scripts)}")

    async def client(_: Request) -> Response:
        return FileResponse(bundle)

    async def no_icon(_: Request) -> Response:
        return Response(status_code=204)

    async with serving(
        lambda _: Starlette(routes=[Route("/", home), Route("/segment.js", client), Route("/favicon.ico", no_icon)])
    ) as address:
        page.on("request", lambda request: told.append(request.url))

        async def open_(write_key: str = WRITE_KEY, with_: str = "{}", idics_own: str = "none") -> Page:
            scripts[:] = [SEGMENT % (write_key, idic, with_)]
            if idics_own != "none":
                scripts.insert(0 if idics_own == "before" else 1, IDIC % (idic, write_key))
            await page.goto(address)
            return page

        yield open_
        await page.close()
    assert [url for url in told if not url.startswith((address, idic))] == [], "it spoke to somebody else"


async def test_segments_client_in_a_browser(idic: str, kept_in: Store, shop: Open) -> None:
    page = await shop()
    await page.evaluate("analytics.track('Product Viewed', {sku: 'espresso'})")
    anonymous = await page.evaluate("analytics.instance.user().anonymousId()")
    await page.evaluate("analytics.identify('anna', {firstName: 'Anna'})")
    await page.evaluate("analytics.page('Shop', 'Beans')")
    await page.evaluate("analytics.screen('Cart', {total: 80})")
    await page.evaluate("analytics.group('roasters', {plan: 'pro'})")
    await page.evaluate("analytics.alias('anna', 'card-17')")
    await page.evaluate("analytics.reset()")
    await page.evaluate("analytics.track('Cart Updated', {total: 7})")
    another = await page.evaluate("analytics.instance.user().anonymousId()")
    events = await arrived(kept_in, 7)
    viewed = {"name": "Beans", "category": "Shop", "path": "/", "title": "Beans", "search": "", "referrer": "", "url": page.url}
    assert event_contents(events) == [
        ("track", "Product Viewed", {"sku": "espresso"}),
        ("identify", "", {"firstName": "Anna"}),
        ("page", "Page Viewed", viewed),
        ("screen", "Screen Viewed", {"name": "Cart", "total": 80}),
        ("group", "Group Joined", {"group_id": "roasters", "traits": {"plan": "pro"}}),
        ("alias", "Identity Aliased", {"previous_id": "card-17"}),
        ("track", "Cart Updated", {"total": 7}),
    ]
    people = await customers_by_identity(kept_in)
    assert people.keys() == {anonymous, "anna", "card-17", another}
    assert people[anonymous] == people["anna"] == people["card-17"] != people[another]
    assert {event["customer_id"] for event in events[:6]} == {people["anna"]}
    assert events[6]["customer_id"] == people[another]


async def test_the_id_of_the_browser_outlives_the_page(kept_in: Store, shop: Open) -> None:
    await (await shop()).evaluate("analytics.track('Product Viewed')")
    page = await shop()
    await page.evaluate("analytics.track('Product Viewed')")
    assert len({event["customer_id"] for event in await arrived(kept_in, 2)}) == 1
    # This is where idic's own script finds it too.
    [cookie] = [one["value"] for one in await page.context.cookies() if one["name"] == "ajs_anonymous_id"]
    assert list(await customers_by_identity(kept_in)) == [cookie]


@pytest.mark.parametrize("order", ["before", "after"])
async def test_segments_client_and_idics_own_script_speak_of_one_visitor(kept_in: Store, shop: Open, order: str) -> None:
    page = await shop()
    await page.context.clear_cookies()
    await page.evaluate("localStorage.clear()")
    async with page.expect_request(lambda request: "/v1/web/" in request.url) as asking:
        await shop(idics_own=order)
    asked = (await asking.value).post_data_json
    await page.evaluate("analytics.track('Product Viewed')")
    await arrived(kept_in, 1)
    assert list(await customers_by_identity(kept_in)) == [asked["anonymousId"]]


async def test_segments_client_in_a_browser_sends_batches(kept_in: Store, shop: Open) -> None:
    strategy = "{integrations: {'Segment.io': {deliveryStrategy: {strategy: 'batching', config: {size: 5, timeout: 300}}}}}"
    page = await shop(with_=strategy)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await page.evaluate("Promise.all([...Array(7).keys()].map(number => analytics.track('Cart Updated', {number})))")
    events = await arrived(kept_in, 7)
    assert sorted(event["properties"]["number"] for event in events) == list(range(7))
    assert {url.rpartition("/")[2] for url in sent} == {"b"}
    assert len({event["customer_id"] for event in events}) == 1


async def test_what_is_left_when_the_page_goes_arrives(kept_in: Store, shop: Open) -> None:
    strategy = "{integrations: {'Segment.io': {deliveryStrategy: {strategy: 'batching', config: {size: 5, timeout: 60000}}}}}"
    page = await shop(with_=strategy)
    await page.evaluate("analytics.track('Cart Updated')")
    await page.goto("about:blank")
    assert len(await arrived(kept_in, 1)) == 1


async def test_segments_client_with_a_wrong_write_key_says_so_and_nothing_is_kept(kept_in: Store, shop: Open) -> None:
    complaints: list[str] = []
    page = await shop()
    page.on("console", lambda message: complaints.append(message.text))
    await shop("wrong")
    async with asyncio.timeout(20):
        while not any("there is no such write key" in complaint for complaint in complaints):
            await asyncio.sleep(0.05)
    assert await stored_events(kept_in) == []
