"""The confirmation page of a double opt-in.

Whoever clicks the button has read the mail and so owns the address. Opening the link alone proves nothing: programs open
links, too.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from babel.dates import format_date
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from idic.api.pages.choices import PublishedShop
from idic.api.pages.page_customer import PageCustomer, behind
from idic.api.pages.page_layout import Button, Link, local
from idic.api.pages.page_texts import PageTexts
from idic.api.pages.preferences import spoken_to
from idic.api.pages.signed_pages import SignedPage
from idic.errors import NotFound
from idic.identify.messages import OWN_MESSAGE_ID
from idic.interact import consent
from idic.interact.tracking.links import PageOwner
from idic.journey.engine.state import Event
from idic.store.customer.ingest import Observation, observe
from idic.store.database import Tx
from idic.store.enrollment import enrollments
from idic.store.enrollment.touches import Touch
from idic.store.tables import events

GOOD_FOR = consent.CONFIRMED_WITHIN


class _Asked(NamedTuple):
    """``event`` is the consent to confirm, ``confirmed_at`` when it was confirmed; ``taken_back`` whether it was withdrawn
    since."""

    shop: PublishedShop
    person: PageCustomer
    touch: Touch
    event: Event
    confirmed_at: datetime | None
    words: PageTexts
    taken_back: bool

    @property
    def sent_at(self) -> datetime:
        """When the message was sent (UTC)."""
        return self.touch.attempted_at or self.touch.claimed_at

    @property
    def over(self) -> bool:
        """Whether the link has expired."""
        return self.person.now > self.sent_at + GOOD_FOR


class ConfirmPage(SignedPage):
    """The page that asks for confirmation and records it."""

    async def answer(self, request: Request) -> Response:
        """GET asks, POST confirms."""
        pressed = request.method == "POST"

        async def show(touch: str) -> Response:
            if pressed:
                return self._shown(await self._store.move("confirm", lambda tx: self._confirmed(tx, touch, request)), now=True)
            async with self._store.reading() as tx:
                return self._shown(await self._asked(tx, touch, request))

        return await self.opened(request, self._links.read_confirm, show, again=pressed)

    async def _asked(self, tx: Tx, touch: str, request: Request) -> _Asked:
        """Read what the link asks to confirm. Raises ``NotFound`` if the message asked for no confirmation."""
        shop, person = await self._shops.read(tx), await behind(tx, PageOwner(touch))
        assert person.touch is not None
        enrollment = await enrollments.get(tx, person.touch.enrollment_id)
        entry = enrollment.state.entry
        # A mail proves nothing about a phone number, or about an address that was given later.
        if entry.name != consent.GIVEN or not person.owns(str(entry.properties.get("channel"))):
            raise NotFound("this message asks for no confirmation")
        try:
            statement = consent.read(entry.name, entry.properties)
        except ValueError as problem:
            raise NotFound("this message asks for no confirmation") from problem
        confirmed_at = select(events.c.accepted_at).where(events.c.message_id == f"{OWN_MESSAGE_ID}{_once(touch)}")
        words, over = spoken_to(request, shop, person), consent.was_withdrawn(person.entries, statement, entry.accepted_at)
        return _Asked(shop, person, person.touch, entry, await tx.scalar(confirmed_at), words, over)

    async def _confirmed(self, tx: Tx, touch: str, request: Request) -> _Asked:
        asked = await self._asked(tx, touch, request)
        if asked.confirmed_at is None and not asked.over and not asked.taken_back:
            await observe(tx, _confirmation(asked))
        return asked

    def _shown(self, asked: _Asked, *, now: bool = False) -> Response:
        shop, person, touch, event, confirmed_at, words, taken_back = asked
        links = [Link(self._links.preferences(touch.id), words("stop.choose"))]
        if taken_back:
            # An old link must not subscribe a customer who has unsubscribed since.
            return self._paper.plain(words, words("c.left"), words("c.left.text"), status=410, links=links, shop=shop.name)
        if confirmed_at is not None:
            day = format_date(local(confirmed_at, person.zone(shop.vocabulary.zone)), "long", locale=words.language)
            text = words("c.done.before", day=day)
            return self._paper.plain(words, words("c.done"), text, links=links, shop=shop.name)
        if asked.over:
            return self._paper.plain(words, words("c.old"), words("c.old.text"), status=410, links=links, shop=shop.name)
        if now:
            return self._paper.plain(words, words("c.done"), words("c.done.text"), links=links, shop=shop.name)
        topic, by = event.properties.get("topic"), words(f"by.{event.properties['channel']}")
        title = shop.title(topic, words.language) if isinstance(topic, str) else ""
        return self._paper.plain(
            words, words("c.title"), words("c.ask.topic", topic=title, by=by) if title else words("c.ask", by=by),
            buttons=[Button(words("c.button"), "confirm")], note=words("c.otherwise"), shop=shop.name,
        )  # fmt: skip


def _once(touch: str) -> str:
    return f"confirmed:{touch}"


def _confirmation(asked: _Asked) -> Observation:
    touch, event = asked.touch, asked.event
    proof = {
        "asked_at": event.accepted_at.isoformat(),
        "message": touch.id,
        "sent_at": asked.sent_at.isoformat(),
        "confirmed_at": asked.person.now.isoformat(),
    }
    properties: dict[str, Any] = {
        name: event.properties[name] for name in ("channel", "topic", "purpose") if name in event.properties
    }
    properties |= {"act": consent.DOUBLE_OPT_IN, "confirmed": True, "proof": proof}
    # Confirming twice is recorded once.
    return Observation(consent.GIVEN, touch.customer_id, touch.enrollment_id, touch.step, properties, _once(touch.id))
