"""Email at the edge: addresses, composing, and the courier."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idic.interact.channels.channel_edge import (
    ComposedMessage,
    Courier,
    CourierParts,
    HtmlToText,
    MessageCopy,
    MessageLinks,
    MessageSender,
    Parcel,
    Reach,
    text_of,
)
from idic.interact.channels.contract import Outcome, OutgoingEmail
from idic.interact.tracking.links import Links
from idic.journey.channels import EMAIL_ATTRIBUTE
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program


class EmailEdge:
    """Email as a row of ``EDGES``."""

    def reach(
        self, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
    ) -> Reach:
        """A bare email address."""
        address = text_of(traits.get(EMAIL_ATTRIBUTE))
        return Reach(address) if address else Reach(None, "the customer has no email address")

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
        """Subject, HTML and text."""
        from idic.customize.compose import compose_email
        from idic.customize.email_html import html_to_text

        mail = compose_email(
            program,
            message,
            scope,
            track=links.track,
            unsubscribe_url=links.unsubscribe_url,
            pages=links.pages,
            language=language,
            pixel=links.pixel,
            answer=links.answer,
            words=words or html_to_text,
        )
        return ComposedMessage(mail.text, mail.subject, mail.html)

    def courier(self, sender: MessageSender[Any] | None, parts: CourierParts) -> Courier:
        """The courier of one email account."""
        assert sender is not None
        return EmailCourier(sender, parts.links, parts.sends_as, parts.reply_to)


class EmailCourier:
    """``sender`` and ``reply_to`` are used where the policy names no other sender."""

    def __init__(self, provider: MessageSender[OutgoingEmail], links: Links, sender: str, reply_to: str | None = None) -> None:
        self._provider = provider
        self._links = links
        self._sender = sender
        self._reply_to = reply_to

    @property
    def account(self) -> str:
        """The label of the provider account."""
        return self._provider.account

    def compose(self, parcel: Parcel) -> OutgoingEmail:
        """The mail as it will leave. Raises ``CannotCompose``."""
        unsubscribe = self._links.unsubscribe(parcel.touch)
        links = MessageLinks(
            track=lambda url: self._links.click(parcel.touch, url),
            answer=lambda value, url: self._links.answer(parcel.touch, value, url),
            unsubscribe_url=unsubscribe,
            pages=self._links.pages(parcel.touch),
            pixel=self._links.opened(parcel.touch),
        )
        mail = EmailEdge().compose(parcel.program, parcel.message, parcel.scope, links, parcel.language)
        named = parcel.sender
        return OutgoingEmail(
            touch=parcel.touch,
            to=parcel.address,
            sender=(named and named.email) or self._sender,
            # An answer goes to the sender of this mail, and not to where answers to another sender go.
            reply_to=named.reply_to if named and (named.email or named.reply_to) else self._reply_to,
            subject=mail.subject or "",
            html=mail.html,
            text=mail.text,
            # A service message is not something to unsubscribe from.
            unsubscribe_url=unsubscribe if parcel.program.purpose == "marketing" else None,
        )

    def copy(self, message: OutgoingEmail) -> MessageCopy:
        """The mail as the customer gets it."""
        return MessageCopy(message.to, message.text or "", message.subject, message.html)

    async def ready(self, message: OutgoingEmail) -> None:
        """Nothing has to be kept before a mail leaves."""
        return

    async def send(self, message: OutgoingEmail) -> Outcome:
        """Hand the mail to the provider, once."""
        return await self._provider.send(message)
