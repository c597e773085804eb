"""A server that follows a script written by the test."""

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
    """Serve the first connection with the first script, and so on; the last script serves all later ones. Gives the port.

    A script gets what ``line`` makes of a connection; the connection is closed when the script ends.
    """
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
