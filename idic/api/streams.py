"""Open pages: each is told at once when what it should show has changed.

All of a process's pages are looked after together: twice a second one question to the store, for as many visitors at a time
as fit in a statement, and it is asked only while a page is open.
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

from idic.api.problem_details import Refusal
from idic.clock import Clock
from idic.errors import StoreUnavailable
from idic.identify.resolution import Identity
from idic.interact.tracking.links import Links
from idic.store.customer import visitors
from idic.store.customer.visitors import Visit
from idic.store.database import Store
from idic.store.enrollment import web_placements
from idic.store.tables import Row

EVERY = 0.5
"""Real seconds between two looks at the store."""
MOST = 5000
"""Open pages of one process, or half as many as the system lets it open files; the next is asked to try again later, and
until then sees what was there when it asked."""
HEARTBEAT = 15.0
"""Real seconds of silence after which a page, and whatever stands in between, hears that the connection is alive."""
_TOGETHER = 500
"""Visitors in one question to the store."""

log = structlog.get_logger("idic.api")

Contents = dict[str, dict[str, Any]]
"""What is shown, by slot: the ``token`` to report it with, its ``html``, and after how many real seconds it ``ends_in``."""


def contents(clock: Clock, links: Links, shows: Mapping[str, Row], html: Mapping[str, str]) -> Contents:
    """``shows``, rows of ``placements.live`` by slot, as a page is told of them; ``html`` is by touch."""
    now = clock.now()
    return {
        slot: {
            "token": links.placement(row["touch_id"]),
            "html": html[row["touch_id"]],
            "ends_in": max(0.0, round(clock.real_seconds(row["until"] - now), 3)),
        }
        for slot, row in shows.items()
    }


def _room() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, files // 2)


class Page:
    """One open page: who looks at it, its slots, and what it was last told. ``more`` is told beside it each time."""

    def __init__(self, visitor: Identity, slots: Collection[str], more: Mapping[str, Any]) -> None:
        self.visitor = visitor
        self._slots = frozenset(slots)
        self._more = dict(more)
        self._shown: dict[str, str] | None = None
        self._news: Contents | None = None
        self._woken = asyncio.Event()
        self._closed = False

    def its_own(self, visit: Visit | None) -> dict[str, Row]:
        return {slot: row for slot, row in visit.shows.items() if slot in self._slots} if visit else {}

    def differs(self, shows: Mapping[str, Row]) -> bool:
        return self._shown != {slot: row["touch_id"] for slot, row in shows.items()}

    def tell(self, shows: Mapping[str, Row], told: Contents) -> None:
        self._shown = {slot: row["touch_id"] for slot, row in shows.items()}
        self._news = told
        self._woken.set()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    async def events(self, heartbeat: float) -> AsyncIterator[bytes]:
        """Server-sent events, until the page is closed; a comment after ``heartbeat`` seconds without any."""
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
    """The open pages of this process. ``close`` before the server is told to stop: it waits for its connections; and wait for
    ``closed`` before the store is closed."""

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
        return len(self._pages)

    def close(self) -> None:
        """End every stream, and begin no other."""
        self._closed = True
        for page in self._pages:
            page.close()

    async def closed(self) -> None:
        """After ``close``: until nobody asks the store any more."""
        if self._looking is not None:
            await self._looking

    def stream(self, visitor: Identity, slots: Collection[str], more: Mapping[str, Any]) -> StreamingResponse:
        """Raises ``Refusal`` (503) where there is no room for one more."""
        if self._closed or len(self._pages) >= self._most:
            why = "this server is stopping" if self._closed else f"{self._most} pages are open here, the most there may be"
            raise Refusal(503, "no_room", why, headers={"Retry-After": "30"})
        return _Streaming(self, Page(visitor, slots, more), self._heartbeat)

    @contextlib.contextmanager
    def opened(self, page: Page) -> Iterator[None]:
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
                touches = {row["touch_id"] for _, shows in changed for row in shows.values()}
                html = await web_placements.html(tx, touches) if touches else {}
                for page, shows in changed:
                    page.tell(shows, contents(self._store.clock, self._links, shows, html))
            unnoted.update(visit.customer for visit in visits.values() if visit.unnoted)
        if unnoted:
            await self._store.move("seen", lambda tx: visitors.seen(tx, unnoted))


class _Streaming(StreamingResponse):
    """Takes its place among the open pages when it begins, and gives it back however it ends."""

    def __init__(self, streams: Streams, page: Page, heartbeat: float) -> None:
        # Proxies must neither keep it nor wait until there is more of it.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(page.events(heartbeat), media_type="text/event-stream", headers=headers)
        self._streams = streams
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.opened(self._page):
            await super().__call__(scope, receive, send)
