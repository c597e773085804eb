"""The plain part of the language of conditions, answered by Python itself: names and literals, held against one another and
joined by ``and``, ``or`` and ``not``. Calling CEL takes ten times as long, and most of what journeys ask is no more than this.

The answers are those of CEL: both compare doubles as IEEE 754 has it and texts character by character, and what is unknown
(None) goes through ``and`` and ``or`` as three-valued logic has it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from idic.journey.program.program import Attribute, Condition
from idic.journey.vocabulary.types import NUMERIC, TEXTUAL

KNOWN = "known."

Answer = Callable[[Any], Any]
"""What comes of it in a scope: a float, a text or a bool; None where that is unknown."""
Read = Callable[[Attribute, str, Any], Any]
"""The value of a name in a scope; None where it is missing."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+\.\d+)|"(?P<text>[^"\\]*)"|(?P<name>[a-z_][\w.]*)|(?P<sign>&&|\|\||[=!<>]=|[<>!()]))"""
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_ORDERLESS = ("==", "!=")


class _Part(NamedTuple):
    """What a part of a condition comes to. ``literal`` is its value where it is one; ``name`` where it is one."""

    kind: Literal["number", "text", "yes/no"]
    answer: Answer
    literal: float | str | bool | None = None
    name: str | None = None


class _NotPlain(Exception):
    """It takes CEL."""


def plainly(condition: Condition, read: Read) -> Answer | None:
    """The condition as a function of the scope, if it is plain enough."""
    try:
        parser = _Parser(condition, read)
        part = parser.part()
        return part.answer if parser.done else None
    except _NotPlain:
        return None


class _Parser:
    """Of what the compiler writes, which has brackets around whatever has a sign in it."""

    def __init__(self, condition: Condition, read: Read) -> None:
        self._reads = condition.reads
        self._read = read
        self._tokens = list(_tokens(condition.cel))
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _next(self) -> re.Match[str]:
        if self.done:
            raise _NotPlain
        self._at += 1
        return self._tokens[self._at - 1]

    def _sign(self, *signs: str) -> str:
        sign = self._next()["sign"]
        if sign not in signs:
            raise _NotPlain
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
            raise _NotPlain
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
            raise _NotPlain
        read = self._read
        if known != name:
            return _Part("yes/no", lambda scope: read(attribute, known, scope) is not None)
        kind = attribute.type.kind
        if kind not in NUMERIC and kind not in TEXTUAL and kind != "yes/no":
            raise _NotPlain  # among them dates, which CEL is given as numbers
        return _Part(
            "number" if kind in NUMERIC else "text" if kind in TEXTUAL else "yes/no",
            lambda scope: read(attribute, name, scope),
            name=name,
        )

    def _compared(self, part: _Part, sign: str, other: _Part) -> _Part:
        if part.kind != other.kind or (part.kind != "number" and sign not in _ORDERLESS):
            raise _NotPlain
        compare, mine, theirs = _COMPARE[sign], part.answer, other.answer
        if part.name is not None and other.literal is not None:
            # By far the most frequent, and a call less.
            read, name, attribute, literal = self._read, part.name, self._reads[part.name], other.literal

            def held(scope: Any) -> bool | None:
                value = read(attribute, name, scope)
                return None if value is None else compare(value, literal)

            return _Part("yes/no", held)

        def compared(scope: Any) -> bool | None:
            one, two = mine(scope), theirs(scope)
            return None if one is None or two is None else compare(one, two)

        return _Part("yes/no", compared)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _NotPlain
        yield token
        at = token.end()


def _literal(kind: Literal["number", "text", "yes/no"], value: float | str | bool) -> _Part:
    return _Part(kind, lambda scope: value, literal=value)


def _not(part: _Part) -> _Part:
    if part.kind != "yes/no":
        raise _NotPlain
    answer = part.answer

    def denied(scope: Any) -> Any:
        found = answer(scope)
        return None if found is None else not found

    return _Part("yes/no", denied)


def _joined(part: _Part, other: _Part, *, both: bool) -> _Part:
    """``and``, which one no decides, or ``or``, which one yes decides; unknown is neither."""
    if part.kind != "yes/no" or other.kind != "yes/no":
        raise _NotPlain
    mine, theirs, decides = part.answer, other.answer, not both

    def joined(scope: Any) -> Any:
        one = mine(scope)
        if one is decides:
            return decides
        two = theirs(scope)
        if two is decides:
            return decides
        return None if one is None or two is None else both

    return _Part("yes/no", joined)
