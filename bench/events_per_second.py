"""Measure events a second into idic's API, against an endpoint that only inserts: batches of 100, and singles.

Each is a process of its own with a SQLite file of its own; one client sends the same to both, in turns. An event counts
when its 200 has arrived.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal, NamedTuple

from bench.processes import running
from bench.server import free_port
from idic.dev.processes import Child
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.upgrade import migrate

Kind = Literal["batch", "track"]
Progress = Callable[[str, Kind, int], None]
"""Called with the target, the kind of request, and the round's number."""

_CONNECTIONS: dict[Kind, int] = {"batch": 4, "track": 32}
_EACH: dict[Kind, int] = {"batch": 100, "track": 1}
_PEOPLE = 2000
_KEY = "wk_bench"
_JOURNEYS = Path(__file__).parent / "journeys"
_numbers = itertools.count()


class Target(NamedTuple):
    """An endpoint that takes events: ``idic`` or ``bare``."""

    name: str
    port: int


async def measure(folder: Path, rounds: int, seconds: float, progress: Progress) -> dict[tuple[str, Kind], list[float]]:
    """Events a second of each round, by target (``idic``, ``bare``) and kind; ``seconds`` of real time a round."""
    found: dict[tuple[str, Kind], list[float]] = {}
    async with _target(folder, "idic") as ours, _target(folder, "bare") as theirs:
        for number in range(-1, rounds):
            for kind in _EACH:
                for target in (ours, theirs):
                    progress(target.name, kind, max(number, 0))
                    rate = await _round(target, kind, seconds if number >= 0 else 0.5)
                    if number >= 0:
                        found.setdefault((target.name, kind), []).append(rate)
    return found


async def _round(target: Target, kind: Kind, seconds: float) -> float:
    began = time.perf_counter()
    until = began + seconds
    requests = await asyncio.gather(*(_send(target.port, kind, until) for _ in range(_CONNECTIONS[kind])))
    return sum(requests) * _EACH[kind] / (time.perf_counter() - began)


async def _send(port: int, kind: Kind, until: float) -> int:
    """Send one request after the other on one connection until the time is over; how many there were."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    authorization = base64.b64encode(f"{_KEY}:".encode()).decode()
    head = f"POST /v1/{kind} HTTP/1.1\r\nHost: bench\r\nAuthorization: Basic {authorization}\r\nContent-Length: "
    count = 0
    try:
        while time.perf_counter() < until:
            body = json.dumps({"batch": [_message() for _ in range(100)]} if kind == "batch" else _message())
            writer.write(f"{head}{len(body)}\r\n\r\n{body}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer[:16]:
                raise RuntimeError(f"refused: {answer[:200]!r}")
            await reader.readexactly(int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            count += 1
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return count


def _message() -> dict[str, object]:
    number = next(_numbers)
    return {
        "type": "track",
        "event": "Project Created",
        "userId": f"user-{number * 7919 % _PEOPLE}",
        "messageId": f"bench-{number}",
        "timestamp": "2026-01-05T09:00:00+00:00",
        "properties": {"project": f"Project {number}", "template": "blank", "members": 3, "private": True},
    }


@contextlib.asynccontextmanager
async def _target(folder: Path, name: Literal["idic", "bare"]) -> AsyncIterator[Target]:
    database = f"sqlite:///{folder / f'events-{name}.db'}"
    store = Store.open(database)
    try:
        await migrate(store)
        await publish(store, compile_folder(_JOURNEYS))
    finally:
        await store.close()
    port = free_port()
    env = {
        "IDIC_DATABASE_URL": database,
        "IDIC_WRITE_KEYS": _KEY,
        "IDIC_SIGNING_KEYS": "a key that signs the links",
        "IDIC_LOG_LEVEL": "warning",
        # Counted, but never reached: this measures what is possible, not what is allowed.
        "IDIC_RATE_LIMIT": "1000000",
    }
    commands = {
        "idic": ["-m", "idic", "api", "--port", str(port)],
        "bare": ["-m", "uvicorn", "bench.bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning"],
    }
    async with running(folder / f"events-{name}", env, api=commands[name]) as processes:
        await _listens(port, processes[0])
        yield Target(name, port)


async def _listens(port: int, child: Child) -> None:
    for _ in range(300):
        if child.process is not None and child.process.returncode is not None:
            break
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}:\n{child.last_words()}")
