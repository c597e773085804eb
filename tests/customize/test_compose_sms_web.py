"""Composing an SMS and the content of a slot; links that record answers."""

from __future__ import annotations

from typing import Any

import pytest

from idic.customize.compose import compose_email, compose_sms, compose_web
from idic.errors import CannotCompose
from idic.journey.channels.sms import SmsContent
from idic.journey.channels.web import WebContent
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import LINK, MONEY, TEXT
from idic.times import Duration
from tests.customize.test_compose_email import ANNA, READS, UNSUBSCRIBE, Known, composed_email, program

MORE = {
    "cart.total": Attribute(type=MONEY),
    "customer.brews": Attribute(type=Type(kind="one_of", options=("espresso", "filter"))),
    "links.unsubscribe": Attribute(type=LINK, required=True),
    "customer.nickname": Attribute(type=TEXT),
}


def of_channel(**contents: Any) -> Program:
    message = Message(id="reminder", contents=contents, reads={**READS, **MORE})
    return program().model_copy(update={"messages": {"reminder": message}})


def answer(value: str, url: str | None) -> str:
    return f"https://idic.example/a/{value}" + (f"?then={url}" if url else "")


def sms(text: str, values: dict[str, Any] = ANNA) -> str:
    return compose_sms(
        of_channel(sms=SmsContent(text=text)),
        "reminder",
        Known(values),
        track=lambda url: f"https://i.example/s/<{url}>",
        answer=answer,
        unsubscribe_url=UNSUBSCRIBE,
        language="de",
    )


def slot(body: str, form: str = "html", **values: Any) -> tuple[str, tuple[str, ...]]:
    web = WebContent.model_validate({"slot": "home_hero", "body": body, "form": form, "show_for": Duration(days=1)})
    composed = compose_web(of_channel(web=web), "reminder", Known({**ANNA, **values}), answer=answer, language="de")
    return composed.html, composed.links


# SMS


def test_every_link_of_an_sms_is_tracked_except_unsubscribe_and_answers() -> None:
    text = sms(
        "{{ customer.first_name }}: {{ links.basket }}. Oder https://x.example/a? {{ 'nein' | answer }} "
        "Stop: {{ links.unsubscribe }}"
    )
    basket = "https://shop.example/cart/c%2F1%20%C3%A4?from=mail&who=Anna%20%3C3%20%26%20J%C3%BCrgen"
    assert text == (
        f"Anna <3 & Jürgen: https://i.example/s/<{basket}>. Oder https://i.example/s/<https://x.example/a>? "
        f"https://idic.example/a/nein Stop: {UNSUBSCRIBE}"
    )


def test_an_sms_has_plain_spaces_and_no_extra_white_space() -> None:
    assert sms("  Zusammen\t{{ cart.total | money }}\n\n\n\n heute \n", {**ANNA, "cart.total": 12.5}) == (
        "Zusammen 12,50 €\n\nheute"
    )


def test_an_empty_sms_cannot_be_composed() -> None:
    with pytest.raises(CannotCompose) as raised:
        sms("{% if customer.nickname %}{{ customer.nickname }}{% endif %} \n")
    assert raised.value.code == "empty"


# The slot of a page


def test_links_in_a_slot_are_not_tracked_and_values_are_escaped() -> None:
    html, links = slot(
        '<h2>{{ customer.first_name }}</h2><a href="{{ links.basket }}">Zum Korb</a> <a href="https://x.example/?a=1&amp;b=2">x'
        '</a> <a href="mailto:a@shop.example">m</a> <a href="#t">oben</a> <a href="{{ "ja" | answer: "https://x.example/" }}">'
        "Ja</a> <img src='https://x.example/a.png' alt='{{ customer.first_name }}'>"
    )
    assert "<h2>Anna &lt;3 &amp; Jürgen</h2>" in html
    assert "alt='Anna &lt;3 &amp; Jürgen'" in html
    assert links == (
        "https://shop.example/cart/c%2F1%20%C3%A4?from=mail&who=Anna%20%3C3%20%26%20J%C3%BCrgen",
        "https://x.example/?a=1&b=2",
        "https://idic.example/a/ja?then=https://x.example/",
    )


@pytest.mark.parametrize("evil", ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "//evil.example", "/a"])
def test_a_customers_value_cannot_become_a_script_in_a_slot(evil: str) -> None:
    with pytest.raises(CannotCompose) as raised:
        slot('<a href="{{ customer.site }}">Seite</a>', **{"customer.site": evil})
    assert raised.value.code == "unsafe"


def test_a_value_without_quotes_cannot_add_an_event_handler() -> None:
    with pytest.raises(CannotCompose) as raised:
        slot("<p class={{ customer.nickname }}>Hallo</p>", **{"customer.nickname": "x onmouseover=alert(1)"})
    assert raised.value.code == "unsafe"


def test_plain_text_in_a_slot_is_escaped_and_its_address_linked() -> None:
    html, links = slot("{{ customer.first_name }}:\n<b>heute</b> https://x.example/a?b=1&c=2.", "text")
    assert html == (
        "Anna &lt;3 &amp; Jürgen:<br>\n&lt;b&gt;heute&lt;/b&gt; "
        '<a href="https://x.example/a?b=1&amp;c=2">https://x.example/a?b=1&amp;c=2</a>.'
    )
    assert links == ("https://x.example/a?b=1&c=2",)


@pytest.mark.parametrize("body", ["<p> </p>", "<style>p { color: red }</style>", "{% if customer.nickname %}x{% endif %}", ""])
def test_empty_content_cannot_fill_a_slot(body: str) -> None:
    with pytest.raises(CannotCompose) as raised:
        slot(body)
    assert raised.value.code == "empty"


def test_a_picture_alone_fills_a_slot() -> None:
    assert slot('<img src="https://x.example/a.png" alt="">')[0]


def test_a_message_without_content_for_a_channel_cannot_be_composed() -> None:
    with pytest.raises(CannotCompose) as raised:
        compose_sms(program(), "reminder", Known(ANNA), track=str)
    assert raised.value.code == "no_content"
    with pytest.raises(CannotCompose) as raised:
        compose_web(program(), "reminder", Known(ANNA))
    assert raised.value.code == "no_content"


# Mails: answers, and the picture that tells of an opening


def test_an_answer_in_an_email_is_not_tracked_again() -> None:
    body = (
        """<p><a href="{{ 'espresso' | answer }}">Espresso</a> <a href="{{ 'filter' | answer: links.basket }}">Filter</a></p>"""
    )
    mail = compose_email(
        program(form="html", body=body), "reminder", Known({**ANNA, "key": "c1"}), track=str.upper, answer=answer
    )
    assert 'href="https://idic.example/a/espresso"' in (mail.html or "")
    assert 'href="https://idic.example/a/filter?then=https://shop.example/cart/c1?' in (mail.html or "")
    assert "Espresso (https://idic.example/a/espresso)" in mail.text


def test_answers_without_an_answer_address_cannot_be_composed() -> None:
    with pytest.raises(CannotCompose) as raised:
        composed_email(form="html", body="<p>{{ 'espresso' | answer }}</p>")
    assert raised.value.code == "template_failed"


def test_a_missing_answer_is_filled_like_any_missing_value() -> None:
    text = "{{ customer.nickname | answer | default: 'https://x.example/' }} {{ 3.0 | answer }}"
    assert sms(text) == "https://i.example/s/<https://x.example/> https://idic.example/a/3"


def test_the_tracking_pixel_is_at_the_end_of_the_email() -> None:
    mail = compose_email(program(), "reminder", Known(ANNA), track=str, pixel="https://idic.example/o/x?a=1&b=2")
    assert '<img src="https://idic.example/o/x?a=1&amp;b=2" width="1" height="1" alt=""' in (mail.html or "")
    assert (mail.html or "").rstrip().endswith("></body></html>")
    assert "/o/x" not in mail.text
    plain = compose_email(
        program(form="text", body="Hallo"), "reminder", Known(ANNA), track=str, pixel="https://idic.example/o/x"
    )
    assert plain.html is None
