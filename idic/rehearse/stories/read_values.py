"""Read the values of a story into the JSON that idic would get, with a message for each mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import TEXT, describe, read
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.problems import Problems, did_you_mean, one_of
from idic.rehearse.stories.storybook import WrittenMoment
from idic.times import TimeOfDay

_WRITTEN = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{1,2}:\d{2}(?::\d{2})?)\s*(Z|[+-]\d{2}:?\d{2}|[A-Za-z]+(?:/[\w+-]+)*)?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_YES = {"yes": True, "true": True, "no": False, "false": False}


class ValueReader:
    """Reads values by their declared types. ``zone`` (IANA) is that of moments without one."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def entries(
        self, node: Node, known: Map[str, Attribute], what: str, zone: str, *, complete: bool = False
    ) -> dict[str, JsonValue]:
        """The entries of a mapping by their declared types; with ``complete``, required ones must not be missing."""
        values: dict[str, JsonValue] = {}
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, f"{what} consists of entries", "write {name: value}")
            return values
        for key, value in node.entries:
            attribute = known.get(key.value)
            if attribute is None:
                hint = did_you_mean(key.value, known) or (f"there is {one_of(known)}" if known else "it has none")
                self.problems.error(key.mark, f"{what} has no {key.value}", hint, about=(what, key.value))
                continue
            read_as = self.value(value, attribute.type, f"{what}: {key.value}", zone)
            if read_as is not None:
                values[key.value] = read_as
        if complete:
            written = {key.value for key, _ in node.entries}
            meant = {did_you_mean(name, known) for name in written - known.keys()}
            for name, attribute in known.items():
                if did_you_mean(name, [name]) in meant:
                    continue  # it is there, but misspelt, and already reported
                if attribute.required and attribute.default is None and name not in written:
                    self.problems.error(node.mark, f"{what} lacks {name}, without which it is refused", f"write {name}: …")
        return values

    def value(self, node: Node, type_: Type, what: str, zone: str) -> JsonValue:
        """None where it is no such value; the reason has been said."""
        if type_.kind == "list":
            if not isinstance(node, Sequence):
                self.problems.error(node.mark, f"{what} is {describe(type_)}", "write it in brackets: [a, b]")
                return None
            items = [self.value(item, type_.of or TEXT, what, zone) for item in node.items]
            return [item for item in items if item is not None]
        if type_.kind == "thing":
            fields = {name: Attribute(type=field, required=name in type_.required) for name, field in type_.fields.items()}
            return dict(self.entries(node, fields, what, zone, complete=True))
        if not isinstance(node, Scalar):
            self.problems.error(node.mark, f"{what} is {describe(type_)}", "write one value")
            return None
        return self.scalar(node, type_, what, zone)

    def scalar(self, node: Scalar, type_: Type, what: str, zone: str) -> JsonValue:
        """Read one value, or report what is wrong with it."""
        text = node.value.strip()
        value: JsonValue
        match type_.kind:
            case "number" | "money" | "days":
                value = read(type_, text, siblings={}, currency="")
                value = int(value) if isinstance(value, float) and value.is_integer() else value
            case "yes/no":
                value = _YES.get(text.lower())
            case "moment":
                moment = date_of(text)
                value = moment.instant(zone).isoformat() if moment else None
            case "one_of":
                value = text if text in type_.options else None
            case "date" | "zone" | "link":
                value = text if read(type_, text, siblings={}, currency="") is not None else None
            case _:
                value = node.value if text else None
        if value is None:
            hint = did_you_mean(text, type_.options) if type_.kind == "one_of" else _EXAMPLES.get(type_.kind)
            self.problems.error(node.mark, f'{what}: "{text}" is not {describe(type_)}', hint)
        return value


_EXAMPLES = {
    "number": "write a number, such as 3",
    "money": "write the amount alone, such as 29.90",
    "days": "write a number of days",
    "yes/no": "write yes or no",
    "moment": "write it as 2026-03-27 18:00; without a zone it is the person's own time",
    "date": "write it as 2026-03-27",
    "zone": "write one such as Europe/Berlin",
    "link": "write it in full, with https://",
}


def date_of(text: str) -> WrittenMoment | None:
    """``2026-03-27 10:00``, ``2026-03-27 10:00 America/New_York``, ``2026-03-27T10:00+01:00``."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None or not _FIRST_YEAR <= int(text.strip()[:4]) <= _LAST_YEAR:
        return None
    day, clock, zone = written.groups()
    clock = clock.zfill(5) if clock.count(":") == 1 else clock.zfill(8)
    try:
        if zone is None:
            return WrittenMoment(datetime.fromisoformat(f"{day}T{clock}"))
        if zone[0] in "+-Z" and not zone[1:].isalpha():
            return WrittenMoment(datetime.fromisoformat(f"{day}T{clock}{zone}"))
        return WrittenMoment(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(zone)))
    except (ValueError, KeyError, OSError):
        return None


def clock_of(text: str) -> TimeOfDay | None:
    """``09:00``, ``09:00 on monday``."""
    try:
        return TimeOfDay.parse(text)
    except ValueError:
        return None
