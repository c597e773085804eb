"""SMS at the edge: numbers, composing with short links, and the courier."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idic.errors import StoreUnavailable
from idic.identify.phones import PhoneInvalid, e164
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
    Remember,
    text_of,
)
from idic.interact.channels.contract import Later, Outcome, OutgoingSms, Refused
from idic.interact.tracking.links import Links
from idic.journey.channels import PHONE_ATTRIBUTE
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program


class SmsEdge:
    """SMS as a row of ``EDGES``."""

    def reach(
        self, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
    ) -> Reach:
        """A mobile number in E.164."""
        phone = traits.get(PHONE_ATTRIBUTE)
        number = str(phone) if isinstance(phone, int) else text_of(phone)
        if not number:
            return Reach(None, "the customer has no phone number")
        try:
            return Reach(e164(number, text_of(traits.get("country")) or country))
        except PhoneInvalid as problem:
            return Reach(None, str(problem))

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
        """The text."""
        from idic.customize.compose import compose_sms

        text = compose_sms(
            program,
            message,
            scope,
            track=links.track,
            answer=links.answer,
            unsubscribe_url=links.unsubscribe_url,
            pages=links.pages,
            language=language,
        )
        return ComposedMessage(text)

    def courier(self, sender: MessageSender[Any] | None, parts: CourierParts) -> Courier:
        """The courier of one SMS account."""
        assert sender is not None
        return SmsCourier(sender, parts.links, parts.sends_as, parts.remember)


class SmsCourier:
    """``sender`` is used where the policy names no other. ``remember`` is asked before a message leaves: nobody may get a link
    that leads nowhere."""

    def __init__(self, provider: MessageSender[OutgoingSms], links: Links, sender: str, remember: Remember) -> None:
        self._provider = provider
        self._links = links
        self._sender = sender
        self._remember = remember

    @property
    def account(self) -> str:
        """The label of the provider account."""
        return self._provider.account

    def compose(self, parcel: Parcel) -> OutgoingSms:
        """The SMS as it will leave. Raises ``CannotCompose``."""
        from idic.customize.sms_segments import segments

        codes: dict[str, str] = {}

        def short(url: str) -> str:
            code = self._links.short_code(parcel.touch, url)
            codes[code] = url
            return self._links.short(code)

        links = MessageLinks(
            track=short,
            answer=lambda value, url: short(self._links.answer(parcel.touch, value, url)),
            unsubscribe_url=short(self._links.unsubscribe(parcel.touch)),
            pages={name: short(url) for name, url in self._links.pages(parcel.touch).items()},
        )
        text = SmsEdge().compose(parcel.program, parcel.message, parcel.scope, links, parcel.language).as_text()
        return OutgoingSms(
            touch=parcel.touch,
            to=parcel.address,
            sender=(parcel.sender and parcel.sender.sms) or self._sender,
            text=text,
            segments=segments(text).count,
            # Not every message says how to unsubscribe.
            short_links={code: url for code, url in codes.items() if self._links.short(code) in text},
        )

    def copy(self, message: OutgoingSms) -> MessageCopy:
        """The SMS as the customer gets it."""
        return MessageCopy(message.to, message.text)

    async def ready(self, message: OutgoingSms) -> Later | Refused | None:
        """Keep what the short links stand for."""
        if message.short_links:
            try:
                ours = await self._remember(message.touch, message.short_links)
            except StoreUnavailable as error:
                return Later(error.code, str(error))
            if not ours:
                return Refused("short_link_taken", "another message has the code of one of its short links")
        return None

    async def send(self, message: OutgoingSms) -> Outcome:
        """Hand the SMS to the provider, once."""
        return await self._provider.send(message)
