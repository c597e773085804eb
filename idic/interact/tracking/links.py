"""Make and read the signed links in messages: clicks, opens, answers, unsubscribing, and the customer's own pages.

Anybody can read a token, and only idic can make one. It names the touch, or a customer by a random id where the shop itself
asked for the link. The code of a short link says nothing: what it stands for is in the store.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from pydantic import SecretStr

from idic.errors import InvalidInput, SettingsError

CLICK_PATH = "/l/"
UNSUBSCRIBE_PATH = "/u/"
OPEN_PATH = "/o/"
ANSWER_PATH = "/a/"
SHORT_PATH = "/s/"
PREFERENCES_PATH = "/p/"
CONFIRM_PATH = "/c/"
DATA_PATH = "/d/"

_TELLING = (UNSUBSCRIBE_PATH, ANSWER_PATH, PREFERENCES_PATH, CONFIRM_PATH, DATA_PATH)

_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
"""Digits and letters that are not confused when typed."""
SHORT_CODE = 9
"""Characters of a code. There are 56 ** 9 codes: to guess one of a hundred million takes about fifty million tries."""
_BASE = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~%/-]*)?")
"""An address under which others can be put. Mail without a valid unsubscribe address is refused."""
_CODES = re.compile(f"[{_ALPHABET}]{{{SHORT_CODE}}}")


class LinkSettings(Protocol):
    """The settings that links are made by."""

    @property
    def public_url(self) -> str:
        """The base of all links."""
        ...

    @property
    def short_url(self) -> str | None:
        """The base of short links, where it is another."""
        ...

    @property
    def signing_keys(self) -> Sequence[SecretStr]:
        """The keys that sign."""
        ...


class PageOwner(NamedTuple):
    """Whose page a link opens: the customer who got a touch, or a customer by id. ``until`` is when a link of the second kind
    expires, in seconds since 1970; None: never."""

    touch: str | None = None
    customer: str | None = None
    until: int | None = None


class ClickLink(NamedTuple):
    """A tracked link: the touch, and where it leads."""

    touch: str
    url: str


class AnswerLink(NamedTuple):
    """A link that records an answer. ``url`` is where the thank-you page leads on to; None: nowhere."""

    touch: str
    value: str
    url: str | None


class Links:
    """Makes and reads the addresses under ``base_url``; those of short links are under ``short_url``, by default the same.

    ``keys`` are secrets of at least 16 characters: the first signs, all verify. To change a key, put the new one in front and
    drop the old one when its mails no longer matter.
    """

    def __init__(self, base_url: str, keys: Sequence[str], short_url: str | None = None) -> None:
        if not keys or any(len(key) < 16 for key in keys):
            raise SettingsError("links need at least one key of 16 characters or more to sign with")
        self._base = base_url.rstrip("/")
        self._short = (short_url or base_url).rstrip("/")
        self._key = keys[0].encode()
        # itsdangerous signs with the last of its keys.
        secrets = [key.encode() for key in reversed(keys)]
        # The salts keep the kinds apart: an unsubscribe token is no click token.
        self._clicks = URLSafeSerializer(secrets, salt="idic.click")
        self._unsubscribes = URLSafeSerializer(secrets, salt="idic.unsubscribe")
        self._opens = URLSafeSerializer(secrets, salt="idic.open")
        self._answers = URLSafeSerializer(secrets, salt="idic.answer")
        self._placements = URLSafeSerializer(secrets, salt="idic.placement")
        self._preferences = URLSafeSerializer(secrets, salt="idic.preferences")
        self._confirmations = URLSafeSerializer(secrets, salt="idic.confirm")
        self._data = URLSafeSerializer(secrets, salt="idic.data")

    @classmethod
    def set_up(cls, settings: LinkSettings) -> Links:
        """Links as the settings say. Raises ``SettingsError``."""
        for variable, url in (("IDIC_PUBLIC_URL", settings.public_url), ("IDIC_SHORT_URL", settings.short_url)):
            if url and not _BASE.fullmatch(url):
                raise SettingsError(
                    f"{variable} is not an address such as https://idic.shop.example: it begins with https:// (or http://), is "
                    "ASCII, and has no ? or #"
                )
        return cls(settings.public_url, [key.get_secret_value() for key in settings.signing_keys], settings.short_url)

    @property
    def base_url(self) -> str:
        """Where customers reach idic."""
        return self._base

    def click(self, touch: str, url: str) -> str:
        """The address that records a click of this touch and leads on to ``url``."""
        return f"{self._base}{CLICK_PATH}{self._clicks.dumps([touch, url])}"

    def unsubscribe(self, touch: str) -> str:
        """The page that unsubscribes the customer of this touch."""
        return f"{self._base}{UNSUBSCRIBE_PATH}{self._unsubscribes.dumps(touch)}"

    def opened(self, touch: str) -> str:
        """The address of the picture that shows that a mail was opened."""
        return f"{self._base}{OPEN_PATH}{self._opens.dumps(touch)}"

    def answer(self, touch: str, value: str, url: str | None = None) -> str:
        """The address that records ``value`` as this customer's answer to this touch, and leads on to ``url``."""
        return f"{self._base}{ANSWER_PATH}{self._answers.dumps([touch, value, url])}"

    def preferences(self, touch: str) -> str:
        """The preference page of the customer who got this touch."""
        return f"{self._base}{PREFERENCES_PATH}{self._preferences.dumps(touch)}"

    def preferences_of(self, customer: str) -> str:
        """The same page, for a customer whom the shop has identified itself."""
        return f"{self._base}{PREFERENCES_PATH}{self._preferences.dumps([customer, None])}"

    def confirm(self, touch: str) -> str:
        """The page that confirms the consent that this touch asks for."""
        return f"{self._base}{CONFIRM_PATH}{self._confirmations.dumps(touch)}"

    def data(self, touch: str) -> str:
        """The page with all data about the customer who got this touch."""
        return f"{self._base}{DATA_PATH}{self._data.dumps(touch)}"

    def data_of(self, customer: str, until: datetime) -> str:
        """The same page, for a customer whom the shop has identified itself; the link is valid ``until`` then."""
        return f"{self._base}{DATA_PATH}{self._data.dumps([customer, int(until.timestamp())])}"

    def pages(self, touch: str) -> dict[str, str]:
        """idic's own pages that a message of this touch may link to, by the rest of their name in ``links.…``."""
        return {"preferences": self.preferences(touch), "confirm": self.confirm(touch), "your_data": self.data(touch)}

    def short_code(self, touch: str, url: str) -> str:
        """The code of a short link: always the same for the same touch and address, and impossible to guess."""
        digest = hmac.digest(self._key, "\x1f".join(("idic.short", touch, url)).encode(), hashlib.sha256)
        number = int.from_bytes(digest, "big")
        code = ""
        for _ in range(SHORT_CODE):
            number, letter = divmod(number, len(_ALPHABET))
            code += _ALPHABET[letter]
        return code

    def short(self, code: str) -> str:
        """The short link with this code."""
        return f"{self._short}{SHORT_PATH}{code}"

    def tells_itself(self, url: str) -> bool:
        """Whether ``url`` is one of idic's pages that record by themselves what happens there."""
        return url.startswith(tuple(f"{self._base}{path}" for path in _TELLING))

    def placement(self, touch: str) -> str:
        """The token (not an address) with which a page reports what happened to the content of a slot."""
        token = self._placements.dumps(touch)
        return token if isinstance(token, str) else token.decode()

    def read_click(self, token: str) -> ClickLink:
        """Where a tracked link leads. Raises ``InvalidInput`` for a token that we did not make: there is no open redirect."""
        match _read(self._clicks, token):
            case [str(touch), str(url)]:
                return ClickLink(touch, url)
            case _:
                raise InvalidInput("this link is not one of ours", where="token")

    def read_answer(self, token: str) -> AnswerLink:
        """What an answer link records. Raises ``InvalidInput`` for a token that we did not make."""
        match _read(self._answers, token):
            case [str(touch), str(value), str() | None as url]:
                return AnswerLink(touch, value, url)
            case _:
                raise InvalidInput("this link is not one of ours", where="token")

    def read_short(self, code: str) -> str:
        """The code of a short link. Raises ``InvalidInput`` for a text that cannot be one."""
        if not _CODES.fullmatch(code):
            raise InvalidInput("this link is not one of ours", where="code")
        return code

    def read_unsubscribe(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._unsubscribes, token)

    def read_preferences(self, token: str) -> PageOwner:
        """Whose preference page it is. Raises ``InvalidInput`` for a token that we did not make."""
        return _whose(self._preferences, token)

    def read_confirm(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._confirmations, token)

    def read_data(self, token: str) -> PageOwner:
        """Whose data page it is. Raises ``InvalidInput`` for a token that we did not make."""
        return _whose(self._data, token)

    def read_opened(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._opens, token)

    def read_placement(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._placements, token)


def _touch(serializer: URLSafeSerializer, token: str) -> str:
    match _read(serializer, token):
        case str(touch):
            return touch
        case _:
            raise InvalidInput("this link is not one of ours", where="token")


def _whose(serializer: URLSafeSerializer, token: str) -> PageOwner:
    match _read(serializer, token):
        case str(touch):
            return PageOwner(touch)
        case [str(customer), int() | None as until]:
            return PageOwner(customer=customer, until=until)
        case _:
            raise InvalidInput("this link is not one of ours", where="token")


def _read(serializer: URLSafeSerializer, token: str) -> object:
    signature = token.rpartition(".")[2]
    try:
        value: object = serializer.loads(token)
        # Base64 can write the same bytes in several ways; we accept only the one that we write.
        written = base64_encode(base64_decode(signature)).decode()
    except BadData:
        return None
    return value if signature == written else None
