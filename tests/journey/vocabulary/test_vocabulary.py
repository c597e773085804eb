"""The vocabulary: what it declares, and which events it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from idic.interact import sms_keywords
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES, KEYWORDS, LATER_EVENTS, OWN_EVENTS
from idic.journey.vocabulary.read_vocabulary import read_vocabulary
from idic.journey.vocabulary.types import read
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.problems import Problems
from idic.times import Duration
from tests.journey.read_fixtures import VOCABULARY

READING = read_vocabulary("vocabulary.yaml", VOCABULARY, Problems({}))
WORDS = READING.vocabulary


def test_the_vocabulary_is_read_whole() -> None:
    assert (WORDS.currency, WORDS.languages, WORDS.zone) == ("EUR", ("en", "de"), "Europe/Berlin")
    assert WORDS.customer["orders"] == Attribute(type=Type(kind="number"), default=0, counts="Order Completed")
    spent = WORDS.customer["spent_90d"]
    assert (spent.sums, spent.window, spent.default) == (("Order Completed", "total"), Duration(days=90), 0)
    assert WORDS.customer["value_tier"].type == Type(kind="one_of", options=("high", "middle", "low"))
    assert WORDS.restricted == {"allergies": ("dietary_advice",)}
    assert WORDS.sensitive == {"allergies": "health"}
    items = WORDS.events["Cart Updated"]["items"].type
    assert items.of is not None
    assert (items.kind, items.of.thing, items.of.required) == ("list", "line_item", ("sku",))
    assert WORDS.events["Newsletter Read"] == {}
    assert (WORDS.country, WORDS.slots) == (
        "DE",
        {"home_hero": "the banner on the home page", "cart_note": "a line above the cart"},
    )
    assert WORDS.links["shop"] == "https://shop.example/"


def test_idics_own_names_need_no_declaration() -> None:
    assert set(OWN_EVENTS) <= set(WORDS.events)
    assert {"email", "phone", "zone", "language"} <= set(WORDS.customer)
    assert set(Vocabulary().events) == set(OWN_EVENTS)
    assert set(OWN_EVENTS) > ABOUT_MESSAGES
    assert not {*OWN_EVENTS} & {*LATER_EVENTS}
    assert KEYWORDS.options == sms_keywords.KEYWORDS


def test_the_vocabulary_reads_back_from_json_as_itself() -> None:
    assert Vocabulary.model_validate_json(WORDS.model_dump_json()) == WORDS


@pytest.mark.parametrize(
    ("properties", "reasons"),
    [
        ({"cart_id": "c1", "total": 80}, []),
        ({"cart_id": 12, "total": "80.5", "items": "none"}, []),
        ({"total": 80}, ["Cart Updated needs cart_id (text)"]),
        ({"cart_id": "", "total": "much"}, ["cart_id of Cart Updated must be text", "total of Cart Updated must be money"]),
        ({"cart_id": "c1", "total": 80, "currency": "USD"}, []),
    ],
)
def test_an_event_without_what_it_needs_is_refused(properties: dict[str, Any], reasons: list[str]) -> None:
    assert WORDS.refusals("Cart Updated", properties) == reasons


def test_an_event_nobody_declared_is_welcome() -> None:
    assert WORDS.refusals("Newsletter Opened", {"a": 1}) == []


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", 12, "12"),
        ("text", 12.0, "12"),
        ("text", False, None),
        ("number", "12", 12.0),
        ("number", 10**400, None),
        ("yes/no", "YES", True),
        ("yes/no", 1, None),
        ("zone", "Europe/Paris", "Europe/Paris"),
        ("zone", "Paris", None),
        ("zone", "../etc/passwd", None),
        ("link", "https://shop.example/a", "https://shop.example/a"),
        ("link", "javascript:alert(1)", None),
        ("date", "2026-02-30", None),
        ("moment", "2026-03-27T10:00:00+02:00", "2026-03-27T08:00:00+00:00"),
        ("moment", "2026-03-27 10:00", "2026-03-27T10:00:00+00:00"),
    ],
)
def test_raw_json_is_read_as_its_type_or_is_missing(kind: Any, raw: object, value: object) -> None:
    found = read(Type(kind=kind), raw, siblings={}, currency="EUR")
    assert (found.isoformat() if hasattr(found, "isoformat") else found) == value
