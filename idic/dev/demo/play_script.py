"""Play the script: send the shop's events with Segment's client, read arriving messages, and open their links."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import httpx
import segment.analytics

from idic.clock import Clock
from idic.dev.demo.browser import Browser
from idic.dev.demo.inboxes import ArrivedMessage, Inboxes
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
from idic.dev.local_stack import LocalStack
from idic.interact.tracking.links import Links
from idic.interact.tracking.visitors import Proofs
from idic.store.database import Store
from idic.store.tables import identities

_LOOK = 0.25
"""Real seconds between two reads of the arrived messages."""
_FLUSH = 30.0
_OPENS = time(7)
"""The start of the demo's clock in UTC. It is fixed, because quiet hours and best times depend on the time of day."""
_MOST = 12.0
"""Real seconds to wait for it."""


class ShopAtWork:
    """The shop and its customers at work.

    ``sent``: the customer of each message id given to Segment's client. ``pressed``: the touches in which a customer
    clicked a link or an answer. ``troubles``: errors on the way.
    """

    def __init__(self, running: LocalStack, shoppers: Sequence[Shopper]) -> None:
        self._running = running
        links = Links(running.plan.api, [running.keys.signing])
        self._post = Inboxes(running.store, running.plan.mail, links)
        self._by_user = {shopper.user_id: shopper for shopper in shoppers}
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Shopper, ScriptedAction, ArrivedMessage | None]] = []
        self.sent: dict[str, str] = {}
        self.pressed: set[str] = set()
        self.troubles: list[str] = []
        self.opened_at = _opening(running.clock)
        for shopper in shoppers:
            for moment in shopper.story.moments:
                self._expect(self.opened_at + shopper.arrives, shopper, moment)
        self._segment = segment.analytics.Client(
            running.keys.write,
            host=running.plan.api,
            upload_interval=0.1,
            on_error=self._refused,
            max_total_backoff_duration=20,
            log_handler=logging.NullHandler(),
        )
        self._http = httpx.AsyncClient(timeout=10, trust_env=False)
        self._browser = Browser(self._http, running.plan.api, running.keys.write, Proofs([running.keys.proof]))

    async def open(self) -> None:
        """Let the customers act, each at their time, until this is cancelled."""
        while True:
            await self._read_post()
            now = self._running.clock.now()
            while self._due and self._due[0][0] <= now:
                _, _, shopper, moment, letter = heapq.heappop(self._due)
                await self._act(shopper, moment, letter)
            pause = _LOOK
            if self._due:
                pause = min(pause, self._running.clock.real_seconds(self._due[0][0] - self._running.clock.now()))
            await asyncio.sleep(max(pause, 0.005))

    async def close(self) -> None:
        """Send everything that Segment's client still holds."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._segment.flush), _FLUSH)
        except TimeoutError:
            self.troubles.append(f"Segment's client did not get rid of its events within {_FLUSH:g} seconds")
        await self._http.aclose()

    def _expect(self, since: datetime, shopper: Shopper, moment: ScriptedAction, letter: ArrivedMessage | None = None) -> None:
        heapq.heappush(self._due, (since + moment.after, next(self._order), shopper, moment, letter))

    async def _read_post(self) -> None:
        letters = await self._post.new()
        if not letters:
            return
        users = await _users(self._running.store)
        now = self._running.clock.now()
        for letter in letters:
            shopper = self._by_user.get(users.get(letter.customer, ""))
            if shopper is not None:
                for moment in shopper.reply(letter.message, letter.channel):
                    self._expect(now, shopper, moment, letter)

    async def _act(self, shopper: Shopper, moment: ScriptedAction, letter: ArrivedMessage | None) -> None:
        try:
            match moment.act:
                case SendTraits() | SendEvent() as act:
                    self._send(shopper, act, moment)
                case VisitShop():
                    await self._browser.visit(_device(shopper, moment), shopper.user_id if moment.known else None)
                case OpenMessage() if letter is not None and letter.picture is not None:
                    await self._http.get(letter.picture)
                case OpenMessage():
                    pass
                case FollowLink():
                    await self._click(shopper, moment, letter)
                case ClickAnswer(value):
                    await self._press(shopper, f"answered {value}", letter, letter.answers.get(value) if letter else None)
                case ClickUnsubscribe():
                    await self._leave(shopper, letter)
        except httpx.HTTPError as error:
            self.troubles.append(f"{shopper.name}, {type(moment.act).__name__.lower()}: {type(error).__name__}")

    def _send(self, shopper: Shopper, act: SendTraits | SendEvent, moment: ScriptedAction) -> None:
        who = {"anonymous_id": _device(shopper, moment), "user_id": shopper.user_id if moment.known else None}
        if isinstance(act, SendEvent):
            taken, message = self._segment.track(event=act.event, properties=act.properties, **who)
            what = f"{shopper.name}: {act.event}"
        else:
            taken, message = self._segment.identify(traits=act.traits, **who)
            what = f"{shopper.name}: identify"
        self.sent[message["messageId"]] = what
        if not taken:
            self.troubles.append(f"{what}: Segment's client did not take it")

    async def _click(self, shopper: Shopper, moment: ScriptedAction, letter: ArrivedMessage | None) -> None:
        button = letter.button if letter else None
        if letter is None or letter.channel != "web":
            await self._press(shopper, "clicked", letter, button)
            return
        shown = await self._browser.visit(_device(shopper, moment), shopper.user_id)
        here = next((one for one in shown if button and button.replace("&", "&amp;") in one.html), None)
        if here is None or button is None:
            self.troubles.append(f"{shopper.name} would have pressed what {letter.message} shows, and it is not there")
            return
        await self._browser.press(here.token, button)
        self.pressed.add(letter.touch)

    async def _leave(self, shopper: Shopper, letter: ArrivedMessage | None) -> None:
        """Unsubscribe: by one click in a mail (RFC 8058), or by the button of the page behind an SMS link."""
        url = letter.unsubscribe if letter else None
        if letter is not None and letter.channel == "sms" and url is not None:
            answer = await self._http.get(url)
            url = answer.headers.get("location")
        await self._follow(shopper, "unsubscribed", url, post=True)

    async def _press(self, shopper: Shopper, what: str, letter: ArrivedMessage | None, url: str | None) -> None:
        if await self._follow(shopper, what, url) and letter is not None:
            self.pressed.add(letter.touch)

    async def _follow(self, shopper: Shopper, what: str, url: str | None, *, post: bool = False) -> bool:
        """Whether the link existed and led somewhere."""
        if url is None:
            self.troubles.append(f"{shopper.name} would have {what}, and the message has no link for it")
            return False
        answer = await (self._http.post(url, data={"List-Unsubscribe": "One-Click"}) if post else self._http.get(url))
        if answer.status_code not in (200, 302, 303):
            self.troubles.append(f"{shopper.name} {what} and got {answer.status_code}")
            return False
        return True

    def _refused(self, error: Exception, batch: Sequence[object]) -> None:
        self.troubles.append(f"Segment's client gave up {len(batch)} events: {error}")


def _device(shopper: Shopper, moment: ScriptedAction) -> str:
    return f"{moment.device}-{shopper.user_id}"


def _opening(clock: Clock) -> datetime:
    now = clock.now()
    today = datetime.combine(now, _OPENS, UTC)
    opening = today if today >= now else today + timedelta(days=1)
    return opening if clock.real_seconds(opening - now) <= _MOST else now


async def _users(store: Store) -> dict[str, str]:
    """The customers' user ids."""
    async with store.reading() as tx:
        rows = await tx.rows(identities.select().where(identities.c.kind == "user_id"))
    return {row["customer_id"]: row["value"] for row in rows}
