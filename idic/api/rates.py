"""Rate limits: for each API key, for each link, and for each address that guesses links.

Each process counts in memory: several API processes allow that many times as much. A refused request isn't read and nothing
of it is kept; clients send their events again after ``Retry-After``.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable, Hashable, Sequence

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idic.api.problem_details import HttpRefusal

BURST = 10.0
"""How many seconds' worth of its rate a key may use at once."""

PER_LINK, LINK_BURST = 1.0, 30.0
"""Requests a second to one link's page, and how many at once: each may write an event."""
MISSES, MISSES_BURST = 0.5, 30.0
"""Unknown links that one address may try a second, and how many at once."""


class TokenBucket:
    """A token bucket: ``rate`` a second, saved up to ``burst``. A larger request is served and paid for afterwards, so a
    batch larger than the burst gets through and the next one waits.

    ``rate`` 0 sets no limit. ``now`` returns seconds of a clock that never goes back. With more than ``most`` callers, the
    oldest are forgotten.
    """

    def __init__(self, rate: float, burst: float, *, now: Callable[[], float] = time.monotonic, most: int = 50_000) -> None:
        self._rate = rate
        self._saved = burst / rate if rate else 0.0
        self._now = now
        self._most = most
        # When each caller's bucket is full again; callers with a full bucket aren't kept.
        self._whole_at: dict[Hashable, float] = {}

    def wait(self, caller: Hashable) -> float:
        """Seconds until this caller may ask again; 0 for now."""
        whole_at = self._whole_at.get(caller)
        if whole_at is None:
            return 0.0
        # Half a request is tolerated against rounding errors.
        return max(0.0, whole_at - self._now() - self._saved + 0.5 / self._rate)

    def use(self, caller: Hashable, amount: float = 1.0) -> None:
        """Charge ``amount`` to a caller."""
        if not self._rate:
            return
        now = self._now()
        self._whole_at[caller] = max(self._whole_at.pop(caller, now), now) + amount / self._rate
        if len(self._whole_at) > self._most:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Forget full buckets first, then the oldest, so that callers can't fill the memory."""
        self._whole_at = {caller: whole_at for caller, whole_at in self._whole_at.items() if whole_at > now}
        for caller in list(self._whole_at)[: max(0, len(self._whole_at) - self._most // 2)]:
            del self._whole_at[caller]


class Rates:
    """``per_key`` messages or requests a second for each key, ten seconds' worth at once. ``now`` is as in ``TokenBucket``."""

    def __init__(self, per_key: float = 0.0, *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._keys = TokenBucket(per_key, per_key * BURST, now=now)

    def check(self, key: str) -> None:
        """Check before the request is read. Raises ``HttpRefusal`` (429) while the key's budget is used up."""
        if wait := self._keys.wait(key):
            why = "this key has sent more than IDIC_RATE_LIMIT allows; nothing of this was read: send it again later"
            raise HttpRefusal(429, "too_many_requests", why, headers=retry_after(wait))

    def use(self, key: str, messages: int = 1) -> None:
        """Charge a key for its messages."""
        self._keys.use(key, messages)


def retry_after(seconds: float) -> dict[str, str]:
    """Whole seconds for ``Retry-After``, at least 1: clients take 0 for a missing header."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def address(connection: HTTPConnection) -> str:
    """The caller's address: IPv4, or the /64 network of IPv6, which usually belongs to one customer."""
    host = connection.client.host if connection.client else ""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.IPv6Network((ip, 64), strict=False).network_address)
    return host


class Pages:
    """Middleware that limits the pages behind links (``prefixes``; ``guessable`` are prefixes of unsigned codes).

    Each link has its own rate. An address that tries unknown links has to wait, and meanwhile unsigned codes aren't looked
    up for it. A valid signed link still works: it can't be guessed, and others may share the address behind a proxy.
    """

    def __init__(
        self,
        app: ASGIApp,
        prefixes: Sequence[str],
        guessable: Sequence[str],
        now: Callable[[], float],
    ) -> None:
        self._app = app
        self._prefixes = tuple(prefixes)
        self._guessable = tuple(guessable)
        self._links = TokenBucket(PER_LINK, LINK_BURST, now=now)
        self._misses = TokenBucket(MISSES, MISSES_BURST, now=now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefixes):
            await self._app(scope, receive, send)
            return
        path, caller = scope["path"], address(HTTPConnection(scope))
        wait = self._links.wait(path)
        tried_too_often = self._misses.wait(caller)
        if path.startswith(self._guessable):
            wait = max(wait, tried_too_often)
        if wait:
            await _later(wait)(scope, receive, send)
            return
        refused = False

        async def noting(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                if message["status"] == 404:
                    self._misses.use(caller)
                    refused = bool(tried_too_often)
                else:
                    self._links.use(path)
            if not refused:
                await send(message)

        await self._app(scope, receive, noting)
        if refused:
            await _later(tried_too_often)(scope, receive, send)


def _later(seconds: float) -> HTMLResponse:
    return HTMLResponse(_PAGE, 429, retry_after(seconds) | {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Too often</title>
</head>
<body>
<p>This page was asked for too often. Please try again in a minute.</p>
</body>
</html>
"""
