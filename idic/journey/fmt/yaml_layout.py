"""Read the layout of a YAML file: where each node begins and ends, and which comments belong to it.

``yaml_source.nodes.parse`` reads the meaning of a file; this reads its looks, for the formatter. It only gets texts that
parse without problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent


@dataclass(slots=True, eq=False)
class LayoutNode:
    """A scalar, a mapping or a list. ``style`` of a scalar is its quote, ``|``, ``>`` or None; ``flow`` means written in
    brackets.

    Entries of a mapping have keys; those of a list have none.
    """

    kind: str
    start: int
    end: int
    value: str = ""
    style: str | None = None
    flow: bool = False
    entries: list[LayoutEntry] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class LayoutEntry:
    """An entry of a mapping or a list.

    ``start`` is the place of its key or dash. ``before`` are the comments and blank lines (empty) above it, ``after``
    comments below it that belong to no other entry. ``comment`` is on the same line, at ``column``.
    """

    key: LayoutNode | None
    value: LayoutNode
    start: int
    parent: LayoutEntry | None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    comment: str | None = None
    column: int = 0


@dataclass(slots=True, eq=False)
class FileLayout:
    """A whole file; ``head`` are the comments above its first entry."""

    text: str
    root: LayoutNode
    head: list[str]
    comments: list[str]


def read_layout(text: str) -> FileLayout | None:
    """Read the layout of ``text``; None where it has only comments."""
    events = (event for event in YAML(typ="safe", pure=True).parse(text) if not isinstance(event, str))
    root = next(
        (_node(event, events) for event in events if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent)),
        None,
    )
    if root is None:
        return None
    return _LayoutReader(text, root).layout()


def data(node: LayoutNode) -> Any:
    """The meaning of a node, regardless of the order of entries."""
    if node.kind == "scalar":
        return node.value
    if node.kind == "mapping":
        return {entry.key.value if entry.key else "": data(entry.value) for entry in node.entries}
    return [data(entry.value) for entry in node.entries]


def _node(event: Any, events: Iterator[Any]) -> LayoutNode:
    start = event.start_mark.index
    if isinstance(event, ScalarEvent):
        return LayoutNode("scalar", start, event.end_mark.index, event.value, event.style)
    node = LayoutNode("mapping" if isinstance(event, MappingStartEvent) else "list", start, start, flow=bool(event.flow_style))
    while True:
        next_event = next(events)
        if isinstance(next_event, MappingEndEvent | SequenceEndEvent):
            node.end = next_event.end_mark.index
            return node
        key = _node(next_event, events) if node.kind == "mapping" else None
        value = _node(next(events) if key is not None else next_event, events)
        node.entries.append(LayoutEntry(key, value, (key or value).start, None))


class _LayoutReader:
    def __init__(self, text: str, root: LayoutNode) -> None:
        self.text = text
        self.root = root
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.scalars: list[tuple[int, int]] = []
        self.spans(root)
        self.scalars.sort()
        self.comment_places = dict(self.comments())
        self.unfold(root)
        self.entries: list[LayoutEntry] = []
        self.walk(root, None)

    def spans(self, node: LayoutNode) -> None:
        if node.kind == "scalar":
            self.scalars.append((node.start, node.end))
        for entry in node.entries:
            if entry.key is not None:
                self.spans(entry.key)
            self.spans(entry.value)

    def comments(self) -> Iterator[tuple[int, int]]:
        """The line of each comment, and its place in the text."""
        scalars = iter([*self.scalars, (len(self.text) + 1, len(self.text) + 1)])
        start, end = next(scalars)
        for number, line in enumerate(self.lines):
            for match in re.finditer(r"(?:^|(?<=[ \t]))#", line):
                place = self.starts[number] + match.start()
                while place >= end:
                    start, end = next(scalars)
                if not start <= place < end:
                    yield number, place
                    break

    def unfold(self, node: LayoutNode) -> None:
        """Split brackets that contain comments over lines, so that the comments have a place."""
        if node.flow and any(node.start < place < node.end for place in self.comment_places.values()):
            node.flow = False
        for entry in node.entries:
            self.unfold(entry.value)

    def walk(self, node: LayoutNode, parent: LayoutEntry | None) -> None:
        if node.flow:
            return
        for entry in node.entries:
            if entry.key is None and self.text[node.start] != "[":
                entry.start = max(self.text.rfind("-", 0, entry.value.start), node.start)
            entry.parent = parent
            self.entries.append(entry)
            self.walk(entry.value, entry)

    def line(self, place: int) -> int:
        low, high = 0, len(self.lines)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.starts[middle] <= place else (low, middle)
        return low

    def column(self, place: int) -> int:
        return place - self.starts[self.line(place)]

    def layout(self) -> FileLayout:
        heads = [self.line(entry.start) for entry in self.entries]
        for number, place in self.comment_places.items():
            text = self.text[place : self.starts[number + 1] - 1].rstrip()
            if self.lines[number].lstrip().startswith("#"):
                continue
            entry = [one for one in self.entries if one.start < place][-1]
            if entry.comment is not None:
                entry.before.append(entry.comment)
            entry.comment, entry.column = text, self.column(place)
        head: list[str] = []
        for number, (entry, line) in enumerate(zip(self.entries, heads, strict=True)):
            gap = self.gap(line)
            if not number:
                head = gap
            elif heads[number - 1] != line:
                self.between(gap, line, entry, self.entries[number - 1])
        if self.entries:
            self.between(self.gap(len(self.lines)), len(self.lines), None, self.entries[-1])
        comments = [self.text[place : self.starts[number + 1] - 1].rstrip() for number, place in self.comment_places.items()]
        return FileLayout(self.text, self.root, head, comments)

    def gap(self, line: int) -> list[str]:
        """The comments and blank lines directly above a line, as they are."""

        def free(number: int) -> bool:
            stripped = self.lines[number].strip()
            return number in self.comment_places if stripped.startswith("#") else not stripped and not self.within(number)

        return [self.lines[number] for number in takewhile(free, range(line - 1, -1, -1))][::-1]

    def within(self, number: int) -> bool:
        """Whether a blank line is part of a text. Blank lines at the end of a text block mean nothing."""
        place = self.starts[number]
        return any(start <= place < end and self.text[place:end].strip() for start, end in self.scalars)

    def between(self, gap: list[str], line: int, entry: LayoutEntry | None, before: LayoutEntry) -> None:
        """Assign the comments above an entry to it, or, where they are indented further, to what is above."""
        inside = entry is not None and entry.parent is before
        column = 1 << 30 if inside else self.column(entry.start) if entry is not None else -1
        deeper = [number for number, text in enumerate(gap) if text.strip() and _indent(text) > column]
        cut = deeper[-1] + 1 if deeper else 0
        for text in gap[:cut]:
            owner = before
            while text.strip() and owner.parent is not None and self.column(owner.start) > _indent(text):
                owner = owner.parent
            if text.strip():
                owner.after.append(text.strip())
        if entry is not None:
            entry.before = [*_collapsed(gap[cut:]), *entry.before]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _collapsed(lines: list[str]) -> list[str]:
    """The lines stripped, without two blank lines in a row."""
    collapsed: list[str] = []
    for line in lines:
        if line.strip() or not (collapsed and not collapsed[-1]):
            collapsed.append(line.strip())
    return collapsed
