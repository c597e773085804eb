"""Machines that open mails and follow links: they are served, but not counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from idic.interact.tracking.bots import NAMED, EngagementKind, LinkRequest, machine
from idic.interact.tracking.links import Links
from idic.store.database import Store
from idic.store.tables import trace
from tests.api.store_queries import stored_events
from tests.api.test_service_endpoints import TOUCH, add_customer, add_enrollment
from tests.conftest import HandClock

SHOP, OTHER = "https://shop.example/cart/1", "https://shop.example/sale"
PERSON = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
SLACK = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
TEAMS = "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com"


@pytest.mark.parametrize(
    ("what", "agent", "more", "who"),
    [
        ("opened", "Mozilla/5.0", {}, "Apple Mail Privacy Protection"),
        ("clicked", "Mozilla/5.0", {}, None),
        ("opened", GMAIL, {}, None),
        ("opened", YAHOO, {}, None),
        ("opened", GMAIL, {"left": timedelta(seconds=1)}, None),
        ("opened", PERSON, {"flagged": True}, "its provider says so"),
        ("clicked", PERSON, {}, None),
        ("clicked", "", {}, None),
        ("clicked", SLACK, {}, "Slack's preview"),
        ("clicked", "WhatsApp/2.23.20.0 A", {}, "WhatsApp's preview"),
        ("clicked", PERSON + " [FBAN/FBIOS] WhatsApp", {}, None),
        ("clicked", "TelegramBot (like TwitterBot)", {}, "Telegram's preview"),
        ("clicked", TEAMS, {}, "the preview of Teams or Skype"),
        ("clicked", "curl/8.5.0", {}, "a program"),
        ("clicked", WINDOWS, {"method": "HEAD"}, "only whether it is there was asked"),
        ("clicked", WINDOWS, {"headers": {"sec-purpose": "prefetch;prerender"}}, "fetched in case somebody wants it"),
        ("clicked", WINDOWS, {"headers": {"x-moz": "prefetch"}}, "fetched in case somebody wants it"),
        ("clicked", WINDOWS, {"address": "40.107.218.12"}, "Microsoft's scanner"),
        ("clicked", WINDOWS, {"address": "::ffff:40.107.218.12"}, "Microsoft's scanner"),
        ("clicked", WINDOWS, {"address": "81.2.69.142"}, None),
        ("clicked", WINDOWS, {"address": "testclient"}, None),
        ("clicked", WINDOWS, {"left": timedelta(seconds=1)}, "sooner than anybody reads"),
        ("clicked", WINDOWS, {"left": timedelta(seconds=2)}, None),
    ],
)  # fmt: skip
def test_machines_are_recognized(what: EngagementKind, agent: str, more: Mapping[str, Any], who: str | None) -> None:
    assert machine(LinkRequest(what, agent, **more)) == who


def test_the_known_user_agents_are_lower_case() -> None:
    assert all(agent.part == agent.part.lower() for agent in NAMED)


@pytest.fixture
async def anna(shop: httpx.AsyncClient, store: Store, clock: HandClock) -> str:
    """A customer whose mail was sent two seconds after nine."""
    customer = await add_customer(shop, store)
    await add_enrollment(store, customer, clock.now())
    return customer


async def event_names(store: Store) -> list[str]:
    return [event["name"] for event in await stored_events(store) if event["name"]]


async def machine_traces(store: Store) -> list[dict[str, Any]]:
    async with store.reading() as tx:
        return [row["why"] for row in await tx.rows(trace.select().order_by(trace.c.id)) if row["kind"] == "machine"]


async def test_a_machine_is_redirected_and_traced_once_and_the_later_person_counts(
    anyone: httpx.AsyncClient, links: Links, store: Store, clock: HandClock, anna: str
) -> None:
    clock.advance(hours=1)
    for _ in range(3):
        answer = await anyone.get(links.click(TOUCH, SHOP), headers={"User-Agent": SLACK})
        assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
        assert (await anyone.get(links.opened(TOUCH), headers={"User-Agent": "Mozilla/5.0"})).status_code == 200
    assert (await anyone.get(links.answer(TOUCH, "yes"), headers={"Purpose": "prefetch"})).status_code == 200
    assert await event_names(store) == []
    assert await machine_traces(store) == [
        {"channel": "email", "what": "clicked", "because": "Slack's preview"},
        {"channel": "email", "what": "opened", "because": "Apple Mail Privacy Protection"},
        {"channel": "email", "what": "clicked", "because": "fetched in case somebody wants it"},
    ]
    await anyone.get(links.opened(TOUCH), headers={"User-Agent": GMAIL})
    await anyone.get(links.click(TOUCH, SHOP), headers={"User-Agent": PERSON})
    assert await event_names(store) == ["Email Opened", "Link Clicked"]


async def test_several_links_at_once_are_a_scanner(
    anyone: httpx.AsyncClient, links: Links, store: Store, clock: HandClock, anna: str
) -> None:
    clock.advance(seconds=2 + 30)
    headers = {"User-Agent": WINDOWS}
    await asyncio.gather(*(anyone.get(links.click(TOUCH, url), headers=headers) for url in (SHOP, OTHER)))
    await asyncio.sleep(1.1)
    await anyone.get(links.click(TOUCH, SHOP), headers={"User-Agent": PERSON})
    assert await event_names(store) == []  # deciding takes a second, and the customer doesn't wait for it
    await asyncio.sleep(1.3)
    assert await event_names(store) == ["Link Clicked"]
    assert await machine_traces(store) == [{"channel": "email", "what": "clicked", "because": "several links at once"}]


async def test_a_click_right_after_sending_is_a_machines(
    anyone: httpx.AsyncClient, links: Links, store: Store, anna: str
) -> None:
    await anyone.get(links.click(TOUCH, SHOP), headers={"User-Agent": WINDOWS})
    assert await event_names(store) == []
    assert await machine_traces(store) == [{"channel": "email", "what": "clicked", "because": "sooner than anybody reads"}]
