"""Run Python processes for the time of a measurement."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil

from idic.dev.processes import Child


@contextlib.asynccontextmanager
async def running(logs: Path, env: dict[str, str], **commands: list[str]) -> AsyncIterator[list[Child]]:
    """Run each command with this Python; their output goes to ``<logs>-<name>.log``."""
    children = [Child(name, [sys.executable, *command], env, Path(f"{logs}-{name}.log")) for name, command in commands.items()]
    try:
        for child in children:
            await child.start()
        yield children
    finally:
        await asyncio.gather(*(child.stop() for child in children))


def cpu(children: Sequence[Child]) -> dict[str, float]:
    """The processor seconds each process has used so far."""
    times = {child.name: psutil.Process(child.process.pid).cpu_times() for child in children if child.process}
    return {name: one.user + one.system for name, one in times.items()}
