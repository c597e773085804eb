"""Bring a store's schema up to date, and ask whether it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from idic.store.database import TROUBLE, Store, explained


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


async def migrate(store: Store) -> None:
    """Create or upgrade the tables; safe to run again, and by several processes at once (one does it, the others wait).

    Raises ``StoreUnavailable``.
    """

    def upgrade(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with store.engine.connect() as connection:
            connection = await connection.execution_options(idic_writes=True)
            async with connection.begin():
                if not store.sqlite:
                    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4283001)")
                await connection.run_sync(upgrade)
    except TROUBLE as error:
        raise explained(error) from error


async def is_current(store: Store) -> bool:
    """Whether the tables are those that this version of idic expects."""

    def revision(connection: Connection) -> Any:
        return MigrationContext.configure(connection).get_current_revision()

    async with store.reading() as tx:
        found = await tx.connection.run_sync(revision)
    return bool(found == ScriptDirectory.from_config(_config()).get_current_head())
