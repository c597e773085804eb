"""Tracked links in messages, health checks, and the API reference."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route

from idic.api.tracked_links import PublicPages
from idic.interact.tracking.links import Links
from idic.store.customer import customers
from idic.store.database import Store, Tx
from idic.store.enrollment import short_links
from idic.store.upgrade import migrate
from tests.api.conftest import FakeRouter, app_on, browser
from tests.api.store_queries import stored_events
from tests.api.test_service_endpoints import ENROLLMENT, TOUCH, add_customer, add_enrollment
from tests.conftest import HandClock

SHOP = "https://shop.example/cart/1?a=b&c=ü"


@pytest.fixture
async def anna(shop: httpx.AsyncClient, store: Store, clock: HandClock) -> str:
    customer = await add_customer(shop, store)
    await add_enrollment(store, customer, clock.now() - timedelta(hours=1))
    return customer


async def test_a_click_is_recorded_and_redirected(anyone: httpx.AsyncClient, links: Links, store: Store, anna: str) -> None:
    answer = await anyone.get(links.click(TOUCH, SHOP))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/cart/1?a=b&c=%C3%BC"
    event = (await stored_events(store))[-1]
    assert {name: event[name] for name in ("kind", "name", "customer_id", "enrollment_id", "step", "properties")} == {
        "kind": "own",
        "name": "Link Clicked",
        "customer_id": anna,
        "enrollment_id": ENROLLMENT,
        "step": "nudge",
        "properties": {"url": SHOP, "step": "nudge", "channel": "email"},
    }


async def test_a_head_request_is_not_a_click(anyone: httpx.AsyncClient, links: Links, store: Store, anna: str) -> None:
    assert (await anyone.head(links.click(TOUCH, SHOP))).status_code == 302
    assert [event["name"] for event in await stored_events(store)] == [""]


async def test_a_forged_link_is_not_found(anyone: httpx.AsyncClient, links: Links) -> None:
    for path in (links.click(TOUCH, SHOP)[:-1] + "x", "/l/x", links.unsubscribe(TOUCH).replace("/u/", "/l/"), "/u/x"):
        answer = await anyone.get(path)
        assert answer.status_code == 404
        assert "location" not in answer.headers


async def test_a_click_of_an_unknown_message_is_redirected(anyone: httpx.AsyncClient, links: Links, store: Store) -> None:
    assert (await anyone.get(links.click("9" * 32, SHOP))).status_code == 302
    assert await stored_events(store) == []


async def test_a_click_is_redirected_while_the_store_is_down(links: Links, fake_router: FakeRouter) -> None:
    gone = Store.open("postgresql://postgres@localhost:1/nothing")
    async with browser(app_on(gone, links, fake_router)) as anyone:
        assert (await anyone.get(links.click(TOUCH, SHOP))).status_code == 302
        assert (await anyone.post(links.unsubscribe(TOUCH))).status_code == 503
        assert (await anyone.get("/healthz")).status_code == 200
        ready = await anyone.get("/readyz")
        assert (ready.status_code, ready.json()["error"]["code"]) == (503, "store_unavailable")
    await gone.close()


async def test_opening_the_unsubscribe_page_withdraws_nothing(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str
) -> None:
    page = await anyone.get(links.unsubscribe(TOUCH))
    assert page.status_code == 200
    assert page.text.count("<button") == 2
    assert 'name="viewport"' in page.text
    assert [event["name"] for event in await stored_events(store)] == [""]


@pytest.mark.parametrize("form", [{}, {"List-Unsubscribe": "One-Click"}])
async def test_one_click_withdraws_consent_to_the_journeys_topic(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str, form: dict[str, str]
) -> None:
    assert (await anyone.post(links.unsubscribe(TOUCH), data=form)).status_code == 200
    event = (await stored_events(store))[-1]
    assert (event["kind"], event["name"], event["customer_id"]) == ("own", "Consent Withdrawn", anna)
    assert (event["enrollment_id"], event["step"]) == (ENROLLMENT, "nudge")
    proof = {"message": TOUCH, "at": "2026-03-02T09:00:00+00:00"}
    assert event["properties"] == {"channel": "email", "topic": "cart_reminders", "act": "one-click", "proof": proof}


async def test_without_a_topic_consent_to_the_whole_channel_is_withdrawn(
    shop: httpx.AsyncClient, anyone: httpx.AsyncClient, links: Links, store: Store, clock: HandClock
) -> None:
    await add_enrollment(store, await add_customer(shop, store), clock.now(), topic=None)
    await anyone.post(links.unsubscribe(TOUCH))
    said = (await stored_events(store))[-1]["properties"]
    assert (said["channel"], said["act"], "topic" in said) == ("email", "one-click", False)


async def test_ready_when_the_tables_are_current(
    anyone: httpx.AsyncClient, links: Links, fake_router: FakeRouter, tmp_path: Path
) -> None:
    assert (await anyone.get("/readyz")).json() == {"status": "ready"}
    empty = Store.open(f"sqlite:///{tmp_path}/empty.db")
    async with browser(app_on(empty, links, fake_router)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "schema")
        await migrate(empty)
        assert (await client.get("/readyz")).status_code == 200
    await empty.close()


async def test_the_api_reference_loads_nothing_from_other_hosts(anyone: httpx.AsyncClient) -> None:
    page = (await anyone.get("/docs")).text
    assert "//" not in page.replace("<!doctype html>", "")
    for path in ("/v1/batch", "/v1/customers/{identifier}", "/v1/journeys/{journey}/enrollments", "/readyz"):
        assert path in page
    assert (await anyone.get("/openapi.json")).json()["openapi"].startswith("3.1")


async def test_an_internal_error_reveals_no_details(
    app: FastAPI, anyone: httpx.AsyncClient, service: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/broken/{email}")
    async def broken(email: str) -> None:
        raise ValueError(f"no such address: {email}")

    with structlog.testing.capture_logs() as lines:
        answer = await anyone.get("/broken/anna@example.com?token=secret")
        await service.get("/v1/customers/anna@example.com")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert [(line["event"], line["route"]) for line in lines] == [
        ("failed", "/broken/{email}"),
        ("request", "/broken/{email}"),
        ("request", "/v1/customers/{identifier:path}"),
    ]
    assert "anna" not in str(lines)
    assert "secret" not in str(lines)


async def own_events(store: Store) -> list[tuple[str, dict[str, object]]]:
    return [(event["name"], event["properties"]) for event in await stored_events(store) if event["kind"] == "own"]


async def test_a_mail_counts_as_opened_once(anyone: httpx.AsyncClient, links: Links, store: Store, anna: str) -> None:
    assert (await anyone.head(links.opened(TOUCH))).status_code == 200
    assert await own_events(store) == []
    for _ in range(3):
        answer = await anyone.get(links.opened(TOUCH))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"GIF89a")
    assert await own_events(store) == [("Email Opened", {"step": "nudge", "channel": "email"})]


async def test_the_tracking_picture_is_served_for_any_token(anyone: httpx.AsyncClient, links: Links, store: Store) -> None:
    for address in (links.opened(TOUCH)[:-1] + "x", "/o/x", links.unsubscribe(TOUCH).replace("/u/", "/o/"), links.opened("9")):
        assert (await anyone.get(address)).content.startswith(b"GIF89a")
    assert await stored_events(store) == []


async def test_an_answer_is_recorded_and_redirected_or_thanked(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str
) -> None:
    thanks = links.answer(TOUCH, "espresso <b>")
    assert (await anyone.head(thanks)).status_code == 200
    assert await own_events(store) == []
    page = await anyone.get(thanks)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "Thank you" in page.text
    assert "espresso" not in page.text
    on = await anyone.get(links.answer(TOUCH, "filter", SHOP))
    assert (on.status_code, on.headers["location"]) == (302, "https://shop.example/cart/1?a=b&c=%C3%BC")
    about = {"step": "nudge", "channel": "email"}
    assert await own_events(store) == [
        ("Link Clicked", {**about, "value": "espresso <b>"}),
        ("Link Clicked", {**about, "value": "filter", "url": SHOP}),
    ]


async def test_a_forged_answer_link_is_not_found(anyone: httpx.AsyncClient, links: Links, store: Store, anna: str) -> None:
    click = links.click(TOUCH, SHOP).replace("/l/", "/a/")
    for address in (links.answer(TOUCH, "yes")[:-1] + "x", "/a/x", click):
        answer = await anyone.get(address)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    assert await own_events(store) == []


async def add_short_link(store: Store, links: Links, url: str) -> str:
    code = links.short_code(TOUCH, url)
    await store.move("keep", lambda tx: short_links.keep(tx, TOUCH, {code: url}, tx.now()))
    return f"/s/{code}"


async def test_a_short_link_is_recorded_and_redirected(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str
) -> None:
    address = await add_short_link(store, links, SHOP)
    assert (await anyone.head(address)).headers["location"].startswith("https://shop.example/")
    assert await own_events(store) == []
    answer = await anyone.get(address)
    assert (answer.status_code, answer.headers["cache-control"]) == (302, "no-store")
    assert await own_events(store) == [("Link Clicked", {"step": "nudge", "channel": "email", "url": SHOP})]


async def test_a_short_link_to_an_idic_page_is_recorded_only_there(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str
) -> None:
    for url in (links.answer(TOUCH, "yes"), links.unsubscribe(TOUCH)):
        assert (await anyone.get(await add_short_link(store, links, url))).headers["location"] == url
    assert await own_events(store) == []
    await anyone.get(links.answer(TOUCH, "yes"))
    assert [name for name, _ in await own_events(store)] == ["Link Clicked"]


@pytest.mark.parametrize(
    "code", ["x", "222222222", "abcdefghi", "abcdefgh0", "%00%00%00%00%00%00%00%00%00", "a" * 5000, "äääääääää"]
)
async def test_an_unknown_short_code_is_not_found(anyone: httpx.AsyncClient, store: Store, anna: str, code: str) -> None:
    answer = await anyone.get(f"/s/{code}")
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert await own_events(store) == []


async def test_links_and_pictures_while_the_store_is_down(links: Links, fake_router: FakeRouter) -> None:
    gone = Store.open("postgresql://postgres@localhost:1/nothing")
    async with browser(app_on(gone, links, fake_router)) as anyone:
        assert (await anyone.get(links.opened(TOUCH))).content.startswith(b"GIF89a")
        assert (await anyone.get(links.answer(TOUCH, "yes", SHOP))).status_code == 302
        # Only the store knows a short link's target; and a lost answer gets no thanks.
        for address in (f"/s/{links.short_code(TOUCH, SHOP)}", links.answer(TOUCH, "yes")):
            answer = await anyone.get(address)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    await gone.close()


async def test_link_pages_do_not_wait_for_a_slow_store(links: Links, fake_router: FakeRouter, store: Store, anna: str) -> None:
    """Another transaction holds the customer's row (or SQLite's writer lock) for ever."""
    released = asyncio.Event()

    async def hold(tx: Tx) -> None:
        await customers.lock(tx, anna)
        held.set()
        await released.wait()

    held = asyncio.Event()
    holding = asyncio.create_task(store.move("hold", hold))
    await held.wait()
    pages = PublicPages(store, links, click_patience=0.3)
    app = Starlette(routes=[Route("/o/{token}", pages.opened), Route("/a/{token}", pages.answer)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://idic") as anyone:
        began = time.monotonic()
        assert (await anyone.get(links.opened(TOUCH))).status_code == 200
        assert (await anyone.get(links.answer(TOUCH, "yes"))).status_code == 200
        assert time.monotonic() - began < 3
    assert await own_events(store) == []
    released.set()
    await holding
    await asyncio.wait(pages.under_way)
    assert sorted(name for name, _ in await own_events(store)) == ["Email Opened", "Link Clicked"]
