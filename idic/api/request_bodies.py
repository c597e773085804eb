"""Read request bodies, up to a limit, also when unpacked."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from idic.api.problem_details import HttpRefusal
from idic.errors import InvalidInput


async def read_body(request: Request, limit: int) -> bytes:
    """Read and unpack the body. ``limit`` in bytes applies to the packed and to the unpacked body.

    Raises ``HttpRefusal`` (413, 415) and ``InvalidInput``.
    """
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"gzip", "x-gzip", "identity", ""}:
        message = f'Content-Encoding "{packed[:40]}" is not understood; use gzip or none'
        raise HttpRefusal(415, "unsupported_encoding", message, where="Content-Encoding")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _too_large(limit)
    unpacker = zlib.decompressobj(wbits=31) if "gzip" in packed else None
    body = bytearray()
    received = 0
    async for chunk in request.stream():
        # A packed body may unpack to nothing, or be followed by endless data.
        received += len(chunk)
        if received > limit:
            raise _too_large(limit)
        if unpacker is not None:
            try:
                # One byte over the limit is enough to refuse a decompression bomb.
                chunk = unpacker.decompress(chunk, limit - len(body) + 1)
            except zlib.error:
                raise InvalidInput("the body isn't gzip, although its Content-Encoding says so", where="body") from None
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    if unpacker is not None and (not unpacker.eof or unpacker.unused_data):
        raise InvalidInput("the gzip body is cut off, or followed by other data", where="body")
    return bytes(body)


def _too_large(limit: int) -> HttpRefusal:
    return HttpRefusal(413, "too_large", f"the body has more than {limit} bytes, the most that is read here", where="body")
