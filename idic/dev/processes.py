"""Start processes together, restart them when they end, and stop them in order."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_DRAIN = 40.0
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """On Linux, stop the child when we are killed; elsewhere the next start finds a leftover by its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One process, restarted when it ends by itself; its output goes to ``log``."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.log = log
        self.restarts = 0
        self.process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                # We pass Ctrl-C on ourselves, in the right order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    async def watch(self, say: Callable[[str], None]) -> None:
        """Restart it whenever it ends, more slowly each time, until it is stopped."""
        pause = 0.5
        while self.process is not None:
            code = await self.process.wait()
            if self._stopping:
                return
            self.restarts += 1
            say(f"{self.name} ended with code {code} and is started again; its last words are in {self.log}")
            started = False
            while not started:
                await asyncio.sleep(pause)
                pause = min(pause * 2, 30)
                try:
                    await self.start()
                    started = True
                except OSError as error:
                    say(f"{self.name} cannot be started ({error}); idic tries again in {pause:g} s")

    async def stop(self) -> None:
        """SIGTERM, time to drain, then SIGKILL."""
        self._stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), _DRAIN)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The last lines of its output."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""
