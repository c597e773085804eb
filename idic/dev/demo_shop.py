"""The shop and its customers at work: events by Segment's own client, mail read from the mailbox, links opened."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Sequence
from datetime import datetime

import httpx
import segment.analytics
from sqlalchemy import select

from idic.dev.demo_mail import Inbox, Mail
from idic.dev.machine import Machine
from idic.dev.shoppers import Click, Identify, Moment, Shopper, Track, Unsubscribe
from idic.store.tables import touches

_LOOK = 0.25
"""Real seconds between two looks into the mailbox."""
_FLUSH = 30.0


class Shop:
    """``sent``: whose message each id is, for what Segment's client was given. ``troubles``: what went wrong on the way."""

    def __init__(self, running: Machine, shoppers: Sequence[Shopper], inbox: Inbox) -> None:
        self._running = running
        self._inbox = inbox
        self._by_address = {shopper.email: shopper for shopper in shoppers if shopper.email}
        self._order = itertools.count()
        self._due: list[tuple[datetime, int, Shopper, Moment, Mail | None]] = []
        self.sent: dict[str, str] = {}
        self.troubles: list[str] = []
        self.opened_at = running.clock.now()
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

    async def open(self) -> None:
        """Let the customers do what they do, each thing in its time, until this is cancelled."""
        while True:
            await self._read_mail()
            now = self._running.clock.now()
            while self._due and self._due[0][0] <= now:
                _, _, shopper, moment, mail = heapq.heappop(self._due)
                await self._act(shopper, moment, mail)
            pause = _LOOK
            if self._due:
                pause = min(pause, self._running.clock.real_seconds(self._due[0][0] - self._running.clock.now()))
            await asyncio.sleep(max(pause, 0.005))

    async def close(self) -> None:
        """Everything that was handed to Segment's client leaves."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._segment.flush), _FLUSH)
        except TimeoutError:
            self.troubles.append(f"Segment's client did not get rid of its events within {_FLUSH:g} seconds")
        await self._http.aclose()

    def _expect(self, since: datetime, shopper: Shopper, moment: Moment, mail: Mail | None = None) -> None:
        heapq.heappush(self._due, (since + moment.after, next(self._order), shopper, moment, mail))

    async def _read_mail(self) -> None:
        for mail in self._inbox.new():
            shopper = self._by_address.get(mail.to)
            if shopper is None:
                continue
            now = self._running.clock.now()
            for moment in shopper.story.replies.get(await self._message(mail), ()):
                self._expect(now, shopper, moment, mail)

    async def _message(self, mail: Mail) -> str:
        """Which of the journeys' messages this is: customers see it from the subject."""
        async with self._running.store.reading() as tx:
            return str(await tx.scalar(select(touches.c.message).where(touches.c.id == mail.touch)))

    async def _act(self, shopper: Shopper, moment: Moment, mail: Mail | None) -> None:
        match moment.act:
            case Identify() | Track() as act:
                self._send(shopper, act, moment)
            case Click():
                await self._visit(shopper, "clicked", mail.button if mail else None)
            case Unsubscribe():
                await self._visit(shopper, "unsubscribed", mail.unsubscribe if mail else None, post=True)

    def _send(self, shopper: Shopper, act: Identify | Track, moment: Moment) -> None:
        who = {"anonymous_id": f"{moment.device}-{shopper.user_id}", "user_id": shopper.user_id if moment.known else None}
        if isinstance(act, Track):
            taken, message = self._segment.track(event=act.event, properties=act.properties, **who)
            what = f"{shopper.name}: {act.event}"
        else:
            taken, message = self._segment.identify(traits=act.traits, **who)
            what = f"{shopper.name}: identify"
        self.sent[message["messageId"]] = what
        if not taken:
            self.troubles.append(f"{what}: Segment's client did not take it")

    async def _visit(self, shopper: Shopper, what: str, url: str | None, *, post: bool = False) -> None:
        if url is None:
            self.troubles.append(f"{shopper.name} would have {what}, and the mail has no link for it")
            return
        try:
            if post:
                answer = await self._http.post(url, data={"List-Unsubscribe": "One-Click"})
            else:
                answer = await self._http.get(url)
        except httpx.HTTPError as error:
            self.troubles.append(f"{shopper.name} {what}: {type(error).__name__}")
            return
        if answer.status_code not in (200, 302):
            self.troubles.append(f"{shopper.name} {what} and got {answer.status_code}")

    def _refused(self, error: Exception, batch: Sequence[object]) -> None:
        self.troubles.append(f"Segment's client gave up {len(batch)} events: {error}")
