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
from tests.api.conftest import SECRET_KEY, WRITE_KEY, Doorman
from tests.api.servers import serving
from tests.api.store_queries import kept, track


class Hand:
    """A clock in seconds that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_what_is_used_comes_back_at_its_rate_and_is_saved_up_to_the_burst() -> None:
    hand = Hand()
    budget = TokenBucket(2, 10, now=hand)
    for _ in range(10):
        assert budget.wait("anna") == 0
        budget.use("anna")
    assert 0 < budget.wait("anna") <= 0.5
    assert budget.wait("bert") == 0
    hand.seconds += 0.5
    assert budget.wait("anna") == 0
    hand.seconds += 1000
    budget.use("anna", 9)
    assert budget.wait("anna") == 0
    budget.use("anna")
    assert budget.wait("anna") > 0


def test_more_than_the_burst_is_served_and_paid_for_afterwards() -> None:
    hand = Hand()
    budget = TokenBucket(10, 100, now=hand)
    budget.use("anna", 1000)
    hand.seconds += 89
    assert 0 < budget.wait("anna") <= 1.1
    hand.seconds += 2
    assert budget.wait("anna") == 0


def test_nobody_fills_the_memory_with_callers() -> None:
    hand = Hand()
    budget = TokenBucket(1, 5, now=hand, most=100)
    for number in range(10_000):
        budget.use(number)
    assert len(budget._whole_at) <= 101


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
    await migrate(store)
    yield store
    await store.close()


def _app(store: Store, links: Links, rates: Rates) -> FastAPI:
    return create_app(
        store, write_keys=[WRITE_KEY, "other"], secret_keys=[SECRET_KEY], links=links, enroll=Doorman(), rates=rates
    )


def _client(app: FastAPI, key: str | None = None, address: str = "192.0.2.1") -> httpx.AsyncClient:
    auth = httpx.BasicAuth(key, "") if key else None
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 1)), base_url="http://idic", auth=auth)


async def test_a_key_that_sends_too_much_is_told_when_to_come_back_and_others_go_on(on_sqlite: Store, links: Links) -> None:
    hand = Hand()
    app = _app(on_sqlite, links, Rates(1, now=hand))
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
        hand.seconds += 3
        assert (await shop.post("/v1/track", json=track("late"))).status_code == 200
    assert len(await kept(on_sqlite)) == 14


async def test_a_secret_key_has_a_rate_too_and_a_wrong_key_is_wrong_whatever_the_rate(on_sqlite: Store, links: Links) -> None:
    app = _app(on_sqlite, links, Rates(0.5, now=Hand()))
    async with _client(app, SECRET_KEY) as service, _client(app, "guessed") as thief:
        answers = [(await service.get("/v1/customers/anna")).status_code for _ in range(6)]
        assert answers == [404] * 5 + [429]
        assert (await thief.get("/v1/customers/anna")).status_code == 401


async def test_segments_client_loses_nothing_to_the_rate(on_sqlite: Store, links: Links) -> None:
    """Segment's client waits as Retry-After says and sends again; the store is counted at the end."""
    from segment.analytics import Client

    failed: list[object] = []
    app = _app(on_sqlite, links, Rates(100))
    async with serving(lambda _: app) as address:

        def send() -> None:
            client = Client(WRITE_KEY, host=address, upload_size=100, on_error=lambda error, _: failed.append(error))
            for number in range(1300):
                client.track("anna", "Cart Updated", {"total": number})
            client.shutdown()

        await asyncio.to_thread(send)
    assert failed == []
    assert sorted(event["properties"]["total"] for event in await kept(on_sqlite)) == list(range(1300))


async def test_who_tries_short_codes_is_stopped_and_what_was_signed_still_works(on_sqlite: Store, links: Links) -> None:
    app = _app(on_sqlite, links, Rates(now=Hand()))
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


async def test_one_link_is_opened_so_often_and_no_more(on_sqlite: Store, links: Links) -> None:
    app = _app(on_sqlite, links, Rates(now=Hand()))
    path = links.click("no touch of ours", "https://shop.example/").removeprefix("http://idic")
    async with _client(app) as anybody:
        answers = [(await anybody.get(path)).status_code for _ in range(int(LINK_BURST) + 3)]
    assert answers == [302] * int(LINK_BURST) + [429] * 3


def test_every_page_behind_a_link_is_behind_the_same_door(links: Links, on_sqlite: Store) -> None:
    from idic.interact.tracking import links as module

    assert {value for name, value in vars(module).items() if name.endswith("_PATH")} == set(PAGES)
    assert any(one.cls is Pages for one in _app(on_sqlite, links, Rates()).user_middleware)
