"""Rate limits of keys and links: a refused request says when to come back, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from idic.api.app import PAGES, create_app
from idic.api.rates import LINK_BURST, MISSES_BURST, Pages, Rates, TokenBucket
from idic.clock import Clock
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import SECRET_KEY, WRITE_KEY, FakeRouter
from tests.api.servers import serving
from tests.api.store_queries import stored_events, track


class ManualSeconds:
    """A clock in seconds that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_budget_refills_at_its_rate_up_to_the_burst() -> None:
    seconds_clock = ManualSeconds()
    budget = TokenBucket(2, 10, now=seconds_clock)
    for _ in range(10):
        assert budget.wait("anna") == 0
        budget.use("anna")
    assert 0 < budget.wait("anna") <= 0.5
    assert budget.wait("bert") == 0
    seconds_clock.seconds += 0.5
    assert budget.wait("anna") == 0
    seconds_clock.seconds += 1000
    budget.use("anna", 9)
    assert budget.wait("anna") == 0
    budget.use("anna")
    assert budget.wait("anna") > 0


def test_a_request_over_the_burst_is_served_and_paid_off_later() -> None:
    seconds_clock = ManualSeconds()
    budget = TokenBucket(10, 100, now=seconds_clock)
    budget.use("anna", 1000)
    seconds_clock.seconds += 89
    assert 0 < budget.wait("anna") <= 1.1
    seconds_clock.seconds += 2
    assert budget.wait("anna") == 0


def test_the_number_of_remembered_callers_is_limited() -> None:
    seconds_clock = ManualSeconds()
    budget = TokenBucket(1, 5, now=seconds_clock, most=100)
    for number in range(10_000):
        budget.use(number)
    assert len(budget._whole_at) <= 101


@pytest.fixture
async def real_store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    yield store
    await store.close()


def _app(store: Store, links: Links, rates: Rates) -> FastAPI:
    return create_app(
        store, write_keys=[WRITE_KEY, "other"], secret_keys=[SECRET_KEY], links=links, enroll=FakeRouter(), rates=rates
    )


def _client(app: FastAPI, key: str | None = None, address: str = "192.0.2.1") -> httpx.AsyncClient:
    auth = httpx.BasicAuth(key, "") if key else None
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://idic", auth=auth)


async def test_a_key_over_its_rate_gets_retry_after_and_others_are_served(real_store: Store, links: Links) -> None:
    seconds_clock = ManualSeconds()
    app = _app(real_store, links, Rates(1, now=seconds_clock))
    async with _client(app, WRITE_KEY) as shop, _client(app, "other") as other, _client(app) as browser:
        batch = {"batch": [track(f"u{number}") | {"type": "track"} for number in range(12)]}
        assert (await shop.post("/v1/batch", json=batch)).status_code == 200
        refused = await shop.post("/v1/track", json=track("late"))
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) == 3
        body = refused.json()
        assert (body["error"]["code"], body["code"], body["success"]) == ("too_many_requests", "too_many_requests", False)
        # A key in the body counts as the same key.
        in_body = await browser.post("/v1/track", json=track("late") | {"writeKey": WRITE_KEY})
        assert in_body.status_code == 429
        assert (await other.post("/v1/track", json=track("bert"))).status_code == 200
        seconds_clock.seconds += 3
        assert (await shop.post("/v1/track", json=track("late"))).status_code == 200
    assert len(await stored_events(real_store)) == 14


async def test_secret_keys_have_a_rate_and_a_wrong_key_is_unauthorized(real_store: Store, links: Links) -> None:
    app = _app(real_store, links, Rates(0.5, now=ManualSeconds()))
    async with _client(app, SECRET_KEY) as service, _client(app, "guessed") as thief:
        answers = [(await service.get("/v1/customers/anna")).status_code for _ in range(6)]
        assert answers == [404] * 5 + [429]
        assert (await thief.get("/v1/customers/anna")).status_code == 401


async def test_segments_client_loses_no_event_to_the_rate_limit(real_store: Store, links: Links) -> None:
    """Segment's client waits as Retry-After says and sends again; the store is counted at the end."""
    from segment.analytics import Client

    failed: list[object] = []
    app = _app(real_store, links, Rates(100))
    async with serving(lambda _: app) as address:

        def send() -> None:
            client = Client(WRITE_KEY, host=address, upload_size=100, on_error=lambda error, _: failed.append(error))
            for number in range(1300):
                client.track("anna", "Cart Updated", {"total": number})
            client.shutdown()

        await asyncio.to_thread(send)
    assert failed == []
    assert sorted(event["properties"]["total"] for event in await stored_events(real_store)) == list(range(1300))


async def test_guessing_short_codes_is_stopped_and_signed_links_still_work(real_store: Store, links: Links) -> None:
    app = _app(real_store, links, Rates(now=ManualSeconds()))
    async with _client(app) as thief, _client(app, address="192.0.2.2") as anna:
        tries = [await thief.get(f"/s/{links.short_code('t', str(number))}") for number in range(int(MISSES_BURST) + 5)]
        assert [one.status_code for one in tries] == [404] * int(MISSES_BURST) + [429] * 5
        assert int(tries[-1].headers["retry-after"]) >= 1
        # After that, no answer tells whether a link exists.
        assert (await thief.get("/u/forged")).status_code == 429
        assert (await anna.get("/u/forged")).status_code == 404
        # A signed link still works for others behind the same proxy: a signature can't be guessed.
        signed = links.click("a touch", "https://shop.example/").removeprefix("http://idic")
        assert (await thief.get(signed)).status_code == 302


async def test_one_link_can_be_opened_up_to_the_burst(real_store: Store, links: Links) -> None:
    app = _app(real_store, links, Rates(now=ManualSeconds()))
    path = links.click("no touch of ours", "https://shop.example/").removeprefix("http://idic")
    async with _client(app) as anybody:
        answers = [(await anybody.get(path)).status_code for _ in range(int(LINK_BURST) + 3)]
    assert answers == [302] * int(LINK_BURST) + [429] * 3


def test_every_link_page_has_the_rate_limit(links: Links, real_store: Store) -> None:
    from idic.interact.tracking import links as module

    assert {value for name, value in vars(module).items() if name.endswith("_PATH")} == set(PAGES)
    assert any(one.cls is Pages for one in _app(real_store, links, Rates()).user_middleware)
