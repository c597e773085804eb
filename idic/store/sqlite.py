"""SQLite for one event loop, without a thread for each connection.

A statement on a local file takes some ten microseconds; handing it to a thread and waiting for the answer, as a driver
for asyncio does several times a statement, takes a millisecond of the processor. So statements run where they are asked
for. The two that can take long go to a thread: BEGIN IMMEDIATE waits for another process that writes, and COMMIT for the
disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, Pool
from sqlalchemy.util import await_only

_DRIVER = "idic"
_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000")
_threads = ThreadPoolExecutor(4, thread_name_prefix="sqlite")


class _Cursor(sqlite3.Cursor):
    async def _async_soft_close(self) -> None:
        """Asked of every driver for asyncio; rows that are not fetched keep nobody waiting here."""


class _Connection(sqlite3.Connection):
    writes = False
    """Whether the transaction that begins next will write."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


class _Dialect(SQLiteDialect_pysqlite):
    driver = _DRIVER
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, _url: URL) -> type[Pool]:
        return AsyncAdaptedQueuePool

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        await_only(_nothing())  # SQLAlchemy insists that whoever executes for asyncio awaits
        cursor.execute(statement, parameters)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        await_only(_nothing())
        cursor.executemany(statement, parameters)

    def do_begin(self, dbapi_connection: Any) -> None:
        if dbapi_connection.writes:
            await_only(_elsewhere(lambda: dbapi_connection.execute("BEGIN IMMEDIATE")))
        else:
            dbapi_connection.execute("BEGIN")

    def do_commit(self, dbapi_connection: Any) -> None:
        await_only(_elsewhere(dbapi_connection.commit))


registry.register(f"sqlite.{_DRIVER}", __name__, "_Dialect")


def open_sqlite(url: URL, pool: int) -> AsyncEngine:
    """Parameters are customers' data: no error and no log shows them."""
    engine = create_async_engine(
        url.set(drivername=f"sqlite+{_DRIVER}"),
        hide_parameters=True,
        pool_size=pool,
        connect_args={"timeout": 5, "check_same_thread": False, "factory": _Connection},
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    connection.connection.dbapi_connection.writes = connection.get_execution_options().get("idic_writes", False)


async def _nothing() -> None:
    return


async def _elsewhere(work: Callable[[], object]) -> None:
    """In a thread, and to its end also when we are cancelled: what comes next on this connection is a rollback, and it
    must not overtake."""
    working = asyncio.get_running_loop().run_in_executor(_threads, work)
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        working.exception()
        raise
