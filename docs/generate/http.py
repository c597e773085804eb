"""The calls of the HTTP API, read from its OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from docs.generate.markdown import code, table
from idic.api.app import create_app
from idic.clock import Clock
from idic.interact.tracking.links import Links

METHODS = ("get", "post", "put", "patch", "delete")


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of an API that serves nothing."""
    links = Links("https://idic.example", ["a key that signs no link"])
    app = create_app(_NoStore(), write_keys=["w"], secret_keys=["s"], links=links, enroll=_enroll)  # type: ignore[arg-type]
    return app.openapi()


class _NoStore:
    """Stands in for the store, which nobody asks while the document is made."""

    clock = Clock()


async def _enroll(*_: object, **__: object) -> None:
    raise NotImplementedError


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method.upper(), path, methods[method]


def call_list(*_: str) -> str:
    """Every call in a line, with a link to its section."""
    rows = ((f"[`{m} {path}`](#{_anchor(m, path)})", operation.get("summary", "")) for m, path, operation in _operations())
    return table(("call", "what it does"), rows)


def _anchor(method: str, path: str) -> str:
    """The anchor of a call's heading, as MkDocs and code hosts make it."""
    return re.sub(r"[^\w\s-]", "", f"{method} {path}").lower().replace(" ", "-")


def calls(*_: str) -> str:
    """Every call with its key, parameters, body and answers."""
    return "\n\n".join(part for method, path, operation in _operations() for part in _call(method, path, operation))


def _call(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"### {method} {path}"
    yield f"{operation.get('summary', '')}."
    if operation.get("description"):
        yield str(operation["description"])
    if operation.get("security"):
        yield f"Key: {' or '.join(code(name) for one in operation['security'] for name in one)}."
    if parameters := operation.get("parameters"):
        of = (
            (code(p["name"]), f"{p['in']}{', required' if p.get('required') else ''}", p.get("description", ""))
            for p in parameters
        )
        yield table(("parameter", "in", "meaning"), of)
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if rows := list(_fields(content.get("schema", {}))):
            yield table(("field of the body", "type", "meaning"), rows)
    answers = ((code(status), answer.get("description", "")) for status, answer in operation.get("responses", {}).items())
    yield table(("answer", "meaning"), answers)


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    schema = _resolved(schema)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        kind = _type(field) + (", required" if name in required else "")
        yield code(name), kind, _resolved(field).get("description", "") or field.get("description", "")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return dict(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(code(json.dumps(one)) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


TABLES: Mapping[str, Callable[..., str]] = {"calls": calls, "call-list": call_list}
