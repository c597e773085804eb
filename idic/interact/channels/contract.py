"""What a channel is: it is handed one message and says how certain it is of what became of it."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from idic.frozen import Frozen
from idic.times import Duration


class Accepted(NamedTuple):
    """The provider has taken the message over. ``provider_id`` is what its evidence will name it by."""

    provider_id: str


class Placed(NamedTuple):
    """Content for a slot of the customer's own site, which the store itself holds: it is placed in the very transaction
    that records it as sent. ``links`` are the addresses it leads to."""

    slot: str
    html: str
    links: tuple[str, ...]
    show_for: Duration
    ends_on_click: bool


class Refused(NamedTuple):
    """Certainly not sent, and trying again would not help. ``code`` is a stable word without personal data; ``detail``
    may hold some and stays in the store."""

    code: str
    detail: str


class Later(NamedTuple):
    """Certainly not sent; worth another try, ``after`` seconds if the provider said so. ``down``: this account takes nothing
    now, whoever it is for, and another may."""

    code: str
    detail: str
    after: float | None = None
    down: bool = False


class Unsure(NamedTuple):
    """Perhaps sent. Never repeated by itself; the provider's own evidence may settle it."""

    code: str
    detail: str


Outcome = Accepted | Placed | Refused | Later | Unsure


class OutgoingEmail(Frozen):
    """One email. ``touch`` is its id, from which the Message-ID follows; ``to`` a bare address; ``sender`` and
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
    ``segments`` is in how many parts the text travels; ``short_links`` are the codes in it, each with its address."""

    touch: str
    to: str
    sender: str
    text: str
    segments: int
    short_links: dict[str, str] = Field(default_factory=dict)
