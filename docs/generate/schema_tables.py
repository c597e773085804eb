"""Tables of keys, read from the JSON Schemas that editors get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docs.generate.markdown import code, table
from idic.journey.program.steps import STEP_KINDS
from idic.schemas import SCHEMAS

Schema = dict[str, Any]


def keys(kind: str, *path: str) -> str:
    """The keys that may stand at ``path`` in a file of this kind: ``keys journey goal``."""
    document = SCHEMAS[kind]()
    return _keys(document, _node(document, document, path))


def step(kind: str) -> str:
    """The keys of a kind of step, without those that every step has: ``step wait``."""
    document = SCHEMAS["journey"]()
    return _keys(document, _step(document, kind), without=("id", "if"))


def _keys(document: Schema, node: Schema, without: tuple[str, ...] = ()) -> str:
    required = node.get("required", ())
    rows = [
        (code(name), shape(document, part), _meaning(document, part, required=name in required))
        for name, part in node["properties"].items()
        if name not in without
    ]
    if not any(value for _, value, _ in rows):
        return table(("key", "meaning"), ((name, meaning) for name, _, meaning in rows))
    return table(("key", "value", "meaning"), rows)


def step_kinds(*_: str) -> str:
    """Every kind of step, with a link to its page."""
    document = SCHEMAS["journey"]()
    rows = []
    for keyword in STEP_KINDS:
        node = _step(document, keyword)
        rows.append((f"[`{keyword}`](steps/{keyword}.md)", f"{node['title']}: {node['properties'][keyword]['description']}"))
    return table(("step", "what it does"), rows)


def shape(document: Schema, node: Mapping[str, Any]) -> str:
    """What a value looks like, in a few words."""
    parts: list[str] = []
    for part in dict.fromkeys(_shapes(document, node)):
        single = part.removeprefix("list of ")
        parts.append("a list of these" if part != single and single in (*parts, " or ".join(parts)) else part)
    return " or ".join(parts)


def _shapes(document: Schema, node: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in _SPOKEN:
            yield _SPOKEN[name]
            return
        yield from _shapes(document, _resolved(document, node))
        return
    if "enum" in node:
        options = [option for option in node["enum"] if not isinstance(option, bool)]
        if set(options) <= _YES_NO:
            yield "`yes` or `no`"
        else:
            yield " or ".join(code(_plain(option)) for option in options)
        return
    if examples := node.get("examples"):
        yield " or ".join(code(_plain(example)) for example in examples)
        return
    if "anyOf" in node:
        for option in node["anyOf"]:
            yield from _shapes(document, option)
        return
    if node.get("type") == "array":
        yield f"list of {shape(document, node['items'])}" if "items" in node else "list"
        return
    if "properties" in node:
        names = list(node["properties"])
        more = ": …" if len(names) == 1 else ", …" if len(names) > 6 else ""
        yield code(f"{{{', '.join(names[:6])}{more}}}")
        return
    if node.get("type") == "object":
        yield "names and values"
        return
    if node.get("type") in ("integer", "number"):
        yield "a number"
        return
    if node.get("type") == "null" or "const" in node or "pattern" in node:
        return
    if node.get("type") == "string" or isinstance(node.get("type"), list):
        yield "text"


_YES_NO = {"yes", "no", "true", "false"}
_SPOKEN = {
    "branch": "[a branch](../interact.md#branches)",
    "steps": "a step or a list of steps",
    "step": "a step",
    "event": "an event",
    "events": "an event or a list of events",
    "channel": "a channel",
    "type": "[a type](vocabulary.md#types)",
    "spoken": "text, or a text for each language",
    "customer_attribute": "[an attribute](#attributes-of-customers)",
    "endpoint": "[an endpoint](#endpoints)",
    "what_differs": "`{email, sms, web}`",
    "count": "a number",
    "when": "`defer` or `skip`",
    "a_day": "`5000 a day`",
    "line": "lines",
    "expect": "[what is expected](#expect)",
}


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _meaning(document: Schema, node: Mapping[str, Any], *, required: bool) -> str:
    says = node.get("description") or _resolved(document, node).get("description", "")
    for option in node.get("anyOf", ()):
        says = says or option.get("description", "")
    return f"{says} Required.".strip() if required else str(says)


def _resolved(document: Schema, node: Mapping[str, Any]) -> Schema:
    if "$ref" in node:
        return dict(document["$defs"][node["$ref"].rpartition("/")[2]])
    return dict(node)


def _node(document: Schema, node: Mapping[str, Any], path: tuple[str, ...]) -> Schema:
    """The schema at a path of keys; ``*`` is any entry that the author names, or an item of a list."""
    if not path:
        return _with_properties(document, node)
    first, *rest = path
    here = _resolved(document, node)
    if first in document["$defs"] and "properties" in document and node is document and first not in document["properties"]:
        return _node(document, document["$defs"][first], tuple(rest))
    for option in (here, *(_resolved(document, option) for option in here.get("anyOf", ()))):
        if first == "*":
            for key in ("additionalProperties", "items"):
                if isinstance(option.get(key), dict):
                    return _node(document, option[key], tuple(rest))
        elif first in option.get("properties", {}):
            return _node(document, option["properties"][first], tuple(rest))
    raise KeyError(first)


def _with_properties(document: Schema, node: Mapping[str, Any]) -> Schema:
    here = _resolved(document, node)
    if "properties" in here:
        return here
    for option in (*here.get("anyOf", ()), here.get("items"), here.get("additionalProperties")):
        if isinstance(option, dict):
            try:
                return _with_properties(document, option)
            except KeyError:
                continue
    raise KeyError("no keys here")


def _step(document: Schema, kind: str) -> Schema:
    for node in document["$defs"]["step"]["anyOf"]:
        if node["required"][1] == kind:
            return dict(node)
    raise KeyError(kind)


TABLES: Mapping[str, Callable[..., str]] = {"keys": keys, "step": step, "step-kinds": step_kinds}
