"""Signed addresses in messages: what was clicked, opened, answered, unsubscribed from, shown; and pages of the customer's own.

A token can be read by anybody and made only by us. It names the touch, or (where the shop asks for a link by itself) a
customer by an id that is random. A short link's code says nothing at all: what it stands for is in the store.
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
"""Digits and letters that are not taken for one another when somebody types them."""
SHORT_CODE = 9
"""Characters of a code: 56 ** 9 there are. To hit one of a hundred million by guessing takes some fifty million tries."""
_BASE = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~%/-]*)?")
"""What other addresses can be put under: every mail that cannot name its way out is refused."""
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
    """Whose page a link opens: the customer to whom a touch went, or one who is named. ``until`` is when a link of the second
    kind ends, in seconds since 1970; None if never."""

    touch: str | None = None
    customer: str | None = None
    until: int | None = None


class ClickLink(NamedTuple):
    touch: str
    url: str


class AnswerLink(NamedTuple):
    """``url`` is where the page that thanks leads on to; None if nowhere."""

    touch: str
    value: str
    url: str | None


class Links:
    """Makes and reads the addresses under ``base_url``; those of short links are under ``short_url``, by default the same.

    ``keys`` are secrets of at least 16 characters: the first signs, all verify, so that a key is changed by putting the
    new one in front and dropping the old one when its mails no longer matter.
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
        """Raises ``SettingsError``."""
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
        return f"{self._base}{UNSUBSCRIBE_PATH}{self._unsubscribes.dumps(touch)}"

    def opened(self, touch: str) -> str:
        """The address of the picture that tells that a mail was opened."""
        return f"{self._base}{OPEN_PATH}{self._opens.dumps(touch)}"

    def answer(self, touch: str, value: str, url: str | None = None) -> str:
        """The address that records ``value`` as this customer's answer to this touch, and leads on to ``url``."""
        return f"{self._base}{ANSWER_PATH}{self._answers.dumps([touch, value, url])}"

    def preferences(self, touch: str) -> str:
        """The page on which who got this touch says what they would like to get."""
        return f"{self._base}{PREFERENCES_PATH}{self._preferences.dumps(touch)}"

    def preferences_of(self, customer: str) -> str:
        """The same page, for a customer of whom the shop knows that they ask."""
        return f"{self._base}{PREFERENCES_PATH}{self._preferences.dumps([customer, None])}"

    def confirm(self, touch: str) -> str:
        """The page that confirms the consent which this touch asks to have confirmed."""
        return f"{self._base}{CONFIRM_PATH}{self._confirmations.dumps(touch)}"

    def data(self, touch: str) -> str:
        """The page of everything that is known of who got this touch."""
        return f"{self._base}{DATA_PATH}{self._data.dumps(touch)}"

    def data_of(self, customer: str, until: datetime) -> str:
        """The same page, for a customer of whom the shop knows that they ask; good until then."""
        return f"{self._base}{DATA_PATH}{self._data.dumps([customer, int(until.timestamp())])}"

    def pages(self, touch: str) -> dict[str, str]:
        """The pages of our own to which a message of this touch may lead, by the rest of their name in ``links.…``."""
        return {"preferences": self.preferences(touch), "confirm": self.confirm(touch), "your_data": self.data(touch)}

    def short_code(self, touch: str, url: str) -> str:
        """The same for the same touch and address, however often it is asked for, and not to be guessed."""
        digest = hmac.digest(self._key, "\x1f".join(("idic.short", touch, url)).encode(), hashlib.sha256)
        number = int.from_bytes(digest, "big")
        code = ""
        for _ in range(SHORT_CODE):
            number, letter = divmod(number, len(_ALPHABET))
            code += _ALPHABET[letter]
        return code

    def short(self, code: str) -> str:
        return f"{self._short}{SHORT_PATH}{code}"

    def tells_itself(self, url: str) -> bool:
        """Whether ``url`` is a page of ours that records by itself what is done there."""
        return url.startswith(tuple(f"{self._base}{path}" for path in _TELLING))

    def placement(self, touch: str) -> str:
        """The token (no address) with which a page reports what became of content in a slot."""
        token = self._placements.dumps(touch)
        return token if isinstance(token, str) else token.decode()

    def read_click(self, token: str) -> ClickLink:
        """Raises ``InvalidInput`` for a token that we did not make. Only ours lead on: no open redirect."""
        match _read(self._clicks, token):
            case [str(touch), str(url)]:
                return ClickLink(touch, url)
            case _:
                raise InvalidInput("this link is not one of ours", where="token")

    def read_answer(self, token: str) -> AnswerLink:
        """Raises ``InvalidInput`` for a token that we did not make."""
        match _read(self._answers, token):
            case [str(touch), str(value), str() | None as url]:
                return AnswerLink(touch, value, url)
            case _:
                raise InvalidInput("this link is not one of ours", where="token")

    def read_short(self, code: str) -> str:
        """The code, if it can be one. Raises ``InvalidInput`` for what cannot."""
        if not _CODES.fullmatch(code):
            raise InvalidInput("this link is not one of ours", where="code")
        return code

    def read_unsubscribe(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._unsubscribes, token)

    def read_preferences(self, token: str) -> PageOwner:
        """Raises ``InvalidInput`` for a token that we did not make."""
        return _whose(self._preferences, token)

    def read_confirm(self, token: str) -> str:
        """The touch. Raises ``InvalidInput`` for a token that we did not make."""
        return _touch(self._confirmations, token)

    def read_data(self, token: str) -> PageOwner:
        """Raises ``InvalidInput`` for a token that we did not make."""
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
        # Base64 can write the same bytes in many ways; of a link of ours there is one, so that it can be told again.
        written = base64_encode(base64_decode(signature)).decode()
    except BadData:
        return None
    return value if signature == written else None
