"""The shop's own site at the edge: visitors, composing for a slot, and the courier."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
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
)
from idic.interact.channels.contract import Outcome, Placed
from idic.interact.tracking.links import Links
from idic.journey.channels import WEB
from idic.journey.channels.web import WEB_MEMORY_DAYS
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.program import Program

WEB_MEMORY = timedelta(days=WEB_MEMORY_DAYS)
"""How long a customer counts as a visitor of the site after their browser asked what to show."""


class WebEdge:
    """The web as a row of ``EDGES``."""

    def reach(
        self, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
    ) -> Reach:
        """The customer's own id, for those who were on the site within ``WEB_MEMORY``."""
        if web_seen_at is None:
            return Reach(None, "the customer has never been seen on the web")
        if now - web_seen_at > WEB_MEMORY:
            return Reach(None, f"the customer was not seen on the web for {(now - web_seen_at).days} days")
        return Reach(customer_id)

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
        """What stands in the slot; its links lead where they say."""
        from idic.customize.compose import compose_web

        web = compose_web(program, message, scope, answer=links.answer, language=language)
        return ComposedMessage(None, None, web.html, web.content.slot, web.links)

    def courier(self, sender: MessageSender[Any] | None, parts: CourierParts) -> Courier:
        """The courier for the site: the store takes the content itself."""
        return WebCourier(parts.links)


class WebCourier:
    """Content for a slot: it leaves with the transaction that records it, so there is nobody to call."""

    account = WEB.name

    def __init__(self, links: Links) -> None:
        self._links = links

    def compose(self, parcel: Parcel) -> Placed:
        """The content as it will stand in its slot. Raises ``CannotCompose``."""
        from idic.customize.compose import compose_web

        web = compose_web(
            parcel.program,
            parcel.message,
            parcel.scope,
            answer=lambda value, url: self._links.answer(parcel.touch, value, url),
            language=parcel.language,
        )
        content = web.content
        return Placed(content.slot, web.html, web.links, content.show_for, content.ends_on_click)

    def copy(self, message: Placed) -> MessageCopy:
        """The content as the customer sees it."""
        from idic.customize.email_html import html_to_text

        return MessageCopy(message.slot, html_to_text(message.html), html=message.html)

    async def ready(self, message: Placed) -> None:
        """Nothing has to be kept before the content is placed."""
        return

    async def send(self, message: Placed) -> Outcome:
        """The content itself: placing it is the store's work."""
        return message
