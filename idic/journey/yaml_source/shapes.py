"""Check that a node has the shape the language expects: text, name, choice, duration, mapping.

Each way to be wrong has one message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from phonenumbers import SUPPORTED_REGIONS

from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.problems import Problems, did_you_mean, nearest, one_of
from idic.times import Duration, TimeOfDay

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
# Words reserved by CEL cannot be names, and neither can the roots of the language's own names.
RESERVED = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "package",
        "namespace",
        "return",
        "var",
        "void",
        "while",
        "in",
        "true",
        "false",
        "null",
        "and",
        "or",
        "not",
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "list",
        "map",
        "type",
        "null_type",
        "duration",
        "timestamp",
        "dyn",
        "size",
        "matches",
        "has",
        "known",
        "lower",
        "days_since",
        "days_until",
        "local_date",
        "idic",
        "customer",
        "entry",
        "event",
        "key",
        "segment",
        "links",
        "offer",
    }
)
_FIELD_RESERVED = RESERVED - {"key", "segment", "entry", "event", "customer", "links", "offer", "size", "type", "list"}

_COUNTRIES = {
    "UK": "GB", "ENGLAND": "GB", "GERMANY": "DE", "DEUTSCHLAND": "DE", "AUSTRIA": "AT", "SWITZERLAND": "CH", "USA": "US",
    "FRANCE": "FR", "SPAIN": "ES", "ITALY": "IT",
}  # fmt: skip


def arrives_later(what: str) -> str:
    """The message for a word that a later version of idic will have."""
    return f"{what} arrives with a later version of idic"


class Shapes:
    """Checks shapes, and reports what is wrong. Every ``what`` is the place in words, to begin a message with."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def fields(
        self,
        node: Node,
        what: str,
        known: Iterable[str],
        *,
        required: Iterable[str] = (),
        later: Iterable[str] = (),
        instead: dict[str, str] | None = None,
    ) -> dict[str, Node] | None:
        """The entries of a mapping by name; None if the node is no mapping.

        ``later`` are words that a later version will have. ``instead`` maps words of other tools to idic's.
        """
        names = list(known)
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, f"{what} consists of entries", f"write {one_of(names[:3])}, a colon and a value")
            return None
        fields: dict[str, Node] = {}
        for key, value in node.entries:
            if key.value in names:
                fields[key.value] = value
            elif key.value in later:
                self.problems.error(key.mark, f"{what}: {arrives_later(key.value)}")
            elif instead and key.value.lower() in instead:
                self.problems.error(key.mark, f"{what}: unknown entry {key.value}", f"write {instead[key.value.lower()]}")
            else:
                hint = did_you_mean(key.value, names) or f"it may have {one_of(names)}"
                self.problems.error(key.mark, f"{what}: unknown entry {key.value}", hint)
        for name in required:
            if name not in fields and self.is_missing(node, name, (*names, *later), instead):
                self.problems.error(node.mark, f"{what}: {name} is missing", f"write {name}: …")
        return fields

    @staticmethod
    def is_missing(node: Mapping, name: str, known: Iterable[str], instead: dict[str, str] | None = None) -> bool:
        """Whether an entry is missing and no unknown entry was meant for it (which is reported already)."""
        names = list(known)
        for key, _ in node.entries:
            if key.value == name:
                return False
            if key.value not in names:
                suggestion = (instead or {}).get(key.value.lower())
                if name == (suggestion.partition(":")[0] if suggestion else nearest(key.value, names)):
                    return False
        return True

    def text(self, node: Node | None, what: str, *, free: bool = False) -> Scalar | None:
        """A text that is not blank. ``free`` text is for customers: a # in it rarely begins a comment."""
        if node is None:
            return None
        if not isinstance(node, Scalar):
            self.problems.error(node.mark, f"{what} is one text", "write it on one line, in quotes")
            return None
        if not node.value.strip():
            self.problems.error(node.mark, f"{what} is empty", "write it after the colon")
            return None
        if free and node.comment and node.end > node.start:
            mark = node.source.mark(node.end, len(node.source.rest_of_line(node.end)))
            self.problems.error(
                mark, f"{what} ends here: a # after a space begins a comment", f'put the text in quotes: "{node.value}"'
            )
        return node

    def name(self, scalar: Scalar, what: str, *, field: bool = False) -> bool:
        """Whether the text can be a name in conditions and templates; reported if not."""
        reserved = _FIELD_RESERVED if field else RESERVED
        if _IDENTIFIER.fullmatch(scalar.value) and scalar.value not in reserved:
            return True
        if scalar.value in reserved:
            hint = f"{scalar.value} has a meaning of its own; choose another name"
        else:
            snake = snake_case(scalar.value)
            example = f", such as {snake}" if _IDENTIFIER.fullmatch(snake) else ""
            hint = f"use small letters, digits and _{example}"
        self.problems.error(scalar.mark, f'{what} "{scalar.value}" cannot be a name', hint)
        return False

    def choice(self, node: Node | None, what: str, options: Iterable[str], later: Iterable[str] = ()) -> str | None:
        """One of ``options``, or None, which is reported."""
        scalar = self.text(node, what)
        names = list(options)
        if scalar is None or scalar.value in names:
            return scalar.value if scalar else None
        if scalar.value in later:
            self.problems.error(scalar.mark, arrives_later(f"{what}: {scalar.value}"))
        else:
            hint = did_you_mean(scalar.value, names) or f"write {one_of(names)}"
            self.problems.error(scalar.mark, f'{what} cannot be "{scalar.value}"', hint)
        return None

    def duration(self, node: Node | None, what: str) -> Duration | None:
        """A duration longer than zero."""
        scalar = self.text(node, what)
        if scalar is None:
            return None
        try:
            duration = Duration.parse(scalar.value)
        except ValueError as error:
            self.problems.error(scalar.mark, f"{what}: {error}")
            return None
        if not duration.days and not duration.seconds:
            self.problems.error(scalar.mark, f"{what} is nothing", "write how long, such as 1 hour")
            return None
        return duration

    def clock(self, node: Node | None, what: str) -> TimeOfDay | None:
        """A time of day, without days of the week."""
        scalar = self.text(node, what)
        if scalar is None:
            return None
        try:
            clock = TimeOfDay.parse(scalar.value)
        except ValueError as error:
            self.problems.error(scalar.mark, f"{what}: {error}")
            return None
        if clock.days:
            self.problems.error(scalar.mark, f"{what} is a time of every day", "take the days out")
            return None
        return clock

    def country(self, scalar: Scalar) -> str | None:
        """A country as two letters (ISO 3166-1 alpha-2)."""
        if scalar.value in SUPPORTED_REGIONS:
            return scalar.value
        known = _COUNTRIES.get(scalar.value.upper(), scalar.value.upper())
        hint = f"write {known}" if known in SUPPORTED_REGIONS else "write its two letters (ISO 3166-1): DE, GB or US"
        self.problems.error(scalar.mark, f'"{scalar.value}" is not a country', hint)
        return None

    def texts(self, node: Node | None, what: str) -> list[Scalar]:
        """One text or a list of texts, as a list."""
        if isinstance(node, Sequence):
            return [text for item in node.items if (text := self.text(item, f"an entry of {what}"))]
        text = self.text(node, what)
        return [text] if text else []


def snake_case(name: str) -> str:
    """``First Name`` and ``firstName`` as ``first_name``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
