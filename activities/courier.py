"""How a touch becomes a message and leaves: composing and the provider of one account, behind one small protocol."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from idic.customize.compose import compose
from idic.interact.channels.protocol import EmailChannel, Outcome, OutgoingEmail
from idic.interact.links import Links
from idic.journey.program import Program
from idic.journey.scope import Scope
from idic.store.copies import Copy


class Parcel(NamedTuple):
    """A touch with everything that its message is made of, read in the transaction that marked it ``attempting``."""

    touch: str
    channel: str
    message: str
    address: str
    program: Program
    scope: Scope
    language: str


class Courier(Protocol):
    """``account`` labels the provider account; touches claimed for it are delivered from the queue of its name."""

    @property
    def account(self) -> str: ...

    def compose(self, parcel: Parcel) -> Any:
        """The message as it will leave. Raises an ``IdicError`` when it cannot be made: it is then not sent."""
        ...

    def copy(self, message: Any) -> Copy:
        """The message as the customer gets it."""
        ...

    async def send(self, message: Any) -> Outcome: ...


class EmailCourier:
    def __init__(self, channel: EmailChannel, links: Links, sender: str, reply_to: str | None = None) -> None:
        self._channel = channel
        self._links = links
        self._sender = sender
        self._reply_to = reply_to

    @property
    def account(self) -> str:
        return self._channel.account

    def compose(self, parcel: Parcel) -> OutgoingEmail:
        unsubscribe = self._links.unsubscribe(parcel.touch)
        written = compose(
            parcel.program,
            parcel.message,
            parcel.scope,
            track=lambda url: self._links.click(parcel.touch, url),
            unsubscribe_url=unsubscribe,
            language=parcel.language,
        )
        return OutgoingEmail(
            touch=parcel.touch,
            to=parcel.address,
            sender=self._sender,
            reply_to=self._reply_to,
            subject=written.subject,
            html=written.html,
            text=written.text,
            # A service message is not something to unsubscribe from.
            unsubscribe_url=unsubscribe if parcel.program.purpose == "marketing" else None,
        )

    def copy(self, message: OutgoingEmail) -> Copy:
        return Copy(message.to, message.text or "", message.subject, message.html)

    async def send(self, message: OutgoingEmail) -> Outcome:
        return await self._channel.send(message)
