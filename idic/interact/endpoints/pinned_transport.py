"""Requests that go to an address which was checked, and to no other: nobody resolves the name a second time."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from idic.interact.endpoints.allowed_addresses import Resolve, check_addresses


class EndpointRequest(NamedTuple):
    """One request. ``headers`` names are lower-case."""

    method: str
    url: httpx.URL
    headers: Mapping[str, bytes]
    body: bytes = b""


def port_of(url: httpx.URL) -> int:
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def direct_transport(tls: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """Connects without a proxy, whatever the environment says, and anew each time: a connection that was opened to one host
    is never used for another at the same address. How many there are at once is for its user to bound. ``tls`` is whom to
    trust, where that is not what this machine says."""
    return httpx.AsyncHTTPTransport(
        verify=tls or httpx.create_ssl_context(),
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )


class PinnedTransport:
    """TLS verifies the host's name, though it is the address that is connected to."""

    def __init__(self, resolve: Resolve, transport: httpx.AsyncBaseTransport) -> None:
        self._resolve = resolve
        self._transport = transport

    @asynccontextmanager
    async def send(self, asked: EndpointRequest, *, private: bool, connect: float) -> AsyncIterator[httpx.Response]:
        """The answer, its body unread. ``private`` is whether the host may lie in the intranet; ``connect`` is how many
        seconds connecting may take. Raises ``CannotCall``, ``httpx.TransportError``."""
        host = asked.url.raw_host.decode("ascii").strip("[]")
        try:
            addresses = await check_addresses(host, port_of(asked.url), self._resolve, private=private)
        except (OSError, UnicodeError):
            raise httpx.ConnectError("the name of the host leads nowhere") from None
        response = await self._first(asked, host, addresses, connect / len(addresses))
        try:
            yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._transport.aclose()

    async def _first(self, asked: EndpointRequest, host: str, addresses: list[str], connect: float) -> httpx.Response:
        """Of the first address that takes a connection."""
        *others, last = addresses
        for address in others:
            try:
                return await self._ask(asked, host, address, connect)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask(asked, host, last, connect)

    async def _ask(self, asked: EndpointRequest, host: str, address: str, connect: float) -> httpx.Response:
        request = httpx.Request(
            asked.method,
            asked.url.copy_with(host=address),
            headers={b"host": asked.url.netloc, **{name.encode("ascii"): value for name, value in asked.headers.items()}},
            content=asked.body or None,
            extensions={"sni_hostname": host, "timeout": {"connect": connect, "pool": connect}},
        )
        return await self._transport.handle_async_request(request)
