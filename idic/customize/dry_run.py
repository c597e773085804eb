"""Compose every message of a program for two made-up customers, to find errors before sending.

Of one customer every value is known, of the other none. Both are tried in every segment and language that has content of its
own. This finds what the check of templates cannot see: invalid MJML, or a subject that comes out empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from idic.customize.dry_run_cache import DryRunCache
from idic.customize.variants import ChosenContent, choose_content, reader_groups, segment_without_variant
from idic.errors import CannotCompose
from idic.interact.channels.channel_edge import MessageLinks
from idic.interact.channels.edges import EDGES
from idic.journey.expressions.evaluate import ValueSource
from idic.journey.program.content import AnyContent, Message
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.built_in import OWN_LINKS
from idic.journey.vocabulary.types import never_missing

_NOW = datetime(2000, 1, 1, tzinfo=UTC)
_SAMPLES: dict[str, object] = {
    "number": 2,
    "money": 19.9,
    "days": 3,
    "yes/no": True,
    "date": "2000-02-29",
    "moment": "2000-02-29T12:00:00+00:00",
    "zone": "UTC",
    "link": "https://sample.example/",
}


class ComposeFailure(NamedTuple):
    """A message that cannot be composed.

    ``whom`` is ``everything known`` or ``nothing known``. ``segment`` and ``language`` are empty if the failure is not specific
    to one; ``source`` is the body or the text that fails.
    """

    message: str
    whom: str
    problem: CannotCompose
    channel: str
    source: str
    segment: str = ""
    language: str = ""


class _SampleValues:
    """A scope of made-up values: for every name, or only for the names that are never missing."""

    def __init__(self, program: Program, message: Message, everything: bool, segment: str) -> None:
        self.currency, self.zone, self.now = program.currency, program.zone, _NOW
        self._reads: Mapping[str, Attribute] = message.reads
        self._everything = everything
        self.segment = segment or segment_without_variant(program, message) or ""

    def raw(self, name: str) -> tuple[object, Mapping[str, Any]]:
        """A sample of the name's type, or None if the name may be missing and nothing is known."""
        if name == "segment":
            return self.segment or None, {}
        attribute = self._reads.get(name)
        if attribute is None:
            return "sample", {}
        return (sample_value(attribute.type, name) if self._everything or never_missing(attribute) else None), {}


def dry_run(program: Program, cache: DryRunCache | None = None) -> tuple[ComposeFailure, ...]:
    """Try all messages of a program, on every channel and in every variant; return those that cannot be composed.

    A failure that several variants share is returned once. Content that is in the ``cache``, from other programs, is not tried
    again.
    """
    cache = cache or DryRunCache()
    failures: dict[tuple[str, str, str], ComposeFailure] = {}
    for message in program.messages.values():
        tried: set[tuple[AnyContent, str]] = set()
        for segment, language in reader_groups(message):
            failure = _try_message(program, message, segment, language or program.language, tried, cache)
            if failure is not None:
                failures.setdefault((failure.message, failure.source, str(failure.problem)), failure)
    return tuple(failures.values())


def _try_message(
    program: Program, message: Message, segment: str, language: str, tried: set[tuple[AnyContent, str]], cache: DryRunCache
) -> ComposeFailure | None:
    """The first failure of a message in this segment and language. ``tried`` fills with contents and their languages."""
    new: dict[str, ChosenContent] = {}
    for channel in message.contents:
        chosen = choose_content(message, channel, segment, language, program.language)
        if chosen is not None and (chosen.content, chosen.language) not in tried:
            new[channel] = chosen
            tried.add((chosen.content, chosen.language))
    for whom, everything in (("everything known", True), ("nothing known", False)):
        scope = _SampleValues(program, message, everything, segment)
        for channel, chosen in new.items():
            if cache.has(program, message, chosen, everything, scope.segment):
                continue
            try:
                _compose(program, message.id, scope, channel, language, cache)
            except CannotCompose as problem:
                own_language = language if language != program.language else ""
                return ComposeFailure(message.id, whom, problem, channel, chosen.content.main_source, segment, own_language)
            cache.add(program, message, chosen, everything, scope.segment)
    return None


def _compose(program: Program, message: str, scope: ValueSource, channel: str, language: str, cache: DryRunCache) -> None:
    pages = {name: f"https://sample.example/{name}" for name in OWN_LINKS}
    links = MessageLinks(track=str, answer=_answer, unsubscribe_url="https://sample.example/u", pages=pages)
    EDGES[channel].compose(program, message, scope, links, language, words=cache.words)


def _answer(value: str, url: str | None) -> str:
    return f"https://sample.example/a/{quote(value)}"


def sample_value(of: Type, name: str = "sample") -> object:
    """A made-up raw value of this type. A text is made from ``name``, so that different names have different texts."""
    match of.kind:
        case "text":
            return re.sub(r"[._]", " ", name.partition(".")[2] or name)
        case "one_of":
            return of.options[0] if of.options else None
        case "list":
            return [sample_value(of.of, name)] if of.of else []
        case "thing":
            return {field: sample_value(type_, f"{name}.{field}") for field, type_ in of.fields.items()}
        case kind:
            return _SAMPLES[kind]
