"""Who may look at the console, and what a browser may do with its pages."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from idic.api.keys import Keys, basic

Mode = Literal["off", "key", "open"]

_AT_HOME = {"localhost", "127.0.0.1", "::1"}


class Closed(NamedTuple):
    """Why somebody is not let in."""

    status: int
    title: str
    text: str
    headers: dict[str, str] = {}


class Door:
    """``key``: Basic authentication with a secret key as user name or password, for which browsers ask by themselves.
    ``open``: whoever calls this machine by a name of its own; any other name is that of a page elsewhere which had its
    name point here, to read what it may not."""

    def __init__(self, mode: Mode, keys: Keys) -> None:
        self.mode = mode
        self._keys = keys

    def closed(self, request: Request) -> Closed | None:
        """None for whom it is open."""
        if self.mode == "open":
            return None if _host(request) in _AT_HOME else _ELSEWHERE
        user, password = basic(request) or ("", "")
        # Both are compared, so that the time tells nothing of which was nearly right.
        if (user in self._keys) | (password in self._keys):
            return None
        return _LOCKED


_LOCKED = Closed(
    401,
    "The console needs a key",
    "Reload the page and give one of the secret keys (IDIC_SECRET_KEYS) as user name or as password.",
    {"WWW-Authenticate": 'Basic realm="idic console", charset="UTF-8"'},
)
_ELSEWHERE = Closed(
    403,
    "Open on this machine only",
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
"""The stylesheet tells nothing of anybody."""


def preview_headers(*, links: bool) -> dict[str, str]:
    """For what customers were sent: it is shown, and can neither run nor fetch anything, whoever wrote it. With ``links``
    pressed ones open in a tab of their own."""
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
    """For the console's own pages. Frames may hold previews and nothing else: a link pressed in one leads nowhere else."""
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
