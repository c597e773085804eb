"""The pages behind links in messages: record clicks and answers and redirect, and the tracking pixel for opens."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Coroutine
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idic.api import record_engagement
from idic.api.pages.page_layout import PageLayout, words_for
from idic.errors import IdicError, InvalidInput, StoreUnavailable
from idic.interact.tracking.bots import AT_ONCE, MANY_AT_ONCE, SCANNED, EngagementKind
from idic.interact.tracking.links import Links
from idic.store.customer.ingest import about_touch, observe
from idic.store.database import Store
from idic.store.enrollment import short_links, touches

CLICK_PATIENCE = 2.0
"""The most real seconds that a customer waits for their click to be recorded."""

OPEN_PATIENCE = 0.3
"""The most real seconds that a mail program waits for the tracking pixel."""

_UNKEPT = {"Cache-Control": "no-store"}
_DOT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""A GIF of one transparent pixel."""
log = structlog.get_logger("idic.api")


class PublicPages:
    """Click, short link, open and answer pages. ``under_way`` holds records that no request waits for any more."""

    def __init__(self, store: Store, links: Links, *, click_patience: float = CLICK_PATIENCE) -> None:
        self._store = store
        self._links = links
        self._click_patience = click_patience
        self._paper = PageLayout()
        self._followed: dict[str, list[str]] = {}
        self.under_way: set[asyncio.Task[bool]] = set()

    async def click(self, request: Request) -> Response:
        """Redirect to the link's target, also if the click can't be recorded."""
        try:
            click = self._links.read_click(request.path_params["token"])
        except InvalidInput:
            return self._paper.broken(words_for(request))
        await self._recorded(request, click.touch, "Link Clicked", {"url": click.url})
        return _lead_on(click.url)

    async def short_link(self, request: Request) -> Response:
        """Like ``click``, but only the store knows the code's target. A link to a page of idic isn't recorded here: that
        page records its own visits."""
        try:
            code = self._links.read_short(request.path_params["code"])
        except InvalidInput:
            return self._paper.broken(words_for(request))
        try:
            async with self._store.reading() as tx:
                link = await short_links.find(tx, code)
        except StoreUnavailable:
            return self._paper.later(words_for(request))
        if link is None:
            return self._paper.broken(words_for(request))
        if not self._links.tells_itself(link.url):
            await self._recorded(request, link.touch_id, "Link Clicked", {"url": link.url})
        return _lead_on(link.url)

    async def opened(self, request: Request) -> Response:
        """Return the pixel, whatever the token. A mail counts as opened once, because programs fetch the pixel repeatedly."""
        try:
            touch = self._links.read_opened(request.path_params["token"])
        except InvalidInput:
            pass
        else:
            await self._recorded(request, touch, "Email Opened", once="opened", patience=OPEN_PATIENCE)
        return Response(_DOT, media_type="image/gif", headers=_UNKEPT)

    async def answer(self, request: Request) -> Response:
        """Record the answer, then redirect or say thank you."""
        try:
            answer = self._links.read_answer(request.path_params["token"])
        except InvalidInput:
            return self._paper.broken(words_for(request))
        properties = {"value": answer.value} | ({"url": answer.url} if answer.url else {})
        recorded = await self._recorded(request, answer.touch, "Link Clicked", properties)
        if answer.url:
            return _lead_on(answer.url)
        if recorded is False:
            # A customer who was thanked for a lost answer wouldn't give it again.
            return self._paper.later(words_for(request))
        words = words_for(request)
        return self._paper.plain(words, words("thanks.title"), words("thanks.text"))

    async def _recorded(
        self,
        request: Request,
        touch: str,
        event: str,
        properties: dict[str, Any] | None = None,
        *,
        once: str | None = None,
        patience: float | None = None,
    ) -> bool | None:
        """Record an event of a touch if a person caused it, and wait briefly for it: recording continues in the background.
        Returns whether it was recorded; None if that isn't known yet."""
        waiting = asyncio.Event()
        moving = self._judged(request, touch, event, properties or {}, once, waiting)
        recording = asyncio.create_task(self._record(event, moving))
        self.under_way.add(recording)
        recording.add_done_callback(self.under_way.discard)
        longer = asyncio.create_task(waiting.wait())
        timeout = self._click_patience if patience is None else patience
        await asyncio.wait({recording, longer}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        longer.cancel()
        return recording.result() if recording.done() else None

    async def _judged(
        self, request: Request, touch_id: str, event: str, properties: dict[str, Any], once: str | None, waiting: asyncio.Event
    ) -> None:
        """Record the event, or note the machine. Shortly after a message was sent, deciding takes a moment: ``waiting`` is
        then set, so that the customer doesn't wait for it."""
        what: EngagementKind = "opened" if event == "Email Opened" else "clicked"
        async with self._store.reading() as tx:
            touch = await touches.get(tx, touch_id)
            left = record_engagement.left(tx, touch)
        if await record_engagement.by_machine(self._store, touch, record_engagement.asked(request, what, left)):
            return
        if what == "clicked" and left is not None and left < SCANNED:
            waiting.set()
            if await self._many_at_once(touch_id, f"{properties.get('url')} {properties.get('value')}"):
                await record_engagement.note(self._store, touch, what, MANY_AT_ONCE)
                return
        seen = about_touch(touch, event, properties, once)
        await self._store.move("page", lambda tx: observe(tx, seen))

    async def _many_at_once(self, touch: str, link: str) -> bool:
        """Whether another link of the same message is followed at about the same time, as seen by this process."""
        followed = self._followed.setdefault(touch, [])
        followed.append(link)
        many = len(set(followed)) > 1
        try:
            await asyncio.sleep(self._store.clock.real_seconds(AT_ONCE))
            return many or len(set(followed)) > 1
        finally:
            followed.remove(link)
            if not followed:
                self._followed.pop(touch, None)

    async def _record(self, event: str, moving: Coroutine[Any, Any, None]) -> bool:
        try:
            await moving
            return True
        except IdicError as error:
            log.warning("not recorded", about=event, reason=error.code)
        except Exception as error:
            log.error("not recorded", about=event, reason=type(error).__name__)
        return False


def _lead_on(url: str) -> Response:
    return RedirectResponse(url, 302, _UNKEPT | {"Referrer-Policy": "no-referrer"})
