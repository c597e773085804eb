"""A server whose every word a test writes down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

L = TypeVar("L")


@contextlib.asynccontextmanager
async def listening(
    talks: tuple[Callable[[L], Awaitable[None]], ...],
    line: Callable[[asyncio.StreamReader, asyncio.StreamWriter], L],
    *,
    limit: int = 2**16,
) -> AsyncIterator[int]:
    """The first connection goes as the first talk says, and so on; the last serves all that follow. Gives the port. What
    a talk is handed ``line`` makes of a connection, which is closed where the talk ends."""
    remaining = list(talks)
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        talk = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await talk(line(reader, writer))
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, limit=limit)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
