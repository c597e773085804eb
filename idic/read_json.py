"""Parse JSON from outside, strictly."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json

from idic.errors import InvalidInput


def read_json(body: bytes) -> Any:
    """Parse JSON. Raises ``InvalidInput`` with line and column.

    NaN, lone surrogates and deep nesting pass where possible: the message that contains them is then refused by itself, and
    not the whole batch.
    """
    if not body:
        raise InvalidInput("the body is empty; it must be JSON", where="body")
    try:
        return from_json(body)
    except ValueError as error:
        try:
            return json.loads(body.decode())
        except RecursionError:
            raise InvalidInput("the body is nested too deeply", where="body") from None
        except ValueError:
            raise InvalidInput(f"the body is not JSON: {error}", where="body") from None


def read_json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises ``InvalidInput``."""
    document = read_json(body)
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object, as in {…}", where="body")
    return document
