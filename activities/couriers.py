"""How a touch becomes a message and leaves: composing and the provider of one account, behind one small protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

from idic.customize.compose import compose, compose_sms, compose_web
from idic.customize.email_html import html_to_text
from idic.customize.sms_segments import segments
from idic.errors import StoreUnavailable
from idic.interact.channels.contract import (
    EmailChannel,
    Later,
    Outcome,
    OutgoingEmail,
    OutgoingSms,
    Placed,
    Refused,
    SmsChannel,
)
from idic.interact.tracking.links import Links
from idic.journey.contact_policy.contact_policy import Sender
from idic.journey.engine.scope import Scope
from idic.journey.program.program import Program
from idic.store.enrollment.message_copies import Copy


class Parcel(NamedTuple):
    """A touch with everything that its message is made of, read in the transaction that marked it ``attempting``. ``sender``
    is as whom the contact policy has it sent, if it says so."""

    touch: str
    channel: str
    message: str
    address: str
    program: Program
    scope: Scope
    language: str
    sender: Sender | None = None


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

    async def ready(self, message: Any) -> Later | Refused | None:
        """Keep what must be kept before the message leaves; why it must not leave, if that cannot be. How long this takes is
        up to the store: whether it is still time to send is asked after it."""
        ...

    async def send(self, message: Any) -> Outcome:
        """Nothing is waited for before the provider is called."""
        ...


class EmailCourier:
    """``sender`` and ``reply_to`` are of whoever the policy names no other sender for."""

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
            pages=self._links.pages(parcel.touch),
            language=parcel.language,
            pixel=self._links.opened(parcel.touch),
            answer=lambda value, url: self._links.answer(parcel.touch, value, url),
        )
        as_whom = parcel.sender
        return OutgoingEmail(
            touch=parcel.touch,
            to=parcel.address,
            sender=(as_whom and as_whom.email) or self._sender,
            # An answer goes to whoever wrote, and not to where answers to another sender go.
            reply_to=as_whom.reply_to if as_whom and (as_whom.email or as_whom.reply_to) else self._reply_to,
            subject=written.subject,
            html=written.html,
            text=written.text,
            # A service message is not something to unsubscribe from.
            unsubscribe_url=unsubscribe if parcel.program.purpose == "marketing" else None,
        )

    def copy(self, message: OutgoingEmail) -> Copy:
        return Copy(message.to, message.text or "", message.subject, message.html)

    async def ready(self, message: OutgoingEmail) -> None:
        return None

    async def send(self, message: OutgoingEmail) -> Outcome:
        return await self._channel.send(message)


Remember = Callable[[str, Mapping[str, str]], Awaitable[bool]]
"""Keeps what the short links of a touch stand for (code → address), and says whether all of them are this touch's. Raises
``StoreUnavailable``."""


class SmsCourier:
    """``sender`` is of whoever the policy names no other for. ``remember`` is asked before a message leaves: nobody may get a
    link that leads nowhere."""

    def __init__(self, channel: SmsChannel, links: Links, sender: str, remember: Remember) -> None:
        self._channel = channel
        self._links = links
        self._sender = sender
        self._remember = remember

    @property
    def account(self) -> str:
        return self._channel.account

    def compose(self, parcel: Parcel) -> OutgoingSms:
        codes: dict[str, str] = {}

        def short(url: str) -> str:
            code = self._links.short_code(parcel.touch, url)
            codes[code] = url
            return self._links.short(code)

        text = compose_sms(
            parcel.program,
            parcel.message,
            parcel.scope,
            track=short,
            answer=lambda value, url: short(self._links.answer(parcel.touch, value, url)),
            unsubscribe_url=short(self._links.unsubscribe(parcel.touch)),
            pages={name: short(url) for name, url in self._links.pages(parcel.touch).items()},
            language=parcel.language,
        )
        return OutgoingSms(
            touch=parcel.touch,
            to=parcel.address,
            sender=(parcel.sender and parcel.sender.sms) or self._sender,
            text=text,
            segments=segments(text).count,
            # Not every message says how to unsubscribe.
            short_links={code: url for code, url in codes.items() if self._links.short(code) in text},
        )

    def copy(self, message: OutgoingSms) -> Copy:
        return Copy(message.to, message.text)

    async def ready(self, message: OutgoingSms) -> Later | Refused | None:
        if message.short_links:
            try:
                ours = await self._remember(message.touch, message.short_links)
            except StoreUnavailable as error:
                return Later(error.code, str(error))
            if not ours:
                return Refused("short_link_taken", "another message has the code of one of its short links")
        return None

    async def send(self, message: OutgoingSms) -> Outcome:
        return await self._channel.send(message)


class WebCourier:
    """Content for a slot: it leaves with the transaction that records it, so there is nobody to call."""

    account = "web"

    def __init__(self, links: Links) -> None:
        self._links = links

    def compose(self, parcel: Parcel) -> Placed:
        written = compose_web(
            parcel.program,
            parcel.message,
            parcel.scope,
            answer=lambda value, url: self._links.answer(parcel.touch, value, url),
            language=parcel.language,
        )
        content = written.content
        return Placed(content.slot, written.html, written.links, content.show_for, content.ends_on_click)

    def copy(self, message: Placed) -> Copy:
        return Copy(message.slot, html_to_text(message.html), html=message.html)

    async def ready(self, message: Placed) -> None:
        return None

    async def send(self, message: Placed) -> Outcome:
        return message
