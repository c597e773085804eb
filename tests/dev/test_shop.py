"""The demo's shop without a browser: forms and redirects, and what it tells idic of its customers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from idic.dev.shop.segment_events import Visitor
from idic.dev.shop.site import create_shop
from idic.dev.watch_folder import leading_to
from idic.interact.tracking.visitors import Proofs
from idic.journeys_folder import compile_folder

PROOF_KEY = "what the shop's server proves with"


class FakeClient:
    """A Segment client that records its calls."""

    def __init__(self) -> None:
        self.events: list[tuple[Visitor, str, dict[str, Any]]] = []

    def identify(self, visitor: Visitor, traits: dict[str, Any]) -> None:
        self.events.append((visitor, "identify", traits))

    def track(self, visitor: Visitor, event: str, properties: dict[str, Any]) -> None:
        self.events.append((visitor, event, properties))

    def names(self) -> list[str]:
        return [event for _, event, _ in self.events]


@pytest.fixture
def fake_client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def shop(fake_client: FakeClient) -> Starlette:
    return create_shop(
        "http://idic", "http://localhost", write_key="wk", proof_key=PROOF_KEY, cookie_key="for the cookies of the shop",
        reports=fake_client,
    )  # fmt: skip


@pytest.fixture
async def visitor(shop: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(shop)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", follow_redirects=True) as client:
        yield client


async def test_what_the_example_journeys_link_to_is_there(visitor: httpx.AsyncClient) -> None:
    programs = compile_folder(Path("journeys")).programs.values()
    links = {link for program in programs for link in leading_to("http://localhost", program).links.values()}
    assert len(links) >= 6
    for link in links:
        assert (await visitor.get(link.replace("{{ key }}", "c1"))).status_code == 200, link
    assert (await visitor.get("/guides/none")).status_code == 404


async def test_a_visitor_signs_up_fills_a_basket_and_buys(visitor: httpx.AsyncClient, fake_client: FakeClient) -> None:
    page = await visitor.get("/")
    assert 'data-idic-slot="home_hero"' in page.text
    assert '<script async src="http://idic/idic.js" data-write-key="wk"></script>' in page.text
    anonymous_id = visitor.cookies["ajs_anonymous_id"]
    await visitor.post("/add", data={"sku": "M-90"})
    form = {"name": "Zoë <b>O'Brien", "email": "zoe@example.com", "phone": "", "consent_email": "1", "brews": "filter"}
    page = await visitor.post("/signup", data=form)
    assert "Zoë &lt;b&gt;O&#39;Brien" in page.text
    user_id = str(fake_client.events[-1][0].user_id)
    said = re.search(r'data-user-id="([^"]+)" data-proof="([0-9a-f]{64})"', page.text)
    assert said
    assert said.groups() == (user_id, Proofs([PROOF_KEY]).prove(user_id))
    page = await visitor.post("/buy")
    assert "Thank you!" in page.text
    await visitor.post("/delivered")
    assert fake_client.names() == [
        "Cart Updated", "identify", "Consent Given", "Signed Up", "identify", "Order Completed", "Parcel Delivered"
    ]  # fmt: skip
    assert {who for who, _, _ in fake_client.events} == {Visitor(anonymous_id), Visitor(anonymous_id, user_id)}
    assert fake_client.events[4][2] == {"owns": ["M-90"]}
    assert [one["sku"] for one in fake_client.events[5][2]["goes_with"]] == ["T-58", "G-20"]


async def test_its_events_are_those_of_the_vocabulary(visitor: httpx.AsyncClient, fake_client: FakeClient) -> None:
    vocabulary = compile_folder(Path(__file__).parents[2] / "journeys").vocabulary
    for path, form in (
        ("/signin", {"who": "anna.schroeder"}), ("/add", {"sku": "K-01"}), ("/add", {"sku": "K-01"}),
        ("/remove", {"sku": "K-01"}), ("/empty", {}), ("/add", {"sku": "B-250"}), ("/buy", {}), ("/returned", {}),
        ("/signup", {"email": "a@example.com"}),
    ):  # fmt: skip
        assert (await visitor.post(path, data=form)).status_code == 200
    assert (await visitor.get("/product/P-03")).status_code == 200
    assert set(fake_client.names()) >= {"Cart Emptied", "Order Returned", "Product Viewed", "Signed Up"}
    for _, event, properties in fake_client.events:
        if event not in ("identify", "Consent Given"):
            assert vocabulary.refusals(event, properties) == [], event


async def test_unknown_products_and_customers_send_no_events(visitor: httpx.AsyncClient, fake_client: FakeClient) -> None:
    for path, form in (
        ("/add", {"sku": "x"}), ("/remove", {"sku": "x"}), ("/buy", {}), ("/empty", {}), ("/signin", {"who": "x"}),
        ("/signup", {"name": "x"}), ("/delivered", {}),
    ):  # fmt: skip
        await visitor.post(path, data=form)
    assert fake_client.events == []
    assert (await visitor.get("/product/x")).status_code == 404
    visitor.cookies.set("kettle_and_crema", "forged")
    assert (await visitor.get("/")).status_code == 200
    assert (await visitor.get("http://elsewhere.example/")).status_code == 400


async def test_signing_out_starts_a_new_anonymous_visit(visitor: httpx.AsyncClient) -> None:
    await visitor.post("/signin", data={"who": "anna.schroeder"})
    before = visitor.cookies["ajs_anonymous_id"]
    page = await visitor.post("/signout")
    assert "data-user-id" not in page.text
    assert visitor.cookies["ajs_anonymous_id"] != before
