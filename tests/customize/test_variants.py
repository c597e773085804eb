"""Which content of a message a customer gets, and that all of it is in one language."""

from __future__ import annotations

from typing import Any

import pytest

from idic.customize.compose import compose_email, compose_sms, compose_web
from idic.customize.dry_run import dry_run
from idic.customize.variants import choose_content
from idic.journey.channels.email import EmailContent
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.content import Message
from idic.journey.program.entry import Segment
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.types import LINK, MONEY
from idic.times import Duration
from tests.customize.test_compose_email import Known, program

WEB = WebContent(slot="home_hero", body="<b>Hello</b>", show_for=Duration(days=1))
CONTENTS = {
    "email": EmailContent(subject="Worth {{ total | money }}", body="<p>Hello</p>{% render 'foot' %}", form="html"),
    "sms": SmsContent(text="Hello {{ total | money }}"),
    "web": WEB,
}
GERMAN = {
    **CONTENTS,
    "email": EmailContent(subject="Wert: {{ total | money }}", body="<p>Hallo</p>{% render 'foot' %}", form="html"),
}
FIRST = {
    **CONTENTS,
    "sms": SmsContent(text="Your first {{ total | money }}"),
    "web": WEB.model_copy(update={"slot": "cart_note"}),
}
VARIANTS = {"newcomer/": FIRST, "/de": GERMAN, "newcomer/de": {**FIRST, "email": GERMAN["email"]}}
READS = {"total": Attribute(type=MONEY, required=True), "links.unsubscribe": Attribute(type=LINK, required=True)}
BLOCKS = {"foot": "<i>No more</i>", "foot.de": "<i>Abbestellen</i>"}
MESSAGE = Message(id="hi", contents=CONTENTS, variants=VARIANTS, reads=READS, blocks=BLOCKS)


def shop(**changes: Any) -> Program:
    segments = (Segment(name="newcomer"), Segment(name="regular"))
    message = MESSAGE.model_copy(update=changes)
    there = {"messages": {"hi": message}, "language": "en", "languages": ("en", "de", "fr"), "segments": segments}
    return program().model_copy(update=there)


def mail(language: str | None, segment: str | None = None) -> tuple[str, str]:
    scope = Known({"total": 12.5, "segment": segment})
    email = compose_email(shop(), "hi", scope, track=str, unsubscribe_url="https://x.example/u", language=language)
    return email.subject, email.html or ""


@pytest.mark.parametrize("language", ["de", "de-AT"])
def test_an_email_is_in_one_language(language: str) -> None:
    subject, html = mail(language)
    assert subject == "Wert: 12,50 €"
    assert '<html lang="de">' in html
    assert "<p>Hallo</p><i>Abbestellen</i>" in html


@pytest.mark.parametrize("language", [None, "en", "en-GB", "fr", "ja"])
def test_dates_and_amounts_are_in_the_language_of_the_text(language: str | None) -> None:
    subject, html = mail(language)
    assert subject == "Worth €12.50"
    assert '<html lang="en">' in html
    assert "<p>Hello</p><i>No more</i>" in html


def test_an_untranslated_channel_stays_in_the_first_language() -> None:
    text = compose_sms(shop(), "hi", Known({"total": 12.5}), track=str, language="de")
    assert text == "Hello €12.50"


def test_a_segment_has_its_own_text_and_slot() -> None:
    newcomer = Known({"total": 12.5, "segment": "newcomer"})
    for language in ("en", "de"):
        assert compose_sms(shop(), "hi", newcomer, track=str, language=language) == "Your first €12.50"
        assert compose_web(shop(), "hi", newcomer, language=language).content.slot == "cart_note"
    assert mail("de", "newcomer")[0].startswith("Wert")
    for segment in ("regular", None):
        other = Known({"total": 12.5, "segment": segment})
        assert compose_sms(shop(), "hi", other, track=str) == "Hello €12.50"
        assert compose_web(shop(), "hi", other).content.slot == "home_hero"


def test_the_nearest_variant_of_a_language_is_chosen() -> None:
    austrian = {**GERMAN, "email": EmailContent(subject="Servus", body="x")}
    message = MESSAGE.model_copy(update={"variants": {**VARIANTS, "/de-AT": austrian}})
    read = {}
    for language in ("de-AT", "de-CH", "de", "en-AT"):
        chosen = choose_content(message, "email", "", language, "en")
        assert chosen is not None
        assert isinstance(chosen.content, EmailContent)
        read[language] = (chosen.content.subject[:6], chosen.language)
    assert read == {
        "de-AT": ("Servus", "de-AT"),
        "de-CH": ("Wert: ", "de"),
        "de": ("Wert: ", "de"),
        "en-AT": ("Worth ", "en"),
    }
    assert choose_content(message, "post", "", "de", "en") is None


def test_the_dry_run_tries_every_variant_and_reports_a_shared_failure_once() -> None:
    assert dry_run(shop()) == ()
    broken = {**GERMAN, "email": EmailContent(subject="Hallo", body="<mjml><mj-body>", form="mjml")}
    variants = {**VARIANTS, "/de": broken, "newcomer/de": {**FIRST, "email": broken["email"]}}
    [unsound] = dry_run(shop(variants=variants))
    assert (unsound.segment, unsound.language, unsound.channel, unsound.source) == ("", "de", "email", "<mjml><mj-body>")
    [everybody] = dry_run(shop(contents={**CONTENTS, "sms": SmsContent(text=" ")}))
    assert (everybody.segment, everybody.language, everybody.problem.code) == ("", "", "empty")
