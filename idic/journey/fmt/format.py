"""One way to write the files of a folder of journeys: ``format_file`` lays a text out anew and changes nothing that it means.

What is short and stands in one line stays in one line; what does not fit into it is laid out in lines. Sections and the
entries of a step come in the order in which people think of them; names that the author gave stay in the author's order.
Quotes stay round what customers read, and elsewhere stand only where they are needed. Comments keep their place, and their
column where there is room.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from ruamel.yaml.error import YAMLError

from idic.journey.channels import CHANNELS
from idic.journey.contact_policy import read_policy
from idic.journey.definition.read_journey import ENTRY_KINDS, LIMITS, SECTIONS
from idic.journey.fmt.yaml_layout import FileLayout, LayoutEntry, LayoutNode, data, read_layout
from idic.journey.program.steps import STEP_KINDS
from idic.journey.yaml_source.nodes import parse
from idic.problems import Problem, Problems

WIDTH = 120
FileKind = Literal["journey", "vocabulary", "stories", "policy"]

_VOCABULARY = ("currency", "languages", "zone", "country", "slots", "customer", "things", "events", "links", "endpoints")
_STORIES = ("journey", "start", "people", "stories")
_STEP = ("without", "with", "by", "as", "at", "if", "within", "do", "then", "otherwise")
"""The entries of a step, behind its id and its kind."""
_ENTRY = (*ENTRY_KINDS, "at", "for_each", "if", "key", "again", "while_in", *LIMITS)
_PATTERN = ("on", "until", "of", "if", "key", "since", "as", "then")
_GOAL = ("on", "if", "key", "within", "value", "then")
_BRANCH = ("if", "do")
_REPEAT = ("times", "until", "do")
_MESSAGE = (*CHANNELS, "for", "in")
_ATTRIBUTE = ("type", "one_of", "required", "default", "counts", "sums", "in", "from", "sensitive", "for")
_ENDPOINT = ("url", "method", "headers", "takes", "gives", "time_out", "tries")
# Read as something else than text by the programs of others: who put them in quotes knew why.
_AMBIGUOUS = re.compile(r"(?:y|n|yes|no|true|false|on|off|null|none|~|[-+]?[\d.][\d.eExXoO_:+\- TZ]*)", re.IGNORECASE)


class Formatted(NamedTuple):
    """``text`` is None where the file is left alone, for the ``problems``."""

    text: str | None
    problems: tuple[Problem, ...] = ()


def file_kind(name: str) -> FileKind:
    """What a file is, by its name."""
    if name.endswith((".stories.yaml", ".stories.yml")):
        return "stories"
    stem = name.rpartition("/")[2].partition(".")[0]
    return "vocabulary" if stem == "vocabulary" else "policy" if stem == "policy" else "journey"


def format_file(file: str, text: str) -> Formatted:
    """The text laid out. One with slips of YAML is left alone; so is one whose meaning or comments would not be the same."""
    problems = Problems({file: text})
    parse(file, text, problems)
    if problems.failed:
        return Formatted(None, problems.all())
    before = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    sheet = read_layout(before)
    if sheet is None:
        return Formatted(text)
    laid_out = _Printer(sheet, file_kind(file)).whole()
    if not _same(sheet, laid_out):
        problem = Problem("error", file, 1, 1, "this file cannot be laid out without changing it", "it is left as it is")
        return Formatted(None, (problem,))
    return Formatted(laid_out)


def _same(sheet: FileLayout, laid_out: str) -> bool:
    try:
        after = read_layout(laid_out)
    except YAMLError:
        return False
    return after is not None and data(after.root) == data(sheet.root) and sorted(after.comments) == sorted(sheet.comments)


class PrintedLine(NamedTuple):
    text: str
    comment: str | None = None
    column: int = 0

    def __str__(self) -> str:
        if self.comment is None:
            return self.text
        room = max(2, self.column - len(self.text)) if self.text else 0
        return self.text + " " * room + self.comment


class _Printer:
    def __init__(self, sheet: FileLayout, kind: FileKind) -> None:
        self.sheet = sheet
        self.kind = kind

    def whole(self) -> str:
        head = [PrintedLine(text.strip()) for text in self.sheet.head]
        if self.sheet.root.kind == "scalar":
            return self.sheet.text
        lines = [*head, *self.block(self.sheet.root, 0, ())]
        while lines and not lines[0].text:
            del lines[0]
        kept = [line for number, line in enumerate(lines) if line.text or (number and lines[number - 1].text)]
        return "\n".join(str(line) for line in kept).strip("\n") + "\n"

    def block(self, piece: LayoutNode, indent: int, path: tuple[str, ...]) -> list[PrintedLine]:
        """A mapping or a list in lines."""
        entries = self.ordered(piece, path)
        pad = self.aligned(entries, indent, path)
        lines: list[PrintedLine] = []
        for number, entry in enumerate(entries):
            above = [PrintedLine(" " * indent + text if text else "") for text in entry.before]
            if not number and path:
                # Nothing stands between a name and what it holds.
                above = [line for line in above if line.text]
            lines += above
            lines += self.entry(entry, indent, path, pad) if entry.key is not None else self.item(entry, indent, path)
            lines += [PrintedLine(" " * indent + text) for text in entry.after]
        return lines

    def entry(self, entry: LayoutEntry, indent: int, path: tuple[str, ...], pad: int) -> list[PrintedLine]:
        assert entry.key is not None
        here = (*path, entry.key.value)
        name = " " * indent + self.scalar(entry.key, path, False) + ":"
        value = entry.value
        if value.kind == "scalar":
            first, *rest = self.lines_of(value, here, indent, len(name) + 1)
            start = name.ljust(pad) if pad and not rest else name + " "
            return [
                PrintedLine(start + first if first else start.rstrip(), entry.comment, entry.column),
                *(PrintedLine(text) for text in rest),
            ]
        if value.flow or not value.entries:
            text = self.flow(value, here)
            start = name.ljust(pad) if pad else name + " "
            if len(start + text) <= WIDTH or not value.entries:
                return [PrintedLine(start + text, entry.comment, entry.column)]
        return [PrintedLine(name, entry.comment, entry.column), *self.block(value, indent + 2, here)]

    def item(self, entry: LayoutEntry, indent: int, path: tuple[str, ...]) -> list[PrintedLine]:
        dash, value = " " * indent + "- ", entry.value
        if value.kind == "scalar":
            first, *rest = self.lines_of(value, path, indent, len(dash))
            return [PrintedLine(dash + first, entry.comment, entry.column), *(PrintedLine(text) for text in rest)]
        if value.flow or not value.entries:
            text = self.flow(value, path)
            if len(dash + text) <= WIDTH or not value.entries:
                return [PrintedLine(dash + text, entry.comment, entry.column)]
        lines = self.block(value, indent + 2, path)
        # Comments on what now comes first stand above the dash.
        above = next(
            number for number, line in enumerate(lines) if line.text.strip() and not line.text.lstrip().startswith("#")
        )
        head = lines[above]
        comments = [PrintedLine(" " * indent + line.text.strip()) for line in lines[:above] if line.text]
        if entry.comment is not None:
            comments.append(PrintedLine(" " * indent + entry.comment))
        return [*comments, head._replace(text=dash + head.text.lstrip()), *lines[above + 1 :]]

    def flow(self, piece: LayoutNode, path: tuple[str, ...]) -> str:
        if piece.kind == "scalar":
            return self.scalar(piece, path, True)
        if piece.kind == "list":
            return f"[{', '.join(self.flow(entry.value, path) for entry in piece.entries)}]"
        parts = []
        for entry in self.ordered(piece, path):
            assert entry.key is not None
            here = (*path, entry.key.value)
            parts.append(f"{self.scalar(entry.key, path, True)}: {self.flow(entry.value, here)}")
        return "{" + ", ".join(parts) + "}"

    def aligned(self, entries: Sequence[LayoutEntry], indent: int, path: tuple[str, ...]) -> int:
        """The column of the values, where the author put them in one; else 0."""
        inline = [entry for entry in entries if entry.key is not None and (entry.value.flow or _in_one_line(entry.value))]
        columns = {self.column(entry.value.start) for entry in inline}
        spread = any(entry.key and self.sheet.text[entry.key.end : entry.value.start] not in (": ", ":") for entry in inline)
        if len(inline) < 2 or len(columns) != 1 or not spread:
            return 0
        return indent + max(len(self.scalar(entry.key, path, False)) for entry in inline if entry.key) + 2

    def column(self, place: int) -> int:
        return place - (self.sheet.text.rfind("\n", 0, place) + 1)

    # Scalars

    def lines_of(self, piece: LayoutNode, path: tuple[str, ...], indent: int, taken: int) -> list[str]:
        """A scalar in the lines that it takes."""
        written = self.sheet.text[piece.start : piece.end]
        if piece.style in ("|", ">"):
            header, _, body = written.partition("\n")
            inner = body.split("\n")
            while inner and not inner[-1].strip():
                inner.pop()
            least = min((len(line) - len(line.lstrip(" ")) for line in inner if line.strip()), default=0)
            return [header.rstrip(), *(" " * (indent + 2) + line[least:] if line[least:] else "" for line in inner)]
        if "\n" not in written:
            return [self.scalar(piece, path, False)]
        if "\n" not in piece.value and "\\\n" not in written:
            joined = " ".join(part.strip() for part in written.split("\n"))
            if taken + len(joined) <= WIDTH:
                return [joined]
        first, *rest = [part.strip() for part in written.split("\n")]
        return [first, *(" " * (indent + 2) + part if part else "" for part in rest)]

    def scalar(self, piece: LayoutNode, path: tuple[str, ...], flow: bool) -> str:
        """A scalar in one line. Text that people read keeps its quotes, also where YAML could do without."""
        written = self.sheet.text[piece.start : piece.end]
        if piece.style not in ("'", '"'):
            return " ".join(part.strip() for part in written.split("\n"))
        value = piece.value
        free = self.kind != "stories" and not (path and path[0] in ("customize", "links", "slots", "title", "endpoints"))
        if free and not _AMBIGUOUS.fullmatch(value) and _plain(value, flow):
            return value
        if piece.style == "'" and not re.search(r'["\\\n]', value):
            return f'"{value}"'
        return written if "\n" not in written else " ".join(part.strip() for part in written.split("\n"))

    # Order

    def ordered(self, piece: LayoutNode, path: tuple[str, ...]) -> list[LayoutEntry]:
        if piece.kind != "mapping":
            return piece.entries
        known = self.order(path, {entry.key.value for entry in piece.entries if entry.key})
        places = {name: number for number, name in enumerate(known)}
        return sorted(piece.entries, key=lambda entry: places.get(entry.key.value if entry.key else "", len(places)))

    def order(self, path: tuple[str, ...], names: set[str]) -> tuple[str, ...]:
        """How the entries of a mapping are ordered; nothing where the author named them."""
        if self.kind == "journey":
            return self.order_in_journey(path, names)
        if not path:
            return {"vocabulary": _VOCABULARY, "stories": _STORIES, "policy": read_policy.SECTIONS}[self.kind]
        if self.kind == "vocabulary" and path[0] == "endpoints" and len(path) == 2:
            return _ENDPOINT
        typed = self.kind == "vocabulary" and path[0] in ("customer", "things", "events", "endpoints") and len(path) > 1
        return _ATTRIBUTE if typed and names & {"type", "one_of"} and names <= set(_ATTRIBUTE) else ()

    def order_in_journey(self, path: tuple[str, ...], names: set[str]) -> tuple[str, ...]:
        if not path:
            return SECTIONS
        inner = path[-1]
        if path[0] == "customize":
            message = len(path) == 2 or (len(path) > 3 and path[-2] in ("for", "in"))
            if message:
                return _MESSAGE
            return CHANNELS[inner].field_names if len(path) > 2 and inner in CHANNELS else ()
        if path in (("identify",), ("goal",)):
            return _ENTRY if inner == "identify" else _GOAL
        if inner in ("on", "leave", "wait_for", "without"):
            return _PATTERN
        if inner == "choose":
            return _BRANCH
        if inner == "repeat":
            return _REPEAT
        if "id" not in names or not names & STEP_KINDS.keys() or inner in ("split", "set", "with"):
            return ()
        # What asks whether there is a long part at all stands before it.
        step = (*STEP_KINDS, *(entry for kind in STEP_KINDS.values() for entry in kind.entries), *_STEP)
        return ("id", "if", *step) if names & {"choose", "repeat"} else ("id", *step)


def _in_one_line(piece: LayoutNode) -> bool:
    return piece.kind == "scalar" and piece.style not in ("|", ">") and piece.end > piece.start


def _plain(value: str, flow: bool) -> bool:
    """Whether the text is the same without quotes."""
    if not value or value != value.strip() or "\n" in value or re.match(r"\{\{|\{%|[@%`!&*]", value):
        return False
    try:
        sheet = read_layout(f"- [{value}]" if flow else f"- a: {value}\n")
    except YAMLError:
        return False
    expected = [[value]] if flow else [{"a": value}]
    return sheet is not None and data(sheet.root) == expected and not sheet.comments
