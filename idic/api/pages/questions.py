"""Questions on a page: how each is asked, and how what was entered is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, NamedTuple

from babel.dates import format_date, parse_date

from idic.api.pages.page_texts import Words
from idic.journey.program.program import Type
from idic.journey.vocabulary.translations import Question, in_language
from idic.journey.vocabulary.types import read
from idic.journey.vocabulary.vocabulary import Vocabulary

AT_ONCE = 2
"""Unanswered questions that are asked at a time."""
LONGEST = 200
"""Characters of an answer in words."""
_RADIOS = 5
"""Options up to which all are shown at once."""
_EXAMPLE = date(1990, 3, 27)
_COMMA = re.compile(r"^[+-]?[0-9]+,[0-9]+$")


class Option(NamedTuple):
    value: str
    text: str


class Asked(NamedTuple):
    """A question as it stands on the page: ``given`` is what was entered, ``wrong`` what is wrong with that."""

    name: str
    kind: Literal["date", "number", "text", "choice", "list"]
    ask: str
    why: str
    options: tuple[Option, ...] = ()
    given: str = ""
    wrong: str = ""


def unanswered(vocabulary: Vocabulary, traits: Mapping[str, Any]) -> list[str]:
    """The attributes that this customer can still be asked for, those first that the vocabulary has first."""
    return [
        name
        for name in vocabulary.questions
        if read(vocabulary.customer[name].type, traits.get(name), siblings=traits, currency=vocabulary.currency) is None
    ]


def asked(vocabulary: Vocabulary, name: str, words: Words, given: str = "", wrong: str = "") -> Asked:
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
    return Asked(name, kind, in_language(question.ask, language), in_language(question.why, language), options, given, wrong)


def _options(question: Question, type_: Type, words: Words) -> tuple[Option, ...]:
    if type_.kind == "yes/no":
        return (Option("yes", words("yes")), Option("no", words("no")))
    return tuple(
        Option(option, in_language(question.answers.get(option) or {}, words.language) or in_words(option))
        for option in type_.options
    )


class Answer(NamedTuple):
    """``value`` as an attribute keeps it; or what is ``wrong``, in words."""

    value: str | float | bool | None = None
    wrong: str = ""


def answer(vocabulary: Vocabulary, name: str, given: str, words: Words) -> Answer:
    """What was entered for an attribute, which is not empty."""
    type_ = vocabulary.customer[name].type
    match type_.kind:
        case "date":
            found = _date(given, type_, words.language)
            return Answer(found) if found else Answer(wrong=words("wrong.date", example=_example(words.language)))
        case "number":
            # A comma is a decimal one where customers write one alone.
            number = read(type_, given.replace(",", ".") if _COMMA.match(given) else given, siblings={}, currency="")
            return Answer(number) if number is not None else Answer(wrong=words("wrong.number"))
        case "text":
            return Answer(given) if len(given) <= LONGEST else Answer(wrong=words("wrong.text_long", most=LONGEST))
        case _:
            value = read(type_, given, siblings={}, currency="")
            return Answer(value) if value is not None else Answer(wrong=words("wrong.choice"))


def _date(given: str, type_: Type, language: str) -> str | None:
    """As browsers send it, or as somebody writes it by hand."""
    found = read(type_, given, siblings={}, currency="")
    # In English, nobody knows which of two numbers is the month.
    if found is None and language != "en" and re.search(r"\b[0-9]{4}\b", given):
        try:
            found = read(type_, parse_date(given, locale=language), siblings={}, currency="")
        except (ValueError, IndexError):
            return None
    return found.isoformat() if found is not None else None


def _example(language: str) -> str:
    return _EXAMPLE.isoformat() if language == "en" else format_date(_EXAMPLE, "dd.MM.y", locale=language)


def in_words(name: str) -> str:
    """A name of the vocabulary as people would write it."""
    return name.replace("_", " ").strip().capitalize()
