"""*What we know about you, and why*: read, download and erase. Links expire soon, because they show everything."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from sqlalchemy import Select, select
from starlette.requests import Request
from starlette.responses import Response

from idic.api.pages.choices import PublishedShop, PublishedShops
from idic.api.pages.page_customer import PageCustomer, behind
from idic.api.pages.page_layout import Link, PageLayout, local, words_for
from idic.api.pages.page_texts import PageTexts
from idic.api.pages.preferences import masked, spoken_to
from idic.api.pages.questions import in_words
from idic.api.pages.signed_pages import SignedPage
from idic.api.wait_until_settled import nothing_begins
from idic.interact.consent import ConsentEntry
from idic.interact.tracking.links import Links, PageOwner
from idic.journey.channels import ADDRESS_ATTRIBUTES
from idic.journey.vocabulary.built_in import PURPOSES
from idic.journey.vocabulary.translations import PREFERENCE_PAGE, in_language
from idic.router.erase import erase
from idic.router.runtime import Runtime
from idic.store.customer import customers
from idic.store.customer.export import customer_export
from idic.store.database import Store, Tx
from idic.store.tables import Row, copies, enrollments, programs, touches

GOOD_FOR = timedelta(hours=24)
MESSAGES = 50
"""How many of the newest messages are shown; the file has all."""
_REACH = frozenset(ADDRESS_ATTRIBUTES)
_FILE = "what-we-know-about-you.json"


class _TooLate(Exception):
    """The link has expired."""


class _Seen(NamedTuple):
    shop: PublishedShop
    person: PageCustomer
    words: PageTexts
    until: datetime


class KnownAttribute(NamedTuple):
    """One attribute with its value, where it comes from and what it is used for."""

    name: str
    value: str
    origin: str
    purpose: str


class DataPage(SignedPage):
    """The page with everything idic knows about a customer."""

    def __init__(self, store: Store, links: Links, paper: PageLayout, shops: PublishedShops, runtime: Runtime) -> None:
        super().__init__(store, links, paper, shops)
        self._runtime = runtime

    async def answer(self, request: Request) -> Response:
        """Show the data."""
        return await self._opened(request, self._shown)

    async def file(self, request: Request) -> Response:
        """Download everything as JSON."""
        return await self._opened(request, self._taken)

    async def erasing(self, request: Request) -> Response:
        """GET asks for confirmation, POST erases."""
        return await self._opened(request, self._erased if request.method == "POST" else self._sure)

    async def _opened(self, request: Request, show: Callable[[Request, PageOwner], Awaitable[Response]]) -> Response:
        async def shown(whose: PageOwner) -> Response:
            try:
                return await show(request, whose)
            except _TooLate:
                words = words_for(request)
                again = (
                    self._links.preferences(whose.touch) if whose.touch else self._links.preferences_of(whose.customer or "")
                )
                links = [Link(again, words("p.title"))]
                return self._paper.plain(words, words("d.old"), words("d.old.text"), status=410, links=links)

        return await self.opened(request, self._links.read_data, shown)

    async def _seen(self, tx: Tx, whose: PageOwner, request: Request) -> _Seen:
        """Read the customer. Raises ``_TooLate`` if the link has expired."""
        shop, person = await self._shops.read(tx), await behind(tx, whose)
        if person.touch is not None:
            until = (person.touch.attempted_at or person.touch.claimed_at) + GOOD_FOR
        else:
            until = datetime.fromtimestamp(whose.until or 0, UTC)
        if person.now > until:
            raise _TooLate
        return _Seen(shop, person, spoken_to(request, shop, person), until)

    async def _shown(self, request: Request, whose: PageOwner) -> Response:
        async with self._store.reading() as tx:
            seen = await self._seen(tx, whose, request)
            sent = await tx.rows(_sent(seen.person.id))
            inside = await tx.rows(_inside(seen.person.id))
        shop, person, words, until = seen
        calendar = _Calendar(person.zone(shop.vocabulary.zone), words.language)
        return self._paper.page(
            "data.html", words, title=words("d.title"), shop=shop.name, who=masked(person),
            until=words("d.until", day=calendar.day(until), time=calendar.time(until)),
            known=[_known(shop, words, calendar, name, value) for name, value in person.traits.items()],
            said=[_said(shop, words, calendar, entry) for entry in reversed(person.entries)],
            sent=[_told(shop, words, calendar, row, row["sent_at"]) for row in sent[:MESSAGES]], more=len(sent) > MESSAGES,
            inside=[_told(shop, words, calendar, row, row["entered_at"]) for row in inside],
            here=request.url.path,
        )  # fmt: skip

    async def _taken(self, request: Request, whose: PageOwner) -> Response:
        async with self._store.reading() as tx:
            seen = await self._seen(tx, whose, request)
            row = await customers.get(tx, seen.person.id)
            assert row is not None
            everything = await customer_export(tx, row)
        return self._paper.file(_FILE, json.dumps(everything, ensure_ascii=False, indent=2).encode())

    async def _sure(self, request: Request, whose: PageOwner) -> Response:
        async with self._store.reading() as tx:
            shop, _, words, _ = await self._seen(tx, whose, request)
        return self._paper.page(
            "erase.html", words, title=words("e.title"), shop=shop.name, back=request.url.path.removesuffix("/erase")
        )

    async def _erased(self, request: Request, whose: PageOwner) -> Response:
        async with self._store.reading() as tx:
            shop, person, words, _ = await self._seen(tx, whose, request)
        await erase(self._store, self._runtime, person.id)
        await nothing_begins(self._store, person.id)
        return self._paper.plain(words, words("e.done"), words("e.done.text"), shop=shop.name)


class _Calendar(NamedTuple):
    """Writes dates and times for a zone and language."""

    zone: str
    language: str

    def day(self, at: datetime) -> str:
        """The long date."""
        return format_date(local(at, self.zone), "long", locale=self.language)

    def time(self, at: datetime) -> str:
        """The short time."""
        return format_time(local(at, self.zone), "short", locale=self.language)


_CAUSE = enrollments.c.state[("entry", "name")].as_string().label("cause")
_TITLE = programs.c.document["title"].as_string().label("title")


def _sent(customer_id: str) -> Select[Any]:
    """The query for messages that were sent or may have been, newest first; one more than is shown."""
    return (
        select(touches.c.channel, touches.c.attempted_at.label("sent_at"), copies.c.subject, _TITLE, _CAUSE)
        .add_columns(enrollments.c.entered_at, enrollments.c.journey)
        .join(enrollments, enrollments.c.id == touches.c.enrollment_id)
        .join(programs, programs.c.id == enrollments.c.program_id)
        .outerjoin(copies, copies.c.touch_id == touches.c.id)
        .where(touches.c.customer_id == customer_id, touches.c.status.in_(("sent", "uncertain")))
        .where(touches.c.attempted_at.is_not(None))
        .order_by(touches.c.attempted_at.desc(), touches.c.id)
        .limit(MESSAGES + 1)
    )


def _inside(customer_id: str) -> Select[Any]:
    return (
        select(enrollments.c.entered_at, enrollments.c.journey, _TITLE, _CAUSE)
        .join(programs, programs.c.id == enrollments.c.program_id)
        .where(enrollments.c.customer_id == customer_id, enrollments.c.ended_at.is_(None))
        .order_by(enrollments.c.entered_at.desc())
    )


def _told(shop: PublishedShop, words: PageTexts, calendar: _Calendar, row: Row, at: datetime) -> dict[str, str]:
    """Describe a message or a journey with its cause. Causes that aren't in the vocabulary are left out."""
    known = row["cause"] in shop.vocabulary.events
    cause = words("d.because", event=row["cause"], day=calendar.day(row["entered_at"])) if known else ""
    return {
        "title": row["title"] or in_words(row["journey"]),
        "subject": row.get("subject") or "",
        "by": words(f"by.{row['channel']}") if "channel" in row else "",
        "cause": cause,
        "day": calendar.day(at),
    }


def _known(shop: PublishedShop, words: PageTexts, calendar: _Calendar, name: str, value: object) -> KnownAttribute:
    vocabulary, own = shop.vocabulary, f"attribute.{name}"
    title = in_language(vocabulary.titles.get(name) or {}, words.language)
    called = title or (words(own) if words.has(own) else in_words(name))
    origin = vocabulary.origins.get(name, "")
    if origin == PREFERENCE_PAGE:
        origin = words("d.from.page")
    purposes = [
        words(f"purpose.{use}") if use in PURPOSES else shop.title(use, words.language)
        for use in vocabulary.restricted.get(name, ())
    ]
    if name in _REACH:
        purpose = words("d.for.reach")
    else:
        purpose = words("d.for", purposes=", ".join(purposes)) if purposes else words("d.for.any")
    question = vocabulary.questions.get(name)
    if question is not None and isinstance(value, str) and value in question.answers:
        value = in_language(question.answers[value], words.language)
    return KnownAttribute(called, _value(value, words, calendar), origin or words("d.from.shop"), purpose)


def _value(value: object, words: PageTexts, calendar: _Calendar) -> str:
    match value:
        case bool():
            return words("yes" if value else "no")
        case int() | float():
            return format_decimal(value, "#,##0.######", locale=calendar.language)
        case str():
            try:
                return format_date(date.fromisoformat(value), "long", locale=calendar.language) if len(value) == 10 else value
            except ValueError:
                return value
        case Mapping():
            return ", ".join(f"{in_words(str(key))}: {_value(item, words, calendar)}" for key, item in value.items())
        case Sequence():
            return ", ".join(_value(item, words, calendar) for item in value)
        case _:
            return str(value)


def _said(shop: PublishedShop, words: PageTexts, calendar: _Calendar, entry: ConsentEntry) -> dict[str, str]:
    statement = entry.said
    stands = "d.withdrawn" if not statement.given else "d.confirmed" if statement.confirmed else "d.given"
    act = f"act.{statement.act}"
    return {
        "channel": words(f"channel.{statement.channel}"),
        "topic": shop.title(statement.topic, words.language) or words("d.any_topic"),
        "stands": words(stands),
        "act": words(act) if words.has(act) else statement.act,
        "day": calendar.day(entry.at),
    }
