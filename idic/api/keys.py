"""API keys: write keys send events and may be public, secret keys read and enroll."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

from starlette.requests import HTTPConnection

from idic.api.problem_details import HttpRefusal


class ApiKeys:
    """A set of API keys."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def __contains__(self, key: object) -> bool:
        """Compare in constant time, so that the duration doesn't show how close a guess was."""
        if not isinstance(key, str):
            return False
        given = key.encode("utf-8", "surrogatepass")
        found = False
        for own in self._keys:
            found |= hmac.compare_digest(own, given)
        return found


def presented(request: HTTPConnection) -> str | None:
    """The key in ``Authorization`` (Bearer, or the user name of Basic). None without the header, "" if it can't be read."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credentials = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            pair = basic(request)
            return pair[0] if pair else ""
        case _:
            return ""


def basic(request: HTTPConnection) -> tuple[str, str] | None:
    """User name and password of Basic authentication; None if they are missing or can't be read."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return user, password


def refused(message: str) -> HttpRefusal:
    """A 401 with this message."""
    return HttpRefusal(401, "unauthorized", message, headers={"WWW-Authenticate": 'Basic realm="idic", charset="UTF-8"'})
