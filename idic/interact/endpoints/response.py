"""Read the answer of an endpoint as the values that it gives."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pydantic import JsonValue
from pydantic_core import from_json

from idic.interact.endpoints.outcome import CannotCall
from idic.journey.program.values import Endpoint
from idic.journey.vocabulary.types import describe, read, value_of

LARGEST = 64_000
"""Bytes of an answer that are read."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def read_answer(endpoint: Endpoint, body: bytes, currency: str) -> dict[str, JsonValue]:
    """The values that the endpoint gives, as they are stored. Missing values, and others than those declared, are left out.

    An empty answer is valid where nothing is required. Raises ``CannotCall`` with ``unexpected_answer``, which does not repeat
    the answer.
    """
    document = _document(body) if body.strip() else {}
    values: dict[str, JsonValue] = {}
    for name, attribute in endpoint.gives.items():
        raw = document.get(name)
        value = read(attribute.type, raw, siblings=document, currency=currency)
        if value is not None:
            values[name] = _stored(value)
        elif attribute.required and value_of(attribute, raw, siblings=document, currency=currency) is None:
            wrong = "is not in it" if raw is None else f"is not {describe(attribute.type)}"
            raise CannotCall("unexpected_answer", f"the answer was taken, but {name} {wrong}")
    return values


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = from_json(body)
    except ValueError:
        raise CannotCall("unexpected_answer", "the answer is no JSON") from None
    if not isinstance(document, dict):
        raise CannotCall("unexpected_answer", "the answer is JSON, but no object") from None
    return document


def _stored(value: Any) -> JsonValue:
    match value:
        case str():
            return _UNSTORABLE.sub("", value)
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {_UNSTORABLE.sub("", name): _stored(field) for name, field in value.items()}
        case list():
            return [_stored(item) for item in value]
        case _:
            return value  # type: ignore[no-any-return]
