"""The types of the vocabulary, and how JSON values are read as them.

    type        raw JSON                            Python value
    text        a text that is not blank, a number  str
    number      a number, or digits as text         float
    yes/no      true, false, "yes", "no"            bool
    money       like number, in the currency        float
    date        "2026-03-27", or a moment           datetime.date, of the years 1600 to 8999
    moment      ISO 8601; UTC if it says no offset  aware datetime in UTC, of the same years
    days        a number of days                    float
    zone        an IANA name                        str
    link        a URL                               str
    one_of      one of the options                  str, spelt as in the vocabulary
    list of X   an array; other items are left out  list
    a thing     an object                           dict, without the fields that are missing

A value that cannot be read counts as missing (None). All numbers are floats.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from idic.journey.program.values import Attribute, Type

TEXT = Type(kind="text")
NUMBER = Type(kind="number")
YES_NO = Type(kind="yes/no")
MONEY = Type(kind="money")
LINK = Type(kind="link")
SIMPLE = ("text", "number", "yes/no", "money", "date", "moment", "days", "zone", "link")

NUMERIC = frozenset({"number", "money", "days"})
TEXTUAL = frozenset({"text", "one_of", "zone", "link"})

_LINK = re.compile(r"(?:https?://|mailto:|tel:)\S+")
_FIRST_YEAR, _LAST_YEAR = 1600, 8999
"""Years outside stand for "none" (0001-01-01) or "never" (9999-12-31). A calendar ends there: such dates have no day before
or after, nor in another zone."""


def never_missing(attribute: Attribute) -> bool:
    """Whether this attribute always has a value: an event without it is refused, or there is a default."""
    return attribute.required or attribute.default is not None


def describe(type_: Type) -> str:
    """The type in a sentence, as in ``event.total is money``."""
    match type_.kind:
        case "one_of":
            return f"one of {', '.join(type_.options)}"
        case "list":
            return f"a list of {_plural(type_.of)}" if type_.of else "a list"
        case "thing":
            return f"a {type_.thing}"
        case "text" | "money" | "yes/no" | "days":
            return type_.kind
        case kind:
            return f"a {kind}"


def spell(type_: Type) -> str:
    """The type as it is written in the vocabulary."""
    match type_.kind:
        case "one_of":
            return f"one_of: [{', '.join(type_.options)}]"
        case "list":
            return f"list of {spell(type_.of)}" if type_.of else "list"
        case "thing":
            return type_.thing or "thing"
        case kind:
            return kind


def read(type_: Type, raw: object, *, siblings: Mapping[str, Any], currency: str) -> Any:
    """``raw`` as a value of this type, or None if it is missing or cannot be read.

    ``siblings`` is the mapping that contains ``raw``: where its ``currency`` differs from the declared one, its money
    counts as missing, because without a rate it cannot be compared.
    """
    if raw is None:
        return None
    match type_.kind:
        case "text":
            return _text(raw)
        case "number" | "days":
            return _number(raw)
        case "money":
            return _number(raw) if _same_currency(siblings, currency) else None
        case "yes/no":
            return _yes_no(raw)
        case "date":
            return _date(raw)
        case "moment":
            return _moment(raw)
        case "zone":
            return raw if isinstance(raw, str) and _is_zone(raw) else None
        case "link":
            return raw.strip() if isinstance(raw, str) and _LINK.fullmatch(raw.strip()) else None
        case "one_of":
            return _option(raw, type_.options)
        case "list":
            return _list(type_, raw, siblings, currency)
        case "thing":
            return _thing(type_, raw, siblings, currency)


def value_of(attribute: Attribute, raw: object, *, siblings: Mapping[str, Any], currency: str) -> Any:
    """Like ``read``, but with the attribute's default where nothing can be read."""
    value = read(attribute.type, raw, siblings=siblings, currency=currency)
    if value is None and attribute.default is not None:
        return read(attribute.type, attribute.default, siblings={}, currency=currency)
    return value


def _text(raw: object) -> str | None:
    match raw:
        case str():
            return raw if raw.strip() else None
        case bool():
            return None
        case int() | float():
            return f"{raw:.15g}" if isinstance(raw, float) else str(raw)
        case _:
            return None


def _number(raw: object) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _yes_no(raw: object) -> bool | None:
    if isinstance(raw, bool):
        return raw
    return {"true": True, "yes": True, "false": False, "no": False}.get(raw.lower()) if isinstance(raw, str) else None


def _date(raw: object) -> date | None:
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw.strip())
        except ValueError:
            return None
    if not isinstance(raw, date) or not _FIRST_YEAR <= raw.year <= _LAST_YEAR:
        return None
    return raw.date() if isinstance(raw, datetime) else raw


def _moment(raw: object) -> datetime | None:
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw.strip())
        except ValueError:
            return None
    if not isinstance(raw, datetime) or not _FIRST_YEAR <= raw.year <= _LAST_YEAR:
        return None
    return raw.replace(tzinfo=UTC) if raw.tzinfo is None else raw.astimezone(UTC)


def _option(raw: object, options: tuple[str, ...]) -> str | None:
    if not isinstance(raw, str):
        return None
    if raw in options:
        return raw
    folded = raw.strip().casefold()
    return next((option for option in options if option.casefold() == folded), None)


def _list(type_: Type, raw: object, siblings: Mapping[str, Any], currency: str) -> list[Any] | None:
    if not isinstance(raw, list | tuple) or type_.of is None:
        return None
    values = (read(type_.of, item, siblings=siblings, currency=currency) for item in raw)
    return [value for value in values if value is not None]


def _thing(type_: Type, raw: object, siblings: Mapping[str, Any], currency: str) -> dict[str, Any] | None:
    if not isinstance(raw, Mapping):
        return None
    # A line item has its own currency, or that of its event.
    siblings_of_field = raw if "currency" in raw else {**raw, "currency": siblings.get("currency")}
    values = {
        name: read(field, raw.get(name), siblings=siblings_of_field, currency=currency) for name, field in type_.fields.items()
    }
    present = {name: value for name, value in values.items() if value is not None}
    return present if all(name in present for name in type_.required) else None


def _same_currency(siblings: Mapping[str, Any], currency: str) -> bool:
    sibling_currency = siblings.get("currency")
    return sibling_currency is None or (
        isinstance(sibling_currency, str) and sibling_currency.strip().upper() == currency.upper()
    )


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found; a folder; not a name at all
        return False
    return True


def _plural(type_: Type) -> str:
    return {"thing": f"{type_.thing}s", "text": "texts"}.get(type_.kind, f"{type_.kind}s")
