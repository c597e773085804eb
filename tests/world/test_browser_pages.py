"""The preference page in a real browser without scripts, at the width of a phone: fill it in and save it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.pages.shop import ExampleShop
from tests.api.servers import serving
from tests.conftest import HandClock

pytestmark = pytest.mark.world


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
async def example(store: Store, clock: HandClock) -> AsyncIterator[ExampleShop]:
    """With Anna in it, who has the welcome in her mailbox."""
    shops: list[ExampleShop] = []

    def make(address: str) -> object:
        shops.append(ExampleShop(store, clock, address))
        return shops[0].app

    async with serving(make):  # type: ignore[arg-type]
        example = shops[0]
        await example.publish_journeys()
        await example.sign_up("anna", {"channel": "email", "topic": "news"}, phone="+4915112345678")
        await example.send_call("track", "anna", event="Signed Up", properties={})
        await example.advance(minutes=21)
        yield example
        await example.browser.aclose()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    yield page
    await context.close()


async def test_what_is_filled_in_without_scripts_is_kept(example: ExampleShop, page: Page) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    await page.goto(example.link("/p/"))
    news = page.get_by_role("group", name="News from the shop")
    await expect(news.get_by_label("Email")).to_be_checked()
    await news.get_by_label("Email").uncheck()
    await news.get_by_label("SMS").check()
    await page.get_by_label("Fewer messages").check()
    await page.get_by_label("When is your birthday?").fill("1990-03-27")
    await page.get_by_label("With an espresso machine").check()
    # Enter in a field saves, and does not press what comes after.
    await page.get_by_label("When is your birthday?").press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Saved. Your settings apply from now on.")
    for _ in range(2):
        await expect(news.get_by_label("Email")).not_to_be_checked()
        await expect(news.get_by_label("SMS")).to_be_checked()
        await expect(page.get_by_label("Fewer messages")).to_be_checked()
        await expect(page.get_by_label("When is your birthday?")).to_have_count(0)
        await example.settle()
        await page.goto(example.link("/p/"))
    traits = (await example.customer())["traits"]
    assert (traits["birthday"], traits["brews"]) == ("1990-03-27", "espresso")
    # The style is the page's own, and the browser took it.
    save = page.get_by_role("button", name="Save")
    assert (await save.bounding_box() or {})["height"] >= 44
    assert told == []


async def test_every_page_fits_a_telephone(example: ExampleShop, page: Page) -> None:
    await page.goto(example.link("/p/"))
    await page.get_by_role("button", name="Send me the link").click()
    await example.settle()
    data = example.link("/d/")
    await example.send_call(
        "track", "anna", event="Consent Given", properties={"channel": "email", "topic": "news", "proof": "a form"}
    )
    confirm = example.link("/c/")
    for url in (data, f"{data}/erase", confirm, page.url, f"{page.url}x"):
        await page.goto(url)
        width = await page.locator("html").evaluate("element => element.scrollWidth")
        assert width <= 390, url
