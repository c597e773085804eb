"""Every message of a program composed for two people nobody is: one of whom everything is known, one of whom nothing is.
They are of every segment, and read every language, for which there is something of its own.

What the check of templates cannot see shows here: MJML that does not hold together, a subject that comes out empty.
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
    """``whom`` is ``everything known`` or ``nothing known``. ``segment`` and ``language`` say for whom it is otherwise than
    for everybody, where it is; ``source`` is the body or the text that cannot be made into a message."""

    message: str
    whom: str
    problem: CannotCompose
    channel: str
    source: str
    segment: str = ""
    language: str = ""


class _Sample:
    """A scope of made-up values: of every name that is read, or of those alone that are always there."""

    def __init__(self, program: Program, message: Message, everything: bool, segment: str) -> None:
        self.currency, self.zone, self.now = program.currency, program.zone, _NOW
        self._reads: Mapping[str, Attribute] = message.reads
        self._everything = everything
        self.segment = segment or segment_without_variant(program, message) or ""

    def raw(self, name: str) -> tuple[object, Mapping[str, Any]]:
        if name == "segment":
            return self.segment or None, {}
        attribute = self._reads.get(name)
        if attribute is None:
            return "sample", {}
        return (sample_value(attribute.type, name) if self._everything or never_missing(attribute) else None), {}


def dry_run(program: Program, proven: DryRunCache | None = None) -> tuple[ComposeFailure, ...]:
    """The messages that cannot be composed, with the reason; on every channel they have content for, in every variant. What
    one variant has from another is told once. What is ``proven`` by the rehearsals of other programs is not tried again."""
    proven = proven or DryRunCache()
    found: dict[tuple[str, str, str], ComposeFailure] = {}
    for message in program.messages.values():
        read: set[tuple[AnyContent, str]] = set()
        for segment, language in reader_groups(message):
            unsound = _rehearse(program, message, segment, language or program.language, read, proven)
            if unsound is not None:
                found.setdefault((unsound.message, unsound.source, str(unsound.problem)), unsound)
    return tuple(found.values())


def _rehearse(
    program: Program, message: Message, segment: str, language: str, read: set[tuple[AnyContent, str]], proven: DryRunCache
) -> ComposeFailure | None:
    """``read`` is what has been rehearsed of this message, each in its language; it fills."""
    new: dict[str, ChosenContent] = {}
    for channel in message.contents:
        found = choose_content(message, channel, segment, language, program.language)
        if found is not None and (found.content, found.language) not in read:
            new[channel] = found
            read.add((found.content, found.language))
    for whom, everything in (("everything known", True), ("nothing known", False)):
        scope = _Sample(program, message, everything, segment)
        for channel, found in new.items():
            if proven.knows(program, message, found, everything, scope.segment):
                continue
            try:
                _compose(program, message.id, scope, channel, language, proven)
            except CannotCompose as problem:
                content = found.content
                source = content.main_source
                spoken = language if language != program.language else ""
                return ComposeFailure(message.id, whom, problem, channel, source, segment, spoken)
            proven.learn(program, message, found, everything, scope.segment)
    return None


def _compose(program: Program, message: str, scope: ValueSource, channel: str, language: str, proven: DryRunCache) -> None:
    out = "https://sample.example/u"
    pages = {name: f"https://sample.example/{name}" for name in OWN_LINKS}
    links = MessageLinks(track=str, answer=_answer, unsubscribe_url=out, pages=pages)
    EDGES[channel].compose(program, message, scope, links, language, words=proven.words)


def _answer(value: str, url: str | None) -> str:
    return f"https://sample.example/a/{quote(value)}"


def sample_value(of: Type, name: str = "sample") -> object:
    """A raw value that reads as this type. Texts say of which ``name`` they are: what they own is not what they bought."""
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
