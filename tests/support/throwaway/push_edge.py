"""Push messages at the edge."""

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
from idic.interact.channels.contract import Outcome
from idic.journey.channels.push import PushContent
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program


class PushEdge:
    def reach(
        self, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
    ) -> Reach:
        token = text_of(traits.get("push_token"))
        return Reach(token) if token else Reach(None, "the customer does not have the app")

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
        from idic.customize.compose import compose_fields

        texts = compose_fields(program, message, scope, PushContent, track=links.track, language=language)
        return ComposedMessage(texts["text"], texts["title"])

    def courier(self, sender: MessageSender[Any] | None, parts: CourierParts) -> Courier:
        assert sender is not None
        return PushCourier(sender)


class PushCourier:
    def __init__(self, provider: MessageSender[Any]) -> None:
        self._provider = provider

    @property
    def account(self) -> str:
        return self._provider.account

    def compose(self, parcel: Parcel) -> tuple[str, str, str]:
        links = MessageLinks(track=str, answer=lambda value, url: url or "")
        message = PushEdge().compose(parcel.program, parcel.message, parcel.scope, links, parcel.language)
        return parcel.address, message.subject or "", message.as_text()

    def copy(self, message: tuple[str, str, str]) -> MessageCopy:
        address, title, text = message
        return MessageCopy(address, text, title)

    async def ready(self, message: tuple[str, str, str]) -> None:
        return None

    async def send(self, message: tuple[str, str, str]) -> Outcome:
        return await self._provider.send(message)
