"""Templates are checked on every path, and a checked template renders for every customer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from idic.customize.templates import ReaderLocale, Url, check, names_in, render
from idic.errors import CannotCompose
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import LINK, MONEY, NUMBER, TEXT, YES_NO

LINE_ITEM = Type(
    kind="thing",
    thing="line_item",
    fields={"sku": TEXT, "name": TEXT, "qty": NUMBER, "price": MONEY},
    required=("sku",),
)
NAMES = {
    "customer.first_name": Attribute(type=TEXT),
    "customer.orders": Attribute(type=NUMBER, default=0),
    "customer.value_tier": Attribute(type=Type(kind="one_of", options=("high", "middle", "low"))),
    "customer.birthday": Attribute(type=Type(kind="date")),
    "customer.subscribed": Attribute(type=YES_NO, required=True),
    "entry.starts_at": Attribute(type=Type(kind="moment"), required=True),
    "cart.total": Attribute(type=MONEY),
    "cart.items": Attribute(type=Type(kind="list", of=LINE_ITEM)),
    "cart.tags": Attribute(type=Type(kind="list", of=TEXT), required=True),
    "key": Attribute(type=TEXT, required=True),
    "links.basket": Attribute(type=LINK, required=True),
}
BLOCKS = {
    "footer": "Yours, {{ team | default: 'the shop' }}",
    "broken": "Hello\n  {{ customer.frist_name }}",
    "endless": "{% render 'endless' %}",
}

REFUSED = Path(__file__).parent / "refused_templates.txt"


def refused() -> list[tuple[str, list[str]]]:
    cases = []
    for paragraph in REFUSED.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        if lines:
            source = "\n".join(line for line in lines if not line.startswith("    "))
            cases.append((source, [line.strip() for line in lines if line.startswith("    ")]))
    return cases


@pytest.mark.parametrize(("source", "messages"), refused())
def test_a_wrong_template_is_refused_with_this_message(source: str, messages: list[str]) -> None:
    problems = [
        f"{problem.block + ':' if problem.block else ''}{problem.line}:{problem.column} {problem.message}"
        for problem in check(source, NAMES, BLOCKS).problems
    ]
    assert problems == messages


GOOD = [
    "Hi {{ customer.first_name | default: 'there' }}!",
    "{% if customer.first_name %}Hi {{ customer.first_name }}!{% else %}Hello!{% endif %}",
    "{% if customer.first_name and cart.total > 30 %}{{ customer.first_name }} {{ cart.total | money }}{% endif %}",
    "{% unless customer.first_name %}Hello{% else %}{{ customer.first_name | upcase }}{% endunless %}",
    "{% if customer.first_name == nil %}Hello{% else %}{{ customer.first_name }}{% endif %}",
    "{% if customer.value_tier == 'high' %}{{ customer.value_tier }}{% endif %}",
    "{% case customer.value_tier %}{% when 'high', 'middle' %}{{ customer.value_tier }}{% else %}-{% endcase %}",
    "{% for item in cart.items limit: 3 %}{{ forloop.index }}. {{ item.sku }} {{ item.name | default: 'a thing' }}{% endfor %}",
    "{% for item in cart.items %}{% unless item.name %}{% continue %}{% endunless %}{{ item.name }}{% endfor %}",
    "{% assign name = customer.first_name | default: 'you' %}{{ name | capitalize }}",
    "{% assign name = customer.first_name %}{% if name %}{{ name }}{% endif %}",
    "{% capture whole %}{{ key }}-{{ customer.orders | plus: 1 }}{% endcapture %}{{ whole }}",
    "{{ cart.items | map: 'name' | join: ', ' | default: 'nothing' }} {{ cart.items.first.name | default: 'none' }}",
    "{{ cart.tags | join: ', ' }} {{ cart.tags.size }} {{ cart.total | times: 2 | money | default: 'free' }}",
    "{{ entry.starts_at | date: 'full' }} {{ entry.starts_at | date: 'time' }} {{ customer.birthday | date | default: '?' }}",
    "{% render 'footer', team: customer.first_name %} {% render 'footer', team: 'Us' %} {{ links.basket }}",
    "{% if customer.subscribed %}x{% endif %} {% # a note %} {% comment %}{{ anything }}{% endcomment %}",
    "{% raw %}{{ not.ours }}{% endraw %} {% cycle 'odd', 'even' %} a = b && c",
    "{% assign best = cart.items | where: 'sku', 'x' | first %}{% if best.name %}{{ best.name }}{% endif %}",
]


@pytest.mark.parametrize("source", GOOD)
@pytest.mark.parametrize("known", [False, True], ids=["nothing known", "everything known"])
def test_a_checked_template_renders_with_all_values_or_none(source: str, known: bool) -> None:
    checked = check(source, NAMES, BLOCKS)
    assert checked.problems == ()
    values: dict[str, object] = dict.fromkeys(NAMES)
    values |= {
        "key": "c1",
        "customer.orders": 0.0,
        "customer.subscribed": True,
        "cart.tags": ["new"],
        "links.basket": Url("https://shop.example/cart/c1"),
        "entry.starts_at": datetime(2026, 3, 27, 10, tzinfo=UTC),
    }
    if known:
        values |= {
            "customer.first_name": "Anna",
            "customer.value_tier": "high",
            "customer.birthday": date(1990, 2, 28),
            "cart.total": 95.0,
            "cart.items": [{"sku": "x", "name": "Cup", "qty": 2.0, "price": 12.5}, {"sku": "y"}],
        }
    for dialect in ("text", "html"):
        render(source, values, BLOCKS, dialect=dialect)  # type: ignore[arg-type]


def test_a_check_reports_every_name_on_every_path_and_in_blocks() -> None:
    source = "{% if key == 'a' %}{{ customer.orders }}{% else %}{% for i in cart.items %}{{ i.sku }}{% endfor %}{% endif %}"
    assert set(check(source, NAMES, BLOCKS).reads) == {"key", "customer.orders", "cart.items"}


def test_a_block_sees_declared_names_and_its_arguments_but_no_loop_variables() -> None:
    blocks = {"row": "{{ item.sku }} {{ line.sku }}"}
    source = "{% for item in cart.items %}{% render 'row', line: item %}{% endfor %}"
    [problem] = check(source, NAMES, blocks).problems
    assert (problem.block, problem.line, problem.column) == ("row", 1, 4)
    assert problem.message == '"item.sku" does not exist'


ANNA = {"customer.first_name": "<b>Anna & Co</b>", "cart.total": 1234.5, "customer.orders": 3.0}
SOURCE = "{{ customer.first_name }} {{ cart.total | money }} {{ customer.orders }} {{ customer.orders | divided_by: 2 }}"


def test_html_is_escaped_and_text_is_not() -> None:
    assert render("{{ customer.first_name }}", ANNA, {}) == "<b>Anna & Co</b>"
    assert render("{{ customer.first_name }}", ANNA, {}, dialect="html") == "&lt;b&gt;Anna &amp; Co&lt;/b&gt;"


@pytest.mark.parametrize(
    ("language", "money"),
    [("en", "€1,234.50"), ("de", "1.234,50\xa0€"), ("de-AT", "€\xa01.234,50"), ("xx-YY", "€1,234.50"), ("", "€1,234.50")],
)
def test_money_and_dates_are_in_the_readers_language(language: str, money: str) -> None:
    assert render("{{ cart.total | money }}", ANNA, {}, locale=ReaderLocale(language, "UTC", "EUR")) == money


def test_dates_and_times_are_in_the_customers_zone() -> None:
    values = {"at": datetime(2026, 3, 28, 23, 30, tzinfo=UTC)}
    reader = ReaderLocale("de", "Europe/Berlin", "EUR")
    assert render("{{ at | date: 'full' }}, {{ at | date: 'time' }}", values, {}, locale=reader) == (
        "Sonntag, 29. März 2026, 00:30"
    )
    assert render("{{ at | date: 'weekday' }}", values, {}, locale=ReaderLocale("ja", "America/New_York")) == "土曜日"


def test_whole_numbers_print_without_a_decimal_point() -> None:
    assert render("{{ customer.orders }} {{ customer.orders | divided_by: 2 }}", ANNA, {}) == "3 1.5"


@pytest.mark.parametrize("blank", [None, "", "   ", "\t\n"])
def test_blank_text_is_missing(blank: str | None) -> None:
    assert render("Hi {{ customer.first_name | upcase | default: 'there' }}!", {"customer.first_name": blank}, {}) == (
        "Hi there!"
    )


def test_a_missing_value_stays_missing_through_filters() -> None:
    assert render("{{ cart.total | plus: 1 | money | default: '–' }}", {"cart.total": None}, {}) == "–"


def test_values_in_a_link_are_encoded_but_an_address_stays_an_address() -> None:
    values = {"key": "a/b ä&c", "site": Url("https://x.example/?q=1"), "n": 3.0}
    assert render("https://s.example/{{ key }}/{{ n }}?to={{ key | url_encode }}", values, {}, dialect="url") == (
        "https://s.example/a%2Fb%20%C3%A4%26c/3?to=a%2Fb%20%C3%A4%26c"
    )
    assert render("{{ site }}", values, {}, dialect="url") == "https://x.example/?q=1"


@pytest.mark.parametrize(
    "source",
    [
        "{% render 'nobody' %}",
        "{{ customer.orders | divided_by: 0 }}",
        "{% for i in (1..100) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}" + "x" * 200 + "{% endfor %}",
        "{% if %}",
    ],
)
def test_a_failure_to_render_has_a_code(source: str) -> None:
    with pytest.raises(CannotCompose) as raised:
        render(source, ANNA, {})
    assert raised.value.code == "template_failed"


@pytest.mark.parametrize(
    "source", ["{{ nobody }}", "{{ customer.nobody }}", "{{ nobody | money }}", "{{ nobody | append: 'x' }}"]
)
def test_a_value_that_was_not_given_cannot_be_printed(source: str) -> None:
    with pytest.raises(CannotCompose) as raised:
        render(source, ANNA, {})
    assert raised.value.code == "value_missing"


def test_a_value_that_was_not_given_can_be_tested() -> None:
    source = "{% if nobody %}x{% endif %}{% if nobody > 3 or nobody == 'a' %}x{% endif %}{{ nobody | default: 'z' }}"
    assert render(source, ANNA, {}) == "z"


def test_names_in_a_source_are_found_without_declarations() -> None:
    assert names_in("https://x/{{ key }}/{{ customer.id | default: 'a' }}") == {"key", "customer.id"}
    assert names_in("{{ broken") == frozenset()
