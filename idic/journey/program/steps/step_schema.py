"""The parts of JSON schemas that several kinds of steps share."""

from __future__ import annotations

from typing import Any

from idic.schema_parts import Schema, condition, entries, name, named, ref, text


def step_schema(
    kind: str,
    title: str,
    description: str,
    value: Schema,
    more: dict[str, Schema] | None = None,
    *,
    required: tuple[str, ...] = (),
    **rules: Any,
) -> Schema:
    """The schema of a step: its id, the entry that says its ``kind``, ``if``, and ``more``."""
    always = {
        "id": name("The name of this step, unique in this file.", f"my_{kind}"),
        kind: {**value, "description": description},
        "if": condition("Only if this holds, asked on arrival; else `otherwise`."),
    }
    return entries({**always, **(more or {})}, required=("id", kind, *required), title=title, **rules)


THEN = {"then": {**ref("branch"), "description": "What follows. Default: continue."}}
OTHERWISE = {"otherwise": {**ref("branch"), "description": "What follows where it does not come to that. Default: continue."}}
BOTH = {**THEN, **OTHERWISE}
NEEDS_IF = {"otherwise": ["if"]}
AS = {"as": name("What came is read by this name from here on.", "answer")}
WITH = named(text("An expression."), None, "What is handed over, by name.", minProperties=1)
