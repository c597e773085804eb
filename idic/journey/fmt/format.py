"""Format the files of a journeys folder: ``format_file`` changes the layout and nothing else.

Short values on one line stay on one line; longer ones are split over lines. Sections and the entries of a step get a fixed
order; names chosen by the author keep the author's order. Text for customers keeps its quotes; other text has quotes only
where it needs them. Comments keep their place, and their column where there is room.
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
# Other programs read these as something other than text, so quotes round them stay.
_AMBIGUOUS = re.compile(r"(?:y|n|yes|no|true|false|on|off|null|none|~|[-+]?[\d.][\d.eExXoO_:+\- TZ]*)", re.IGNORECASE)


class Formatted(NamedTuple):
    """``text`` is None where the file is left as it is because of ``problems``."""

    text: str | None
    problems: tuple[Problem, ...] = ()


def file_kind(name: str) -> FileKind:
    """The kind of a file, by its name."""
    if name.endswith((".stories.yaml", ".stories.yml")):
        return "stories"
    stem = name.rpartition("/")[2].partition(".")[0]
    return "vocabulary" if stem == "vocabulary" else "policy" if stem == "policy" else "journey"


def format_file(file: str, text: str) -> Formatted:
    """Format a text. It is left as it is if it has syntax errors, or if its meaning or comments would change."""
    problems = Problems({file: text})
    parse(file, text, problems)
    if problems.failed:
        return Formatted(None, problems.all())
    normalized = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    layout = read_layout(normalized)
    if layout is None:
        return Formatted(text)
    laid_out = _Printer(layout, file_kind(file)).formatted()
    if not _same(layout, laid_out):
        problem = Problem("error", file, 1, 1, "this file cannot be laid out without changing it", "it is left as it is")
        return Formatted(None, (problem,))
    return Formatted(laid_out)


def _same(layout: FileLayout, laid_out: str) -> bool:
    try:
        laid_out_again = read_layout(laid_out)
    except YAMLError:
        return False
    return (
        laid_out_again is not None
        and data(laid_out_again.root) == data(layout.root)
        and sorted(laid_out_again.comments) == sorted(layout.comments)
    )


class PrintedLine(NamedTuple):
    """A line of output with its comment."""

    text: str
    comment: str | None = None
    column: int = 0

    def __str__(self) -> str:
        if self.comment is None:
            return self.text
        room = max(2, self.column - len(self.text)) if self.text else 0
        return self.text + " " * room + self.comment


class _Printer:
    def __init__(self, layout: FileLayout, kind: FileKind) -> None:
        self.layout = layout
        self.kind = kind

    def formatted(self) -> str:
        head = [PrintedLine(text.strip()) for text in self.layout.head]
        if self.layout.root.kind == "scalar":
            return self.layout.text
        lines = [*head, *self.block(self.layout.root, 0, ())]
        while lines and not lines[0].text:
            del lines[0]
        without_double_blanks = [line for number, line in enumerate(lines) if line.text or (number and lines[number - 1].text)]
        return "\n".join(str(line) for line in without_double_blanks).strip("\n") + "\n"

    def block(self, node: LayoutNode, indent: int, path: tuple[str, ...]) -> list[PrintedLine]:
        """A mapping or a list, one entry per line."""
        entries = self.ordered(node, path)
        value_column = self.aligned(entries, indent, path)
        lines: list[PrintedLine] = []
        for number, entry in enumerate(entries):
            comments_above = [PrintedLine(" " * indent + text if text else "") for text in entry.before]
            if not number and path:
                # No blank lines between a name and its value.
                comments_above = [line for line in comments_above if line.text]
            lines += comments_above
            lines += self.entry(entry, indent, path, value_column) if entry.key is not None else self.item(entry, indent, path)
            lines += [PrintedLine(" " * indent + text) for text in entry.after]
        return lines

    def entry(self, entry: LayoutEntry, indent: int, path: tuple[str, ...], value_column: int) -> list[PrintedLine]:
        assert entry.key is not None
        entry_path = (*path, entry.key.value)
        name = " " * indent + self.scalar(entry.key, path, False) + ":"
        value = entry.value
        if value.kind == "scalar":
            first, *more_lines = self.lines_of(value, entry_path, indent, len(name) + 1)
            start = name.ljust(value_column) if value_column and not more_lines else name + " "
            return [
                PrintedLine(start + first if first else start.rstrip(), entry.comment, entry.column),
                *(PrintedLine(text) for text in more_lines),
            ]
        if value.flow or not value.entries:
            text = self.flow(value, entry_path)
            start = name.ljust(value_column) if value_column else name + " "
            if len(start + text) <= WIDTH or not value.entries:
                return [PrintedLine(start + text, entry.comment, entry.column)]
        return [PrintedLine(name, entry.comment, entry.column), *self.block(value, indent + 2, entry_path)]

    def item(self, entry: LayoutEntry, indent: int, path: tuple[str, ...]) -> list[PrintedLine]:
        dash, value = " " * indent + "- ", entry.value
        if value.kind == "scalar":
            first, *more_lines = self.lines_of(value, path, indent, len(dash))
            return [PrintedLine(dash + first, entry.comment, entry.column), *(PrintedLine(text) for text in more_lines)]
        if value.flow or not value.entries:
            text = self.flow(value, path)
            if len(dash + text) <= WIDTH or not value.entries:
                return [PrintedLine(dash + text, entry.comment, entry.column)]
        lines = self.block(value, indent + 2, path)
        # Comments on the entry that comes first now go above the dash.
        first_entry_line = next(
            number for number, line in enumerate(lines) if line.text.strip() and not line.text.lstrip().startswith("#")
        )
        head = lines[first_entry_line]
        comments = [PrintedLine(" " * indent + line.text.strip()) for line in lines[:first_entry_line] if line.text]
        if entry.comment is not None:
            comments.append(PrintedLine(" " * indent + entry.comment))
        return [*comments, head._replace(text=dash + head.text.lstrip()), *lines[first_entry_line + 1 :]]

    def flow(self, node: LayoutNode, path: tuple[str, ...]) -> str:
        if node.kind == "scalar":
            return self.scalar(node, path, True)
        if node.kind == "list":
            return f"[{', '.join(self.flow(entry.value, path) for entry in node.entries)}]"
        parts = []
        for entry in self.ordered(node, path):
            assert entry.key is not None
            entry_path = (*path, entry.key.value)
            parts.append(f"{self.scalar(entry.key, path, True)}: {self.flow(entry.value, entry_path)}")
        return "{" + ", ".join(parts) + "}"

    def aligned(self, entries: Sequence[LayoutEntry], indent: int, path: tuple[str, ...]) -> int:
        """The column of the values, where the author aligned them; else 0."""
        inline = [entry for entry in entries if entry.key is not None and (entry.value.flow or _is_one_line(entry.value))]
        columns = {self.column(entry.value.start) for entry in inline}
        spread = any(entry.key and self.layout.text[entry.key.end : entry.value.start] not in (": ", ":") for entry in inline)
        if len(inline) < 2 or len(columns) != 1 or not spread:
            return 0
        return indent + max(len(self.scalar(entry.key, path, False)) for entry in inline if entry.key) + 2

    def column(self, place: int) -> int:
        return place - (self.layout.text.rfind("\n", 0, place) + 1)

    # Scalars

    def lines_of(self, node: LayoutNode, path: tuple[str, ...], indent: int, taken: int) -> list[str]:
        """The lines of a scalar."""
        source_text = self.layout.text[node.start : node.end]
        if node.style in ("|", ">"):
            header, _, body = source_text.partition("\n")
            block_lines = body.split("\n")
            while block_lines and not block_lines[-1].strip():
                block_lines.pop()
            least_indent = min((len(line) - len(line.lstrip(" ")) for line in block_lines if line.strip()), default=0)
            return [
                header.rstrip(),
                *(" " * (indent + 2) + line[least_indent:] if line[least_indent:] else "" for line in block_lines),
            ]
        if "\n" not in source_text:
            return [self.scalar(node, path, False)]
        if "\n" not in node.value and "\\\n" not in source_text:
            joined = " ".join(part.strip() for part in source_text.split("\n"))
            if taken + len(joined) <= WIDTH:
                return [joined]
        first, *rest = [part.strip() for part in source_text.split("\n")]
        return [first, *(" " * (indent + 2) + part if part else "" for part in rest)]

    def scalar(self, node: LayoutNode, path: tuple[str, ...], flow: bool) -> str:
        """A scalar on one line. Text for customers keeps its quotes, even where YAML does not need them."""
        source_text = self.layout.text[node.start : node.end]
        if node.style not in ("'", '"'):
            return " ".join(part.strip() for part in source_text.split("\n"))
        value = node.value
        quotes_removable = self.kind != "stories" and not (
            path and path[0] in ("customize", "links", "slots", "title", "endpoints")
        )
        if quotes_removable and not _AMBIGUOUS.fullmatch(value) and _plain(value, flow):
            return value
        if node.style == "'" and not re.search(r'["\\\n]', value):
            return f'"{value}"'
        return source_text if "\n" not in source_text else " ".join(part.strip() for part in source_text.split("\n"))

    # Order

    def ordered(self, node: LayoutNode, path: tuple[str, ...]) -> list[LayoutEntry]:
        if node.kind != "mapping":
            return node.entries
        order = self.order(path, {entry.key.value for entry in node.entries if entry.key})
        places = {name: number for number, name in enumerate(order)}
        return sorted(node.entries, key=lambda entry: places.get(entry.key.value if entry.key else "", len(places)))

    def order(self, path: tuple[str, ...], names: set[str]) -> tuple[str, ...]:
        """The order of a mapping's entries; empty where the author chose the names."""
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
        # The condition goes before a long part.
        step = (*STEP_KINDS, *(entry for kind in STEP_KINDS.values() for entry in kind.entries), *_STEP)
        return ("id", "if", *step) if names & {"choose", "repeat"} else ("id", *step)


def _is_one_line(node: LayoutNode) -> bool:
    return node.kind == "scalar" and node.style not in ("|", ">") and node.end > node.start


def _plain(value: str, flow: bool) -> bool:
    """Whether YAML reads the text the same without quotes."""
    if not value or value != value.strip() or "\n" in value or re.match(r"\{\{|\{%|[@%`!&*]", value):
        return False
    try:
        layout = read_layout(f"- [{value}]" if flow else f"- a: {value}\n")
    except YAMLError:
        return False
    expected = [[value]] if flow else [{"a": value}]
    return layout is not None and data(layout.root) == expected and not layout.comments
