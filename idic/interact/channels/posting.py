"""One request to a provider over HTTP, and how certain it is of what became of it.

Before the request's first byte nothing was sent, whatever goes wrong. After it, only an answer is the truth; silence and a
reset leave us unsure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from pydantic_core import from_json

from idic.interact.channels.protocol import Later, Unsure

LARGEST = 64_000
"""Bytes of an answer that are read."""


class Answer(NamedTuple):
    """``body`` is empty where the answer broke off after its head, which says whether the message was taken."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object that the body holds; empty where it holds none."""
        try:
            document = from_json(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


class Lost(NamedTuple):
    """No answer came. ``begun``: the request's first byte may have left; ``slow``: it took too long; ``ours``: every
    connection that we allow ourselves was in use."""

    begun: bool
    slow: bool
    ours: bool
    detail: str

    def outcome(self, provider: str) -> Later | Unsure:
        """``provider`` begins the stable word."""
        if self.begun:
            return Unsure(f"{provider}_timeout" if self.slow else f"{provider}_connection_lost", self.detail)
        return Later(f"{provider}_timeout" if self.slow else f"{provider}_unreachable", self.detail, down=not self.ours)


def client(timeout: float, connections: int, **more: Any) -> httpx.AsyncClient:
    """For requests that take ``timeout`` real seconds at the most, so many at once. ``more`` is httpx's."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(timeout, connect=min(timeout, 5)),
        limits=httpx.Limits(max_connections=connections, keepalive_expiry=5),
        follow_redirects=False,
        **more,
    )


async def post(client: httpx.AsyncClient, url: str, content: bytes, kind: str, timeout: float) -> Answer | Lost:
    """Post ``content`` of the media type ``kind`` once, within ``timeout`` real seconds as a whole."""
    progress = _Progress()
    body = bytearray()
    try:
        async with (
            asyncio.timeout(timeout),
            client.stream(
                "POST", url, content=content, headers={"Content-Type": kind}, extensions={"trace": progress}
            ) as response,
        ):
            progress.response = response
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, TimeoutError) as error:
        if progress.response is None:
            slow = isinstance(error, (TimeoutError, httpx.TimeoutException))
            ours = isinstance(error, httpx.PoolTimeout)
            return Lost(progress.begun, slow, ours, f"{type(error).__name__}: {error}")
        body.clear()
    return Answer(progress.response.status_code, progress.response.headers, bytes(body))


class _Progress:
    """How far one request has come, as httpx tells it. ``begun``: its first byte may have left."""

    def __init__(self) -> None:
        self.begun = False
        self.response: httpx.Response | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        # A proxy is asked for the way with a request of its own, which carries nothing of the message.
        if event.endswith(".send_request_headers.started") and info["request"].method == b"POST":
            self.begun = True


def is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def reachable(public_url: str, provider_url: str, provider: str) -> bool:
    """Whether reports can come back to ``public_url``. The real ``provider`` (a domain) refuses a message whose reports would
    go to the machine itself; whatever stands in for it here can reach us."""
    there, here = urlsplit(provider_url).hostname or "", urlsplit(public_url).hostname or ""
    return not (there.endswith(provider) and (here in ("localhost", "::1") or here.startswith("127.")))
