"""Connections and transactions, with one interface to SQLite and PostgreSQL.

``Store.move`` is the only way to write. On SQLite it begins IMMEDIATE, with one lock for each process and turns between
processes: a deferred transaction that writes later fails when another writer is active. On PostgreSQL it is READ COMMITTED
with row locks. A transaction that the database aborted (deadlock, busy) is run again from its start, so it must have no
effects outside the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from pydantic_core import from_json, to_json
from sqlalchemy import Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, CursorResult, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql import Executable

from idic.clock import Clock
from idic.errors import SettingsError, StoreUnavailable
from idic.store.sqlite_turns import Turns
from idic.store.tables import Row

T = TypeVar("T")

_ATTEMPTS = 8

DATABASE_ERRORS = (SQLAlchemyError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""The errors that an unusable database raises. Some of them may be bugs of ours: ``translate_error`` tells them apart."""
_UNUSABLE = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


class Tx:
    """One transaction. ``now`` reads idic's clock; read it after taking the locks that it must be ordered with. ``constants``
    caches values of this store that never change."""

    def __init__(self, connection: AsyncConnection, clock: Clock, constants: dict[str, str]) -> None:
        self.connection = connection
        self.clock = clock
        self.constants = constants
        self.sqlite = connection.dialect.name == "sqlite"

    def now(self) -> datetime:
        """The time on idic's clock, in UTC."""
        return self.clock.now()

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that supports ON CONFLICT, in the dialect of the database."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement; with a list of parameters, once for each."""
        return await self.connection.execute(statement, parameters)

    async def rows(self, statement: Executable) -> list[Row]:
        """Every row of the result, as a mapping by column name."""
        return [dict(row) for row in (await self.connection.execute(statement)).mappings()]

    async def row(self, statement: Executable) -> Row | None:
        """The first row of the result, or None."""
        first = (await self.connection.execute(statement)).mappings().first()
        return dict(first) if first is not None else None

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        return (await self.connection.execute(statement)).scalar()


class Store:
    """A database that is open. ``moves`` counts committed transactions by their purpose."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.sqlite = engine.dialect.name == "sqlite"
        self.moves: Counter[str] = Counter()
        self._constants: dict[str, str] = {}
        self._writing = asyncio.Lock()
        self._turns = Turns(engine.url.database) if self.sqlite and engine.url.database else None

    @classmethod
    def open(cls, url: str, clock: Clock | None = None, *, pool: int = 10) -> Store:
        """Open ``url``: ``sqlite:///file.db`` or ``postgresql://…``; the driver is chosen here.

        Raises ``SettingsError`` when the URL cannot be read, is of a database that idic does not support, or names a folder
        that does not exist.
        """
        return cls(_engine(url, pool), clock or Clock())

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        if self._turns:
            self._turns.close()

    async def move(self, purpose: str, work: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``work`` in one writing transaction and commit it. Raises ``StoreUnavailable`` when the database does not
        answer; then nothing was written, or (connection lost in COMMIT) the whole transaction was."""
        for attempt in range(_ATTEMPTS):
            try:
                async with self._alone(), self.engine.connect() as connection:
                    connection = await connection.execution_options(idic_writes=True)
                    async with connection.begin():
                        result = await work(Tx(connection, self.clock, self._constants))
                self.moves[purpose] += 1
                return result
            except DATABASE_ERRORS as error:
                if not _asks_to_retry(error):
                    raise translate_error(error) from error
                if attempt == _ATTEMPTS - 1:
                    raise StoreUnavailable("the database kept aborting the transaction; it is overloaded") from error
            await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """On SQLite, be the only writer of this process, and of all processes that take turns."""
        if not self.sqlite:
            yield
            return
        async with self._writing, self._turns.turn() if self._turns else contextlib.nullcontext():
            yield

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A transaction that only reads. On SQLite it never waits for a writer."""
        try:
            async with self.engine.connect() as connection, connection.begin():
                yield Tx(connection, self.clock, self._constants)
        except DATABASE_ERRORS as error:
            raise translate_error(error) from error


def _asks_to_retry(error: BaseException) -> bool:
    """Whether the database asks to have the transaction run again: deadlock, serialization, busy."""
    original = getattr(error, "orig", error)
    if sqlstate(original) in {"40P01", "40001", "55P03"}:
        return True
    return getattr(original, "sqlite_errorcode", None) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} or (
        isinstance(original, sqlite3.OperationalError) and "locked" in str(original)
    )


def translate_error(error: BaseException) -> BaseException:
    """``StoreUnavailable`` where the database is the cause, else the error itself (a bug of ours)."""
    original = getattr(error, "orig", error)
    state = sqlstate(original)
    if state == "53100" or getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return StoreUnavailable("the database's disk is full: nothing was written. Free some space, and idic goes on by itself")
    if (getattr(original, "sqlite_errorcode", None) or 0) & 0xFF in _UNUSABLE:
        return StoreUnavailable(f"the database's file cannot be used ({original}): check IDIC_DATABASE_URL")
    # PostgreSQL's error classes for a wrong login and a missing database, and its code for a missing privilege.
    if state[:2] in {"28", "3D"} or state == "42501":
        return StoreUnavailable(f"the database refuses idic ({type(original).__name__}): check IDIC_DATABASE_URL")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, (OperationalError, InterfaceError, PoolTimeout, OSError)):
        return StoreUnavailable(f"the database does not answer ({type(original).__name__})")
    # PostgreSQL's error classes for connections, resources, shutdown or startup, and the operating system.
    if state[:2] in {"08", "53", "57", "58"} or isinstance(original, asyncpg.InterfaceError):
        return StoreUnavailable(f"the database does not answer ({state or type(original).__name__})")
    return error


def sqlstate(error: object) -> str:
    """PostgreSQL's SQLSTATE (five characters) of an error, or ""."""
    original = getattr(error, "orig", error)
    return str(getattr(original, "sqlstate", None) or "")


def read_url(url: str) -> URL:
    """Parse a database URL. Raises ``SettingsError``, which never repeats the password."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        message = "IDIC_DATABASE_URL cannot be read; write sqlite:///file.db or postgresql://user:password@host:port/database"
        raise SettingsError(message) from None


def _engine(url: str, pool: int) -> AsyncEngine:
    parsed = read_url(url)
    # Parameters are customers' data: hide them from errors and logs.
    if parsed.drivername in {"sqlite", "sqlite+aiosqlite"}:
        # Checked first: after a failed open, the driver's thread may outlive the event loop and print a traceback.
        folder = Path(parsed.database or "").parent
        if not folder.is_dir():
            raise SettingsError(f"there is no folder {folder} for the database's file: check IDIC_DATABASE_URL")
        engine = create_async_engine(
            parsed.set(drivername="sqlite+aiosqlite"),
            hide_parameters=True,
            pool_size=pool,
            connect_args={"timeout": 5},
            json_serializer=_json,
            json_deserializer=from_json,
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername in {"postgresql", "postgres", "postgresql+asyncpg"}:
        # Hosting companies write libpq's name, sslmode; the driver calls it ssl.
        query = dict(parsed.query)
        tls = {"ssl": query.pop("sslmode")} if "sslmode" in query else {}
        return create_async_engine(
            parsed.set(drivername="postgresql+asyncpg", query=query),
            hide_parameters=True,
            pool_size=pool,
            max_overflow=pool,
            pool_pre_ping=True,
            connect_args={"timeout": 5, "command_timeout": 30, **tls},
            json_serializer=_json,
            json_deserializer=from_json,
        )
    raise SettingsError(f'"{parsed.drivername}" is not a database that idic supports; use sqlite:///file.db or postgresql://…')


def _json(value: Any) -> str:
    return to_json(value).decode()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is sent by _begin_sqlite
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    writes = connection.get_execution_options().get("idic_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
