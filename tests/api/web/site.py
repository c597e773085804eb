"""A shop's site with one slot: idic on a real store and API, a clock moved by hand, and visitors."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from fastapi import FastAPI

from idic.api.app import create_app
from idic.api.streams import Streams
from idic.interact.channels.web import WebCourier
from idic.interact.tracking.links import Links
from idic.interact.tracking.visitors import Proofs
from idic.journey.channels.web import WebContent
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Attribute, Type
from idic.store.database import Store
from idic.store.tables import Row, customers, events, placements
from idic.times import Duration
from tests.api.conftest import FakeRouter
from tests.conftest import HandClock
from tests.journey.programs import goal, program, send
from tests.router.world import World

WRITE_KEY = "wk_of_the_shop"
PROOF_KEY = "what the shop's server and idic know"
CART = "https://shop.example/cart?a=1&b=2"
BODY = (
    '<p>Welcome back, {{ customer.first_name | default: "you" }}!</p>'
    '<p><a href="https://shop.example/cart?a=1&amp;b=2">Your cart</a></p>'
)


def content(*, slot: str = "home_hero", body: str = BODY, hours: float = 48, **more: Any) -> dict[str, Message]:
    shown = WebContent(slot=slot, body=body, show_for=Duration(seconds=hours * 3600), **more)
    name = Attribute(type=Type(kind="text"))
    reads = {"customer.first_name": name} if "first_name" in body else {}
    return {"hello": Message(id="hello", contents={"web": shown}, reads=reads)}


def journey(*steps: AnyStep, messages: dict[str, Message] | None = None, **more: Any) -> Program:
    """Entered on ``Signed Up``; shows something in ``home_hero`` until ``Order Completed``."""
    whole = program(*(steps or (send("show", channels=("web",)),)), goal=goal(within=None), **more)
    customer = {"first_name": Attribute(type=Type(kind="text"))}
    return whole.model_copy(update={"messages": messages or content(), "customer": customer})


class Site:
    """A shop's site on a real store and API, with a manual clock."""

    def __init__(self, store: Store, clock: HandClock, *, every: float = 0.02, most: int = 3) -> None:
        self.store = store
        self.clock = clock
        self.links = Links("http://idic", ["a key of our own to sign links with"])
        self.world = World(store, clock)
        couriers = {"web": WebCourier(self.links), "smtp": self.world.postman}
        self.world.delivers_by(couriers)
        self.streams = Streams(store, self.links, every=every, most=most)
        self.app: FastAPI = create_app(
            store,
            write_keys=[WRITE_KEY],
            secret_keys=["sk"],
            links=self.links,
            enroll=FakeRouter(),
            proof_keys=["the key of last year", PROOF_KEY],
            streams=self.streams,
        )
        self.browser = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://idic")

    # What a page does.

    async def request_content(
        self, anonymous: str | None = "browser-1", *, slots: Any = ("home_hero",), **more: Any
    ) -> httpx.Response:
        asked = {"writeKey": WRITE_KEY, "anonymousId": anonymous, "slots": slots, **more}
        return await self.browser.post("/v1/web/content", content=json.dumps(asked), headers={"Content-Type": "text/plain"})

    async def view(self, anonymous: str | None = "browser-1", **more: Any) -> dict[str, Any]:
        answer = await self.request_content(anonymous, **more)
        assert answer.status_code == 200, answer.text
        slots: dict[str, Any] = answer.json()["slots"]
        return slots

    async def view_as(self, user: str, **more: Any) -> dict[str, Any]:
        return await self.view(userId=user, proof=Proofs([PROOF_KEY]).prove(user), **more)

    async def report(self, what: str, **report: Any) -> httpx.Response:
        return await self.browser.post(f"/v1/web/{what}", content=json.dumps(report), headers={"Content-Type": "text/plain"})

    # What the shop and idic do.

    async def send_event(self, event: str, anonymous: str | None = None, user: str | None = None, **properties: Any) -> None:
        """Send the event to the API, route it, and run the enrollments."""
        body = {"event": event, "properties": properties} | ({"anonymousId": anonymous} if anonymous else {})
        path = "/v1/identify" if event == "identify" else "/v1/track"
        if event == "identify":
            body = {"traits": properties} | ({"anonymousId": anonymous} if anonymous else {})
        body |= {"userId": user} if user else {}
        answer = await self.browser.post(path, json=body, auth=(WRITE_KEY, ""))
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def settle(self) -> None:
        unrouted = events.select().where(events.c.routed_at.is_(None))
        while rows := await self.rows(unrouted):
            await self.world.route(rows[0]["customer_id"])
        for enrollment in await self.world.enrollments():
            await self.world.work(enrollment.id)

    async def welcome(self, anonymous: str | None = "browser-1", user: str | None = None, **traits: Any) -> None:
        """Sign up a visitor of the site, so that content is shown to them."""
        await self.send_event("identify", anonymous, user, **traits)
        await (self.view_as(user) if user else self.view(anonymous))
        await self.send_event("Signed Up", anonymous, user)

    async def rows(self, chosen: Any) -> list[Row]:
        async with self.store.reading() as tx:
            return await tx.rows(chosen)

    async def own_events(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.rows(events.select().where(events.c.kind == "own").order_by(events.c.id))
        return [(row["name"], row["properties"]) for row in rows]

    async def placement(self) -> Row:
        (row,) = await self.rows(placements.select())
        return row

    async def seen_at(self) -> list[Any]:
        return [row["web_seen_at"] for row in await self.rows(customers.select().where(customers.c.merged_into.is_(None)))]


@contextlib.asynccontextmanager
async def open_page(url: str, anonymous: str = "browser-1", **more: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Open a stream; gives its updates in order."""
    asked = {"writeKey": WRITE_KEY, "anonymousId": anonymous, "slots": ["home_hero"], **more}
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("POST", f"{url}/v1/web/stream", content=json.dumps(asked)) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")

        async def told() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

        yield told()
