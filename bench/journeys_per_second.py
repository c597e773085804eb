"""Measure journeys a second and their processor time: idic's engine against a hand-written one on one server.

Both read the same kind of events table, write the same records to a SQLite file of their own, and send the same mail to the
same mailbox. They take turns, so that other load on the machine affects both alike. Processor time is that of Temporal's
server and of the engine's own processes (router or starter, and worker); the mailbox isn't counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, insert, select

from bench.processes import cpu, running
from bench.server import free_port, temporal
from idic.dev.processes import Child
from idic.journey.program.program import Program
from idic.journeys_folder import compile_folder
from idic.store.database import Store, Tx
from idic.store.journey import programs
from idic.store.tables import consents, customers, enrollments, events, partition_of
from idic.store.upgrade import migrate

WAIT = 1.0
"""Real seconds for which each journey waits for an event that does not come."""
_PATIENCE = 120.0
_JOURNEYS = Path(__file__).parent / "journeys"

Progress = Callable[[str, int, int], None]
"""Told of the engine, how many journeys of the round have ended, and how many there are."""


class Round(NamedTuple):
    """One round: journeys ended a real second, and processor seconds a journey, by process."""

    per_second: float
    by_process: dict[str, float]

    @property
    def cpu(self) -> float:
        """Processor seconds a journey, of all processes."""
        return sum(self.by_process.values())


@dataclass(frozen=True)
class Engine:
    """One of the two engines: its store and its processes."""

    name: str
    store: Store
    processes: Sequence[Child]


async def measure(folder: Path, rounds: int, journeys: int, progress: Progress) -> dict[str, list[Round]]:
    """``rounds`` of ``journeys`` for each engine, ``idic`` and ``handwritten``, in turns, after a short one to warm up."""
    found: dict[str, list[Round]] = {"idic": [], "handwritten": []}
    async with (
        temporal(folder) as server,
        _mailbox(folder) as smtp,
        _idic(folder, server.address, smtp) as ours,
        _handwritten(folder, server.address, smtp) as theirs,
    ):
        for number in range(-1, rounds):
            for engine in (ours, theirs):
                counted = [server.child, *engine.processes]
                measured = await _round(engine, counted, journeys if number >= 0 else 20, progress)
                if number >= 0:
                    found[engine.name].append(measured)
    return found


async def _round(engine: Engine, counted: Sequence[Child], journeys: int, progress: Progress) -> Round:
    people = [uuid.uuid4().hex for _ in range(journeys)]
    await engine.store.move("people", lambda tx: people_of(tx, people))
    before, ended, spent = await _ended(engine.store), 0, cpu(counted)
    began = time.perf_counter()
    await engine.store.move("events", lambda tx: _happen(tx, people))
    while ended < journeys:
        await asyncio.sleep(0.05)
        ended = await _ended(engine.store) - before
        progress(engine.name, ended, journeys)
        if time.perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"{engine.name}: {journeys - ended} of {journeys} journeys have not ended; see the logs")
    took = time.perf_counter() - began
    await asyncio.sleep(0.5)  # the last workflows are closed after their records
    return Round(journeys / took, {name: (now - spent[name]) / journeys for name, now in cpu(counted).items()})


def reference(folder: Path, wait: float) -> Program:
    """The reference journey, waiting for so many seconds only; its files are put into ``folder``."""
    shutil.copytree(_JOURNEYS, folder, dirs_exist_ok=True)
    text = (folder / "reference.yaml").read_text()
    (folder / "reference.yaml").write_text(text.replace("within: 3 days", f"within: {wait} seconds"))
    return compile_folder(folder).programs["reference"]


async def people_of(tx: Tx, people: Sequence[str]) -> None:
    """Create customers with consent to mails."""
    now = tx.now()
    traits = {"email": "anna@example.com", "first_name": "Anna", "team_size": 12}
    await tx.execute(insert(customers), [{"id": one, "traits": traits, "created_at": now, "updated_at": now} for one in people])
    await tx.execute(insert(consents), [{"customer_id": one, "channel": "email", "given": True, "at": now} for one in people])


async def _happen(tx: Tx, people: Sequence[str]) -> None:
    now = tx.now()
    await tx.execute(
        insert(events),
        [
            {
                "message_id": secrets.token_hex(12),
                "customer_id": one,
                "partition": partition_of(one),
                "kind": "track",
                "name": "Trial Started",
                "properties": {"plan": "pro"},
                "occurred_at": now,
                "accepted_at": now,
            }
            for one in people
        ],
    )


async def _ended(store: Store) -> int:
    async with store.reading() as tx:
        ended = select(func.count()).select_from(enrollments).where(enrollments.c.ended_at.is_not(None))
        return int(await tx.scalar(ended))


@contextlib.asynccontextmanager
async def _idic(folder: Path, temporal_address: str, smtp: str) -> AsyncIterator[Engine]:
    async with _store(folder, "idic") as (store, _):
        env = _env(store, temporal_address, smtp)
        async with running(folder / "idic", env, router=["-m", "idic", "router"], worker=["-m", "worker"]) as processes:
            yield Engine("idic", store, processes)


@contextlib.asynccontextmanager
async def _handwritten(folder: Path, temporal_address: str, smtp: str) -> AsyncIterator[Engine]:
    async with _store(folder, "handwritten") as (store, program_id):
        env = _env(store, temporal_address, smtp)
        commands = {part: ["-m", "bench.handwritten", part, program_id, str(WAIT)] for part in ("starter", "worker")}
        async with running(folder / "handwritten", env, **commands) as processes:
            yield Engine("handwritten", store, processes)


def _env(store: Store, temporal_address: str, smtp: str) -> dict[str, str]:
    return {
        "IDIC_DATABASE_URL": f"sqlite:///{store.engine.url.database}",
        "IDIC_TEMPORAL_ADDRESS": temporal_address,
        "IDIC_SMTP_URL": smtp,
        "IDIC_SIGNING_KEYS": "a key that signs the links",
        "IDIC_LOG_LEVEL": "warning",
    }


@contextlib.asynccontextmanager
async def _store(folder: Path, name: str) -> AsyncIterator[tuple[Store, str]]:
    """A new SQLite file with the reference journey in it, which waits for ``WAIT`` seconds only; and its program's id."""
    program = reference(folder / f"{name}-journeys", WAIT)
    store = Store.open(f"sqlite:///{folder / name}.db")
    try:
        await migrate(store)
        await store.move("publish", lambda tx: programs.publish(tx, program, tx.now()))
        yield store, program.id
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def _mailbox(folder: Path) -> AsyncIterator[str]:
    port = free_port()
    async with running(
        folder / "mailbox", {}, mailbox=["-m", "idic.dev.mailbox", "--port", str(port), "--dir", str(folder / "mail")]
    ):
        yield f"smtp://127.0.0.1:{port}"
