"""Signed addresses in mails: a click that says what was clicked, an unsubscribe that says from what.

A token can be read by anybody and made only by us. It names the touch and never the customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from idic.errors import InvalidInput, SettingsError

CLICK_PATH = "/l/"
UNSUBSCRIBE_PATH = "/u/"


class Click(NamedTuple):
    touch: str
    url: str


class Links:
    """Makes and reads the addresses under ``base_url``.

    ``keys`` are secrets of at least 16 characters: the first signs, all verify, so that a key is changed by putting the
    new one in front and dropping the old one when its mails no longer matter.
    """

    def __init__(self, base_url: str, keys: Sequence[str]) -> None:
        if not keys or any(len(key) < 16 for key in keys):
            raise SettingsError("links need at least one key of 16 characters or more to sign with")
        self._base = base_url.rstrip("/")
        # itsdangerous signs with the last of its keys.
        secrets = [key.encode() for key in reversed(keys)]
        # The salts keep the kinds apart: an unsubscribe token is no click token.
        self._clicks = URLSafeSerializer(secrets, salt="idic.click")
        self._unsubscribes = URLSafeSerializer(secrets, salt="idic.unsubscribe")

    def click(self, touch: str, url: str) -> str:
        """The address that records a click of this touch and leads on to ``url``."""
        return f"{self._base}{CLICK_PATH}{self._clicks.dumps([touch, url])}"

    def unsubscribe(self, touch: str) -> str:
        return f"{self._base}{UNSUBSCRIBE_PATH}{self._unsubscribes.dumps(touch)}"

    def read_click(self, token: str) -> Click:
        """Raises ``InvalidInput`` for a token that we did not make. Only ours lead on: no open redirect."""
        match _read(self._clicks, token):
            case [str(touch), str(url)]:
                return Click(touch, url)
            case _:
                raise InvalidInput("this link is not one of ours", where="token")

    def read_unsubscribe(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        match _read(self._unsubscribes, token):
            case str(touch):
                return touch
            case _:
                raise InvalidInput("this link is not one of ours", where="token")


def _read(serializer: URLSafeSerializer, token: str) -> object:
    try:
        value: object = serializer.loads(token)
    except BadData:
        return None
    return value
