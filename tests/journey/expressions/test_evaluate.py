"""The results of conditions: missing values, numbers, money, dates, line items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from idic.journey.expressions.context import Names
from idic.journey.expressions.evaluate import amount, explain, holds, value
from idic.journey.expressions.infer import infer, infer_value
from idic.journey.program.values import Attribute, Condition, Type
from idic.journey.vocabulary.read_vocabulary import read_vocabulary
from idic.journey.vocabulary.types import NUMBER, TEXT
from idic.problems import Problems
from tests.journey.read_fixtures import VOCABULARY

WORDS = read_vocabulary("vocabulary.yaml", VOCABULARY, Problems({})).vocabulary


class Anna:
    """A scope of two mappings and what is bare. It is Friday morning in Berlin."""

    currency = "EUR"
    zone = "Europe/Berlin"
    now = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)

    def __init__(self, customer: Mapping[str, Any] | None = None, entry: Mapping[str, Any] | None = None, **bare: Any) -> None:
        self.values: dict[str, Mapping[str, Any]] = {"customer": customer or {}, "entry": entry or {}}
        self.bare = bare

    def raw(self, name: str) -> tuple[object, Mapping[str, Any]]:
        root, _, attribute = name.partition(".")
        values = self.values.get(root, self.bare)
        return values.get(attribute or root), values


NAMES = Names(
    {
        **{f"customer.{name}": attribute for name, attribute in WORDS.customer.items()},
        **{f"entry.{name}": attribute for name, attribute in WORDS.events["Cart Updated"].items()},
        "key": Attribute(type=TEXT, required=True),
        "segment": Attribute(type=Type(kind="one_of", options=("vip", "rest")), required=True),
    },
    zone="Europe/Berlin",
)


def condition(text: str, *, number: bool = False) -> Condition:
    messages: list[str] = []
    inferred = infer(text, NAMES, lambda message, *_: messages.append(message), number=number)
    assert inferred is not None, messages
    return inferred


def is_true(text: str, **scope: Any) -> bool:
    return holds(condition(text), Anna(**scope))


@pytest.mark.parametrize("text", ["customer.points >= 30", "customer.points >= 30.0", "customer.points > 29.5"])
@pytest.mark.parametrize("points", [30, 30.0, "30"])
def test_integers_and_decimals_are_one_kind_of_number(text: str, points: object) -> None:
    assert is_true(text, customer={"points": points})


def test_a_missing_value_matches_no_comparison() -> None:
    for text in ("customer.points > 3", "customer.points <= 3", 'customer.first_name == "Anna"', "customer.subscribed"):
        assert not is_true(text)


def test_an_unreadable_value_is_missing() -> None:
    for points in ("many", True, None, [], {"a": 1}, float("nan")):
        assert not is_true("known(customer.points)", customer={"points": points})
    assert not is_true("known(customer.first_name)", customer={"first_name": "  "})
    assert not is_true("known(customer.plan)", customer={"plan": "platinum"})


def test_an_unknown_side_does_not_hide_a_true_one() -> None:
    assert is_true('customer.points > 3 or customer.first_name == "Anna"', customer={"first_name": "Anna"})
    assert not is_true('customer.points > 3 and customer.first_name == "Anna"', customer={"first_name": "Anna"})


def test_a_default_replaces_a_missing_value() -> None:
    assert is_true("customer.orders == 0")
    assert is_true('customer.value_tier == "low" and not (customer.value_tier == "high")')
    assert not is_true("customer.orders == 0", customer={"orders": 2})
    assert is_true("customer.spent_90d == 0")


def test_known_tells_whether_a_value_is_missing() -> None:
    text = 'not known(customer.plan) or customer.plan != "paid"'
    assert is_true(text)
    assert is_true(text, customer={"plan": "free"})
    assert not is_true(text, customer={"plan": "paid"})
    text = 'known(customer.plan) and not (customer.plan == "paid")'
    assert not is_true(text)
    assert is_true(text, customer={"plan": "free"})


def test_not_binds_weaker_than_a_comparison_and_the_signs_of_cel_work_too() -> None:
    assert is_true("not customer.orders == 1")
    assert is_true("!(customer.orders == 1) && (customer.orders == 0 || customer.orders == 5)")
    assert is_true("not not customer.orders == 0")


def test_options_match_in_any_capitalisation() -> None:
    assert is_true('customer.value_tier == "high"', customer={"value_tier": "High"})
    assert is_true('customer.value_tier in ["high", "middle"]', customer={"value_tier": "middle"})


def test_money_in_another_currency_is_missing() -> None:
    assert is_true("entry.total >= 30", entry={"total": 95, "currency": "eur"})
    assert is_true("entry.total >= 30", entry={"total": 95})
    assert not is_true("entry.total >= 30", entry={"total": 95, "currency": "USD"})
    assert not is_true("entry.total < 30", entry={"total": 95, "currency": "USD"})


def test_line_items_have_the_currency_of_their_event_or_their_own() -> None:
    text = "entry.items.exists(i, i.price > 10)"
    assert is_true(text, entry={"items": [{"sku": "a", "price": 12}], "currency": "EUR"})
    assert not is_true(text, entry={"items": [{"sku": "a", "price": 12}], "currency": "CHF"})
    assert is_true(text, entry={"items": [{"sku": "a", "price": 12, "currency": "EUR"}], "currency": "CHF"})


def test_a_missing_field_of_a_line_item_is_unknown_and_not_zero() -> None:
    items = {"items": [{"sku": "a"}, {"sku": "b", "price": 20}]}
    assert not is_true("entry.items.exists(i, i.price < 10)", entry=items)
    assert is_true("entry.items.exists(i, i.price > 10)", entry=items)
    assert is_true("entry.items.exists(i, not known(i.price))", entry=items)
    assert not is_true("entry.items.all(i, known(i.price))", entry=items)


def test_lists_can_be_counted_filtered_and_indexed() -> None:
    entry = {"items": [{"sku": "a", "qty": 1, "category": "Beans"}, {"sku": "b", "qty": 3}, {"qty": 9}, "junk"]}
    assert is_true("size(entry.items) == 2", entry=entry)  # what is no line item is left out
    assert is_true('entry.items.filter(i, i.qty > 1).size() == 1 and entry.items[1].sku == "b"', entry=entry)
    assert is_true('entry.items.exists_one(i, i.sku == "a")', entry=entry)
    assert is_true('entry.items.exists(i, lower(i.category) == "beans")', entry=entry)
    assert not is_true('entry.items[7].sku == "b"', entry=entry)
    assert is_true('customer.tags.exists(t, t == "new") and "new" in customer.tags', customer={"tags": ["new"]})


def test_moments_in_line_items_compare() -> None:
    entry = {"items": [{"sku": "a", "added_at": "2026-03-26T23:30:00Z"}]}
    assert is_true('entry.items.exists(i, i.added_at > "2026-03-27 00:00")', entry=entry)  # 00:30 in Berlin
    assert is_true("entry.items.exists(i, days_since(i.added_at) == 0)", entry=entry)
    assert not is_true('entry.items.exists(i, i.added_at > "2026-03-27 00:00+00:00")', entry=entry)


def test_days_follow_the_customers_time_zone() -> None:
    assert is_true("days_since(customer.seen_at) == 0", customer={"seen_at": "2026-03-26T23:30:00Z"})
    assert is_true("days_since(customer.seen_at) == 1", customer={"seen_at": "2026-03-26T22:30:00Z"})
    assert is_true("days_until(customer.birthday) == 3", customer={"birthday": "2026-03-30"})
    assert is_true("days_since(customer.birthday) == -3", customer={"birthday": "2026-03-30"})
    assert not is_true("days_since(customer.birthday) > 0")


def test_dates_compare_with_texts_that_are_dates() -> None:
    assert is_true('customer.birthday < "1990-01-01"', customer={"birthday": "1989-12-31"})
    assert is_true('customer.birthday == "1989-12-31"', customer={"birthday": "1989-12-31T10:00:00Z"})
    assert not is_true('customer.birthday < "1990-01-01"', customer={"birthday": "31.12.1989"})


def test_text_functions_work_in_any_script() -> None:
    assert is_true('lower(customer.first_name).startsWith("änn")', customer={"first_name": "ÄNNE"})
    assert is_true("customer.first_name.contains('\"')", customer={"first_name": 'Anna "A."'})
    assert is_true(r'customer.first_name == "a\"b\\c"', customer={"first_name": 'a"b\\c'})


def test_names_without_dots_can_be_read() -> None:
    assert is_true('segment == "vip" and key == "12"', segment="vip", key=12)


def test_an_amount_is_a_number_or_nothing() -> None:
    scope = Anna(entry={"total": "12.50"})
    assert amount(condition("entry.total", number=True), scope) == 12.5
    assert amount(condition("entry.total * 2 - 5", number=True), scope) == 20
    assert amount(condition("entry.total / 0", number=True), scope) is None
    assert amount(condition("customer.points", number=True), scope) is None
    assert amount(condition("entry.total > 100 ? 100 : entry.total", number=True), scope) == 12.5


def test_a_condition_explains_itself_with_its_values() -> None:
    anna = Anna(customer={"value_tier": "high", "subscribed": True, "birthday": "1990-01-01"}, entry={"total": 95})
    assert explain(condition("entry.total >= 30"), anna) == "total 95.00 EUR >= 30"
    assert explain(condition('customer.value_tier == "high"'), anna) == 'value_tier "high"'
    assert explain(condition("customer.points > 3"), anna) == "points missing > 3"
    assert explain(condition("customer.subscribed and customer.orders == 0"), anna) == "subscribed yes, orders 0"
    assert explain(condition("days_since(customer.birthday) > 3"), anna) == "birthday 1990-01-01"
    assert explain(condition("size(entry.items) > 3"), Anna(entry={"items": [{"sku": "a"}]})) == "items 1 of them"


def test_a_condition_is_compiled_once_in_any_stored_order() -> None:
    condition = Condition(text="customer.n > 1", cel="customer.n > 1.0", reads={"customer.n": Attribute(type=NUMBER)})
    again = Condition.model_validate_json(condition.model_dump_json())
    assert again.document == condition.document
    assert holds(again, Anna(customer={"n": 2})) == holds(condition, Anna(customer={"n": 2})) is True


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('["a", "b"]', ["a", "b"]),
        ("customer.wishlist", ["mug", "pot"]),
        ("[customer.birthday]", ["1990-05-04"]),
        ("[customer.points, 2]", [30.0, 2.0]),
        ("entry.items", [{"sku": "mug", "price": 12.0, "added_at": "2026-03-27T08:00:00+00:00"}]),
        ("entry.items[0]", {"sku": "mug", "price": 12.0, "added_at": "2026-03-27T08:00:00+00:00"}),
    ],
)
def test_lists_and_line_items_are_stored_unchanged(text: str, stored: JsonValue) -> None:
    anna = Anna(
        {"wishlist": ["mug", "pot"], "birthday": "1990-05-04", "points": 30},
        {"items": [{"sku": "mug", "price": 12, "added_at": "2026-03-27T09:00:00+01:00"}]},
    )
    messages: list[str] = []
    expression = infer_value(text, NAMES, lambda message, *_: messages.append(message))
    assert expression is not None, messages
    assert value(expression.condition, expression.type, anna) == stored


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Auckland"])
def test_a_date_at_the_end_of_the_calendar_is_missing(odd: str, zone: str) -> None:
    anna = Anna({"seen_at": odd, "birthday": odd})
    anna.zone = zone
    messages: list[str] = []
    for name in ("customer.seen_at", "customer.birthday"):
        typed = infer(f'{name} > "2026-01-01" or days_since({name}) > 3', NAMES, lambda message, *_: messages.append(message))
        assert typed is not None, messages
        assert not holds(typed, anna)
        assert "missing" in explain(typed, anna)


def test_infinite_numbers_are_not_stored() -> None:
    messages: list[str] = []
    expression = infer_value("[customer.points * customer.points, 2]", NAMES, lambda message, *_: messages.append(message))
    assert expression is not None, messages
    assert value(expression.condition, expression.type, Anna({"points": 1e200})) == [2.0]
