"""Let the processes that write to one SQLite file take turns.

SQLite lets one writer in, and the others poll, up to a tenth of a second apart. A busy process that starts again as soon
as it is done then gets in again and again: five busy processes were seen to keep each other out for two seconds and more.
A lock of the file system wakes the next process as soon as the lock is free, also when its holder is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

_LONGEST_WAIT = 5.0
"""Seconds after which a process writes without its turn: SQLite's own lock is what protects the data."""


class Turns:
    """The turns of one process. ``database`` is the path of the SQLite file; the lock is on ``<database>-turn`` beside it."""

    def __init__(self, database: str) -> None:
        self._path = f"{database}-turn"
        self._waiting = ThreadPoolExecutor(1, thread_name_prefix="turn")

    def close(self) -> None:
        """Stop waiting for turns."""
        self._waiting.shutdown(wait=False)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Have the turn. A process must ask for one turn at a time."""
        turn = _take(self._path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if turn is None:
            waiting = asyncio.get_running_loop().run_in_executor(self._waiting, _take, self._path, fcntl.LOCK_EX)
            try:
                await asyncio.wait({waiting}, timeout=_LONGEST_WAIT)
            except asyncio.CancelledError:
                waiting.add_done_callback(_pass_on)
                raise
            if waiting.done():
                turn = waiting.result()
            else:
                waiting.add_done_callback(_pass_on)
        try:
            yield
        finally:
            if turn is not None:
                os.close(turn)


def _take(path: str, how: int) -> int | None:
    """The open, locked file: closing it ends the turn. None when another process has it and ``how`` does not wait.

    Each turn opens the file anew, so that giving up one of them while it waits leaves the others alone.
    """
    turn = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(turn, how)
    except BlockingIOError:
        os.close(turn)
        return None
    except OSError:
        os.close(turn)
        raise
    return turn


def _pass_on(waited: asyncio.Future[int | None]) -> None:
    """Release a turn that came after its waiter gave up."""
    turn = None if waited.cancelled() or waited.exception() else waited.result()
    if turn is not None:
        os.close(turn)
