"""An expression with its type and its CEL, and how types go together."""

from __future__ import annotations

import json
from typing import NamedTuple

from idic.journey.program.values import Type
from idic.journey.vocabulary.types import NUMBER, NUMERIC, TEXT, TEXTUAL, YES_NO


class Typed(NamedTuple):
    """An expression with its type. ``type`` is None if a problem has been reported already. ``missing`` are the names that may
    be missing: without them the result is unknown."""

    type: Type | None
    cel: str = ""
    missing: frozenset[str] = frozenset()


WRONG = Typed(None)


def typed_literal(value: str | float | bool) -> Typed:
    """A literal with its type."""
    match value:
        case bool():
            return Typed(YES_NO, "true" if value else "false")
        case str():
            return Typed(TEXT, json.dumps(value, ensure_ascii=False))
        case _:
            return Typed(NUMBER, repr(value))


def common_type(first: Type, second: Type) -> Type | None:
    """The type of a name that gets values of both types; None if they do not go together."""
    if first == second:
        return first
    match first.kind, second.kind:
        case "one_of", "one_of":
            return Type(kind="one_of", options=tuple(dict.fromkeys((*first.options, *second.options))))
        case (a, b) if a in TEXTUAL and b in TEXTUAL:
            return TEXT
        case "number", b if b in NUMERIC:
            return second
        case a, "number" if a in NUMERIC:
            return first
        case "list", "list" if first.of and second.of:
            of = common_type(first.of, second.of)
            return Type(kind="list", of=of) if of else None
        case _:
            return None


def comparable(first: Type, second: Type) -> bool:
    """Whether values of these types can be compared."""
    for family in (NUMERIC, TEXTUAL):
        if first.kind in family:
            return second.kind in family
    return first.kind == second.kind


def assignable(given: Type, wanted: Type) -> bool:
    """Whether a value of the type ``given`` can be assigned to a name of the type ``wanted``."""
    if given.kind == "list" and wanted.kind == "list":
        return given.of is not None and wanted.of is not None and assignable(given.of, wanted.of)
    return given == wanted if wanted.kind == "thing" else comparable(given, wanted)
