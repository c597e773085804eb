"""The filters of idic's templates: what each does, what it takes and what it gives.

A filter is never called with a missing value: something missing stays missing through every filter until ``default``
fills it, the same rule that conditions follow. Numbers are one kind: ``3.0`` prints as ``3``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency
from liquid import Markup
from liquid.builtin.filters import array, math, misc, string
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError

from idic.customize.liquid.limits import LONGEST, too_long
from idic.journey.vocabulary.types import NUMERIC, TEXTUAL


class ReaderLocale(NamedTuple):
    """For whom a template is rendered: language (BCP 47), zone (IANA), and the currency of all money (ISO 4217)."""

    language: str = "en"
    zone: str = "UTC"
    currency: str = "EUR"


READER = " reader"
"""Where a rendering keeps its ReaderLocale: a name that no template can spell."""

PRINTED = TEXTUAL | {"number"}
LIST = frozenset({"list"})
DATED = frozenset({"date", "moment"})

DATE_FORMATS = ("short", "medium", "long", "full", "weekday", "time", "moment")


class Filter(NamedTuple):
    """``takes`` are kinds of ``idic.journey.program.program.Type``; ``gives`` is a kind, or ``same``, or of the list
    ``element``, ``field`` (of its things, named by the argument) and ``sum``; ``arguments`` the least and most."""

    call: Callable[..., object]
    takes: frozenset[str]
    gives: Literal["text", "number", "same", "element", "field", "sum", "texts", "link", "default"]
    arguments: tuple[int, int] = (0, 0)
    context: bool = False


def locale_of(language: str) -> Locale:
    """Babel's locale for a BCP 47 tag; the nearest that exists, English when there is none."""
    parts = language.replace("-", "_").split("_")
    while parts:
        try:
            return Locale.parse("_".join(parts))
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Locale("en")


def _reader(context: RenderContext) -> ReaderLocale:
    reader = context.resolve(READER, default=None)
    return reader if isinstance(reader, ReaderLocale) else ReaderLocale()


def _money(value: float | Decimal, *, context: RenderContext) -> str:
    reader = _reader(context)
    return format_currency(Decimal(str(value)), reader.currency, locale=locale_of(reader.language))


def _date(value: object, form: str = "medium", *, context: RenderContext) -> str:
    reader = _reader(context)
    locale, zone = locale_of(reader.language), ZoneInfo(reader.zone)
    if isinstance(value, datetime):
        if form == "time":
            return format_time(value, "short", tzinfo=zone, locale=locale)
        if form == "moment":
            return format_datetime(value, "medium", tzinfo=zone, locale=locale)
        value = value.astimezone(zone).date()
    if not isinstance(value, date) or form in ("time", "moment"):
        raise FilterArgumentError(f"date: {form} of {type(value).__name__}", token=None)
    return format_date(value, "EEEE" if form == "weekday" else form, locale=locale)


AnswerUrl = Callable[[str, str | None], str]
"""The address that records this value as the customer's answer and leads on to that address."""

ANSWERING = " answering"
"""Where a rendering keeps its AnswerUrl: a name that no template can spell."""


class Url(str):
    """Text that is an address already: printed into a URL as it is."""

    __slots__ = ()


def _answer(value: object, url: str | None = None, *, context: RenderContext) -> Url:
    answering = context.resolve(ANSWERING, default=None)
    said = str(whole_number(value)).strip()
    if not callable(answering) or not said:
        raise FilterArgumentError("answer: nothing can be answered here", token=None)
    return Url(answering(said, url))


def _divided_by(value: Any, divisor: Any) -> object:
    # Liquid divides whole numbers to a whole number. A marketer's 5 and 5.0 are the same number.
    return math.times(value, 1.0) / float(divisor)


def _replace(value: object, old: object, new: object = "") -> object:
    # Said beforehand: a text of a million that takes the place of each of a million letters would be made first.
    text, sought = str(value), str(old)
    size = len(text) + text.count(sought) * (len(str(new)) - len(sought))
    if size > LONGEST:
        raise too_long(size)
    return string.replace(value, old, new)


def _join(value: Any, separator: object = " ", *, environment: Any) -> object:
    if isinstance(value, (list, tuple)) and (size := len(value) * len(str(separator))) > LONGEST:
        raise too_long(size)
    return array.join(value, separator, environment=environment)


_join.with_environment = True  # type: ignore[attr-defined]


def whole_number(value: object) -> object:
    """``3.0`` as ``3``; everything else as it is."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _unknown_stays_unknown(call: Callable[..., object]) -> Callable[..., object]:
    def wrapped(value: object, *arguments: object, **keywords: object) -> object:
        if value is None or any(argument is None for argument in arguments):
            return None
        return whole_number(call(value, *arguments, **keywords))

    # Liquid looks for this mark to hand the filter its environment, which knows whether HTML is being written.
    wrapped.with_environment = getattr(call, "with_environment", False)  # type: ignore[attr-defined]
    return wrapped


def _default(value: object, fallback: object, **_: object) -> object:
    if isinstance(value, str) and not value.strip():
        return fallback
    return misc.default(value, fallback)


def _escaped_lines(value: str) -> Markup:
    return Markup("<br />\n").join(value.splitlines())


FILTERS: dict[str, Filter] = {
    "append": Filter(string.append, PRINTED, "text", (1, 1)),
    "capitalize": Filter(string.capitalize, PRINTED, "text"),
    "downcase": Filter(string.downcase, PRINTED, "text"),
    "prepend": Filter(string.prepend, PRINTED, "text", (1, 1)),
    "remove": Filter(string.remove, PRINTED, "text", (1, 1)),
    "replace": Filter(_replace, PRINTED, "text", (1, 2)),
    "replace_first": Filter(string.replace_first, PRINTED, "text", (1, 2)),
    "slice": Filter(string.slice_, PRINTED, "text", (1, 2)),
    "split": Filter(string.split, PRINTED, "texts", (1, 1)),
    "squish": Filter(string.squish, PRINTED, "text"),
    "strip": Filter(string.strip, PRINTED, "text"),
    "strip_html": Filter(string.strip_html, PRINTED, "text"),
    "truncate": Filter(string.truncate, PRINTED, "text", (0, 2)),
    "truncatewords": Filter(string.truncatewords, PRINTED, "text", (0, 2)),
    "upcase": Filter(string.upcase, PRINTED, "text"),
    "url_encode": Filter(string.url_encode, PRINTED, "text"),
    "newline_to_br": Filter(_escaped_lines, PRINTED, "text"),
    "abs": Filter(math.abs_, NUMERIC, "same"),
    "at_least": Filter(math.at_least, NUMERIC, "same", (1, 1)),
    "at_most": Filter(math.at_most, NUMERIC, "same", (1, 1)),
    "ceil": Filter(math.ceil, NUMERIC, "same"),
    "divided_by": Filter(_divided_by, NUMERIC, "same", (1, 1)),
    "floor": Filter(math.floor, NUMERIC, "same"),
    "minus": Filter(math.minus, NUMERIC, "same", (1, 1)),
    "modulo": Filter(math.modulo, NUMERIC, "same", (1, 1)),
    "plus": Filter(math.plus, NUMERIC, "same", (1, 1)),
    "round": Filter(math.round_, NUMERIC, "same", (0, 1)),
    "times": Filter(math.times, NUMERIC, "same", (1, 1)),
    "concat": Filter(array.concat, LIST, "same", (1, 1)),
    "first": Filter(array.first, LIST, "element"),
    "join": Filter(_join, LIST, "text", (0, 1)),
    "last": Filter(array.last, LIST, "element"),
    "map": Filter(array.map_, LIST, "field", (1, 1)),
    "reject": Filter(array.reject, LIST, "same", (1, 2)),
    "reverse": Filter(array.reverse, LIST, "same"),
    "size": Filter(misc.size, LIST | {"text"}, "number"),
    "sort": Filter(array.sort, LIST, "same", (0, 1)),
    "sum": Filter(array.sum_, LIST, "sum", (0, 1)),
    "uniq": Filter(array.uniq, LIST, "same", (0, 1)),
    "where": Filter(array.where, LIST, "same", (1, 2)),
    "money": Filter(_money, NUMERIC, "text", context=True),
    "date": Filter(_date, DATED, "text", (0, 1), context=True),
    "answer": Filter(_answer, PRINTED, "link", (0, 1), context=True),
    "default": Filter(_default, frozenset(), "default", (1, 1)),
}

NAMES_A_FIELD = frozenset({"map", "reject", "sort", "sum", "uniq", "where"})
"""Filters whose first argument names a field of the list's things."""


def liquid_filters() -> dict[str, Callable[..., object]]:
    """Every filter as Liquid calls it."""
    ready: dict[str, Callable[..., object]] = {}
    for name, filter_ in FILTERS.items():
        call = filter_.call if name == "default" else _unknown_stays_unknown(filter_.call)
        if filter_.context:
            call.with_context = True  # type: ignore[attr-defined]
        ready[name] = call
    return ready
