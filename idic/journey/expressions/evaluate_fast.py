"""Evaluate simple conditions in Python, without CEL.

Simple conditions compare names and literals and join the comparisons by ``and``, ``or`` and ``not``. Most conditions of
journeys are like this, and calling CEL takes ten times as long.

The results are the same as CEL's: both compare doubles by IEEE 754 and texts character by character, and an unknown value
(None) goes through ``and`` and ``or`` by three-valued logic.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from idic.journey.program.values import Attribute, Condition
from idic.journey.vocabulary.types import NUMERIC, TEXTUAL

KNOWN = "known."

Evaluator = Callable[[Any], Any]
"""Evaluates an expression in a scope: a float, a text or a bool; None if unknown."""
ReadValue = Callable[[Attribute, str, Any], Any]
"""Reads the value of a name in a scope; None if it is missing."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+\.\d+)|"(?P<text>[^"\\]*)"|(?P<name>[a-z_][\w.]*)|(?P<sign>&&|\|\||[=!<>]=|[<>!()]))"""
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_ORDERLESS = ("==", "!=")


class _Part(NamedTuple):
    """A part of a condition. ``literal`` is the value if the part is a literal, ``name`` the name if it is a name."""

    kind: Literal["number", "text", "yes/no"]
    evaluate: Evaluator
    literal: float | str | bool | None = None
    name: str | None = None


class _NeedsCel(Exception):
    """This condition is not simple enough; evaluate it with CEL."""


def compile_fast(condition: Condition, read: ReadValue) -> Evaluator | None:
    """The condition as a function of the scope; None if it needs CEL."""
    try:
        parser = _Parser(condition, read)
        part = parser.part()
        return part.evaluate if parser.done else None
    except _NeedsCel:
        return None


class _Parser:
    """Parses the CEL that the compiler writes, which puts brackets around every operation."""

    def __init__(self, condition: Condition, read: ReadValue) -> None:
        self._reads = condition.reads
        self._read = read
        self._tokens = list(_tokens(condition.cel))
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _next(self) -> re.Match[str]:
        if self.done:
            raise _NeedsCel
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self, *signs: str) -> str:
        sign = self._next()["sign"]
        if sign not in signs:
            raise _NeedsCel
        return sign

    def part(self) -> _Part:
        token = self._next()
        if token["number"] is not None:
            return _literal("number", float(token["number"]))
        if token["text"] is not None:
            return _literal("text", token["text"])
        if token["name"] in ("true", "false"):
            return _literal("yes/no", token["name"] == "true")
        if token["name"] is not None:
            return self._name(token["name"])
        if token["sign"] == "!":
            return _not(self.part())
        if token["sign"] != "(":
            raise _NeedsCel
        part = self.part()
        sign = self._sign(")", "&&", "||", *_COMPARE)
        if sign == ")":
            return part
        other = self.part()
        self._sign(")")
        return _joined(part, other, both=sign == "&&") if sign in ("&&", "||") else self._compared(part, sign, other)

    def _name(self, name: str) -> _Part:
        known = name.removeprefix(KNOWN)
        attribute = self._reads.get(known)
        if attribute is None:
            raise _NeedsCel
        read = self._read
        if known != name:
            return _Part("yes/no", lambda scope: read(attribute, known, scope) is not None)
        kind = attribute.type.kind
        if kind not in NUMERIC and kind not in TEXTUAL and kind != "yes/no":
            raise _NeedsCel  # dates too: CEL gets them as numbers
        return _Part(
            "number" if kind in NUMERIC else "text" if kind in TEXTUAL else "yes/no",
            lambda scope: read(attribute, name, scope),
            name=name,
        )

    def _compared(self, part: _Part, sign: str, other: _Part) -> _Part:
        if part.kind != other.kind or (part.kind != "number" and sign not in _ORDERLESS):
            raise _NeedsCel
        compare, left, right = _COMPARE[sign], part.evaluate, other.evaluate
        if part.name is not None and other.literal is not None:
            # By far the most frequent case, with one call fewer.
            read, name, attribute, literal = self._read, part.name, self._reads[part.name], other.literal

            def compare_with_literal(scope: Any) -> bool | None:
                value = read(attribute, name, scope)
                return None if value is None else compare(value, literal)

            return _Part("yes/no", compare_with_literal)

        def compared(scope: Any) -> bool | None:
            left_value, right_value = left(scope), right(scope)
            return None if left_value is None or right_value is None else compare(left_value, right_value)

        return _Part("yes/no", compared)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NeedsCel
        yield token
        at = token.end()


def _literal(kind: Literal["number", "text", "yes/no"], value: float | str | bool) -> _Part:
    return _Part(kind, lambda scope: value, literal=value)


def _not(part: _Part) -> _Part:
    if part.kind != "yes/no":
        raise _NeedsCel
    evaluate = part.evaluate

    def negated(scope: Any) -> Any:
        value = evaluate(scope)
        return None if value is None else not value

    return _Part("yes/no", negated)


def _joined(part: _Part, other: _Part, *, both: bool) -> _Part:
    """``and`` (``both``), which a single false decides, or ``or``, which a single true decides; unknown decides neither."""
    if part.kind != "yes/no" or other.kind != "yes/no":
        raise _NeedsCel
    left, right, decides = part.evaluate, other.evaluate, not both

    def joined(scope: Any) -> Any:
        left_value = left(scope)
        if left_value is decides:
            return decides
        right_value = right(scope)
        if right_value is decides:
            return decides
        return None if left_value is None or right_value is None else both

    return _Part("yes/no", joined)
