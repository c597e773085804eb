"""What is answered without CEL is answered as CEL would."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from idic.journey.conditions import compiled, holds
from idic.journey.program import Attribute, Condition, Type
from idic.journey.scope import Facts, Scope
from idic.journey.types import value_of
from tests.journey.programs import program, wait

NOW = datetime(2026, 3, 2, tzinfo=UTC)
TRIP = program(wait("pause", 1))

numbers = st.one_of(st.floats(), st.integers(), st.sampled_from(["30", "30.0", "", "x", "-0.0", None, True, [], {}]))
texts = st.one_of(st.text(), st.sampled_from(["high", "HIGH", " high", "", None, 3, 30.0, False, ["high"]]))
literals = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).map(lambda value: f"{value:.3f}")


def by_cel(condition: Condition, name: str, raw: object) -> bool:
    (attribute,) = condition.reads.values()
    value = value_of(attribute, raw, siblings={}, currency="EUR")
    data: dict[str, Any] = {} if value is None else {f"customer.{name}": value}
    return compiled(condition).eval(data=data).value() is True


def asked(condition: Condition, name: str, raw: object) -> bool:
    return holds(condition, Scope(TRIP, Facts({name: raw}, "UTC"), NOW))


def condition(sign: str, literal: str, kind: Any, default: Any = None) -> Condition:
    text = f"(customer.it {sign} {literal})"
    options = ("high", "low") if kind == "one_of" else ()
    attribute = Attribute(type=Type(kind=kind, options=options), default=default)
    return Condition(text=text, cel=text, reads={"customer.it": attribute})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    st.one_of(literals, st.sampled_from(["30.0", "0.0", "-0.0"])),
    st.sampled_from(["number", "money", "days"]),
    st.sampled_from([None, 30]),
    numbers,
)
def test_numbers_compare_as_cel_compares_them(sign: str, literal: str, kind: str, default: Any, raw: object) -> None:
    one = condition(sign, literal, kind, default)
    assert asked(one, "it", raw) == by_cel(one, "it", raw)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["==", "!="]),
    st.text(st.characters(exclude_characters='"\\\n\r', exclude_categories=("Cs", "Cc")), max_size=5).map(lambda t: f'"{t}"'),
    st.sampled_from(["text", "one_of", "zone", "link"]),
    texts,
)
def test_texts_compare_as_cel_compares_them(sign: str, literal: str, kind: str, raw: object) -> None:
    one = condition(sign, literal, kind)
    assert asked(one, "it", raw) == by_cel(one, "it", raw)
