"""Measure the time from an event to its message, against Temporal's own least: a signal and the activity after it.

Ours is a customer who waits for an event: POST to the API, router, wake, advance, composing, SMTP, and the mail has
arrived. The bare side is a workflow that waits for a signal and then starts an activity: no store, no event, no message.
Both are measured one at a time on an idle machine, and then at a steady rate; they take turns.

python -m bench.latency QUEUE ADDRESS     the bare workflow's worker
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
from sqlalchemy import func, select
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.processes import running
from bench.server import Server, free_port, temporal
from idic.dev.mailbox import read_accepts
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.tables import enrollments
from idic.store.upgrade import migrate

IDLE, LOADED = 60, 200
"""How many are measured one at a time, and at ``RATE`` a second."""
RATE = 10.0
_PAUSE = 0.1
"""Real seconds between two of the idle ones."""
_PATIENCE = 60.0
_KEY = "wk_bench"
_JOURNEYS = Path(__file__).parent / "journeys"
_QUEUE = "bare"

Progress = Callable[[str, str, int, int], None]
"""Told of the side (``idic``, ``bare``), ``idle`` or ``loaded``, how many were fired and how many there are."""


class Latency(NamedTuple):
    """Real seconds of each, sorted."""

    seconds: Sequence[float]

    def percentile(self, percent: float) -> float:
        """The nearest rank."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * percent / 100))]


async def measure(folder: Path, progress: Progress) -> dict[tuple[str, str], Latency]:
    """By side and load."""
    found: dict[tuple[str, str], Latency] = {}
    async with temporal(folder) as server, _idic(folder, server) as ours, _bare(folder, server) as theirs:
        for load, count in (("idle", IDLE), ("loaded", LOADED)):
            for side in (ours, theirs):
                found[side.name, load] = await _measured(side, load, count, progress)
    return found


class _Side:
    """``prepare`` has so many wait, ``fire`` sets one off, ``arrived`` says when (seconds since 1970) each of those that
    were prepared last was answered."""

    name: str

    async def prepare(self, count: int) -> None:
        raise NotImplementedError

    async def fire(self, number: int) -> None:
        raise NotImplementedError

    async def arrived(self) -> dict[int, float]:
        raise NotImplementedError


async def _measured(side: _Side, load: str, count: int, progress: Progress) -> Latency:
    await side.prepare(count)
    fired: dict[int, float] = {}

    async def fire(number: int) -> None:
        fired[number] = time.time()
        await side.fire(number)

    under_way = []
    begins = time.perf_counter()
    for number in range(count):
        if load == "idle":
            await fire(number)
            await _until(side, number + 1)
            await asyncio.sleep(_PAUSE)
        else:
            await asyncio.sleep(max(0.0, begins + number / RATE - time.perf_counter()))
            under_way.append(asyncio.create_task(fire(number)))
        progress(side.name, load, number + 1, count)
    await asyncio.gather(*under_way)
    arrived = await _until(side, count)
    return Latency(sorted(arrived[number] - fired[number] for number in fired))


async def _until(side: _Side, count: int) -> dict[int, float]:
    give_up = time.perf_counter() + _PATIENCE
    while len(arrived := await side.arrived()) < count:
        if time.perf_counter() > give_up:
            raise RuntimeError(f"{side.name}: {count - len(arrived)} of {count} were not answered; see the logs")
        await asyncio.sleep(0.02)
    return arrived


class _Idic(_Side):
    name = "idic"

    def __init__(self, client: httpx.AsyncClient, store: Store, mail: Path) -> None:
        self._client, self._store, self._mail = client, store, mail
        self._people: list[str] = []

    async def prepare(self, count: int) -> None:
        self._people = [f"user-{secrets.token_hex(6)}" for _ in range(count)]
        for who in self._people:
            traits = {"email": f"{who}@example.com", "first_name": "Anna"}
            batch = [
                {"type": "identify", "userId": who, "traits": traits},
                {"type": "track", "userId": who, "event": "Consent Given", "properties": {"channel": "email"}},
                {"type": "track", "userId": who, "event": "Trial Started", "properties": {"plan": "pro"}},
            ]
            (await self._client.post("/v1/batch", json={"batch": batch})).raise_for_status()
        give_up = time.perf_counter() + _PATIENCE
        while await self._waiting() < count:
            if time.perf_counter() > give_up:
                raise RuntimeError("not everybody entered; see the logs")
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # until the workflows sleep, too

    async def _waiting(self) -> int:
        async with self._store.reading() as tx:
            waiting = select(func.count()).select_from(enrollments).where(enrollments.c.step == "first_project")
            return int(await tx.scalar(waiting))

    async def fire(self, number: int) -> None:
        event = {"userId": self._people[number], "event": "Project Created", "properties": {"project": "one"}}
        (await self._client.post("/v1/track", json=event)).raise_for_status()

    async def arrived(self) -> dict[int, float]:
        numbers = {f"{who}@example.com": number for number, who in enumerate(self._people)}
        accepts = await asyncio.to_thread(lambda: list(read_accepts(self._mail)))
        return {numbers[one.to[0]]: datetime.fromisoformat(one.at).timestamp() for one in accepts if one.to[0] in numbers}


@contextlib.asynccontextmanager
async def _idic(folder: Path, server: Server) -> AsyncIterator[_Side]:
    database, mail, ports = f"sqlite:///{folder / 'latency.db'}", folder / "latency-mail", (free_port(), free_port())
    store = Store.open(database)
    await migrate(store)
    await publish(store, compile_folder(_JOURNEYS))
    env = {
        "IDIC_DATABASE_URL": database,
        "IDIC_TEMPORAL_ADDRESS": server.address,
        "IDIC_SMTP_URL": f"smtp://127.0.0.1:{ports[1]}",
        "IDIC_WRITE_KEYS": _KEY,
        "IDIC_SIGNING_KEYS": "a key that signs the links",
        "IDIC_LOG_LEVEL": "warning",
    }
    commands = {
        "mailbox": ["-m", "idic.dev.mailbox", "--port", str(ports[1]), "--dir", str(mail)],
        "api": ["-m", "idic", "api", "--port", str(ports[0])],
        "router": ["-m", "idic", "router"],
        "worker": ["-m", "worker"],
    }
    async with (
        running(folder / "latency", env, **commands),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[0]}", auth=(_KEY, "")) as client,
    ):
        try:
            await _serves(client)
            yield _Idic(client, store, mail)
        finally:
            await store.close()


async def _serves(client: httpx.AsyncClient) -> None:
    for _ in range(300):
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get("/healthz")).is_success:
                return
        await asyncio.sleep(0.1)
    raise RuntimeError("the API did not come up in 30 seconds; see the logs")


@workflow.defn(name="bare")
class Bare:
    """The workflow of the bare side: wait for a signal, then run an activity."""

    def __init__(self) -> None:
        self._signalled = False

    @workflow.signal(name="go")
    def go(self) -> None:
        """The signal that starts the activity."""
        self._signalled = True

    @workflow.run
    async def run(self) -> float:
        """Wait for the signal; returns when the activity began (seconds since 1970)."""
        await workflow.wait_condition(lambda: self._signalled, timeout=timedelta(days=3))
        began: float = await workflow.execute_activity("act", start_to_close_timeout=timedelta(seconds=30))
        return began


@activity.defn(name="act")
async def act() -> float:
    """Return the time."""
    return time.time()


class _Bare(_Side):
    name = "bare"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: list[str] = []
        self._results: dict[int, asyncio.Task[float]] = {}

    async def prepare(self, count: int) -> None:
        self._ids = [f"bare-{secrets.token_hex(6)}" for _ in range(count)]
        self._results = {}
        for one in self._ids:
            await self._client.start_workflow(Bare.run, id=one, task_queue=_QUEUE)
        await asyncio.sleep(1)

    async def fire(self, number: int) -> None:
        handle: WorkflowHandle[Bare, float] = self._client.get_workflow_handle(self._ids[number], result_type=float)
        await handle.signal("go")
        self._results[number] = asyncio.create_task(handle.result())

    async def arrived(self) -> dict[int, float]:
        return {number: task.result() for number, task in self._results.items() if task.done()}


@contextlib.asynccontextmanager
async def _bare(folder: Path, server: Server) -> AsyncIterator[_Side]:
    async with running(folder / "latency", {}, bare=["-m", "bench.latency", _QUEUE, server.address]):
        yield _Bare(server.client)


async def main(queue: str, address: str) -> None:
    """Run the bare workflow's worker until it is killed."""
    client = await Client.connect(address)
    async with Worker(
        client, task_queue=queue, workflows=[Bare], activities=[act], workflow_runner=UnsandboxedWorkflowRunner()
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
