"""Questions on the preference page: show them, and read their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from babel.dates import format_date, parse_date

from idic.api.pages.page_texts import PageTexts
from idic.journey.program.values import Type
from idic.journey.vocabulary.translations import Question, in_language
from idic.journey.vocabulary.types import read
from idic.journey.vocabulary.vocabulary import Vocabulary

AT_ONCE = 2
"""How many unanswered questions the page shows."""
LONGEST = 200
"""The most characters of a text answer."""
_RADIOS = 5
"""Up to this many options are shown as radio buttons."""
_EXAMPLE = date(1990, 3, 27)
_COMMA = re.compile(r"^[+-]?[0-9]+,[0-9]+$")


class Option(NamedTuple):
    """One option of a question."""

    value: str
    text: str


class PageQuestion(NamedTuple):
    """A question as the page shows it: ``given`` is the current entry, ``wrong`` its problem."""

    name: str
    kind: Literal["date", "number", "text", "choice", "list"]
    ask: str
    why: str
    options: tuple[Option, ...] = ()
    given: str = ""
    wrong: str = ""


def unanswered(vocabulary: Vocabulary, traits: Mapping[str, Any]) -> list[str]:
    """The questions that this customer hasn't answered, in the vocabulary's order."""
    return [
        name
        for name in vocabulary.questions
        if read(vocabulary.customer[name].type, traits.get(name), siblings=traits, currency=vocabulary.currency) is None
    ]


def asked(vocabulary: Vocabulary, name: str, words: PageTexts, given: str = "", wrong: str = "") -> PageQuestion:
    """The question about an attribute, ready to show."""
    question, type_ = vocabulary.questions[name], vocabulary.customer[name].type
    options = _options(question, type_, words)
    kind: Literal["date", "number", "text", "choice", "list"] = "text"
    match type_.kind:
        case "date":
            kind = "date"
        case "number":
            kind = "number"
        case "yes/no" | "one_of":
            kind = "choice" if len(options) <= _RADIOS else "list"
    language = words.language
    return PageQuestion(
        name, kind, in_language(question.ask, language), in_language(question.why, language), options, given, wrong
    )


def _options(question: Question, type_: Type, words: PageTexts) -> tuple[Option, ...]:
    if type_.kind == "yes/no":
        return (Option("yes", words("yes")), Option("no", words("no")))
    return tuple(
        Option(option, in_language(question.answers.get(option) or {}, words.language) or in_words(option))
        for option in type_.options
    )


class PageAnswer(NamedTuple):
    """The ``value`` to store for the attribute, or the problem (``wrong``) in words."""

    value: str | float | bool | None = None
    wrong: str = ""


def answer(vocabulary: Vocabulary, name: str, given: str, words: PageTexts) -> PageAnswer:
    """Read a non-empty answer."""
    type_ = vocabulary.customer[name].type
    match type_.kind:
        case "date":
            day = _date(given, type_, words.language)
            return PageAnswer(day) if day else PageAnswer(wrong=words("wrong.date", example=_example(words.language)))
        case "number":
            # A single comma is a decimal comma.
            number = read(type_, given.replace(",", ".") if _COMMA.match(given) else given, siblings={}, currency="")
            return PageAnswer(number) if number is not None else PageAnswer(wrong=words("wrong.number"))
        case "text":
            return PageAnswer(given) if len(given) <= LONGEST else PageAnswer(wrong=words("wrong.text_long", most=LONGEST))
        case _:
            value = read(type_, given, siblings={}, currency="")
            return PageAnswer(value) if value is not None else PageAnswer(wrong=words("wrong.choice"))


def _date(given: str, type_: Type, language: str) -> str | None:
    """A date from the browser's field, or as typed by hand."""
    day = read(type_, given, siblings={}, currency="")
    # In English, 3/4 may be April or March.
    if day is None and language != "en" and re.search(r"\b[0-9]{4}\b", given):
        try:
            day = read(type_, parse_date(given, locale=language), siblings={}, currency="")
        except (ValueError, IndexError):
            return None
    return day.isoformat() if day is not None else None


def _example(language: str) -> str:
    return _EXAMPLE.isoformat() if language == "en" else format_date(_EXAMPLE, "dd.MM.y", locale=language)


def in_words(name: str) -> str:
    """A vocabulary name as people write it."""
    return name.replace("_", " ").strip().capitalize()
