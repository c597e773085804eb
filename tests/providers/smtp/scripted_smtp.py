"""A mail server that says exactly what a test writes down, for what no good server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.support.scripted_server import listening

Talk = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def hear(self) -> str:
        return (await self.reader.readline()).decode().strip()

    async def until_data(self) -> None:
        """Greet, and go along with everything up to the reply to DATA."""
        await self.say("220 scripted")
        for answer in ("250 scripted", "250 ok", "250 ok", "354 go on"):
            await self.hear()
            await self.say(answer)

    async def message(self) -> bytes:
        """The message, up to the dot and with it."""
        return await self.reader.readuntil(b"\r\n.\r\n")

    def reset(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def scripted(*talks: Talk) -> AsyncIterator[str]:
    """A server whose first connection goes as the first talk says, and so on; the last serves all that follow. Gives
    its URL. A connection is closed where its talk ends."""
    async with listening(talks, Line, limit=2**26) as port:
        yield f"smtp://127.0.0.1:{port}"
