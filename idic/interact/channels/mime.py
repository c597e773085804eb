"""Write an email as bytes: correct in every script, and safe whatever a customer's name contains.

Headers are encoded and folded here, so that nothing folds them again. Characters that a header cannot have (line breaks,
control characters) become spaces before encoding.
"""

from __future__ import annotations

import io
import re
from base64 import b64encode
from datetime import datetime
from email import policy
from email.charset import BASE64, QP, Charset
from email.generator import BytesGenerator
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from functools import lru_cache
from typing import NamedTuple

import idna

from idic.interact.channels.contract import OutgoingEmail, Refused
from idic.interact.channels.outcomes import clean

_WIRE = policy.compat32.clone(linesep="\r\n", max_line_length=None, cte_type="7bit")
_NAMED = re.compile(r"(?P<name>.*)<(?P<address>[^<>]*)>\s*", re.DOTALL)
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\x9f]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_URL = re.compile(r"https?://[!-;=?-~]+")
_TOUCH = re.compile(r"[A-Za-z0-9._-]+")
_OURS = re.compile(
    r"from|to|cc|bcc|sender|reply-to|return-path|subject|date|message-id|mime-version|content-.*|list-unsubscribe.*"
    r"|x-idic-touch"
)
_BOUNDARY = "=_idic_part"
"""It cannot occur in a part: neither base64 nor quoted-printable contains ``=_``."""
_ENCODED_BYTES = 42
"""Bytes in one encoded word: 56 of its 75 characters are then base64."""


class AddressInvalid(ValueError):
    """No mail can be sent to this address. The text does not repeat it."""


class Address(NamedTuple):
    """An email address. ``name`` may be empty; ``domain`` is ASCII (punycode); ``local`` may have other characters."""

    name: str
    local: str
    domain: str

    @property
    def mailbox(self) -> str:
        """The bare address."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether it can only be written by RFC 6531."""
        return not self.local.isascii()


@lru_cache(maxsize=64)
def read_address(text: str) -> Address:
    """Read ``hello@shop.example`` or ``Shop <hello@shop.example>``, as an operator writes a sender.

    Raises ``AddressInvalid`` for a text without a valid address.
    """
    named = _NAMED.fullmatch(text)
    if not named:
        return read_mailbox(text)
    name = clean(named["name"])
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return read_mailbox(named["address"], name)


def read_mailbox(text: str, name: str = "") -> Address:
    """Read a bare address, as a customer typed it. Raises ``AddressInvalid``."""
    local, _, domain = text.strip().rpartition("@")
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise AddressInvalid("the part before @ is not one that mail can be sent to")
    host = domain.lower()
    if not host.isascii() or "xn--" in host:
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise AddressInvalid("the domain is not one that exists") from None
    if not _HOST.fullmatch(host) or len(local.encode()) > 64 or len(local.encode()) + len(host) > 253:
        raise AddressInvalid("the address is too long or its domain is not one that exists")
    return Address(clean(name), local, host)


def message_id(touch: str, sender: Address) -> str:
    """``<touch@domain>``: the same for every attempt, so that two copies are recognised as one."""
    if not _TOUCH.fullmatch(touch):
        raise ValueError("a touch's id has letters, digits, dots, dashes and underscores only")
    return f"<{touch}@{sender.domain}>"


class WrittenMail(NamedTuple):
    """A mail as it goes to a server. ``utf8``: it can only be sent by RFC 6531. ``data`` is the message."""

    sender: Address
    to: Address
    utf8: bool
    data: bytes


def write(mail: OutgoingEmail, date: datetime) -> WrittenMail | Refused:
    """As ``build``; ``Refused`` where it cannot be written."""
    try:
        utf8 = needs_smtputf8(mail)
        return WrittenMail(read_address(mail.sender), read_mailbox(mail.to), utf8, build(mail, date, utf8=utf8))
    except AddressInvalid as error:
        return Refused("address_invalid", str(error))
    except ValueError as error:
        return Refused("message_invalid", str(error))


def needs_smtputf8(mail: OutgoingEmail) -> bool:
    """Whether an address of this mail can only be written by RFC 6531. Raises ``AddressInvalid``."""
    named = (read_address(text) for text in (mail.sender, mail.reply_to) if text)
    return any(address.needs_smtputf8 for address in (read_mailbox(mail.to), *named))


def build(mail: OutgoingEmail, date: datetime, *, utf8: bool = False) -> bytes:
    """The message with CRLF line ends. ``date`` is aware. ``utf8`` writes addresses as SMTPUTF8 allows.

    Raises ``ValueError`` for an address or header that cannot be written.
    """
    message = _body(mail)
    headers = {
        "From": _addressed(read_address(mail.sender)),
        "To": _addressed(read_mailbox(mail.to, mail.to_name)),
        "Subject": encoded(mail.subject),
        "Date": format_datetime(date),
    }
    if mail.reply_to:
        headers["Reply-To"] = _addressed(read_address(mail.reply_to))
    headers |= further_headers(mail)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    buffer = io.BytesIO()
    BytesGenerator(buffer, mangle_from_=False, policy=_WIRE).flatten(message)
    # The addresses of an SMTPUTF8 message are the only headers that are not ASCII.
    return lines.encode("utf-8" if utf8 else "ascii") + buffer.getvalue()


def further_headers(mail: OutgoingEmail) -> dict[str, str]:
    """The headers besides From, To, Subject, Date and Reply-To, encoded and folded. Raises ``ValueError``."""
    headers = {"Message-ID": message_id(mail.touch, read_address(mail.sender)), "X-Idic-Touch": mail.touch}
    if mail.unsubscribe_url:
        if not _URL.fullmatch(mail.unsubscribe_url):
            raise ValueError("the unsubscribe address is not a URL")
        headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    for name, value in mail.headers.items():
        if not _HEADER_NAME.fullmatch(name) or _OURS.fullmatch(name.lower()):
            raise ValueError(f'"{clean(name)}" is not a header that can be set')
        headers[name] = encoded(value)
    return headers


def encoded(text: str) -> str:
    """The text of a header, encoded by RFC 2047 where needed, and folded. It parses back to ``clean(text)``."""
    text = clean(text)
    if text.isascii() and "=?" not in text and "  " not in text and len(text) <= 66:
        return text
    return "\r\n ".join(_encoded_words(text))


def _encoded_words(text: str) -> list[str]:
    words, chunk = [], b""
    for character in text:
        letter = character.encode()
        if len(chunk) + len(letter) > _ENCODED_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += letter
    return [f"=?utf-8?b?{b64encode(word).decode()}?=" for word in [*words, chunk]]


def _addressed(address: Address) -> str:
    if not address.name:
        return address.mailbox
    name = address.name
    if not name.isascii() or "=?" in name or len(name) > 200:
        name = "\r\n ".join(_encoded_words(name))
    elif not _ATOMS.fullmatch(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name}\r\n <{address.mailbox}>"


def _body(mail: OutgoingEmail) -> Message:
    parts = []
    if mail.text is not None:
        parts.append(_part(mail.text, "plain"))
    if mail.html is not None:
        parts.append(_part(mail.html, "html"))
    if not parts:
        raise ValueError("a mail has a text or an HTML part")
    return parts[0] if len(parts) == 1 else MIMEMultipart("alternative", boundary=_BOUNDARY, _subparts=parts)


def _part(text: str, subtype: str) -> MIMEText:
    text = re.sub(r"\r\n?", "\n", text).encode("utf-8", "replace").decode("utf-8")
    if not text.endswith("\n"):
        text += "\n"
    charset = Charset("utf-8")
    # Quoted-printable stays readable and spares Latin scripts a third of their size; for the others base64 is smaller.
    charset.body_encoding = QP if len(text.encode()) < len(text) * 1.2 else BASE64
    if charset.body_encoding == BASE64:
        text = text.replace("\n", "\r\n")  # text is CRLF before it is encoded (RFC 2045, 6.8)
    return MIMEText(text, subtype, charset)  # type: ignore[arg-type]
