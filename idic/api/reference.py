"""The API reference at ``/docs``: the OpenAPI document as one page without external resources."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")


def render(document: Mapping[str, Any]) -> str:
    """Render an OpenAPI 3.1 document as HTML: every operation with its parameters, body and answers."""
    info = document["info"]
    return _PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description="".join(f"<p>{escape(part)}</p>" for part in info.get("description", "").split("\n\n") if part),
        operations="\n".join(_operations(document)),
        schemas="\n".join(_schemas(document)),
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _operation(path, method, methods[method])


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f'<section id="{escape(operation["operationId"])}">',
        f"<h2><code><b>{method.upper()}</b> {escape(path)}</code></h2>",
        f"<p><b>{escape(operation.get('summary', ''))}</b></p>",
    ]
    if operation.get("description"):
        parts.append(f"<p>{escape(operation['description'])}</p>")
    if operation.get("security"):
        schemes = " or ".join(name for part in operation["security"] for name in part)
        parts.append(f"<p>Authentication: {escape(schemes)}</p>")
    if operation.get("parameters"):
        parts.append("<table>" + "".join(_parameter(part) for part in operation["parameters"]) + "</table>")
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h3>Body <small>{escape(kind)}</small></h3>{_content(content)}")
    for status, response in operation.get("responses", {}).items():
        parts.append(f"<h3>{escape(status)} <small>{escape(response.get('description', ''))}</small></h3>")
        parts.extend(_content(content) for content in response.get("content", {}).values())
    return "\n".join((*parts, "</section>"))


def _parameter(parameter: Mapping[str, Any]) -> str:
    needed = "required" if parameter.get("required") else "optional"
    about = parameter.get("description", "")
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>in {escape(parameter['in'])}, {needed}</td>"
        f"<td>{_type(parameter['schema'])} {escape(about)}</td></tr>"
    )


def _content(content: Mapping[str, Any]) -> str:
    example = content.get("example")
    shown = f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>" if example is not None else ""
    return _schema(content.get("schema", {})) + shown


def _schemas(document: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{_schema(schema)}</section>'


def _schema(schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return f"<p>{_type(schema)}</p>" if schema else ""
    about = f"<p>{escape(schema['description'])}</p>" if schema.get("description") else ""
    required = schema.get("required", ())
    rows = (
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(field)}</td>"
        f"<td>{'required' if name in required else ''} {escape(field.get('description', ''))}</td></tr>"
        for name, field in schema["properties"].items()
    )
    return f"{about}<table>{''.join(rows)}</table>"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(escape(json.dumps(option)) for option in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(schema.get("format") or schema.get("type") or "anything")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }}
  section {{ border-top: 1px solid #8886; margin-top: 2rem; }}
  h2 {{ font-size: 1.125rem; overflow-wrap: anywhere; }} h3 {{ font-size: 1rem; margin-bottom: .25rem; }}
  table {{ border-collapse: collapse; }} td {{ padding: .125rem 1rem .125rem 0; vertical-align: top; }}
  pre {{ background: #8882; padding: .75rem; overflow-x: auto; }} small {{ font-weight: normal; opacity: .8; }}
</style>
</head>
<body>
<h1>{title} <small>{version}</small></h1>
{description}
<p>The same for machines: <a href="openapi.json">openapi.json</a></p>
{operations}
<h2>Shapes</h2>
{schemas}
</body>
</html>
"""
