"""Server-sent events for open pages: each page is told as soon as its content changes.

One task looks after all open pages of the process: twice a second it asks the store once for as many visitors as fit into a
statement, and only while a page is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

import structlog
from pydantic_core import to_json
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from idic.api.problem_details import HttpRefusal
from idic.clock import Clock
from idic.errors import StoreUnavailable
from idic.identify.resolution import Identity
from idic.interact.tracking.links import Links
from idic.store.customer import visitors
from idic.store.customer.visitors import SiteVisit
from idic.store.database import Store
from idic.store.enrollment import web_placements
from idic.store.enrollment.web_placements import LivePlacement

EVERY = 0.5
"""Real seconds between two queries to the store."""
MOST = 5000
"""The most open pages of one process, or half the system's limit of open files if that is lower. A further page is asked to
try again later, and until then shows the content of its first request."""
HEARTBEAT = 15.0
"""Real seconds of silence after which the page and every proxy are shown that the connection is alive."""
_TOGETHER = 500
"""Visitors in one query to the store."""

log = structlog.get_logger("idic.api")

Contents = dict[str, dict[str, Any]]
"""The content of each slot: its ``token`` for reports, its ``html``, and ``ends_in`` real seconds."""


def contents(clock: Clock, links: Links, shows: Mapping[str, LivePlacement], html: Mapping[str, str]) -> Contents:
    """The content of each slot as a page receives it, from ``shows``, by slot; ``html`` is by
    touch."""
    now = clock.now()
    return {
        slot: {
            "token": links.placement(row.touch_id),
            "html": html[row.touch_id],
            "ends_in": max(0.0, round(clock.real_seconds(row.until - now), 3)),
        }
        for slot, row in shows.items()
    }


def _room() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


class Page:
    """An open page: its visitor, its slots, and what it was last told. ``more`` is added to every message."""

    def __init__(self, visitor: Identity, slots: Collection[str], more: Mapping[str, Any]) -> None:
        self.visitor = visitor
        self._slots = frozenset(slots)
        self._more = dict(more)
        self._shown: dict[str, str] | None = None
        self._news: Contents | None = None
        self._woken = asyncio.Event()
        self._closed = False

    def its_own(self, visit: SiteVisit | None) -> dict[str, LivePlacement]:
        """The content of this visit that belongs into the page's slots, by slot."""
        return {slot: row for slot, row in visit.shows.items() if slot in self._slots} if visit else {}

    def differs(self, shows: Mapping[str, LivePlacement]) -> bool:
        """Whether the page's content differs from what it was last told."""
        return self._shown != {slot: row.touch_id for slot, row in shows.items()}

    def tell(self, shows: Mapping[str, LivePlacement], told: Contents) -> None:
        """Queue the new content for the page."""
        self._shown = {slot: row.touch_id for slot, row in shows.items()}
        self._news = told
        self._woken.set()

    def close(self) -> None:
        """End the page's stream."""
        self._closed = True
        self._woken.set()

    async def events(self, heartbeat: float) -> AsyncIterator[bytes]:
        """Server-sent events until the page is closed, with a comment after ``heartbeat`` seconds of silence."""
        yield b": idic\n\n"
        while not self._closed:
            try:
                async with asyncio.timeout(heartbeat):
                    await self._woken.wait()
            except TimeoutError:
                yield b":\n\n"
                continue
            self._woken.clear()
            if self._news is not None:
                told, self._news = {"slots": self._news, **self._more}, None
                yield b"data: " + to_json(told) + b"\n\n"


class Streams:
    """The open pages of this process.

    Call ``close`` before you stop the server, which waits for its connections, and await ``closed`` before you close the
    store.
    """

    def __init__(
        self, store: Store, links: Links, *, every: float = EVERY, most: int | None = None, heartbeat: float = HEARTBEAT
    ) -> None:
        self._store = store
        self._links = links
        self._every = every
        self._most = most or _room()
        self._heartbeat = heartbeat
        self._pages: set[Page] = set()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False
        self._troubled = False

    @property
    def open_pages(self) -> int:
        """How many pages are open."""
        return len(self._pages)

    def close(self) -> None:
        """End every stream and accept no new ones."""
        self._closed = True
        for page in self._pages:
            page.close()

    async def closed(self) -> None:
        """Wait until nothing uses the store any more; call ``close`` first."""
        if self._looking is not None:
            await self._looking

    def stream(self, visitor: Identity, slots: Collection[str], more: Mapping[str, Any]) -> StreamingResponse:
        """The answer that streams a page's events. Raises ``HttpRefusal`` (503) if too many pages are open."""
        if self._closed or len(self._pages) >= self._most:
            why = "this server is stopping" if self._closed else f"{self._most} pages are open here, the most there may be"
            raise HttpRefusal(503, "no_room", why, headers={"Retry-After": "30"})
        return _Streaming(self, Page(visitor, slots, more), self._heartbeat)

    @contextlib.contextmanager
    def opened(self, page: Page) -> Iterator[None]:
        """Keep a page registered while its stream runs."""
        self._pages.add(page)
        if self._closed:
            page.close()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            self._pages.discard(page)

    async def _look_on(self) -> None:
        while self._pages and not self._closed:
            try:
                await self._look()
                self._troubled = False
            except StoreUnavailable as error:
                if not self._troubled:
                    log.warning("open pages are told nothing for now", reason=error.code)
                self._troubled = True
            except Exception as error:
                log.error("open pages not looked after", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _look(self) -> None:
        pages: dict[Identity, list[Page]] = {}
        for page in self._pages:
            pages.setdefault(page.visitor, []).append(page)
        unnoted = set[str]()
        everybody = list(pages)
        for together in (everybody[at : at + _TOGETHER] for at in range(0, len(everybody), _TOGETHER)):
            async with self._store.reading() as tx:
                visits = await visitors.visits(tx, together)
                changed = [
                    (page, shows)
                    for visitor in together
                    for page in pages[visitor]
                    if page.differs(shows := page.its_own(visits.get(visitor)))
                ]
                touches = {row.touch_id for _, shows in changed for row in shows.values()}
                html = await web_placements.html(tx, touches) if touches else {}
                for page, shows in changed:
                    page.tell(shows, contents(self._store.clock, self._links, shows, html))
            unnoted.update(visit.customer for visit in visits.values() if visit.unnoted)
        if unnoted:
            await self._store.move("seen", lambda tx: visitors.note_seen(tx, unnoted))


class _Streaming(StreamingResponse):
    """A streamed answer that registers its page when it begins and removes it however it ends."""

    def __init__(self, streams: Streams, page: Page, heartbeat: float) -> None:
        # Proxies must neither cache nor buffer the stream.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(page.events(heartbeat), media_type="text/event-stream", headers=headers)
        self._streams = streams
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.opened(self._page):
            await super().__call__(scope, receive, send)
