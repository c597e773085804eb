"""The preference page: topics and channels, frequency, a break, unsubscribe from everything, and questions.

Changes are recorded as idic's own events in one transaction. The form contains the state in which it was shown, and only
differences from it count: a page that was open before an unsubscribe doesn't subscribe the customer again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from babel.dates import format_date
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idic.api.pages import choices, questions
from idic.api.pages.choices import PublishedShop
from idic.api.pages.form import PostedForm, read_form
from idic.api.pages.page_customer import PageCustomer, behind
from idic.api.pages.page_layout import local, words_for
from idic.api.pages.page_texts import PageTexts
from idic.api.pages.signed_pages import SignedPage
from idic.api.withdraw_consent import tell
from idic.identify.messages import OWN_MESSAGE_ID
from idic.interact import consent, preferences
from idic.interact.preferences import Choice, Preferences
from idic.interact.tracking.links import PageOwner
from idic.journey.channels import EMAIL_ATTRIBUTE, PHONE_ATTRIBUTE
from idic.store.customer import ingest
from idic.store.customer.ingest import NewEvent, Observation
from idic.store.database import Tx

ACT = "preference page"
DATA_REQUESTED = "Data Requested"
PAUSE = timedelta(days=30)
_LARGEST = 64 * 1024
"""The largest form in bytes."""
_DONE = frozenset({"saved", "same", "paused", "resumed", "none", "data"})


class _Seen(NamedTuple):
    shop: PublishedShop
    person: PageCustomer
    barred: Mapping[str, str]
    words: PageTexts


class _Wrong(Exception):
    """Some entries are invalid: ``given`` and ``wrong`` hold the entry and the problem by attribute."""

    def __init__(self, seen: _Seen, given: Mapping[str, str], wrong: Mapping[str, str]) -> None:
        self.seen, self.given, self.wrong = seen, given, wrong


class PreferencePage(SignedPage):
    """The page on which customers set which messages they get."""

    async def answer(self, request: Request) -> Response:
        """GET shows the settings; POST saves the changes and redirects back."""
        show = self._changed if request.method == "POST" else self._stands
        return await self.opened(request, self._links.read_preferences, lambda whose: show(whose, request))

    async def _stands(self, whose: PageOwner, request: Request) -> Response:
        async with self._store.reading() as tx:
            seen = await self._seen(tx, whose, request)
        return self._shown(seen, done=request.query_params.get("done", ""))

    async def _changed(self, whose: PageOwner, request: Request) -> Response:
        form = await read_form(request, _LARGEST)
        try:
            done = await self._kept(whose, form, request)
        except _Wrong as wrong:
            return self._shown(wrong.seen, form=form, given=wrong.given, wrong=wrong.wrong)
        # After the redirect, a reload doesn't send the form again.
        return RedirectResponse(f"{request.url.path}?done={done}", 303, {"Cache-Control": "no-store"})

    async def _seen(self, tx: Tx, whose: PageOwner, request: Request) -> _Seen:
        shop, person = await self._shops.read(tx), await behind(tx, whose)
        return _Seen(
            shop, person, await choices.suppressed(tx, person, shop.vocabulary.country), spoken_to(request, shop, person)
        )

    def _shown(
        self,
        seen: _Seen,
        *,
        done: str = "",
        form: PostedForm | None = None,
        given: Mapping[str, str] | None = None,
        wrong: Mapping[str, str] | None = None,
    ) -> Response:
        shop, person, barred, words = seen
        given, wrong = given or {}, wrong or {}
        ticked = {name: name in form.all("get") for name in form.pairs("was")} if form else {}
        asked = questions.unanswered(shop.vocabulary, person.traits)
        names = list(dict.fromkeys((*given, *asked)))[: max(questions.AT_ONCE, len(given))]
        paused = person.paused()
        zone = person.zone(shop.vocabulary.zone)
        return self._paper.page(
            "preferences.html", words, status=422 if wrong else 200, shop=shop.name, title=words("p.title"),
            who=masked(person), topics=choices.topics(shop, person, barred, words, ticked),
            fewer=form.has("fewer") if form else person.fewer, was_fewer=person.fewer,
            most=choices.at_most(shop.policy.fewer, words),
            questions=[
                questions.asked(shop.vocabulary, name, words, given.get(name, ""), wrong.get(name, "")) for name in names
            ],
            paused=format_date(local(paused, zone), "long", locale=words.language) if paused else "",
            data=shop.hears(DATA_REQUESTED), done=words(f"done.{done}") if done in _DONE else "", wrong=bool(wrong),
        )  # fmt: skip

    async def _kept(self, whose: PageOwner, form: PostedForm, request: Request) -> str:
        """Save the form's changes in one transaction. Returns the message to show. Raises ``_Wrong``."""
        done = "same"

        async def telling(tx: Tx) -> Sequence[Observation]:
            nonlocal done
            seen = await self._seen(tx, whose, request)
            saying = _Saying(seen, form, whose)
            done = saying.done
            if saying.learnt:
                message_id = f"{OWN_MESSAGE_ID}{uuid.uuid4().hex}"
                await ingest.record_for_customers(tx, message_id, {seen.person.id: NewEvent("identify", "", saying.learnt)})
            return saying.observations

        await tell(self._store, telling)
        return done


class _Saying:
    """The changes that one form makes. Raises ``_Wrong``."""

    def __init__(self, seen: _Seen, form: PostedForm, whose: PageOwner) -> None:
        self._seen = seen
        self._form = form
        self._whose = whose
        self.learnt: dict[str, Any] = {}
        self.observations: list[Observation] = []
        self.done = "same"
        do = form.first("do")
        if do == "none":
            # Unsubscribing works even if other fields are invalid.
            self._consents(preferences.nothing(seen.person.entries))
            self.done = "none"
            return
        self._answers()
        self._consents(self._choices())
        self._preferences(do)
        if do == "data":
            # At most one mail an hour, however often the button is clicked.
            once = f"data-requested:{seen.person.id}:{seen.person.now:%Y%m%d%H}"
            self.observations.append(Observation(DATA_REQUESTED, seen.person.id, None, None, {}, once))
            self.done = "data"
        elif self.done == "same" and (self.observations or self.learnt):
            self.done = "saved"

    def _answers(self) -> None:
        vocabulary = self._seen.shop.vocabulary
        given = {name: self._form.first(f"q.{name}") for name in vocabulary.questions if self._form.has(f"q.{name}")}
        read = {
            name: questions.answer(vocabulary, name, entered, self._seen.words) for name, entered in given.items() if entered
        }
        wrong = {name: answer.wrong for name, answer in read.items() if answer.wrong}
        if wrong:
            raise _Wrong(self._seen, given, wrong)
        self.learnt = {name: answer.value for name, answer in read.items()}

    def _choices(self) -> list[Choice]:
        shop, person, barred, words = self._seen
        boxes = choices.offered(choices.topics(shop, person, barred, words, {}))
        ticked, was = set(self._form.all("get")), self._form.pairs("was")
        wanted = {
            key: box.name in ticked
            for key, box in boxes.items()
            if box.name in was
            # A difference from the shown state that hasn't been saved meanwhile.
            and (box.name in ticked) != (was[box.name] == "1")
            and (box.name in ticked) != box.was
        }
        topics = [topic for topic in shop.used() if topic is not None]
        return preferences.changes(person.entries, wanted, shop.policy.consent, topics)

    def _consents(self, choices: Sequence[Choice]) -> None:
        for choice in choices:
            proof = {"page": self._whose.touch or "link of the shop's", "at": self._seen.person.now.isoformat()}
            confirmed = self._seen.person.owns(choice.channel) if choice.confirmed is None else choice.confirmed
            properties: dict[str, Any] = {"channel": choice.channel, "purpose": choice.purpose, "act": ACT, "proof": proof}
            properties |= {"topic": choice.topic} if choice.topic is not None else {}
            properties |= {"confirmed": confirmed} if choice.given else {}
            name = consent.GIVEN if choice.given else consent.WITHDRAWN
            self.observations.append(Observation(name, self._seen.person.id, None, None, properties))

    def _preferences(self, do: str) -> None:
        person = self._seen.person
        fewer, paused_until = person.fewer, person.paused()
        if self._form.has("was_fewer") and self._form.has("fewer") != (self._form.first("was_fewer") == "1"):
            fewer = self._form.has("fewer")
        if do == "pause":
            paused_until, self.done = person.now + PAUSE, "paused"
        elif do == "resume":
            paused_until, self.done = None, "resumed"
        if (fewer, paused_until) != (person.fewer, person.paused()):
            properties = Preferences(fewer, paused_until).properties()
            self.observations.append(Observation(preferences.CHANGED, person.id, None, None, properties))


def spoken_to(request: Request, shop: PublishedShop, person: PageCustomer) -> PageTexts:
    """The texts in the customer's language, else in their browser's, else in the shop's."""
    languages = [value for name in ("language", "locale") if isinstance(value := person.traits.get(name), str)]
    return words_for(request, languages, shop.vocabulary.languages)


def masked(person: PageCustomer) -> str:
    """The customer's address with most of it hidden, so that nobody else learns it from the page."""
    email, phone = person.traits.get(EMAIL_ATTRIBUTE), person.traits.get(PHONE_ATTRIBUTE)
    if isinstance(email, str) and "@" in email:
        name, _, domain = email.strip().rpartition("@")
        return f"{name[:1]}•••@{domain}"
    return f"••• {str(phone)[-3:]}" if isinstance(phone, str | int) and len(str(phone)) > 5 else ""
