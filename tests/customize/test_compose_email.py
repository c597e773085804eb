"""Composing an email for one customer: HTML, links and the text part."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from idic.customize.compose import ComposedEmail, compose_email
from idic.errors import CannotCompose
from idic.journey.channels.email import EmailContent
from idic.journey.program.content import Message
from idic.journey.program.entry import Entry
from idic.journey.program.program import Program
from idic.journey.program.values import DONE, Attribute, Type
from idic.journey.vocabulary.types import LINK, MONEY, TEXT

BODY = """
<mjml>
  <mj-head><mj-style>.loud { color: #c00 } a:hover { color: blue }</mj-style></mj-head>
  <mj-body><mj-section><mj-column>
    <mj-text><p class="loud">Hallo {{ customer.first_name | default: 'du' }} 日本 مرحبا 🎉</p></mj-text>
    {% for item in cart.items %}
    <mj-text>{{ item.name | default: 'Ein Artikel' }}: {{ item.price | money | default: '–' }}</mj-text>
    {% endfor %}
    <mj-button href="{{ links.basket }}">Zum Korb</mj-button>
    <mj-text>
      <a href="https://shop.example/a?x=1&amp;y=2">Mehr</a> <a href="mailto:hello@shop.example">Schreib uns</a>
      <a href="#top">Nach oben</a> <a href="{{ customer.site | default: 'https://shop.example' }}">Deine Seite</a>
      <a href="{{ links.unsubscribe }}">Abbestellen</a>
    </mj-text>
  </mj-column></mj-section></mj-body>
</mjml>
"""
LINE_ITEM = Type(kind="thing", thing="line_item", fields={"name": TEXT, "price": MONEY})
READS = {
    "key": Attribute(type=TEXT, required=True),
    "customer.first_name": Attribute(type=TEXT),
    "customer.site": Attribute(type=TEXT),
    "cart.items": Attribute(type=Type(kind="list", of=LINE_ITEM)),
    "links.basket": Attribute(type=LINK, required=True),
    "links.unsubscribe": Attribute(type=LINK, required=True),
}
UNSUBSCRIBE = "https://idic.example/u/secret"


class Known:
    """A scope of what a test writes down."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.currency = "EUR"
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)
        self.zone = "Europe/Berlin"

    def raw(self, name: str) -> tuple[object, Mapping[str, Any]]:
        return self._values.get(name), {}


ANNA = {
    "key": "c/1 ä",
    "customer.first_name": "Anna <3 & Jürgen",
    "cart.items": [{"name": "Tasse", "price": "12.50"}, {"price": "ten"}, "rubbish"],
}


def program(**email: Any) -> Program:
    content = EmailContent.model_validate({"subject": "Hallo", "body": BODY, "form": "mjml", **email})
    return Program(
        journey="abandoned_cart",
        title="",
        language="de",
        languages=("de",),
        entry=Entry(on=()),
        first=DONE,
        steps={},
        messages={"reminder": Message(id="reminder", contents={"email": content}, reads=READS)},
        links={"basket": "https://shop.example/cart/{{ key }}?from=mail&who={{ customer.first_name | default: '' }}"},
    )


def composed_email(values: Mapping[str, Any] = ANNA, **email: Any) -> ComposedEmail:
    return compose_email(
        program(**email),
        "reminder",
        Known(values),
        track=lambda url: f"https://idic.example/l/<{url}>",
        unsubscribe_url=UNSUBSCRIBE,
        language="de",
    )


def hrefs(composed: ComposedEmail) -> list[str]:
    assert composed.html is not None
    addresses: list[str] = re.findall(r'<a [^>]*?href="([^"]*)"', composed.html)
    return addresses


def test_css_is_inlined_except_for_rules_that_cannot_be() -> None:
    html = composed_email().html or ""
    assert re.search(r'<p class="loud" style="[^"]*color: #c00', html)
    assert "a:hover" in html
    assert "@media" in html
    assert "fonts.googleapis" not in html
    assert html.startswith("<!DOCTYPE html>")
    assert '<html lang="de"' in html


def test_values_are_escaped_in_html_and_money_follows_the_language() -> None:
    html = composed_email().html or ""
    assert "Hallo Anna &lt;3 &amp; Jürgen 日本 مرحبا 🎉" in html
    assert "Tasse: 12,50&nbsp;€" in html
    assert "Ein Artikel: –" in html


def test_every_link_is_tracked_except_unsubscribe() -> None:
    tracked, more, mail, top, site, out = hrefs(composed_email())
    assert tracked == (
        "https://idic.example/l/&lt;https://shop.example/cart/c%2F1%20%C3%A4"
        "?from=mail&amp;who=Anna%20%3C3%20%26%20J%C3%BCrgen&gt;"
    )
    assert more == "https://idic.example/l/&lt;https://shop.example/a?x=1&amp;y=2&gt;"
    assert (mail, top) == ("mailto:hello@shop.example", "#top")
    assert site == "https://idic.example/l/&lt;https://shop.example&gt;"
    assert out == UNSUBSCRIBE


@pytest.mark.parametrize("evil", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//evil.example"])
def test_a_customers_value_cannot_become_a_script(evil: str) -> None:
    assert "#" in hrefs(composed_email({**ANNA, "customer.site": evil}))[4:5]


def test_the_text_part_has_the_words_and_the_addresses() -> None:
    text = composed_email().text
    assert text.startswith("Hallo Anna <3 & Jürgen 日本 مرحبا 🎉\n")
    assert "Tasse: 12,50 €\n" in text
    assert "Zum Korb (https://idic.example/l/<https://shop.example/cart/" in text
    assert "Schreib uns (hello@shop.example)" in text
    assert f"Abbestellen ({UNSUBSCRIBE})" in text
    assert "Nach oben (" not in text
    assert "color" not in text


def test_the_preheader_is_hidden_and_not_in_the_text() -> None:
    composed = composed_email(preheader="Nur heute, {{ customer.first_name | default: 'du' }}")
    assert re.search(r'<body[^>]*><div style="display:none[^>]*>Nur heute, Anna &lt;3 &amp; Jürgen</div>', composed.html or "")
    assert "Nur heute" not in composed.text


def test_plain_html_becomes_a_whole_document() -> None:
    composed = composed_email(form="html", body="<style>p { margin: 0 }</style><p>Hallo <a href=https://x.example>x</a></p>")
    assert composed.html == (
        '<!DOCTYPE html><html lang="de"><head></head><body><p style="margin: 0;">Hallo '
        '<a href="https://idic.example/l/&lt;https://x.example&gt;">x</a></p></body></html>'
    )


def test_plain_text_stays_plain_and_its_addresses_are_tracked() -> None:
    composed = composed_email(
        form="text", body="Hallo & {{ customer.first_name }}: https://x.example/a?b=1&c=2. {{ links.unsubscribe }}"
    )
    assert composed.html is None
    assert composed.text == (f"Hallo & Anna <3 & Jürgen: https://idic.example/l/<https://x.example/a?b=1&c=2>. {UNSUBSCRIBE}\n")


def test_an_author_may_write_the_text_part() -> None:
    composed = composed_email(text="Kurz: {{ links.basket }}")
    assert composed.text.startswith("Kurz: https://idic.example/l/<https://shop.example/cart/c%2F1%20%C3%A4?")


def test_a_subject_is_one_line_and_is_not_escaped() -> None:
    composed = composed_email(
        {**ANNA, "customer.first_name": "Anna\r\nBcc: x@y.example"}, subject="Für {{ customer.first_name }}"
    )
    assert composed.subject == "Für Anna Bcc: x@y.example"
    assert composed_email(subject="{{ customer.first_name }}").subject == "Anna <3 & Jürgen"


def test_a_customer_without_data_gets_a_complete_email() -> None:
    composed = composed_email({"key": "c1"})
    assert "Hallo du" in (composed.html or "")
    assert "None" not in composed.text + (composed.html or "")


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ({"subject": "{% if customer.site %}x{% endif %}"}, "empty"),
        ({"form": "text", "body": "{% if customer.site %}x{% endif %}"}, "empty"),
        ({"body": "<mjml><mj-body><mj-section></mj-body></mjml>"}, "mjml_failed"),
        ({"body": "<mjml><mj-body><mj-sektion/></mj-body></mjml>"}, "mjml_failed"),
        ({"body": "<mjml><mj-body><mj-include path='/etc/hostname'/></mj-body></mjml>"}, "mjml_failed"),
        ({"body": "no mjml"}, "mjml_failed"),
        ({"body": "{{ nobody }}"}, "value_missing"),
    ],
)
def test_a_failure_to_compose_has_a_code(email: dict[str, Any], code: str) -> None:
    with pytest.raises(CannotCompose) as raised:
        composed_email(**email)
    assert raised.value.code == code


def test_a_required_amount_in_another_currency_fails_instead_of_printing_nothing() -> None:
    total = {"cart.total": Attribute(type=MONEY, required=True)}
    message = Message(
        id="m", contents={"email": EmailContent(subject="Total {{ cart.total | money }}", body="<p>x")}, reads=total
    )

    class Dollars(Known):
        def raw(self, name: str) -> tuple[object, Mapping[str, Any]]:
            return 95, {"currency": "USD", "total": 95}

    with pytest.raises(CannotCompose) as raised:
        compose_email(program().model_copy(update={"messages": {"m": message}}), "m", Dollars({}), track=str)
    assert raised.value.code == "value_missing"


def test_an_unknown_message_has_no_content() -> None:
    with pytest.raises(CannotCompose) as raised:
        compose_email(program(), "other", Known({}), track=str)
    assert raised.value.code == "no_content"
