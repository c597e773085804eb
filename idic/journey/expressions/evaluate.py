"""Evaluate a condition: read its names from a scope, type the values, and run CEL.

A missing name is left out of CEL's data. CEL carries the unknown through ``and`` and ``or`` by three-valued logic
(``unknown or true`` is true), and a condition whose result is unknown does not hold.

Numbers, money and days are doubles. So are dates and moments, as seconds since 1970 (a date is its midnight in UTC):
CEL then compares like with like and needs no time zones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from cel_expr_python import cel
from pydantic import JsonValue

from idic.journey.expressions.evaluate_fast import KNOWN, Evaluator, compile_fast
from idic.journey.program.values import Attribute, Condition, Type
from idic.journey.vocabulary.types import value_of

TODAY = "idic.today"
ZONE = "idic.zone"

_SIMPLE = re.compile(r"(?P<name>[a-z_][\w.]*)\s*(?P<sign>==|!=|>=|<=|>|<)\s*(?P<rest>\S.*)")


class ValueSource(Protocol):
    """Gives a condition the values of its names.

    ``currency`` is that of all money (ISO 4217), ``now`` is aware, and ``zone`` is the customer's IANA zone.
    """

    @property
    def currency(self) -> str: ...

    @property
    def now(self) -> datetime: ...

    @property
    def zone(self) -> str: ...

    def raw(self, name: str, /) -> tuple[object, Mapping[str, Any]]:
        """The raw value of a dotted name (None where missing) and the mapping it was found in.

        A name without dots is ``key``, ``segment``, the id of a split (its value is the share that was drawn), or the
        name of a captured event (its value is the event's properties).
        """
        ...


def holds(condition: Condition, scope: ValueSource) -> bool:
    """Whether the condition is certainly true. An unknown result counts as not true."""
    return _evaluate(condition, scope) is True


def amount(condition: Condition, scope: ValueSource) -> float | None:
    """The number that an expression such as ``event.total`` results in; None if a value it needs is missing."""
    result = _evaluate(condition, scope)
    return result if isinstance(result, float) and math.isfinite(result) else None


def value(condition: Condition, type_: Type, scope: ValueSource) -> JsonValue:
    """The result of an expression of this type, as it is stored: dates and moments as ISO 8601 (a moment in UTC). None if
    a value it needs is missing."""
    return _as_stored(_evaluate(condition, scope), type_)


def _as_stored(result: object, type_: Type) -> JsonValue:
    """CEL's result as this type, including items and fields; None if it is not of this type."""
    match type_.kind:
        case "number" | "money" | "days":
            return result if isinstance(result, float) and math.isfinite(result) else None
        case "date" | "moment":
            if not isinstance(result, float) or not math.isfinite(result):
                return None
            moment = datetime.fromtimestamp(result, UTC)
            return moment.date().isoformat() if type_.kind == "date" else moment.isoformat()
        case "yes/no":
            return result if isinstance(result, bool) else None
        case "list":
            if not isinstance(result, Sequence) or type_.of is None:
                return None
            items = (_as_stored(_unwrapped(item), type_.of) for item in result)
            return [item for item in items if item is not None]
        case "thing":
            if not isinstance(result, Mapping):
                return None
            fields = {name: _as_stored(_unwrapped(result.get(name)), field) for name, field in type_.fields.items()}
            return {name: field for name, field in fields.items() if field is not None}
        case _:
            return result if isinstance(result, str) else None


def _unwrapped(item: object) -> object:
    """The Python value of an item: CEL wraps the items of lists and maps in its own class."""
    return item.plain_value() if isinstance(item, cel.Value) else item


def depends_on_today(condition: Condition) -> bool:
    """Whether the result may change with the day."""
    return _compiled(condition.document).depends_on_today


def _position(name: str, text: str) -> int:
    match = re.search(rf"{re.escape(name)}\b", text)
    return match.start() if match else len(text)


def explain(condition: Condition, scope: ValueSource) -> str:
    """The condition with its values, short, for a trace: ``total 95.00 EUR >= 30``, ``value_tier "high"``."""
    # In the order of the text: a store may keep the names in another order.
    read = sorted(condition.reads.items(), key=lambda item: (_position(item[0], condition.text), item[0]))
    values = {name: show_value(attribute, name, scope) for name, attribute in read}
    simple = _simple(condition.text)
    if simple and list(values) == [simple["name"]]:
        name_and_value = f"{_short(simple['name'])} {values[simple['name']]}"
        return name_and_value if simple["sign"] == "==" else f"{name_and_value} {simple['sign']} {simple['rest']}"
    return ", ".join(f"{_short(name)} {value}" for name, value in values.items()) or condition.text


@lru_cache(maxsize=4096)
def _simple(text: str) -> re.Match[str] | None:
    return _SIMPLE.fullmatch(text.strip())


def compile_cel(condition: Condition) -> cel.Expression:
    """Compile a condition with CEL. Raises ``RuntimeError`` if CEL does not accept it."""
    return _compiled(condition.document).expression


class _Compiled(NamedTuple):
    expression: cel.Expression
    asks_known: frozenset[str]
    depends_on_today: bool
    fast: Evaluator | None


@lru_cache(maxsize=4096)
def _compiled(document: str) -> _Compiled:
    condition = Condition.model_validate_json(document)
    variables = {TODAY: cel.Type.DOUBLE, ZONE: cel.Type.STRING}
    for name, attribute in condition.reads.items():
        variables[name] = _cel_type(attribute.type)
        variables[KNOWN + name] = cel.Type.BOOL
    environment = cel.NewEnv(variables=variables, functions=_FUNCTIONS)
    asks_known = frozenset(name for name in condition.reads if KNOWN + name in condition.cel)
    return _Compiled(environment.compile(condition.cel), asks_known, TODAY in condition.cel, compile_fast(condition, _value))


def _evaluate(condition: Condition, scope: ValueSource) -> object:
    compiled = _compiled(condition.document)
    if compiled.fast is not None:
        return compiled.fast(scope)
    data: dict[str, object] = {}
    if compiled.depends_on_today:
        data[TODAY] = _midnight(scope.now.astimezone(ZoneInfo(scope.zone)).date())
        data[ZONE] = scope.zone
    for name, attribute in condition.reads.items():
        value = _value(attribute, name, scope)
        if value is not None:
            data[name] = _cel_value(value)
        if name in compiled.asks_known:
            data[KNOWN + name] = value is not None
    return compiled.expression.eval(data=data).value()


def _value(attribute: Attribute, name: str, scope: ValueSource) -> Any:
    raw, siblings = scope.raw(name)
    return value_of(attribute, raw, siblings=siblings, currency=scope.currency)


def _cel_value(value: object) -> object:
    """A typed value in the form that CEL takes."""
    match value:
        case datetime():
            return value.timestamp()
        case date():
            return _midnight(value)
        case list():
            return [_cel_value(item) for item in value]
        case dict():
            return {name: _cel_value(field) for name, field in value.items()}
        case _:
            return value


def _cel_type(type_: Type) -> cel.Type:
    match type_.kind:
        case "text" | "zone" | "link" | "one_of":
            return cel.Type.STRING
        case "yes/no":
            return cel.Type.BOOL
        case "number" | "money" | "days" | "date" | "moment":
            return cel.Type.DOUBLE
        case "list":
            return cel.Type.List(_cel_type(type_.of) if type_.of else cel.Type.DYN)
        case "thing":
            # Its fields were typed when the journey was checked. A missing field of a map is an error, hence unknown; in a
            # protocol-buffers message it would be read as zero.
            return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _local_date(seconds: float, zone: str) -> float:
    return _midnight(datetime.fromtimestamp(seconds, ZoneInfo(zone)).date())


def _lower(text: str) -> str:
    return text.lower()


_FUNCTIONS = [
    cel.FunctionDecl("lower", [cel.Overload("lower_text", cel.Type.STRING, [cel.Type.STRING], False, _lower)]),
    cel.FunctionDecl(
        "local_date",
        [cel.Overload("local_date", cel.Type.DOUBLE, [cel.Type.DOUBLE, cel.Type.STRING], False, _local_date)],
    ),
]


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def show_value(attribute: Attribute, name: str, scope: ValueSource) -> str:
    """The value of a name, short, for people: ``missing``, ``yes``, ``95.00 EUR``, ``"Vienna"``, ``3 of them``."""
    value = _value(attribute, name, scope)
    match value:
        case None:
            return "missing"
        case bool():
            return "yes" if value else "no"
        case float() if attribute.type.kind == "money":
            return f"{value:.2f} {scope.currency}"
        case float():
            return f"{value:g}"
        case datetime():
            return f"{value.astimezone(ZoneInfo(scope.zone)):%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case str():
            return f'"{value}"'
        case list():
            return f"{len(value)} of them"
        case _:
            return "there"
