"""A shop's page of another origin in a real browser: its slot is filled and emptied, and never disturbs the page."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route as Path_

from idic.interact.tracking.visitors import Proofs
from idic.store.database import Store
from idic.store.journey import programs
from idic.store.upgrade import migrate
from tests.api.servers import serving
from tests.api.web.site import PROOF_KEY, WRITE_KEY, Site, content, journey
from tests.conftest import HandClock
from tests.journey.programs import send, to, wait

pytestmark = pytest.mark.world

BANNER = """\
<div style="padding: 20px; border-radius: 10px; background: #12372a; color: #fbfada">
  <h2>Welcome back, {{ customer.first_name | default: "you" }}!</h2>
  <p>Your basket is where you left it.</p>
  <a href="%s/cart?a=1&amp;b=2" target="%s">To your basket</a>
</div>"""
HOSTILE = "* { color: red !important; font-size: 40px !important; display: inline !important }"
LONG = (send("show", to("rest"), channels=("web",)), wait("rest", 500))
ARABICA = "Arabica, 250 g"


class Shop:
    """Its only page: a slot, before which there may be more. ``told`` is what the browser's console says."""

    def __init__(self, idic: str, site: Site, context: BrowserContext) -> None:
        self.idic = idic
        self.site = site
        self.context = context
        self.address = ""
        self.style = ""
        self.before = ""
        self.attributes = ""
        self.headers: dict[str, str] = {}
        self.told: list[str] = []

    def app(self, address: str) -> Starlette:
        self.address = address

        async def home(_: Request) -> Response:
            script = f'<script async src="{self.idic}/idic.js" data-write-key="{WRITE_KEY}" {self.attributes}></script>'
            slot = f'<div id="hero" data-idic-slot="home_hero"><p>{ARABICA}</p></div>'
            head = f'<meta name="viewport" content="width=device-width"><style>{self.style}</style>{script}'
            return HTMLResponse(f"<!doctype html><title>Shop</title>{head}{self.before}{slot}", headers=self.headers)

        async def cart(_: Request) -> Response:
            return HTMLResponse("<!doctype html><title>Cart</title><p>Your basket</p>")

        async def no_icon(_: Request) -> Response:
            return Response(status_code=204)

        return Starlette(routes=[Path_("/", home), Path_("/cart", cart), Path_("/favicon.ico", no_icon)])

    async def open(self) -> Page:
        page = await self.context.new_page()
        page.on("console", lambda message: self.told.append(message.text))
        page.on("pageerror", lambda error: self.told.append(str(error)))
        await page.goto(self.address)
        return page

    async def fills(self, *steps: Any, target: str = "_self", **more: Any) -> None:
        """What the shop's journey shows from now on."""
        await self.site.world.publish(journey(*(steps or LONG), messages=content(body=BANNER % (self.address, target), **more)))

    async def welcomes(self, page: Page, user: str | None = None) -> None:
        """The visitor of this page signs up, and is on the site."""
        anonymous = await page.evaluate("idic.anonymousId()")
        await self.site.send_event("identify", anonymous, user, firstName="Anna")
        async with asyncio.timeout(10):
            while None in await self.site.seen_at():
                await asyncio.sleep(0.02)
        await self.site.send_event("Signed Up", anonymous, user)

    async def reported(self, number: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(events := await self.site.own_events()) < number:
                await asyncio.sleep(0.02)
        return [name for name, _ in events]


@pytest.fixture
async def site(tmp_path: Path, clock: HandClock) -> AsyncIterator[Site]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
    await migrate(store)
    site = Site(store, clock, most=100)
    yield site
    await site.browser.aclose()
    await store.close()


@pytest.fixture
async def shop(site: Site, chromium: Browser) -> AsyncIterator[Shop]:
    context = await chromium.new_context(viewport={"width": 1200, "height": 800})
    async with serving(lambda _: site.app) as idic:
        shop = Shop(idic, site, context)
        async with serving(shop.app):
            yield shop
            await context.close()
        site.streams.close()


def banner(page: Page) -> Any:
    return page.get_by_text("Welcome back, Anna!")


def its_own(page: Page) -> Any:
    """What the page itself has in its slot."""
    return page.get_by_text(ARABICA)


async def test_content_comes_to_an_open_page_and_ends_with_the_goal(shop: Shop) -> None:
    await shop.fills()
    page = await shop.open()
    await expect(its_own(page)).to_be_visible()
    await shop.welcomes(page)
    await expect(banner(page)).to_be_visible()
    await expect(its_own(page)).to_be_hidden()
    assert await shop.reported(1) == ["Message Shown"]
    await shop.site.send_event("Order Completed", await page.evaluate("idic.anonymousId()"))
    await expect(its_own(page)).to_be_visible()
    await expect(banner(page)).to_have_count(0)
    assert shop.told == []


async def test_the_page_and_the_content_leave_each_others_looks_alone(shop: Shop, tmp_path: Path) -> None:
    await shop.fills()
    shop.style = HOSTILE
    page = await shop.open()
    await shop.welcomes(page)
    looks = (
        "element => [getComputedStyle(element).color, getComputedStyle(element).fontSize, getComputedStyle(element).display]"
    )
    text = page.get_by_text("Your basket is where you left it.")
    await expect(text).to_be_visible()
    assert await text.evaluate(looks) == ["rgb(251, 250, 218)", "16px", "block"]
    assert await page.locator("h2").evaluate(looks) == ["rgb(251, 250, 218)", "24px", "block"]
    await page.screenshot(path=tmp_path / "hostile.png")


async def test_a_click_is_told_of_and_leads_where_it_should(shop: Shop) -> None:
    await shop.fills()
    page = await shop.open()
    await shop.welcomes(page)
    await page.get_by_text("To your basket").click()
    await expect(page).to_have_title("Cart")
    assert sorted(await shop.reported(2)) == ["Link Clicked", "Message Shown"]
    (clicked,) = [properties for name, properties in await shop.site.own_events() if name == "Link Clicked"]
    assert clicked == {"step": "show", "channel": "web", "url": f"{shop.address}/cart?a=1&b=2"}
    assert shop.told == []


async def test_until_click_it_ends_in_the_page_that_stays(shop: Shop) -> None:
    await shop.fills(target="_blank", ends_on_click=True)
    page = await shop.open()
    await shop.welcomes(page)
    await page.get_by_text("To your basket").click(button="middle")
    await expect(its_own(page)).to_be_visible()
    assert "Link Clicked" in await shop.reported(2)


async def test_it_ends_when_its_time_is_over_also_offline(shop: Shop) -> None:
    await shop.fills(hours=3 / 3600)
    page = await shop.open()
    await shop.welcomes(page)
    await expect(banner(page)).to_be_visible()
    await shop.context.set_offline(True)
    await expect(its_own(page)).to_be_visible(timeout=5000)


async def test_shown_is_what_was_in_view(shop: Shop) -> None:
    await shop.fills()
    shop.before = '<div style="height: 3000px">…</div>'
    page = await shop.open()
    await shop.welcomes(page)
    await expect(banner(page)).to_be_attached()
    await page.wait_for_timeout(300)
    assert await shop.site.own_events() == []
    await page.locator("#hero").scroll_into_view_if_needed()
    assert await shop.reported(1) == ["Message Shown"]
    await page.evaluate("scrollTo(0, 0)")
    await page.locator("#hero").scroll_into_view_if_needed()
    await page.wait_for_timeout(300)
    assert await shop.reported(1) == ["Message Shown"]


async def test_what_is_taller_than_the_window_is_shown_too(shop: Shop) -> None:
    await shop.site.world.publish(journey(*LONG, messages=content(body='<p style="height: 9000px">Welcome back, Anna!</p>')))
    page = await shop.open()
    await shop.welcomes(page)
    assert await shop.reported(1) == ["Message Shown"]


Trouble = Callable[[Route], Awaitable[None]]


async def test_blocked_the_page_is_as_it_was(shop: Shop) -> None:
    await shop.context.route("**/idic.js", lambda route: route.abort())
    page = await shop.open()
    await expect(its_own(page)).to_be_visible()
    assert await page.evaluate("typeof idic") == "undefined"
    await shop.context.unroute("**/idic.js")
    await shop.context.route("**/v1/web/**", lambda route: route.abort())
    page = await shop.open()
    await page.wait_for_function("window.idic")
    await expect(its_own(page)).to_be_visible()
    assert all("ERR_FAILED" in line for line in shop.told), shop.told


async def test_slow_the_page_is_used_meanwhile_and_content_comes_then(shop: Shop) -> None:
    await shop.fills()
    await shop.welcomes(page := await shop.open())
    await page.close()

    async def slowly(route: Route) -> None:
        await asyncio.sleep(5)
        await route.continue_()

    await shop.context.route("**/v1/web/content", slowly)
    began = time.monotonic()
    page = await shop.open()
    await expect(its_own(page)).to_be_visible()
    assert await page.evaluate("document.readyState") == "complete"
    assert time.monotonic() - began < 4
    await expect(banner(page)).to_be_visible(timeout=10_000)
    assert time.monotonic() - began > 5


async def test_offline_the_page_keeps_what_it_has_and_catches_up(shop: Shop) -> None:
    await shop.fills()
    page = await shop.open()
    await shop.context.set_offline(True)
    await expect(its_own(page)).to_be_visible()
    await page.evaluate("idic.refresh()")
    await shop.context.set_offline(False)
    await shop.welcomes(page)
    await expect(banner(page)).to_be_visible()
    await shop.context.set_offline(True)
    await expect(banner(page)).to_be_visible()
    await shop.site.send_event("Order Completed", await page.evaluate("idic.anonymousId()"))
    await shop.context.set_offline(False)
    await expect(its_own(page)).to_be_visible()


async def test_who_is_signed_in_sees_theirs_and_after_signing_out_nobody_does(shop: Shop) -> None:
    await shop.fills()
    proof = Proofs([PROOF_KEY]).prove("anna")
    await shop.site.send_event("identify", user="anna")
    shop.attributes = f'data-user-id="anna" data-proof="{proof}"'
    page = await shop.open()
    await shop.welcomes(page, "anna")
    await expect(banner(page)).to_be_visible()
    before = await page.evaluate("idic.anonymousId()")
    await page.evaluate("idic.reset()")
    await expect(its_own(page)).to_be_visible()
    assert await page.evaluate("idic.anonymousId()") != before
    await page.evaluate("proof => idic.identify('anna', proof)", proof)
    await expect(banner(page)).to_be_visible()
    assert shop.told == []


async def test_a_browser_that_lies_sees_what_an_anonymous_one_does(shop: Shop) -> None:
    await shop.fills()
    await shop.site.welcome(anonymous="hers", user="anna", firstName="Anna")
    shop.attributes = f'data-user-id="anna" data-proof="{Proofs([PROOF_KEY]).prove("berta")}"'
    await shop.context.add_init_script("localStorage.ajs_anonymous_id = '\"hers\"'")
    page = await shop.open()
    async with asyncio.timeout(10):
        while not any("no proof of this userId" in line for line in shop.told):
            await asyncio.sleep(0.02)
    assert await page.evaluate("idic.anonymousId()") == "hers"
    await page.wait_for_timeout(1500)  # it asks again, as what it is
    await expect(its_own(page)).to_be_visible()
    await expect(banner(page)).to_have_count(0)


async def test_the_visitor_has_the_id_that_segments_client_gave_or_will_find(shop: Shop) -> None:
    page = await shop.open()
    made = await page.evaluate("idic.anonymousId()")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)
    assert await page.evaluate("localStorage.ajs_anonymous_id") == f'"{made}"'
    await page.reload()
    assert await page.evaluate("idic.anonymousId()") == made
    await page.evaluate("localStorage.clear()")  # as Segment's client does when somebody signs out
    another = await page.evaluate("idic.anonymousId()")
    assert another != made
    assert await page.evaluate("idic.anonymousId()") == another
    await page.evaluate("document.cookie = 'ajs_anonymous_id=segments%20own; path=/'")
    assert await page.evaluate("idic.anonymousId()") == "segments own"


async def test_storage_that_is_blocked_a_strict_policy_and_no_slots_are_no_trouble(shop: Shop) -> None:
    await shop.fills()
    blocked = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    await shop.context.add_init_script(blocked)
    policy = f"default-src 'none'; script-src {shop.idic}; connect-src {shop.idic}"
    shop.headers = {"Content-Security-Policy": policy}
    page = await shop.open()
    await shop.welcomes(page)
    await expect(banner(page)).to_be_visible()
    await page.evaluate("document.querySelector('#hero').remove()")
    await page.evaluate("idic.refresh()")
    await page.evaluate(
        "const late = document.createElement('p'); late.dataset.idicSlot = 'home_hero'; document.body.append(late)"
    )
    await page.evaluate("idic.refresh()")
    await expect(banner(page)).to_be_visible()
    # The policy is about the content's own style= too, and says so; that is between the shop and its policy.
    assert all("Content Security Policy" in line for line in shop.told), shop.told


async def test_slots_that_nobody_has_are_told_to_who_builds_the_page(shop: Shop) -> None:
    document = {"slots": {"home_hero": "banner on the home page"}}
    await shop.site.store.move("publish", lambda tx: programs.publish_vocabulary(tx, document, tx.now()))
    shop.before = '<img data-idic-slot="home_hero"><div data-idic-slot="home_herro">as it was</div>'
    page = await shop.open()
    async with asyncio.timeout(10):
        while not shop.told:
            await asyncio.sleep(0.02)
    assert shop.told == ['idic: no slot is called "home_herro"']
    await expect(page.get_by_text("as it was")).to_be_visible()
    shop.told.clear()
    shop.before = "".join(f'<i data-idic-slot="slot-{number}"></i>' for number in range(10_000))
    page = await shop.open()
    await expect(its_own(page)).to_be_visible()
    async with asyncio.timeout(10):
        while not shop.told:
            await asyncio.sleep(0.02)
    assert "idic: names 10001 slots; a page has at most 20" in shop.told


async def test_a_page_that_nobody_looks_at_holds_no_connection(shop: Shop) -> None:
    page = await shop.open()
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); "
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    for hidden, pages in ((False, 1), (True, 0), (False, 1)):
        await page.evaluate(hide, hidden)
        async with asyncio.timeout(5):
            while shop.site.streams.open_pages != pages:
                await asyncio.sleep(0.02)


async def test_on_a_phone(shop: Shop, tmp_path: Path) -> None:
    await shop.fills()
    page = await shop.open()
    await page.set_viewport_size({"width": 390, "height": 700})
    await shop.welcomes(page)
    await expect(banner(page)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.screenshot(path=tmp_path / "phone.png")
