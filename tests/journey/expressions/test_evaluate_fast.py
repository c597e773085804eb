"""Conditions that are evaluated without CEL give the same results as with CEL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from idic.journey.engine.scope import Facts, Scope
from idic.journey.expressions.evaluate import compile_cel, holds, value
from idic.journey.expressions.evaluate_fast import compile_fast
from idic.journey.program.values import Attribute, Condition, Type
from idic.journey.vocabulary.types import value_of
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
    return compile_cel(condition).eval(data=data).value() is True


def fast(condition: Condition, name: str, raw: object) -> bool:
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
    tested = condition(sign, literal, kind, default)
    assert fast(tested, "it", raw) == by_cel(tested, "it", raw)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["==", "!="]),
    st.text(st.characters(exclude_characters='"\\\n\r', exclude_categories=("Cs", "Cc")), max_size=5).map(lambda t: f'"{t}"'),
    st.sampled_from(["text", "one_of", "zone", "link"]),
    texts,
)
def test_texts_compare_as_cel_compares_them(sign: str, literal: str, kind: str, raw: object) -> None:
    tested = condition(sign, literal, kind)
    assert fast(tested, "it", raw) == by_cel(tested, "it", raw)


KINDS: dict[str, tuple[Any, Any]] = {
    "customer.n": ("number", st.sampled_from([30, 12.5, "30", None, "x"])),
    "customer.m": ("money", st.sampled_from([30, 0, None])),
    "customer.t": ("text", st.sampled_from(["high", "", None, 3])),
    "customer.b": ("yes/no", st.sampled_from([True, False, "yes", None, 1])),
    "customer.when": ("date", st.sampled_from(["2026-03-01", "soon", None])),
}
leaves = st.sampled_from(
    [
        "(customer.n >= 30.0)", "(customer.n == customer.m)", "(12.5 < customer.n)", '(customer.t == "high")',
        '("high" != customer.t)', "(customer.t == customer.t)", "customer.b", "(customer.b == true)", "(customer.b != false)",
        "known.customer.n", "known.customer.t", "known.customer.when", "(customer.when == customer.when)", "(30.0 == 30.0)",
        "(customer.b == known.customer.m)", '(customer.t < "i")', "(customer.n > -0.5)", "true", "false",
    ]
)  # fmt: skip
formulas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(lambda part: f"!({part})"),
        st.tuples(inner, st.sampled_from(["&&", "||", "==", "!="]), inner).map(lambda two: f"({two[0]} {two[1]} {two[2]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(formulas, st.fixed_dictionaries({name: values for name, (_, values) in KINDS.items()}))
def test_joined_comparisons_give_the_results_of_cel_with_unknown_values_too(text: str, raws: dict[str, Any]) -> None:
    """Whatever its answer: yes, no, or that it cannot be known."""
    reads = {name: Attribute(type=Type(kind=kind)) for name, (kind, _) in KINDS.items()}
    tested = Condition(text=text, cel=text, reads=reads)
    data: dict[str, Any] = {}
    for name, attribute in reads.items():
        known = value_of(attribute, raws[name], siblings={}, currency="EUR")
        data[f"known.{name}"] = known is not None
        if known is not None:
            data[name] = (
                datetime(known.year, known.month, known.day, tzinfo=UTC).timestamp() if name.endswith("when") else known
            )
    by_cel = compile_cel(tested).eval(data=data).value()
    facts = Facts({name.removeprefix("customer."): raw for name, raw in raws.items()}, "UTC")
    assert value(tested, Type(kind="yes/no"), Scope(TRIP, facts, NOW)) == (by_cel if isinstance(by_cel, bool) else None)


def test_simple_conditions_do_not_call_cel() -> None:
    reads = {name: Attribute(type=Type(kind=kind)) for name, (kind, _) in KINDS.items()}

    def plain(text: str) -> bool:
        return compile_fast(Condition(text=text, cel=text, reads=reads), lambda attribute, name, scope: None) is not None

    assert plain('((customer.t == "high") || !((customer.n >= 30.0) && known.customer.when))')
    assert plain("customer.n")
    assert not plain("(customer.when == customer.when)")
    assert not plain("((customer.n + 1.0) == 30.0)")
    assert not plain("customer.t.exists(t, (t == customer.n))")
    assert not plain("(customer.n == 30.0) && customer.b)")
