"""A Twilio that says exactly what a test writes down, over real HTTP, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import functools
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tests.support.scripted_server import listening

SID = "AC" + "0123456789abcdef" * 2
TOKEN = "a-token-that-nobody-may-read"
NUMBER = "+4915700000000"


class Call(NamedTuple):
    """A request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    @property
    def login(self) -> str:
        return b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()


class Line:
    """One connection, from Twilio's side."""

    def __init__(self, calls: list[Call], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._calls = calls
        self.reader = reader
        self.writer = writer

    async def hear(self) -> Call:
        """The next request, whole."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        method, path, _ = first.split(" ")
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self._calls.append(Call(method, path, headers, body))
        return self._calls[-1]

    async def say(self, status: int, document: Any, headers: Mapping[str, str] | None = None) -> None:
        """``document`` as JSON, or its bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]
        self.writer.write("\r\n".join(lines).encode("latin-1") + body)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


Talk = Callable[[Line], Awaitable[None]]


def saying(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Talk:
    """Answer every request on the connection with this."""

    async def talk(line: Line) -> None:
        while True:
            await line.hear()
            await line.say(status, document, headers)

    return talk


def taking() -> Talk:
    return saying(201, {"sid": "SM" + "f" * 32, "status": "queued", "num_segments": "1"})


def refusing(code: int, message: str = "no", status: int = 400) -> Talk:
    return saying(status, {"code": code, "message": message, "more_info": "https://www.twilio.com", "status": status})


class Double(NamedTuple):
    """``calls`` are the requests that it heard, in order."""

    url: str
    calls: list[Call]


@asynccontextmanager
async def twilio(*talks: Talk) -> AsyncIterator[Double]:
    """A Twilio whose first connection goes as the first talk says, and so on, as ``listening`` has it."""
    calls: list[Call] = []
    async with listening(talks, functools.partial(Line, calls)) as port:
        yield Double(f"http://127.0.0.1:{port}", calls)
