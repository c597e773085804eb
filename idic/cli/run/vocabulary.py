"""The work of ``idic vocabulary``: list every name a journey may use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import typer

from idic.customize.liquid.engine import TAG_NAMES
from idic.customize.liquid.filters import FILTERS
from idic.journey.channels import CHANNELS
from idic.journey.expressions.infer_functions import FUNCTIONS, ON_TEXT, OVER_LISTS
from idic.journey.program.steps import STEP_KINDS
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.built_in import OWN_EVENTS, OWN_LINKS
from idic.journey.vocabulary.types import spell
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journeys_folder import compile_folder

_OWN = "idic's own"
_NAMES = {
    "customer.…": "what we know of the customer now",
    "entry.…": "the event that entered them",
    "event.…": "the event being checked; only inside an if",
    "key": "the value of identify: key",
    "segment": "the name of their line under differentiate",
    "links.…": "an address from the vocabulary; in templates",
}
_IN = "event.sku in customer.owns: whether the list contains it"


class Word(NamedTuple):
    """One name. ``of`` is the owner of a property; ``type`` is written as in the vocabulary; ``own`` names need no
    declaration."""

    section: str
    name: str
    type: str = ""
    says: str = ""
    of: str | None = None
    own: bool = False


def listed(folder: Path) -> list[Word]:
    """All names, in the order they are shown. Raises ``NotFound``."""
    compilation = compile_folder(folder)
    vocabulary = compilation.vocabulary
    return [
        *_customer(vocabulary),
        *_events(vocabulary),
        *_things(vocabulary),
        *(Word("links", f"links.{name}", says=url) for name, url in vocabulary.links.items()),
        *(Word("links", f"links.{name}", says=says, own=True) for name, says in OWN_LINKS.items()),
        *(Word("topics", name, says=next(iter(topic.title.values()))) for name, topic in vocabulary.topics.items()),
        *(Word("slots", name, says=says) for name, says in (vocabulary.slots or {}).items()),
        *_endpoints(vocabulary),
        *(Word("channels", name, own=True) for name in CHANNELS),
        *_languages(vocabulary),
        *(Word("names in conditions and templates", name, says=says, own=True) for name, says in _NAMES.items()),
        *(
            Word("functions in conditions", name, says=says, own=True)
            for name, says in {**FUNCTIONS, "in": _IN, **OVER_LISTS, **ON_TEXT}.items()
        ),
        *(
            Word("filters in templates", name, _taken(filter_.takes), filter_.says, own=True)
            for name, filter_ in sorted(FILTERS.items())
        ),
        Word("tags in templates", ", ".join(TAG_NAMES), own=True),
        *(Word("steps", name, says=kind.summary, own=True) for name, kind in STEP_KINDS.items()),
    ]


def search(words: Sequence[Word], wanted: str) -> list[Word]:
    """The names with this text in their name, type or description; an event or thing comes with its properties, and a
    property with its owner."""
    text = wanted.casefold()
    hits = [word for word in words if text in f"{word.name} {word.type} {word.says}".casefold()]
    wholes = {(word.section, word.name) for word in hits if word.of is None}
    parents = {(word.section, word.of) for word in hits if word.of is not None}
    return [
        word
        for word in words
        if word in hits or (word.section, word.of) in wholes or (word.of is None and (word.section, word.name) in parents)
    ]


def show(words: Sequence[Word]) -> None:
    """Print the result for people."""
    for number, (section, group) in enumerate(groupby(words, key=lambda word: word.section)):
        if number:
            typer.echo()
        typer.secho(section, bold=True)
        together = list(group)
        name = max(len(_indented(word)) for word in together)
        kind = max(len(word.type) for word in together)
        for word in together:
            line = f"  {_indented(word):<{name}}  {word.type:<{kind}}{'  ' if kind else ''}{word.says}"
            typer.echo(line.rstrip(), nl=False)
            typer.secho(f"  ({_OWN})" if word.own and word.of is None and section in _MIXED else "", dim=True)


_MIXED = ("customer", "events", "links")
"""Where what is idic's own stands beside what the vocabulary declares."""


def as_json(words: Sequence[Word]) -> str:
    """The result as JSON."""
    return json.dumps([word._asdict() for word in words], indent=2, ensure_ascii=False)


def _indented(word: Word) -> str:
    return f"  {word.name}" if word.of is not None else word.name


def _customer(vocabulary: Vocabulary) -> Iterator[Word]:
    own = Vocabulary().customer
    for name, attribute in vocabulary.customer.items():
        notes = [_computed(attribute)] if attribute.counted_event else []
        if attribute.default is not None and not notes:
            notes.append(f"default {_plain(attribute.default)}")
        if name in vocabulary.origins:
            notes.append(f"from {vocabulary.origins[name]}")
        if name in vocabulary.sensitive:
            notes.append(f"sensitive: {vocabulary.sensitive[name]}")
        if name in vocabulary.restricted:
            notes.append(f"only for {', '.join(vocabulary.restricted[name])}")
        declared = name not in own or attribute != own[name]
        yield Word("customer", f"customer.{name}", spell(attribute.type), " · ".join(notes), own=not declared)


def _computed(attribute: Attribute) -> str:
    what = f"counts {attribute.counts}" if attribute.counts else f"sums {'.'.join(attribute.sums or ())}"
    return f"{what}, of the last {attribute.window}" if attribute.window else what


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _events(vocabulary: Vocabulary) -> Iterator[Word]:
    declared = [name for name in vocabulary.events if name not in OWN_EVENTS]
    for name in (*declared, *OWN_EVENTS):
        about = f"about a {vocabulary.about[name]}, not about one customer" if name in vocabulary.about else ""
        yield Word("events", name, says=about, own=name in OWN_EVENTS)
        for part, attribute in vocabulary.events.get(name, {}).items():
            yield Word("events", part, spell(attribute.type), _presence(attribute), of=name, own=name in OWN_EVENTS)


def _things(vocabulary: Vocabulary) -> Iterator[Word]:
    for name, thing in vocabulary.things.items():
        yield Word("things", name)
        for field, type_ in thing.fields.items():
            yield Word("things", field, spell(type_), "always there" if field in thing.required else "", of=name)


def _taken(kinds: frozenset[str]) -> str:
    """The values a filter takes, in a word."""
    if "text" in kinds:
        return "text or list" if "list" in kinds else "text"
    return "number, money" if "number" in kinds else " or ".join(sorted(kinds)) or "anything"


def _presence(attribute: Attribute) -> str:
    if attribute.required:
        return "always there"
    return f"default {_plain(attribute.default)}" if attribute.default is not None else ""


def _endpoints(vocabulary: Vocabulary) -> Iterator[Word]:
    for name, endpoint in vocabulary.endpoints.items():
        yield Word("endpoints", name, says=f"{endpoint.method} {endpoint.url}")
        for part, attribute in endpoint.takes.items():
            yield Word("endpoints", part, spell(attribute.type), "taken" + (", always" if attribute.required else ""), of=name)
        for part, attribute in endpoint.gives.items():
            yield Word("endpoints", part, spell(attribute.type), "given" + (", always" if attribute.required else ""), of=name)


def _languages(vocabulary: Vocabulary) -> Iterator[Word]:
    for number, language in enumerate(vocabulary.languages):
        yield Word("languages", language, says="the fallback" if not number else "")
    yield Word("currency and zone", vocabulary.currency, says="for amounts of money")
    yield Word("currency and zone", vocabulary.zone, says="for customers without a known zone")
