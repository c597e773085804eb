"""Bodies of requests: read up to a limit and not a byte further, unpacked under the same limit, parsed strictly."""

from __future__ import annotations

import json
import zlib
from typing import Any

from pydantic_core import from_json
from starlette.requests import Request

from idic.api.problem_details import Refusal
from idic.errors import InvalidInput


async def read_body(request: Request, limit: int) -> bytes:
    """The body, unpacked. ``limit`` is in bytes and holds for what is sent as for what it unpacks to.

    Raises ``Refusal`` (413, 415) and ``InvalidInput``.
    """
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"gzip", "x-gzip", "identity", ""}:
        message = f'Content-Encoding "{packed[:40]}" is not understood; use gzip or none'
        raise Refusal(415, "unsupported_encoding", message, where="Content-Encoding")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    unpacker = zlib.decompressobj(wbits=31) if "gzip" in packed else None
    body = bytearray()
    received = 0
    async for chunk in request.stream():
        # What is packed may unpack to nothing, or be followed by anything, without an end.
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        if unpacker is not None:
            try:
                # One byte more than is allowed tells that there is more, whatever a bomb would unpack to.
                chunk = unpacker.decompress(chunk, limit - len(body) + 1)
            except zlib.error:
                raise InvalidInput("the body is not gzip, as its Content-Encoding says", where="body") from None
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    if unpacker is not None and (not unpacker.eof or unpacker.unused_data):
        raise InvalidInput("the gzip body is cut off, or something follows it", where="body")
    return bytes(body)


def read_json(body: bytes) -> Any:
    """Parse JSON. Raises ``InvalidInput`` with line and column.

    NaN, half surrogates and deep nesting pass here where possible: the message that holds them is then refused by name,
    and not the whole batch.
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
    document = read_json(body)
    if not isinstance(document, dict):
        raise InvalidInput("the body must be a JSON object, as in {…}", where="body")
    return document


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "too_large", f"the body has more than {limit} bytes, the most that is read here", where="body")
