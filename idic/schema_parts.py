"""Building blocks of the schemas: text, name, duration, mapping …"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

NAME = "^[a-z][a-z0-9_]*$"
"""The pattern of a name in conditions and templates."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE = ("string", "number", "boolean")


def _in_any_case(words: str) -> str:
    return "".join(f"[{sign.upper()}{sign}]" if sign.isalpha() else sign for sign in words)


_UNIT = "|".join(_in_any_case(unit) for unit in ("seconds?", "minutes?", "hours?", "days?", "weeks?", "min", "s", "h", "d"))
_TIME = r"\d{1,2}:\d{2}"
_DATE = r"20\d{2}-\d{1,2}-\d{1,2}( \d{1,2}:\d{2})?"


def text(description: str = "", **more: Any) -> Schema:
    """Any scalar, as the checker reads it: as text."""
    return _described({"type": list(_SIMPLE), **more}, description)


def words(description: str, *examples: str, pattern: str | None = None) -> Schema:
    """Text that is never a number. An editor that refuses it shows the examples."""
    schema: Schema = {"type": "string"}
    if examples:
        schema["examples"] = [*examples]
    if pattern:
        schema["pattern"] = pattern
    if pattern and examples:
        # A word of the YAML language server's own, which others pass over.
        schema["patternErrorMessage"] = f"write it as {' or '.join(examples)}"
    return _described(schema, description)


def name(description: str, *examples: str) -> Schema:
    """A name that conditions and templates can read."""
    return words(description, *examples, pattern=NAME)


def choice(options: Iterable[str], description: str = "") -> Schema:
    """One of these words."""
    return _described({"enum": list(options)}, description)


def yes_no(description: str = "") -> Schema:
    """Yes or no, as YAML or as text."""
    return _described({"enum": [True, False, "yes", "no", "true", "false"]}, description)


def duration(description: str, *examples: str) -> Schema:
    """A duration, such as ``4 hours``."""
    pattern = rf"^\s*(\d+(\.\d+)?\s*({_UNIT})[ ,]*({_in_any_case('and')} )?\s*)+$"
    return words(description, *(examples or ("4 hours", "1 day", "90 minutes")), pattern=pattern)


def condition(description: str, *examples: str) -> Schema:
    """A condition in the expression language."""
    return text(description, examples=[*examples] or ["customer.orders > 0"])


def clock(description: str, *examples: str) -> Schema:
    """A time of day, perhaps on days of the week."""
    pattern = rf"^\s*{_TIME}(\s+[Oo][Nn]\s.*\S)?\s*$"
    return words(description, *(examples or ("09:00",)), pattern=pattern)


def hours(description: str) -> Schema:
    """A window of the day."""
    pattern = rf"^\s*{_TIME}\s+{_in_any_case('to')}\s+{_TIME}\s*$"
    return words(description, "09:00 to 20:30", pattern=pattern)


def date(description: str) -> Schema:
    """A date, perhaps with a time of day."""
    return words(description, "2026-12-01", "2026-12-01 09:00", pattern=rf"^\s*(at )?\s*{_DATE}\s*$")


def whole(description: str, most: int) -> Schema:
    """A whole number from 1 to ``most``, also in quotes."""
    options = [{"type": "integer", "minimum": 1, "maximum": most}, {"type": "string", "pattern": r"^0*[1-9]\d*$"}]
    return _described({"anyOf": options}, description)


def any_of(*options: Schema, description: str = "", **more: Any) -> Schema:
    """Any of these."""
    return _described({"anyOf": [*options], **more}, description)


def one_or_list(item: Schema, description: str = "", least: int = 1) -> Schema:
    """One item, or a list of them."""
    return any_of(item, {"type": "array", "items": item, "minItems": least}, description=description)


def entries(
    properties: Mapping[str, Schema], *, required: Iterable[str] = (), description: str = "", title: str = "", **more: Any
) -> Schema:
    """A mapping with these entries and no others."""
    schema: Schema = {"type": "object", **({"title": title} if title else {})}
    schema = _described(schema, description)
    schema["properties"] = dict(properties)
    if required := list(required):
        schema["required"] = required
    return {**schema, "additionalProperties": False, **more}


def named(value: Schema, names: Schema | None = None, description: str = "", **more: Any) -> Schema:
    """A mapping whose entry names the author chooses."""
    schema: Schema = {"type": "object", **({"propertyNames": names} if names else {}), "additionalProperties": value, **more}
    return _described(schema, description)


def ref(definition: str) -> Schema:
    """A reference to a definition of the document."""
    return {"$ref": f"#/$defs/{definition}"}


def document(title: str, description: str, body: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """A whole schema, with its definitions."""
    return {"$schema": DIALECT, "title": title, "description": description, **body, "$defs": dict(definitions)}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description} if description else schema
