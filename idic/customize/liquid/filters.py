"""The filters of templates: what each does, takes and gives. A new filter is a function and a row in ``FILTERS``.

A filter is never called with a missing value: it stays missing through all filters until ``default`` fills it, the same
rule that conditions follow. There is one kind of number: ``3.0`` prints as ``3``.
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
    """How dates and amounts are written: language (BCP 47), zone (IANA), and the currency of all money (ISO 4217)."""

    language: str = "en"
    zone: str = "UTC"
    currency: str = "EUR"


LOCALE = " locale"
"""The variable with the ReaderLocale: a name that no template can spell."""

PRINTED = TEXTUAL | {"number"}
LIST = frozenset({"list"})
DATED = frozenset({"date", "moment"})

DATE_FORMATS = ("short", "medium", "long", "full", "weekday", "time", "moment")


class Filter(NamedTuple):
    """One row of ``FILTERS``.

    ``takes`` are kinds of ``Type``. ``gives`` is a kind, or ``same`` as taken, or of a list its ``element``, a ``field`` of its
    things (named by the argument) or the ``sum``. ``arguments`` are the least and the most. ``context`` is true if the function
    needs the context of the rendering, ``names_field`` if the first argument names a field of the list's things. ``longest``
    are the most characters that it writes in any language, if that does not depend on the value. ``says`` is an example with
    an explanation, for the documentation.
    """

    call: Callable[..., object]
    takes: frozenset[str]
    gives: Literal["text", "number", "same", "element", "field", "sum", "texts", "link", "default"]
    arguments: tuple[int, int] = (0, 0)
    context: bool = False
    names_field: bool = False
    longest: int | None = None
    says: str = ""


def locale_of(language: str) -> Locale:
    """Babel's locale for a BCP 47 tag: the nearest that exists, or English."""
    parts = language.replace("-", "_").split("_")
    while parts:
        try:
            return Locale.parse("_".join(parts))
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Locale("en")


def _reader_locale(context: RenderContext) -> ReaderLocale:
    locale = context.resolve(LOCALE, default=None)
    return locale if isinstance(locale, ReaderLocale) else ReaderLocale()


def _money(value: float | Decimal, *, context: RenderContext) -> str:
    reader = _reader_locale(context)
    return format_currency(Decimal(str(value)), reader.currency, locale=locale_of(reader.language))


def _date(value: object, form: str = "medium", *, context: RenderContext) -> str:
    reader = _reader_locale(context)
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
"""Makes the address that records a value as the customer's answer and then leads to another address, if one is given."""

ANSWER_URL = " answer_url"
"""The variable with the AnswerUrl: a name that no template can spell."""


class Url(str):
    """A text that is an address: printed into a URL without encoding."""

    __slots__ = ()


def _answer(value: object, url: str | None = None, *, context: RenderContext) -> Url:
    answer_url = context.resolve(ANSWER_URL, default=None)
    answer = str(whole_number(value)).strip()
    if not callable(answer_url) or not answer:
        raise FilterArgumentError("answer: this message cannot record answers", token=None)
    return Url(answer_url(answer, url))


def _divided_by(value: Any, divisor: Any) -> object:
    # Liquid divides whole numbers into a whole number. To a marketer 5 and 5.0 are the same number.
    return math.times(value, 1.0) / float(divisor)


def _replace(value: object, old: object, new: object = "") -> object:
    # Checked in advance: replacing each of a million letters by a text of a million would first build the result.
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
    """A float such as ``3.0`` as the integer ``3``; every other value unchanged."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _skip_missing(call: Callable[..., object]) -> Callable[..., object]:
    """A filter that returns None, without a call, if its value or an argument is missing."""

    def wrapped(value: object, *arguments: object, **keywords: object) -> object:
        if value is None or any(argument is None for argument in arguments):
            return None
        return whole_number(call(value, *arguments, **keywords))

    # With this attribute Liquid passes the environment, which knows whether the output is HTML.
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
    "map": Filter(array.map_, LIST, "field", (1, 1), names_field=True),
    "reject": Filter(array.reject, LIST, "same", (1, 2), names_field=True),
    "reverse": Filter(array.reverse, LIST, "same"),
    "size": Filter(misc.size, LIST | {"text"}, "number", longest=3),
    "sort": Filter(array.sort, LIST, "same", (0, 1), names_field=True),
    "sum": Filter(array.sum_, LIST, "sum", (0, 1), names_field=True),
    "uniq": Filter(array.uniq, LIST, "same", (0, 1), names_field=True),
    "where": Filter(array.where, LIST, "same", (1, 2), names_field=True),
    "money": Filter(
        _money,
        NUMERIC,
        "text",
        context=True,
        longest=13,
        says="{{ cart.total | money }}: in the currency, formatted for the customer's language",
    ),
    "date": Filter(
        _date,
        DATED,
        "text",
        (0, 1),
        context=True,
        longest=30,
        says="{{ entry.starts_at | date: 'long' }}: in the customer's language and zone",
    ),
    "answer": Filter(
        _answer,
        PRINTED,
        "link",
        (0, 1),
        context=True,
        says="{{ 'espresso' | answer: links.guide }}: a link that records the answer and then leads to another link",
    ),
    "default": Filter(
        _default,
        frozenset(),
        "default",
        (1, 1),
        says="{{ customer.first_name | default: 'there' }}: what to print if the value is missing",
    ),
}


def liquid_filters() -> dict[str, Callable[..., object]]:
    """The functions that Liquid calls, by the name of the filter."""
    functions: dict[str, Callable[..., object]] = {}
    for name, filter_ in FILTERS.items():
        call = filter_.call if name == "default" else _skip_missing(filter_.call)
        if filter_.context:
            call.with_context = True  # type: ignore[attr-defined]
        functions[name] = call
    return functions
