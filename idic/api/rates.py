"""How much one caller may ask for: a budget a key for what has a key, and for pages behind links one for each link and one
for the tries of an address that miss.

Counted in this process alone, and in memory: several processes of the API allow as many times as much. What is refused was
not read, and nothing of it is kept; clients that send events send it again after ``Retry-After``.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable, Hashable, Sequence

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idic.api.problem_details import Refusal

BURST = 10.0
"""Seconds' worth of its rate that a key may use at once."""

PER_LINK, LINK_BURST = 1.0, 30.0
"""Requests a second to the page behind one link, and how many at once: each may write an event."""
MISSES, MISSES_BURST = 0.5, 30.0
"""Links a second that one address may try and that are none of ours, and how many at once."""


class Budget:
    """So much a second, saved up for ``burst`` at most. What is asked for at once may be more than is left, and is then
    paid for afterwards: a batch larger than the burst is served too, and the next one waits. ``rate`` 0 sets no limit.

    ``now`` are seconds of any clock that never goes back. Of more than ``most`` callers the earliest are forgotten.
    """

    def __init__(self, rate: float, burst: float, *, now: Callable[[], float] = time.monotonic, most: int = 50_000) -> None:
        self._rate = rate
        self._saved = burst / rate if rate else 0.0
        self._now = now
        self._most = most
        # When all that a caller has used will be saved up again; none for who has everything.
        self._whole_at: dict[Hashable, float] = {}

    def wait(self, caller: Hashable) -> float:
        """Seconds until this caller may ask for something; 0 for now."""
        whole_at = self._whole_at.get(caller)
        if whole_at is None:
            return 0.0
        # Half a request too little is as good as none: it is only to be kept from rounding.
        return max(0.0, whole_at - self._now() - self._saved + 0.5 / self._rate)

    def use(self, caller: Hashable, amount: float = 1.0) -> None:
        if not self._rate:
            return
        now = self._now()
        self._whole_at[caller] = max(self._whole_at.pop(caller, now), now) + amount / self._rate
        if len(self._whole_at) > self._most:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """The whole ones first; then, so that nobody fills the memory with callers, those that came longest ago."""
        self._whole_at = {caller: whole_at for caller, whole_at in self._whole_at.items() if whole_at > now}
        for caller in list(self._whole_at)[: max(0, len(self._whole_at) - self._most // 2)]:
            del self._whole_at[caller]


class Rates:
    """``per_key`` messages or requests a second for each key, ten seconds' worth of them at once. ``now`` is the clock by which
    this API counts, as ``Budget`` has it."""

    def __init__(self, per_key: float = 0.0, *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._keys = Budget(per_key, per_key * BURST, now=now)

    def check(self, key: str) -> None:
        """Before anything is read. Raises ``Refusal`` (429) while what this key may ask for is used up."""
        if wait := self._keys.wait(key):
            why = "this key has sent more than IDIC_RATE_LIMIT allows; nothing of this was read: send it again later"
            raise Refusal(429, "too_many_requests", why, headers=retry_after(wait))

    def use(self, key: str, messages: int = 1) -> None:
        self._keys.use(key, messages)


def retry_after(seconds: float) -> dict[str, str]:
    """Whole seconds, for that is all that the header knows; never none, which clients take for no header."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def address(connection: HTTPConnection) -> str:
    """Who calls, as far as anybody can tell: an IPv4 address, or the /64 that one customer's IPv6 addresses are of."""
    host = connection.client.host if connection.client else ""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False).network_address)
    return host


class Pages:
    """Stands before the pages behind links (``prefixes``, of which a code without signature follows those in ``guessable``).

    One link is opened so often and no more. Who tries links that are none of ours is told to wait, and while they wait no
    code without signature is looked up for them. A signed link that is right still works: it cannot be guessed, and others
    may share the address, such as everybody behind a proxy that does not say for whom it asks.
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
        self._links = Budget(PER_LINK, LINK_BURST, now=now)
        self._misses = Budget(MISSES, MISSES_BURST, now=now)

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
