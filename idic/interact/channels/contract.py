"""Messages for providers, and the possible outcomes of sending one."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from idic.frozen import Frozen
from idic.times import Duration


class Accepted(NamedTuple):
    """The provider has the message. ``provider_id`` is the name by which its reports will refer to it."""

    provider_id: str


class Placed(NamedTuple):
    """Content for a slot of the shop's site, which the store itself holds: it is placed in the transaction that records it as
    sent. ``links`` are the addresses that it leads to."""

    slot: str
    html: str
    links: tuple[str, ...]
    show_for: Duration
    ends_on_click: bool


class Refused(NamedTuple):
    """Certainly not sent, and another try would not help. ``code`` is a stable word without personal data; ``detail``
    may hold some and stays in the store."""

    code: str
    detail: str


class Later(NamedTuple):
    """Certainly not sent, and worth another try: after ``after`` seconds, if the provider said so. ``down``: this account takes
    no message at all now, and another account may."""

    code: str
    detail: str
    after: float | None = None
    down: bool = False


class Unsure(NamedTuple):
    """Perhaps sent. It is never repeated automatically; the provider's reports may settle it."""

    code: str
    detail: str


Outcome = Accepted | Placed | Refused | Later | Unsure


class OutgoingEmail(Frozen):
    """One email. ``touch`` is the id of the touch, from which the Message-ID follows; ``to`` a bare address; ``sender`` and
    ``reply_to`` an address, perhaps with a name: ``Shop <hello@shop.example>``. There is ``html`` or ``text`` or both.
    ``unsubscribe_url`` is offered to the mail program for one-click unsubscribing (RFC 8058)."""

    touch: str
    to: str
    sender: str
    subject: str
    to_name: str = ""
    text: str | None = None
    html: str | None = None
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)


class OutgoingSms(Frozen):
    """One SMS. ``to`` and ``sender`` are E.164 (``sender`` perhaps a name or a provider's id of a pool of numbers);
    ``segments`` is the number of parts of the text; ``short_links`` are the codes in it, each with its address."""

    touch: str
    to: str
    sender: str
    text: str
    segments: int
    short_links: dict[str, str] = Field(default_factory=dict)
