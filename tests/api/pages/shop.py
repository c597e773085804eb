"""The example shop with its journeys, customers who get its mails, and a browser without scripts."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from idic.api.app import create_app
from idic.interact.channels.contract import Accepted, Outcome, OutgoingEmail
from idic.interact.channels.email import EmailCourier
from idic.interact.channels.web import WebCourier
from idic.interact.tracking.links import Links
from idic.journeys_folder import Compilation, compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.tables import Row, consents, customers
from tests.api.conftest import SECRET_KEY, WRITE_KEY, FakeRouter
from tests.api.store_queries import customers_by_identity, stored_events
from tests.conftest import HandClock
from tests.router.world import World

BASE_URL = "http://idic"
KEYS = ["a key of our own to sign links with"]


@cache
def compiled() -> Compilation:
    return compile_folder(Path("journeys"))


class MailRecorder:
    """An SMTP account that keeps the mails."""

    account = "smtp"

    def __init__(self) -> None:
        self.mails: list[OutgoingEmail] = []

    async def send(self, mail: OutgoingEmail) -> Outcome:
        self.mails.append(mail)
        return Accepted(f"provider-{len(self.mails)}")


class ExampleShop:
    """The example shop on a real store, with its API and a browser."""

    def __init__(self, store: Store, clock: HandClock, address: str = BASE_URL) -> None:
        self.store = store
        self.clock = clock
        self.links = Links(address, KEYS)
        self.mail_recorder = MailRecorder()
        self.world = World(store, clock)
        self.world.delivers_by(
            {
                "smtp": EmailCourier(self.mail_recorder, self.links, "Shop <shop@example.com>"),
                "twilio": self.world.sms,
                "web": WebCourier(self.links),
            }
        )
        self.app: FastAPI = create_app(
            store,
            write_keys=[WRITE_KEY],
            secret_keys=[SECRET_KEY],
            links=self.links,
            enroll=FakeRouter(),
            runtime=self.world.runtime,
        )
        self.browser = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE_URL, follow_redirects=True)

    async def publish_journeys(self, compilation: Compilation | None = None) -> None:
        await publish(self.store, compilation or compiled())

    # What happens to customers.

    async def sign_up(self, user: str = "anna", *consents: dict[str, Any], **traits: Any) -> str:
        """Create a customer with an email address and these consents; returns their id."""
        await self.send_call("identify", user, traits={"email": f"{user}@example.com", **traits})
        for consent in consents:
            await self.send_call("track", user, event="Consent Given", properties=consent)
        return (await customers_by_identity(self.store))[user]

    async def send_call(self, what: str, user: str, *, key: str = WRITE_KEY, **message: Any) -> None:
        answer = await self.browser.post(f"/v1/{what}", json={"userId": user, **message}, auth=(key, ""))
        assert answer.status_code == 200, answer.text
        await self.settle()

    async def settle(self) -> None:
        """Route all accepted events and run the enrollments."""
        while await self.world.route_all():
            pass
        for enrollment in await self.world.enrollments():
            if enrollment.open:
                await self.world.work(enrollment.id)

    async def advance(self, **span: float) -> None:
        """Advance the clock and settle."""
        self.clock.advance(**span)
        await self.settle()

    # What customers do.

    def newest_mail(self) -> OutgoingEmail:
        """The newest mail."""
        return self.mail_recorder.mails[-1]

    def link(self, path: str) -> str:
        """The link with this path in the newest mail."""
        (url,) = set(re.findall(rf'href="([^"]*{path}[^"]+)"', self.newest_mail().html or ""))
        return unescape(url)

    async def open(self, url: str, **headers: str) -> Page:
        return Page(self, url, await self.browser.get(url, headers=headers))

    async def own_events(self) -> list[Row]:
        return [row for row in await stored_events(self.store) if row["kind"] == "own"]

    async def customer(self, user: str = "anna") -> Row:
        customer_id = (await customers_by_identity(self.store))[user]
        return next(row for row in await self.world.rows(customers) if row["id"] == customer_id)

    async def consent_rows(self) -> list[tuple[Any, ...]]:
        rows = await self.world.rows(consents)
        return [(row["channel"], row["topic"], row["given"], row["confirmed"], row["act"]) for row in rows]


class Page(HTMLParser):
    """A page in a browser without scripts: its form fields and buttons."""

    def __init__(self, example: ExampleShop, url: str, answer: httpx.Response) -> None:
        super().__init__()
        self.shop = example
        self.url = url
        self.answer = answer
        self.status = answer.status_code
        self.text = re.sub(r"\s+", " ", unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", answer.text, flags=re.DOTALL)))
        self.fields: list[tuple[str, str]] = []
        self.boxes: dict[str, bool] = {}
        self.inputs: dict[str, str] = {}
        self.buttons: dict[str, str] = {}
        self.links: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}
        self._button: str | None = None
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        name, value = has.get("name") or "", has.get("value") or ""
        if has.get("id"):
            self.attributes[has["id"] or ""] = has
        match tag, has.get("type"):
            case "a", _:
                self.links.append(has.get("href") or "")
            case "button", _:
                self._button = value
            case "input", "hidden":
                self.fields.append((name, value))
            case "input", "checkbox" if "disabled" not in has:
                self.boxes[value if name == "get" else name] = "checked" in has
            case "input", "text" | "date":
                self.inputs[name] = value
            case "input", "radio":
                self.inputs.setdefault(name, "")
                if "checked" in has:
                    self.inputs[name] = value

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self.buttons[data.strip()] = self._button
            self._button = None

    async def click(self, button: str, **entered: Any) -> Page:
        """Fill in the form and click a button. ``entered`` has boxes (True, False) and inputs by name, with ``_`` for ``:``
        and ``.``."""
        for name, value in entered.items():
            names = {re.sub(r"[:.]", "_", field): field for field in (*self.boxes, *self.inputs)}
            if isinstance(value, bool):
                self.boxes[names[name]] = value
            else:
                self.inputs[names[name]] = value
        sent = [*self.fields, *((name, value) for name, value in self.inputs.items() if value), ("do", self.buttons[button])]
        sent += [("fewer", "1") if box == "fewer" else ("get", box) for box, on in self.boxes.items() if on]
        body = str(httpx.QueryParams(sent))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "en"}
        return Page(self.shop, self.url, await self.shop.browser.post(self.url, content=body, headers=headers))
