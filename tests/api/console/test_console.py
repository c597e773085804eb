"""The console: what its pages show, who may open them, and that shown content can do no harm."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from idic.api.app import create_app
from idic.api.console.console_pages import ConsoleSettings
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.journey import programs
from tests.api.conftest import SECRET_KEY, FakeRouter
from tests.api.console.customers import ANNA, BANNER, BELA, HOSTILE, MAIL, TEXT, fill_store

PAGES = (
    "/console",
    "/console/outbox",
    *(f"/console/outbox/{touch}" for touch in (MAIL, TEXT, BANNER)),
    "/console/enrollments",
    *(f"/console/enrollments/{enrollment}" for enrollment in (ANNA, BELA)),
    *(f"/console/customers/{customer}" for customer in (ANNA, BELA)),
)


def browser(store: Store, settings: ConsoleSettings, base: str = "http://localhost:8700") -> httpx.AsyncClient:
    links = Links("http://idic", ["a key of our own to sign links with"])
    app = create_app(
        store, write_keys=[], secret_keys=["other", SECRET_KEY], links=links, enroll=FakeRouter(), console=settings
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base)


@pytest.fixture
async def console(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(store, ConsoleSettings("open", "http://localhost:8233", "shop")) as client:
        yield client


async def read_page(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


async def test_the_home_page_shows_that_a_journey_is_paused_or_stopped(store: Store, console: httpx.AsyncClient) -> None:
    await fill_store(store)
    assert "nothing is sent since" not in await read_page(console, "/console")
    await store.move("pause", lambda tx: programs.pause(tx, "cart", tx.now()))
    await store.move("stop", lambda tx: programs.stop(tx, "cart", tx.now()))
    home = await read_page(console, "/console")
    assert "nothing is sent since" in home
    assert "nobody enters since" in home


async def test_every_page_escapes_what_customers_enter(store: Store, console: httpx.AsyncClient) -> None:
    await fill_store(store, bela_mails=31)
    for path in PAGES:
        answer = await console.get(path)
        assert answer.status_code == 200, path
        assert HOSTILE not in answer.text, path
        assert "<script" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "script-src" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "noindex" in answer.headers["x-robots-tag"]
    assert "&lt;script&gt;" in await read_page(console, f"/console/customers/{BELA}")
    home = await read_page(console, "/console")
    assert "Win back a cart" in home
    assert "Email 32" in home


async def test_a_message_is_previewed_as_sent_in_a_sandbox(store: Store, console: httpx.AsyncClient) -> None:
    await fill_store(store)
    preview = await console.get(f"/console/outbox/{MAIL}/preview")
    assert "<p>Hello Anna</p>" in preview.text
    assert '<head><base target="_blank">' in preview.text
    policy = preview.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src data: cid:" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    page = await read_page(console, f"/console/outbox/{MAIL}")
    assert "frame-src localhost:8700/console/outbox/" in (await console.get("/console")).headers["content-security-policy"]
    assert "opened" in page
    assert "10:00" in page  # nine in UTC, where Anna lives
    text = await read_page(console, f"/console/outbox/{TEXT}")
    assert "Anna, your cart waits: http://idic/s/abc" in text
    assert "1 part, GSM-7" in text
    banner = await read_page(console, f"/console/outbox/{BANNER}")
    assert "home_hero" in banner
    assert "shows until Wed 4 Mar 10:00" in banner
    assert "<p>Your cart waits</p>" in await read_page(console, f"/console/outbox/{BANNER}/preview")


async def test_the_outbox_filters_by_customer_channel_and_journey_in_pages(store: Store, console: httpx.AsyncClient) -> None:
    await fill_store(store, bela_mails=31)

    async def shown(query: str) -> int:
        return (await read_page(console, f"/console/outbox{query}")).count('class="letter"')

    first = await read_page(console, "/console/outbox")
    assert first.count('class="letter"') == 30
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    assert (await read_page(console, older[1].replace("&amp;", "&"))).count('class="letter"') == 4
    for query, count in (
        ("?customer=anna@example.com", 3), ("?customer=ANNA", 3), ("?customer=u-anna", 3), (f"?customer={ANNA}", 3),
        ("?customer=15112345678", 3), ("?customer=anna&channel=sms", 1), ("?channel=web", 1), ("?channel=nonsense", 30),
        ("?journey=cart&channel=web", 1), ("?journey=other", 0), ("?customer=%25", 0), ("?customer=%00", 30),
    ):  # fmt: skip
        assert await shown(query) == count, query


async def test_an_enrollment_shows_its_history_in_the_customers_time_zone(store: Store, console: httpx.AsyncClient) -> None:
    await fill_store(store)
    page = await read_page(console, f"/console/enrollments/{ANNA}")
    assert "cool_off: waits until Mon 02 Mar 14:00" in page
    assert f"http://localhost:8233/namespaces/shop/workflows/{ANNA}" in page
    assert f"/console/outbox/{TEXT}" in page
    assert (await read_page(console, "/console/enrollments?standing=open")).count('class="over"') == 2
    assert (await read_page(console, "/console/enrollments?standing=ended")).count('class="over"') == 0
    assert (await read_page(console, "/console/enrollments?customer=bela&journey=cart")).count('class="over"') == 1


async def test_unknown_ids_are_not_found(store: Store, console: httpx.AsyncClient) -> None:
    for path in ("outbox/nothing", "outbox/nothing/preview", "outbox/%00", "enrollments/nothing", "customers/%00"):
        assert "Not found" in await read_page(console, f"/console/{path}", 404)


async def test_only_local_hosts_or_a_secret_key_open_the_console(store: Store) -> None:
    async def asked(mode: str, base: str, path: str = "/console/outbox", **headers: str) -> httpx.Response:
        async with browser(store, ConsoleSettings(mode), base) as client:
            return await client.get(path, headers=headers)

    def basic(user: str, password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    assert (await asked("off", "http://localhost")).status_code == 404
    for host in ("localhost:8700", "127.0.0.1", "[::1]:8700"):
        assert (await asked("open", f"http://{host}")).status_code == 200
    for host in ("elsewhere.example", "localhost.elsewhere.example", "127.0.0.1.elsewhere.example"):
        assert (await asked("open", f"http://{host}")).status_code == 403
    locked = await asked("key", "https://idic.example")
    assert (locked.status_code, locked.headers["www-authenticate"][:5]) == (401, "Basic")
    for wrong in (
        basic("", ""),
        basic("anna", "wrong"),
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {SECRET_KEY}"},
    ):
        assert (await asked("key", "https://idic.example", **wrong)).status_code == 401
    for right in (basic(SECRET_KEY, ""), basic("anna", SECRET_KEY)):
        assert (await asked("key", "https://idic.example", **right)).status_code == 200
        for path in (*PAGES, "/console.css", f"/console/outbox/{MAIL}/preview"):
            assert (await asked("key", "https://idic.example", path)).status_code == 401
