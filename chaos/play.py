"""The customers' behaviour: they act out the demo's stories through a careful client, and some unsubscribe."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

import httpx
from sqlalchemy import select

from chaos.deployment import ACCOUNT, PROOF_KEY, SENDER, SIGNING_KEY, TWILIO_TOKEN, WRITE_KEY
from chaos.fake_sendgrid import read_taken as read_grid
from chaos.fake_twilio import read_taken as read_sms
from chaos.shop_client import CarefulClient, Message
from chaos.withdrawals import Withdrawals, until_promised
from chaos.world import GRID_KEY, ChaosWorld
from idic.dev.demo.customer_kinds import plan
from idic.dev.demo.script import (
    ClickAnswer,
    ClickUnsubscribe,
    FollowLink,
    OpenMessage,
    ScriptedAction,
    SendEvent,
    SendTraits,
    Shopper,
    VisitShop,
)
from idic.dev.mailbox import read_accepts, read_mail
from idic.errors import IdicError, InvalidInput
from idic.interact.tracking.links import ANSWER_PATH, CLICK_PATH, CONFIRM_PATH, DATA_PATH, OPEN_PATH, SHORT_PATH, Links
from idic.store.tables import identities, touches

T = TypeVar("T")

_ENOUGH = 0.25
"""The share of messages after which a customer unsubscribes."""
_ONCE_MORE = 0.1
"""The share of customers who consent again afterwards."""
_CURIOUS = 0.15
"""The share of messages after which a customer first asks for help."""
_LOOK = 0.5
"""Real seconds between two reads of the arrived messages."""


class Promise(NamedTuple):
    """A confirmed unsubscribe: ``at`` on the monotonic clock; ``topic`` None is everything."""

    at: float
    way: str
    address: str
    channel: str
    topic: str | None


class Letter(NamedTuple):
    """A message that arrived, with its unsubscribe link."""

    touch: str
    channel: str
    address: str
    html: str
    unsubscribe: str
    topic: str | None = None


class Whose(NamedTuple):
    """The user whom a touch was sent to, and its message."""

    user: str
    message: str
    purpose: str
    topic: str | None


class Play:
    """Acts out the stories. ``promises`` are the confirmed unsubscribes so far, ``troubles`` wrong answers, ``over`` the
    real seconds available."""

    def __init__(self, town: ChaosWorld, client: CarefulClient, rng: Random, customers: int, over: float) -> None:
        self.town = town
        self.client = client
        self.promises: list[Promise] = []
        self.letters = 0
        self._rng = rng
        self._horizon = timedelta(days=over / town.day)
        self._shoppers = plan(customers, self._horizon)
        self._by_user = {shopper.user_id: shopper for shopper in self._shoppers}
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None, max_keepalive_connections=20))
        self._leaving = Withdrawals(self._http, town.api, token=TWILIO_TOKEN, account=ACCOUNT, sender=SENDER)
        self._left: set[str] = set()
        self._links = Links(town.api, [SIGNING_KEY])
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._read: defaultdict[Path, int] = defaultdict(int)
        self._waiting: list[Letter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.troubles: list[str] = []

    async def perform(self) -> None:
        """Return when everybody has come, and what they do by themselves is done."""
        reading = asyncio.create_task(self._read_letters())
        try:
            async with asyncio.TaskGroup() as tasks:
                for shopper in self._shoppers:
                    tasks.create_task(self._live(shopper))
        finally:
            reading.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(reading, *self._tasks, return_exceptions=True)
            await self._http.aclose()

    async def _live(self, shopper: Shopper) -> None:
        rng = Random(self._rng.random())
        since, last = shopper.arrives, timedelta()
        await self._passes(since)
        for moment in sorted(shopper.story.moments, key=lambda one: one.after):
            if since + moment.after > self._horizon:
                return
            await self._passes(moment.after - last)
            last = moment.after
            await self._act(shopper, moment, None, rng)
        # It may arrive long after the unsubscribe, but counts from when it was given.
        if shopper.user_id not in self._left and rng.random() < _ONCE_MORE:
            asked = {"channel": "email", "topic": "news", "proof": f"form {shopper.user_id}"}
            await self.client.send(self._message(shopper, True, "track", event="Consent Given", properties=asked))

    async def _passes(self, span: timedelta) -> None:
        await asyncio.sleep(max(0.0, self.town.clock.real_seconds(span)))

    async def _act(self, shopper: Shopper, moment: ScriptedAction, letter: Letter | None, rng: Random) -> None:
        match moment.act:
            case SendTraits(traits):
                await self.client.send(self._message(shopper, moment.known, "identify", traits=traits))
            case SendEvent(event, properties):
                await self.client.send(self._message(shopper, moment.known, "track", event=event, properties=properties))
            case VisitShop():
                await self.client.look(shopper.user_id, rng.choice(("home_hero", "product_tip")))
            case OpenMessage():
                await self._get(letter, OPEN_PATH)
            case FollowLink():
                await self._get(letter, CLICK_PATH if letter and letter.channel == "email" else SHORT_PATH)
            case ClickAnswer(value):
                await self._answer(letter, value)
            case ClickUnsubscribe() if letter is not None:
                await self._leave(shopper, letter, rng)
            case ClickUnsubscribe():
                pass

    def _message(self, shopper: Shopper, known: bool, kind: str, **content: object) -> Message:
        self._counts[shopper.user_id] += 1
        who = {"anonymousId": f"device-{shopper.user_id}"} | ({"userId": shopper.user_id} if known else {})
        message_id, now = f"m-{shopper.user_id}-{self._counts[shopper.user_id]}", self.town.clock.now().isoformat()
        return {"type": kind, "messageId": message_id, "timestamp": now, **who, **content}

    # Messages.

    async def _read_letters(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            self._waiting += self._new()
            with contextlib.suppress(IdicError):
                whose = await self._whose([letter.touch for letter in self._waiting])
                waiting, self._waiting = self._waiting, []
                for letter in waiting:
                    if letter.touch in whose:
                        self.letters += 1
                        self._begin(letter, whose[letter.touch])

    def _begin(self, letter: Letter, whose: Whose) -> None:
        task = asyncio.create_task(self._react(letter._replace(topic=whose.topic), whose))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.troubles.append(f"{type(error).__name__}: {error}")

    async def _react(self, letter: Letter, whose: Whose) -> None:
        rng = Random(self._rng.random())
        shopper = self._by_user.get(whose.user)
        if shopper is None:
            return
        if CONFIRM_PATH in letter.html:
            await self._get(letter, CONFIRM_PATH)
        if DATA_PATH in letter.html:
            await self._get(letter, DATA_PATH)
        if whose.purpose == "marketing" and rng.random() < _CURIOUS:
            await until_promised(lambda: self._asks(letter))
        if whose.purpose == "marketing" and rng.random() < _ENOUGH:
            await asyncio.sleep(rng.choice((0.0, rng.uniform(0, 1), rng.uniform(0, 6))))
            await self._leave(shopper, letter, rng)
            return
        last = timedelta()
        for moment in shopper.reply(whose.message, letter.channel):
            await self._passes(moment.after - last)
            last = moment.after
            await self._act(shopper, moment, letter, rng)

    async def _asks(self, letter: Letter) -> httpx.Response:
        """What is this, and what do you know about me?"""
        if letter.channel == "sms":
            return await self._leaving.writes(letter.address, "HELP")
        return await self._http.post(self._links.preferences(letter.touch), data={"do": "data"}, follow_redirects=True)

    async def _leave(self, shopper: Shopper, letter: Letter, rng: Random) -> None:
        self._left.add(shopper.user_id)
        if letter.channel == "sms":
            way = "STOP"
            heard = await until_promised(lambda: self._leaving.writes(letter.address, "STOP"))
        else:
            way = rng.choice(("one click", "page", "complaint")) if letter.unsubscribe else "complaint"
            match way:
                case "one click":
                    heard = await until_promised(lambda: self._leaving.one_click(letter.unsubscribe))
                case "page":
                    heard = await until_promised(lambda: self._leaving.page(letter.unsubscribe))
                case _:
                    heard = await until_promised(lambda: self._leaving.complain(GRID_KEY, letter.touch, letter.address))
        if heard is not None:
            of_all = way in ("STOP", "complaint")
            self.promises.append(Promise(heard, way, letter.address, letter.channel, None if of_all else letter.topic))

    async def _answer(self, letter: Letter | None, value: str) -> None:
        for url in re.findall(r'href="([^"]+)"', letter.html) if letter else ():
            if ANSWER_PATH in url:
                with contextlib.suppress(InvalidInput):
                    if self._links.read_answer(url.rpartition(ANSWER_PATH)[2]).value == value:
                        await self._follow(url)
                        return

    async def _get(self, letter: Letter | None, path: str) -> None:
        found = re.findall(rf'http://[^\s"<>]*{path}[^\s"<>]+', letter.html) if letter else []
        if found:
            await self._follow(found[0])

    async def _follow(self, url: str) -> None:
        """Browsers do not try again."""
        with contextlib.suppress(httpx.TransportError):
            await self._http.get(url)

    def _new(self) -> list[Letter]:
        """What the providers have taken since the last time."""
        letters = []
        for mails in self.town.mails:
            for accept in self._fresh(mails, list(read_accepts(mails))):
                mail = read_mail(mails / accept.file)
                body = mail.get_body(("html",))
                out = str(mail["List-Unsubscribe"] or "").strip("<>")
                letters.append(Letter(accept.touch, "email", accept.to[0], body.get_content() if body else "", out))
        for mail_ in self._fresh(self.town.grid_file, list(read_grid(self.town.grid_file))):
            letters.append(Letter(mail_.touch, "email", mail_.to, mail_.html, mail_.unsubscribe))
        for sms in self._fresh(self.town.sms_file, list(read_sms(self.town.sms_file))):
            letters.append(Letter(sms.touch, "sms", sms.to, sms.body, ""))
        return letters

    def _fresh(self, file: Path, lines: list[T]) -> list[T]:
        fresh = lines[self._read[file] :]
        self._read[file] = len(lines)
        return fresh

    async def _whose(self, ids: list[str]) -> dict[str, Whose]:
        if not ids:
            return {}
        async with self.town.store.reading() as tx:
            rows = await tx.rows(
                select(touches.c.id, touches.c.message, touches.c.purpose, touches.c.topic, identities.c.value)
                .join(identities, identities.c.customer_id == touches.c.customer_id)
                .where(touches.c.id.in_(ids), identities.c.kind == "user_id")
            )
        return {row["id"]: Whose(row["value"], row["message"], row["purpose"], row["topic"]) for row in rows}


def careful_client(town: ChaosWorld, rng: Random) -> CarefulClient:
    """The client of the chaos's API."""
    return CarefulClient(town.api, WRITE_KEY, PROOF_KEY, rng)
