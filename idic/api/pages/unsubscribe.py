"""The unsubscribe page, and one-click unsubscribe of mail programs (RFC 8058)."""

from __future__ import annotations

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from idic.api.pages.choices import PublishedShop
from idic.api.pages.form import read_form
from idic.api.pages.page_customer import UNAVAILABLE, PageCustomer, behind, digest_of
from idic.api.pages.page_layout import Button, Link, words_for
from idic.api.pages.page_texts import PageTexts
from idic.api.pages.preferences import spoken_to
from idic.api.pages.signed_pages import SignedPage
from idic.api.withdraw_consent import tell
from idic.interact import consent
from idic.interact.tracking.links import PageOwner
from idic.store.customer.ingest import Observation
from idic.store.database import Tx
from idic.store.enrollment import touches
from idic.store.enrollment.touches import Touch

ONE_CLICK, PAGE = "one-click", "unsubscribe page"
_TOPIC, _CHANNEL = "topic", "channel"
_LARGEST = 16 * 1024
"""The largest body that a mail program may post, in bytes."""


class _Seen(NamedTuple):
    shop: PublishedShop
    person: PageCustomer
    touch: Touch
    words: PageTexts

    def said(self) -> dict[str, str]:
        """The message's topic and channel, in words."""
        topic = self.shop.title(self.touch.topic, self.words.language)
        return {"topic": topic, "by": self.words(f"by.{self.touch.channel}")}


class UnsubscribePage(SignedPage):
    """The page behind ``Unsubscribe``."""

    async def answer(self, request: Request) -> Response:
        """GET asks; POST unsubscribes from what the button says, or with one click from the message's topic."""

        async def show(touch: str) -> Response:
            if request.method != "POST":
                return self._asks(await self._seen(touch, request))
            return await self._leaves(touch, request)

        return await self.opened(request, self._links.read_unsubscribe, show, again=True)

    async def _leaves(self, touch: str, request: Request) -> Response:
        form = await read_form(request, _LARGEST)
        do = form.first("do")
        act = PAGE if do in (_TOPIC, _CHANNEL) else ONE_CLICK
        await tell(self._store, lambda tx: self._withdrawals(tx, touch, act, everything=do == _CHANNEL))
        try:
            return self._left(await self._seen(touch, request), everything=do == _CHANNEL)
        except UNAVAILABLE:
            # The withdrawal is recorded, so say so.
            words = words_for(request)
            return self._paper.plain(words, words("stopped.title"))

    async def _seen(self, touch: str, request: Request) -> _Seen:
        async with self._store.reading() as tx:
            shop, person = await self._shops.read(tx), await behind(tx, PageOwner(touch))
        assert person.touch is not None
        return _Seen(shop, person, person.touch, spoken_to(request, shop, person))

    async def _withdrawals(self, tx: Tx, touch: str, act: str, *, everything: bool) -> list[Observation]:
        """Withdraw for every customer with this address: its owner doesn't know how many records the shop keeps."""
        person = await behind(tx, PageOwner(touch))
        row = person.touch
        assert row is not None
        topic = {"topic": row.topic} if row.topic is not None and not everything else {}
        properties = {"channel": row.channel, **topic, "act": act, "proof": {"message": touch, "at": person.now.isoformat()}}
        observations = [Observation(consent.WITHDRAWN, person.id, row.enrollment_id, row.step, properties)]
        others = await touches.written_to(tx, row.channel, row.recipient) if row.recipient is not None else []
        for other in others if person.owns(row.channel) else []:
            customer = await behind(tx, PageOwner(customer=other))
            if customer.id != person.id and await digest_of(tx, customer, row.channel) == row.recipient:
                observations.append(Observation(consent.WITHDRAWN, customer.id, None, None, properties))
        return observations

    def _asks(self, seen: _Seen) -> Response:
        words, values = seen.words, seen.said()
        buttons = [Button(words("stop.topic", **values), _TOPIC)] if values["topic"] else []
        buttons.append(Button(words("stop.channel", **values), _CHANNEL, quiet=bool(buttons)))
        return self._paper.plain(
            words, words("stop.title"), buttons=buttons, note=words("stop.service"), links=self._ways_on(seen),
            shop=seen.shop.name,
        )  # fmt: skip

    def _left(self, seen: _Seen, *, everything: bool) -> Response:
        words, values = seen.words, seen.said()
        what = "stopped.topic" if values["topic"] and not everything else "stopped.channel"
        return self._paper.plain(
            words, words("stopped.title"), words(what, **values), note=words("stop.service"), links=self._ways_on(seen),
            shop=seen.shop.name,
        )  # fmt: skip

    def _ways_on(self, seen: _Seen) -> list[Link]:
        return [Link(self._links.preferences(seen.touch.id), seen.words("stop.choose"))]
