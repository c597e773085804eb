"""Temporal's real server for a measurement: on disk, in WAL mode, as `idic dev` starts it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from temporalio.client import Client

from idic.dev.local_stack import temporal_server
from idic.dev.processes import Child


class Server(NamedTuple):
    """Temporal's server, and a client of it."""

    address: str
    client: Client
    child: Child


@contextlib.asynccontextmanager
async def temporal(folder: Path) -> AsyncIterator[Server]:
    """Serve from ``folder`` until the block is left."""
    port = free_port()
    child = Child("temporal", [*temporal_server(port, folder / "temporal.db"), "--headless"], {}, folder / "temporal.log")
    await child.start()
    try:
        yield Server(f"127.0.0.1:{port}", await _connected(child, f"127.0.0.1:{port}"), child)
    finally:
        await child.stop()


async def _connected(child: Child, address: str) -> Client:
    for _ in range(300):
        if child.process is not None and child.process.returncode is not None:
            raise RuntimeError(f"Temporal's server did not start:\n{child.last_words()}")
        with contextlib.suppress(RuntimeError):
            return await Client.connect(address)
        await asyncio.sleep(0.1)
    raise RuntimeError(f"Temporal's server did not come up in 30 seconds:\n{child.last_words()}")


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
