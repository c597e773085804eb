"""Send requests to the address that was checked: the name is not resolved a second time."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from idic.interact.endpoints.allowed_addresses import Resolve, check_addresses


class EndpointRequest(NamedTuple):
    """One request to an endpoint. Names in ``headers`` are lower-case."""

    method: str
    url: httpx.URL
    headers: Mapping[str, bytes]
    body: bytes = b""


def port_of(url: httpx.URL) -> int:
    """The port of an address, also where it is not written."""
    if url.port is not None:
        return url.port
    return 443 if url.scheme == "https" else 80


def direct_transport(tls: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """A transport without a proxy, whatever the environment says, that opens a new connection each time: a connection to one
    host is never used for another at the same address. The caller limits how many there are at once. ``tls`` is whom to trust,
    if not as this machine does."""
    return httpx.AsyncHTTPTransport(
        verify=tls or httpx.create_ssl_context(),
        trust_env=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )


class PinnedTransport:
    """Sends requests to checked addresses. TLS still verifies the host's name."""

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
        """Close the connections."""
        await self._transport.aclose()

    async def _first(self, request: EndpointRequest, host: str, addresses: list[str], connect: float) -> httpx.Response:
        """The answer of the first address that accepts a connection."""
        *others, last = addresses
        for address in others:
            try:
                return await self._ask(request, host, address, connect)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask(request, host, last, connect)

    async def _ask(self, asked: EndpointRequest, host: str, address: str, connect: float) -> httpx.Response:
        request = httpx.Request(
            asked.method,
            asked.url.copy_with(host=address),
            headers={b"host": asked.url.netloc, **{name.encode("ascii"): value for name, value in asked.headers.items()}},
            content=asked.body or None,
            extensions={"sni_hostname": host, "timeout": {"connect": connect, "pool": connect}},
        )
        return await self._transport.handle_async_request(request)
