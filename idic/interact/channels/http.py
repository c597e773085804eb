"""Post one request to a provider, and say how certain the outcome is.

Before the first byte of a request nothing was sent, whatever goes wrong. After it only an answer is certain; a time-out or a
reset leaves the outcome unknown.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from pydantic_core import from_json

from idic.interact.channels.contract import Accepted, Later, Outcome, Placed, Unsure
from idic.interact.channels.outcomes import storable

LARGEST = 64_000
"""Bytes of an answer that are read."""


class ProviderAnswer(NamedTuple):
    """A provider's answer. ``body`` is empty where the answer broke off after its head; the status is then known still."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in the body; empty where there is none."""
        try:
            document = from_json(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


class Poster:
    """Posts to one provider. Codes for failures begin with the provider's name. ``timeout`` (real seconds) is for a whole
    request; ``connections`` is the most at once. ``more`` goes to httpx: credentials, headers."""

    def __init__(self, provider: str, *, timeout: float, connections: int, **more: Any) -> None:
        self._provider = provider
        self._timeout = timeout
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5)),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=5),
            follow_redirects=False,
            **more,
        )

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> ProviderAnswer | Later | Unsure:
        """Post once. Never raises for what the provider or the network does."""
        progress = _Progress()
        body = bytearray()
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", url, content=content, headers=headers, extensions={"trace": progress}) as response,
            ):
                progress.response = response
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        break
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, TimeoutError) as error:
            if progress.response is None:
                return self._lost(progress, error)
            body.clear()
        assert progress.response is not None
        return ProviderAnswer(progress.response.status_code, progress.response.headers, bytes(body))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _lost(self, progress: _Progress, error: Exception) -> Later | Unsure:
        slow = isinstance(error, (TimeoutError, httpx.TimeoutException))
        detail = f"{type(error).__name__}: {error}"
        if progress.begun:
            return Unsure(f"{self._provider}_timeout" if slow else f"{self._provider}_connection_lost", detail)
        # That all of our connections are in use does not mean that the provider is down.
        down = not isinstance(error, httpx.PoolTimeout)
        return Later(f"{self._provider}_timeout" if slow else f"{self._provider}_unreachable", detail, down=down)


class _Progress:
    """The progress of one request, as httpx reports it. ``begun``: its first byte may have left."""

    def __init__(self) -> None:
        self.begun = False
        self.response: httpx.Response | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        # A proxy gets a CONNECT request of its own, which carries nothing of the message.
        if event.endswith(".send_request_headers.started") and info["request"].method == b"POST":
            self.begun = True


def without(secrets: Sequence[str], outcome: Outcome) -> Outcome:
    """The outcome without secrets that the provider may repeat, and without characters that cannot be stored."""
    if not isinstance(outcome, (Accepted, Placed)):
        hidden = "|".join(re.escape(secret) for secret in secrets if secret)
        outcome = outcome._replace(detail=re.sub(hidden, "…", outcome.detail)) if hidden else outcome
    return storable(outcome)


def reachable(public_url: str, provider_url: str, provider: str) -> bool:
    """Whether reports can come back to ``public_url``. The real ``provider`` (a domain) refuses a message whose reports would
    go to the machine itself; whatever stands in for it here can reach us."""
    provider_host, own_host = urlsplit(provider_url).hostname or "", urlsplit(public_url).hostname or ""
    return not (provider_host.endswith(provider) and (own_host in ("localhost", "::1") or own_host.startswith("127.")))
