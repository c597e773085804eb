"""Access to the console, and the security headers of its pages."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from idic.api.keys import ApiKeys, basic

Mode = Literal["off", "key", "open"]

_AT_HOME = {"localhost", "127.0.0.1", "::1"}


class AccessDenied(NamedTuple):
    """Why a request isn't let in."""

    status: int
    title: str
    text: str
    headers: dict[str, str] = {}


class ConsoleAccess:
    """Checks access to the console.

    ``key``: Basic authentication with a secret key as user name or password, which browsers ask for by themselves.
    ``open``: requests to this machine by one of its own names; another name may be a page elsewhere that points its name
    here (DNS rebinding).
    """

    def __init__(self, mode: Mode, keys: ApiKeys) -> None:
        self.mode = mode
        self._keys = keys

    def closed(self, request: Request) -> AccessDenied | None:
        """Why the request isn't let in; None if it is."""
        if self.mode == "open":
            return None if _host(request) in _AT_HOME else _ELSEWHERE
        user, password = basic(request) or ("", "")
        # Both are compared, so that the duration doesn't show which one was nearly right.
        if (user in self._keys) | (password in self._keys):
            return None
        return _LOCKED


_LOCKED = AccessDenied(
    401,
    "The console needs a key",
    "Reload the page and enter one of the secret keys (IDIC_SECRET_KEYS) as user name or password.",
    {"WWW-Authenticate": 'Basic realm="idic console", charset="UTF-8"'},
)
_ELSEWHERE = AccessDenied(
    403,
    "Only open on this machine",
    "IDIC_CONSOLE=open answers to localhost and 127.0.0.1. To reach the console from elsewhere, set IDIC_CONSOLE=key.",
)


def _host(request: Request) -> str | None:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None


_ALWAYS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
STYLE = {**_ALWAYS, "Cache-Control": "private, max-age=300"}
"""Headers of the stylesheet, which contains no data and needs no key."""


def preview_headers(*, links: bool) -> dict[str, str]:
    """Headers for previews of messages: they are shown, and can neither run scripts nor fetch anything.

    With ``links``, links open in a new tab.
    """
    sandbox = "sandbox allow-popups allow-popups-to-escape-sandbox" if links else "sandbox"
    return {
        **_ALWAYS,
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; font-src data:; form-action 'none'; "
            f"base-uri 'self'; frame-ancestors 'self'; {sandbox}"
        ),
        "X-Frame-Options": "SAMEORIGIN",
    }


def page_headers(request: Request) -> dict[str, str]:
    """Headers for the console's own pages. Frames may show previews only."""
    host = request.headers.get("host", "")
    frames = f"{host}/console/outbox/" if host and all(c.isalnum() or c in ".-:[]" for c in host) else "'self'"
    return {
        **_ALWAYS,
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src {frames}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
    }
