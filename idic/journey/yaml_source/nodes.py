"""Parse YAML into mappings, lists and text that know their place in the file.

Every scalar stays text, and the schema decides what it means: so ``no``, ``1e3`` and ``2026-03-27`` hold no surprises.
Anchors, aliases, tags and several documents are refused, and so is text that YAML silently reads differently from what its
author meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from idic.journey.channels import CHANNELS
from idic.journey.yaml_source.syntax_errors import explain_error, line_from, missing_colon, quoted, single
from idic.problems import Mark, Problems

# The events of both parsers.
_Scalar = events.ScalarEvent | yaml.ScalarEvent
_Alias = events.AliasEvent | yaml.AliasEvent
_Begin = events.MappingStartEvent | yaml.MappingStartEvent | events.SequenceStartEvent | yaml.SequenceStartEvent
_End = events.MappingEndEvent | yaml.MappingEndEvent | events.SequenceEndEvent | yaml.SequenceEndEvent
_Items = events.SequenceStartEvent | yaml.SequenceStartEvent
_Document = events.DocumentStartEvent | yaml.DocumentStartEvent

_MAX_DEPTH = 60
_MAX_REPAIRS = 50
_KEY = r"(?P<lead>\s*(?:-\s+)*(?:[^\s#:\"'{\[][^:#\"'{\[]*?:\s+)?)"
_TRAP = re.compile(_KEY + r"(?P<value>(?:\{\{|\{%|[@%`]|![^\s]*\s+[^\s#]|!\s).*?)(?P<comment>\s+#.*)?$")
_OPENING = frozenset("{@%`!")
"""The characters with which a misread value begins."""
_BLOCK = re.compile(r"^(?P<indent>\s*)(?:.*[:\-]\s+)?[|>][+-]?\d*\s*(?:#.*)?$")
_COMMENT = re.compile(r"[ \t]+#(?P<first>\S?)")
_CURLY = "“”„‘’"
_CUSTOMER_TEXT = frozenset(
    (
        *("title", "story", "contains", "because"),
        *(channel.name for channel in CHANNELS.values() if channel.written_as_text or channel.examples_for_text),
        *(field.name for channel in CHANNELS.values() for field in channel.fields if field.kind != "slot"),
    )
)
"""Entries with text for customers. If such text is cut at a comma, quotes are missing, not a colon."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its lines. ``shifted`` maps lines to the column where the parser inserted a quote that the author did not
    write."""

    file: str
    text: str
    shifted: dict[int, int]

    def mark(self, index: int, length: int = 1) -> Mark:
        """The place of the character at an index."""
        line = self.text.count("\n", 0, index)
        column = index - (self.text.rfind("\n", 0, index) + 1)
        if column > self.shifted.get(line, 1 << 30):
            column -= 1
        return Mark(self.file, line + 1, column + 1, max(1, length))

    def rest_of_line(self, index: int) -> str:
        """The text from an index to the end of its line."""
        return line_from(self.text, index)


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A text in the file, with its quotes (``style``)."""

    source: Source
    value: str
    start: int
    end: int
    style: str | None = None

    @property
    def mark(self) -> Mark:
        """The place of its first line."""
        first = self.source.text[self.start : self.end].partition("\n")[0].rstrip()
        return self.source.mark(self.start, len(first))

    @property
    def comment(self) -> bool:
        """Whether a comment follows on the same line. In text for customers it is more often a lost half sentence."""
        if self.style is not None or self.source.text[self.end : self.end + 1] not in (" ", "\t"):
            return False
        return _COMMENT.match(self.source.rest_of_line(self.end)) is not None

    def at(self, index: int, length: int = 1) -> Mark:
        """The place in the file of a part of the value."""
        file_text, position, place = self.source.text, self.start + (1 if self.style in ("'", '"') else 0), self.start
        if self.style in ("|", ">"):
            position = file_text.find("\n", position) + 1
        for number, character in enumerate(self.value):
            # Folding and escapes only drop or rewrite white space and backslashes: the other characters are in
            # the file in the same order.
            if not character.isspace():
                while position < self.end and file_text[position] != character:
                    position += 1
            elif number < index and position < self.end and not file_text[position].isspace():
                continue
            place = position
            if number >= index:
                break
            position += 1
        else:
            place = position
        return self.source.mark(min(place, self.end), length)

    def at_line(self, line: int, column: int) -> Mark:
        """The place in the file of a line and column of the value, both counted from 1."""
        lines = self.value.split("\n")
        return self.at(sum(len(text) + 1 for text in lines[: line - 1]) + column - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A list in the file."""

    source: Source
    items: tuple[Node, ...]
    start: int

    @property
    def mark(self) -> Mark:
        """The place where it begins."""
        return self.source.mark(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A mapping in the file. Its keys are unique."""

    source: Source
    entries: tuple[tuple[Scalar, Node], ...]
    start: int

    @property
    def mark(self) -> Mark:
        """The place of its first key."""
        return self.entries[0][0].mark if self.entries else self.source.mark(self.start)

    def get(self, name: str) -> Node | None:
        """The value of the entry with this name, or None."""
        return next((value for key, value in self.entries if key.value == name), None)

    def key(self, name: str) -> Scalar | None:
        """The key of the entry with this name, or None."""
        return next((key for key, _ in self.entries if key.value == name), None)


Node = Scalar | Sequence | Mapping


def parse(file: str, text: str, problems: Problems) -> Node | None:
    """Parse ``text``; None when it is empty or not YAML. All problems are added to ``problems``."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    shifted: dict[int, int] = {}
    repaired = _without_traps(file, text, shifted, problems)
    source = Source(file, repaired, shifted)
    try:
        parsed = _events(repaired)
    except MarkedYAMLError as error:
        fault = explain_error(repaired, error)
        problems.error(source.mark(fault.start, fault.length), fault.message, fault.hint)
        return None
    except YAMLError as error:
        index = int(getattr(error, "position", 0) or 0)
        problems.error(source.mark(index), "a character that cannot be in a text file", "delete it and write it again")
        return None
    return _NodeBuilder(source, problems).document(iter(parsed))


def _events(text: str) -> list[Any]:
    """The YAML events of the text, from the fast parser. If it fails, from the slow one, whose errors say more. Raises its
    errors."""
    try:
        return list(yaml.parse(text, Loader=yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader))
    except yaml.YAMLError:
        return [event for event in YAML(typ="safe", pure=True).parse(text) if not isinstance(event, str)]


def _without_traps(file: str, text: str, shifted: dict[int, int], problems: Problems) -> str:
    """Put quotes round values that YAML would misread from their first character on, so that the rest can be checked too."""
    lines, block_indent = text.split("\n"), None
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if block_indent is not None and (not line.strip() or indent > block_indent):
            continue
        block = _BLOCK.match(line) if "|" in line or ">" in line else None
        block_indent = indent if block else None
        trap = _TRAP.match(line) if not block and not _OPENING.isdisjoint(line) else None
        if trap is None or line.lstrip().startswith("#") or len(shifted) >= _MAX_REPAIRS:
            continue
        value, start = trap["value"].rstrip(), len(trap["lead"])
        opening = value[:2] if value[0] == "{" else value[0]
        mark = Mark(file, number + 1, start + 1, len(value))
        problems.misread(mark, f"a value cannot begin with {opening} here", f"put it in quotes: {quoted(value)}")
        lines[number] = f"{trap['lead']}{single(value)}{trap['comment'] or ''}"
        shifted[number] = start
    return "\n".join(lines)


class _NodeBuilder:
    """Builds nodes from the events of one file."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.depth = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            start = event.start_mark.index
            if isinstance(event, _Document):
                documents += 1
                if documents > 1:
                    self.problems.error(
                        self.source.mark(start, 3),
                        "a second document begins here",
                        "one file holds one journey; take the line --- out, or make two files",
                    )
                    return None
            elif isinstance(event, _Scalar | _Begin | _Alias):
                root = self.node(event, events)
        return root

    def node(self, event: Any, events: Iterator[Any]) -> Node:
        source, start, end = self.source, event.start_mark.index, event.end_mark.index
        if isinstance(event, _Alias):
            self.misread(start, end, f"*{event.anchor} is an alias", "write the value out; if it is text, put it in quotes")
            return Scalar(source, f"*{event.anchor}", start, end, '"')
        if event.anchor is not None:
            self.error(start, f"&{event.anchor} is an anchor", "write the value out; if it is text, put it in quotes")
        if event.tag is not None:
            text = source.text[start:end].rstrip()
            if isinstance(event, _Scalar) and event.style in (None, "") and "\n" not in text:
                self.misread(start, end, "a value cannot begin with ! here", f"put it in quotes: {quoted(text)}")
                return Scalar(source, text, start, start + len(text), '"')
            self.error(start, f"{event.tag} is a tag", "tags are not used in journeys; if it is text, put it in quotes")
        if isinstance(event, _Scalar):
            return self.restored(Scalar(source, event.value, start, end, event.style or None))
        if self.depth >= _MAX_DEPTH:
            self.error(start, "this is nested too deeply", "make another journey of it, and enter: it")
            return Scalar(source, "", start, _skip(events), '"')
        if not isinstance(event, _Items) and source.text.startswith("{{", start):
            end = _skip(events)
            text = source.text[start:end]
            self.error(start, "a value cannot begin with {{ here", f"put it in quotes: {quoted(text)}")
            return Scalar(source, text, start, end)
        self.depth += 1
        node = self.items(event, events) if isinstance(event, _Items) else self.mapping(event, events)
        self.depth -= 1
        return node

    def items(self, event: Any, events: Iterator[Any]) -> Sequence:
        items = []
        while not isinstance(inner := next(events), _End):
            items.append(self.node(inner, events))
        return Sequence(self.source, tuple(items), event.start_mark.index)

    def mapping(self, event: Any, events: Iterator[Any]) -> Mapping:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        while not isinstance(inner := next(events), _End):
            if not isinstance(inner, _Scalar | _Alias):
                self.error(inner.start_mark.index, "this cannot be a name", "text that begins with { or [ stands in quotes")
                _skip(events)
                self.node(next(events), events)
                continue
            key, value = self.node(inner, events), self.node(next(events), events)
            assert isinstance(key, Scalar)
            if event.flow_style and isinstance(value, Scalar) and not self.source.text[key.end : value.end].strip():
                self.rejoin(key, entries)
                continue
            if isinstance(value, Scalar) and not value.value and value.style is None:
                value = self.lost_value(key)
            if key.value in seen:
                first_line = seen[key.value].mark.line
                self.problems.error(key.mark, f"{key.value} is there twice; the first is on line {first_line}", "keep one")
                continue
            seen[key.value] = key
            entries.append((key, value))
        return Mapping(self.source, tuple(entries), event.start_mark.index)

    def rejoin(self, key: Scalar, before: list[tuple[Scalar, Node]]) -> None:
        """Put together again what YAML split at a comma.

        ``{subject: Hello, Anna}`` reads as a subject ``Hello`` and an empty entry ``Anna``.
        """
        previous_key, previous_value = before[-1] if before else (key, None)
        if previous_key.value not in _CUSTOMER_TEXT and (mistake := missing_colon(key.value)) is not None:
            self.problems.misread(key.mark, *mistake)
            word, rest = re.split(r"[ :]+", key.value, maxsplit=1)
            value = Scalar(self.source, rest, key.start, key.end, '"')
            before.append((Scalar(self.source, word, key.start, key.start + len(word)), value))
            return
        if not isinstance(previous_value, Scalar):
            self.problems.error(key.mark, f"{key.value} has no value", "give it one")
            return
        text = (
            self.source.text[previous_value.start : key.end]
            if previous_value.style is None
            else f"{previous_value.value}, {key.value}"
        )
        hint = f"inside {{ }} a comma begins a new entry; put the text in quotes: {previous_key.value}: {quoted(text)}"
        self.problems.error(key.mark, f"{key.value} has no value", hint)
        before[-1] = previous_key, Scalar(self.source, text, previous_value.start, key.end)

    def lost_value(self, key: Scalar) -> Scalar:
        """The value that YAML took for a comment, or nothing at its place.

        In ``subject: #1 in coffee`` everything from # on is a comment.
        """
        rest = self.source.rest_of_line(key.end)
        cut = re.match(r"\s*:[ \t]+(#\S.*)", rest)
        if cut:
            text = cut[1].rstrip()
            mark = self.source.mark(key.end + cut.start(1), len(text))
            self.problems.error(mark, "everything from # on is a comment", f"put it in quotes: {quoted(text)}")
            return Scalar(self.source, text, key.end + cut.start(1), key.end + cut.end(1))
        return Scalar(self.source, "", key.end, key.end)

    def restored(self, scalar: Scalar) -> Scalar:
        """The scalar as its author meant it, where YAML reads only a part of it. So one slip leads to one message only."""
        if scalar.style is not None or not scalar.value:
            return scalar
        value, cut = scalar.value, None
        if self.source.text[scalar.end : scalar.end + 1] in (" ", "\t"):
            cut = _COMMENT.match(self.source.rest_of_line(scalar.end))
        if cut and (cut["first"].strip("#") or value.count('"') % 2 or value.count("{{") > value.count("}}")):
            text = value + self.source.rest_of_line(scalar.end).rstrip()
            place = scalar.end + cut.end() - len(cut["first"]) - 1
            self.problems.error(
                self.source.mark(place),
                f'the value is cut here, it reads only "{value}": a # after a space begins a comment',
                f"put it all in quotes: {quoted(text)}; a comment has a space after its #",
            )
            return Scalar(self.source, text, scalar.start, scalar.end + len(text) - len(value))
        if len(value) > 1 and value[0] in _CURLY and value[-1] in _CURLY:
            self.problems.error(
                scalar.mark, "curly quotes are part of the text here", f"write straight ones: {quoted(value[1:-1])}"
            )
        return scalar

    def error(self, index: int, message: str, hint: str) -> None:
        self.problems.error(self.source.mark(index), message, hint)

    def misread(self, start: int, end: int, message: str, hint: str) -> None:
        self.problems.misread(self.source.mark(start, end - start), message, hint)


def _skip(events: Iterator[Any]) -> int:
    """Skip the rest of a mapping or list that has just begun; returns where it ends."""
    depth, event = 1, None
    while depth:
        event = next(events)
        depth += isinstance(event, _Begin)
        depth -= isinstance(event, _End)
    assert event is not None
    return int(event.end_mark.index)
