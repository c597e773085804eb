"""What a channel does at the edge: find an address, compose a message, send it.

The words and fields of a channel stand in ``idic.journey.channels``; here is what needs addresses, links and providers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from idic.interact.channels.contract import Later, Outcome, Refused
from idic.interact.tracking.links import Links
from idic.journey.contact_policy.contact_policy import Sender
from idic.journey.engine.scope import Scope
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program

Remember = Callable[[str, Mapping[str, str]], Awaitable[bool]]
"""Keeps what the short links of a touch stand for (code → address), and says whether all of them are this touch's. Raises
``StoreUnavailable``."""

HtmlToText = Callable[[str], str]


class Reach(NamedTuple):
    """Where a customer is reached. ``address`` is None where there is none, and ``problem`` then says why, in words."""

    address: str | None
    problem: str = ""


class MessageLinks(NamedTuple):
    """The addresses that one message leads to.

    ``track`` turns the address of a link into the one that is clicked. ``answer`` makes the address that records a value as the
    customer's answer and leads on to another address, if there is one. ``pages`` are idic's own pages by name. ``pixel`` is the
    address of the picture that tells of an opening.
    """

    track: Callable[[str], str]
    answer: Callable[[str, str | None], str]
    unsubscribe_url: str | None = None
    pages: Mapping[str, str] = {}
    pixel: str | None = None


class ComposedMessage(NamedTuple):
    """A message as a customer reads it. ``html`` is None for plain text. Content of a site has a ``slot``, no ``text``, and
    ``links``: the addresses that can be clicked in it."""

    text: str | None
    subject: str | None = None
    html: str | None = None
    slot: str | None = None
    links: tuple[str, ...] = ()

    def as_text(self) -> str:
        """The message as plain text."""
        if self.text is not None:
            return self.text
        from idic.customize.email_html import html_to_text

        return html_to_text(self.html or "")


class MessageCopy(NamedTuple):
    """A message as a customer got it. ``address`` is where it went: an email address, a number, a slot. ``html`` is None where
    there is only text."""

    address: str
    text: str
    subject: str | None = None
    html: str | None = None


class Parcel(NamedTuple):
    """A touch with everything that its message is made of, read in the transaction that marked it ``attempting``. ``sender``
    is the sender that the contact policy names, if it names one."""

    touch: str
    channel: str
    message: str
    address: str
    program: Program
    scope: Scope
    language: str
    sender: Sender | None = None


MessageT = TypeVar("MessageT", contravariant=True)


class MessageSender(Protocol[MessageT]):
    """The provider's side of a courier: hands over one message. ``account`` labels the provider account and names its queue."""

    @property
    def account(self) -> str:
        """The label of the provider account."""
        ...

    async def send(self, message: MessageT, /) -> Outcome:
        """Try once. Never raises for what happens outside; cancelling it means that the outcome is unknown."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Courier(Protocol):
    """Makes messages of touches and sends them, for one provider account. Touches claimed for ``account`` are delivered from
    the queue of its name."""

    @property
    def account(self) -> str:
        """The label of the provider account."""
        ...

    def compose(self, parcel: Parcel) -> Any:
        """The message as it will leave. Raises an ``IdicError`` when it cannot be made: it is then not sent."""
        ...

    def copy(self, message: Any) -> MessageCopy:
        """The message as the customer gets it."""
        ...

    async def ready(self, message: Any) -> Later | Refused | None:
        """Keep what must be kept before the message leaves; why it must not leave, if that cannot be. How long this takes
        depends on the store: whether it is still time to send is asked after it."""
        ...

    async def send(self, message: Any) -> Outcome:
        """Nothing is waited for before the provider is called."""
        ...


class CourierParts(NamedTuple):
    """What couriers are built of. ``sends_as`` is the sender where the policy names none; answers then go to ``reply_to``."""

    links: Links
    remember: Remember
    sends_as: str = ""
    reply_to: str | None = None


class ChannelEdge(Protocol):
    """One row of ``EDGES``: the three things that a channel does."""

    def reach(
        self, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
    ) -> Reach:
        """The customer's address. ``country`` (ISO 3166-1 alpha-2) is where numbers without a country code belong."""
        ...

    def compose(
        self,
        program: Program,
        message: str,
        scope: ValueSource,
        links: MessageLinks,
        language: str,
        *,
        words: HtmlToText | None = None,
    ) -> ComposedMessage:
        """The message for this customer; ``words`` makes text of HTML. Raises ``CannotCompose``."""
        ...

    def courier(self, sender: MessageSender[Any] | None, parts: CourierParts) -> Courier:
        """The courier of one provider account; ``sender`` is None where the store itself takes the message."""
        ...


def text_of(value: object) -> str | None:
    """A customer attribute as text without surrounding spaces; None where it is missing or blank."""
    return value.strip() or None if isinstance(value, str) else None
