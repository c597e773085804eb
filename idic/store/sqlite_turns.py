"""Processes that write to one SQLite file take turns.

SQLite lets one writer in and has the others look again every so often, up to a tenth of a second apart. A busy process
that begins anew as soon as it is done is then let in again and again: five busy processes were seen to keep each other
out for two seconds and more. Waiting on a lock of the file system, whoever waits is woken when the turn is free; and
when its holder is killed, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

_PATIENCE = 5.0
"""Seconds after which a process goes ahead without its turn: SQLite's own lock is what protects the data."""


class Turns:
    """``database``: the path of the SQLite file; the turns are taken on ``<database>-turn`` beside it."""

    def __init__(self, database: str) -> None:
        self._path = f"{database}-turn"
        self._waiting = ThreadPoolExecutor(1, thread_name_prefix="turn")

    def close(self) -> None:
        self._waiting.shutdown(wait=False)

    @contextlib.asynccontextmanager
    async def mine(self) -> AsyncIterator[None]:
        """One at a time of each process."""
        turn = _take(self._path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if turn is None:
            waiting = asyncio.get_running_loop().run_in_executor(self._waiting, _take, self._path, fcntl.LOCK_EX)
            try:
                await asyncio.wait({waiting}, timeout=_PATIENCE)
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
    """The open file that is the turn, to be closed when it is over; None when others have it and ``how`` will not wait.

    Each turn opens the file anew: one that is given up while it waits takes nobody else's with it.
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
    """A turn that came when nobody wanted it any more."""
    turn = None if waited.cancelled() or waited.exception() else waited.result()
    if turn is not None:
        os.close(turn)
