"""Make one try of a call: send the request, follow safe redirects, read the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import httpx
import structlog
from pydantic import JsonValue, SecretStr

from idic.interact.channels.outcomes import LONGEST, clean
from idic.interact.channels.retry_after import retry_after
from idic.interact.endpoints.allowed_addresses import Resolve, is_listed, system_addresses
from idic.interact.endpoints.outcome import Answered, CallLater, CallOutcome, CannotCall, Failed
from idic.interact.endpoints.pinned_transport import EndpointRequest, PinnedTransport, direct_transport, port_of
from idic.interact.endpoints.request import address, ask
from idic.interact.endpoints.response import LARGEST, read_answer
from idic.journey.program.values import Endpoint

HOPS = 3
"""Redirects that are followed in one try."""

_BUSY = (408, 425, 429)
_SHOWN = ("accept", "accept-encoding", "idempotency-key", "content-type")
"""Headers that another host may see, too. Headers that an endpoint declares may hold a secret."""

_MISCONFIGURED = ("secret_missing", "address_refused", "bad_url", "bad_header")
"""Failures that the operator or the author of the vocabulary must fix."""

log = structlog.get_logger()


class Caller:
    """Makes calls. ``secrets`` are by name; ``private`` are the hosts that may be in the intranet. ``resolve`` finds the
    addresses of a host, ``transport`` connects to one."""

    def __init__(
        self,
        secrets: Mapping[str, SecretStr] | None = None,
        private: Collection[str] = (),
        *,
        resolve: Resolve = system_addresses,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._secrets = dict(secrets or {})
        self._private = frozenset(private)
        self._pinned = PinnedTransport(resolve, transport or direct_transport())

    async def call(
        self,
        endpoint: Endpoint,
        given: Mapping[str, JsonValue],
        *,
        key: str,
        currency: str = "EUR",
        seconds: float | None = None,
    ) -> CallOutcome:
        """Try once, within the endpoint's time-out, and within ``seconds`` (real) where that is less.

        Never raises for what the service or the network does. When it is cancelled, the service may have got the request; it
        may be repeated with the same ``key``, which is the idempotency key.
        """
        patience = min(endpoint.seconds, seconds) if seconds is not None else endpoint.seconds
        try:
            request = ask(endpoint, given, self._secrets, key=key, currency=currency)
            async with asyncio.timeout(patience):
                return await self._follow(endpoint, request, currency, patience)
        except CannotCall as error:
            if error.code in _MISCONFIGURED:
                log.warning("an endpoint cannot be called as it is declared", endpoint=endpoint.name, code=error.code)
            return Failed(error.code, str(error))
        except (TimeoutError, httpx.TimeoutException):
            return CallLater("no_answer_in_time", f"no whole answer within {patience:g} seconds")
        except httpx.ConnectError as error:
            return CallLater("unreachable", clean(f"not connected: {error}")[:LONGEST])
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            # The text of such an error may repeat the request.
            return CallLater("connection_lost", type(error).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._pinned.close()

    async def _follow(self, endpoint: Endpoint, request: EndpointRequest, currency: str, patience: float) -> CallOutcome:
        private = self._is_private(request.url)
        for _ in range(HOPS + 1):
            async with self._pinned.send(request, private=private, connect=patience) as response:
                if not response.has_redirect_location:
                    return await self._judge(endpoint, response, currency)
                following = _redirected(request, response)
            # Only a host in the intranet may redirect to another one in the intranet.
            private = private and self._is_private(following.url)
            request = following
        raise CannotCall("redirected", f"the service redirects more than {HOPS} times")

    async def _judge(self, endpoint: Endpoint, response: httpx.Response, currency: str) -> CallOutcome:
        status = response.status_code
        code, detail = f"http_{status}", f"the service answered {status}"
        if status // 100 == 2:
            # An answer that nobody needs cannot be wrong.
            return Answered(read_answer(endpoint, await _whole(response), currency) if endpoint.gives else {})
        if status in _BUSY or status // 100 == 5:
            return CallLater(code, detail, retry_after(response.headers))
        if status in (401, 403):
            log.warning("an endpoint does not let idic in: check its secrets", endpoint=endpoint.name, status=status)
        return Failed(code, detail)

    def _is_private(self, url: httpx.URL) -> bool:
        return is_listed(url.raw_host.decode("ascii"), self._private)


async def _whole(response: httpx.Response) -> bytes:
    """The body. Raises ``CannotCall`` where it is compressed or too long."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise CannotCall("unexpected_answer", "the answer is compressed, which was not asked for")
    body = bytearray()
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        body += chunk
        if len(body) > LARGEST:
            raise CannotCall("unexpected_answer", f"the answer is longer than {LARGEST} bytes")
    return bytes(body)


def _redirected(request: EndpointRequest, response: httpx.Response) -> EndpointRequest:
    """The request after a redirect. Raises ``CannotCall`` for a redirect that would change the request or make it less safe."""
    url = address(response.headers["location"], request.url)
    if url is None:
        raise CannotCall("redirected", "the service redirects to what is no address")
    if request.url.scheme == "https" and url.scheme == "http":
        raise CannotCall("redirected", "the service redirects from https to http")
    headers = dict(request.headers)
    if not _same_origin(request.url, url):
        headers = {name: value for name, value in headers.items() if name in _SHOWN}
    if request.method == "GET" or response.status_code in (307, 308):
        return request._replace(url=url, headers=headers)
    if response.status_code == 303:
        headers.pop("content-type", None)
        return EndpointRequest("GET", url, headers)
    raise CannotCall(
        "redirected", f"the service answered {response.status_code}, after which nobody repeats a {request.method}"
    )


def _same_origin(first: httpx.URL, other: httpx.URL) -> bool:
    def origin(url: httpx.URL) -> tuple[str, bytes, int]:
        return url.scheme, url.raw_host, port_of(url)

    upgraded = (first.scheme, other.scheme) == ("http", "https") and (first.port, other.port) == (None, None)
    return origin(first) == origin(other) or (upgraded and first.raw_host == other.raw_host)
