"""What a channel is: it is handed one message and says how certain it is of what became of it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pydantic import Field

from idic.journey.program import Frozen


class Accepted(NamedTuple):
    """The provider has taken the message over. ``provider_id`` is what its evidence will name it by."""

    provider_id: str


class Refused(NamedTuple):
    """Certainly not sent, and trying again would not help. ``code`` is a stable word without personal data; ``detail``
    may hold some and stays in the store."""

    code: str
    detail: str


class Later(NamedTuple):
    """Certainly not sent; worth another try, ``after`` seconds if the provider said so."""

    code: str
    detail: str
    after: float | None = None


class Unsure(NamedTuple):
    """Perhaps sent. Never repeated by itself; the provider's own evidence may settle it."""

    code: str
    detail: str


Outcome = Accepted | Refused | Later | Unsure


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


class EmailChannel(Protocol):
    """``name`` is the channel as journeys call it; ``account`` labels the provider account and names its queue."""

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str: ...

    async def send(self, mail: OutgoingEmail) -> Outcome:
        """Try once. Never raises for what the world outside does; cancelling it means the outcome is unknown."""
        ...

    async def close(self) -> None: ...
