"""Mail that is under way, and the API that its provider reports to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from idic.api.app import create_app
from idic.interact.channels.contract import Outcome
from idic.interact.tracking.links import Links
from idic.journey.program.program import Program
from idic.providers.webhook import Webhook
from idic.store.customer import consents
from idic.store.database import Store
from idic.store.enrollment.touches import Touch
from tests.api.conftest import FakeRouter, browser
from tests.api.store_queries import stored_events
from tests.conftest import HandClock
from tests.journey.programs import arm, out, program, send, to, wait_for
from tests.router.world import World

PUBLIC = "https://idic.example"
ANNA = "anna@example.com"
LINKS = Links(PUBLIC, ["a key of our own to sign links with"])
REACTED = wait_for("reaction", 48, arm("Message Delivered", out("delivered"), of="nudge"), otherwise=out("silence"))


def journey() -> Program:
    return program(send("nudge", to("reaction")), REACTED, purpose="marketing", topic="offers")


def api_on(store: Store, webhook: Webhook) -> httpx.AsyncClient:
    app = create_app(
        store,
        write_keys=["a-write-key"],
        secret_keys=["a-secret-key"],
        links=LINKS,
        enroll=FakeRouter(),
        webhooks=[webhook],
    )
    return browser(app)


class Post(World):
    """The engine with mail that somebody else delivers, and the API that they report to."""

    def __init__(self, store: Store, clock: HandClock, api: httpx.AsyncClient) -> None:
        super().__init__(store, clock)
        self.api = api

    async def sent(self, outcome: Outcome | None = None, email: str = ANNA) -> tuple[str, str]:
        """A mail to Anna, who consented, is with its provider, as ``outcome`` says: her customer's id and the touch's."""
        await self.publish(journey())
        anna = await self.customer(email=email)
        await self.happens(anna, "Consent Given", {"channel": "email"})
        await self.happens(anna, "Signed Up")
        self.postman.otherwise = outcome
        (touch,) = await self.touches()
        await self.deliver(touch.id)
        return anna, touch.id

    async def touch(self) -> Touch:
        (touch,) = await self.touches()
        return touch

    async def own(self) -> list[tuple[str, Any]]:
        """What idic itself has observed of the mail: what, and why or where."""
        told = [
            event for event in await stored_events(self.store) if event["kind"] == "own" and event["name"] != "Message Sent"
        ]
        return [(one["name"], one["properties"].get("reason") or one["properties"].get("url")) for one in told]

    async def suppressed(self, address: str = ANNA) -> str | None:
        async with self.store.reading() as tx:
            found = await consents.suppression_of(tx, "email", address)
            return found.reason if found else None

    async def consent(self, customer: str) -> Sequence[tuple[bool, str | None]]:
        """What was said, in order: given or withdrawn, and of which topic."""
        async with self.store.reading() as tx:
            return [(one.given, one.topic) for one in await consents.consents_of(tx, customer)]
