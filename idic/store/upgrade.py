"""Upgrade a store's schema, and check whether it is current."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from idic.store.database import DATABASE_ERRORS, Store, translate_error

if TYPE_CHECKING:
    from alembic.config import Config


_MIGRATIONS = Path(__file__).parent / "migrations"
_VERSION = Table("alembic_version", MetaData(), Column("version_num", String))


def migrations() -> Config:
    """Alembic's configuration, which says where the migrations are."""
    # Imported late: every process checks the schema, and hardly any upgrades it.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def newest() -> str:
    """The revision that this version of idic expects: the number before the name of its last migration."""
    return max(file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))


async def migrate(store: Store) -> None:
    """Create or upgrade the tables; safe to run again, and by several processes at once (one does it, the others wait).

    Raises ``StoreUnavailable``.
    """
    from alembic import command

    def upgrade(connection: Connection) -> None:
        config = migrations()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with store.engine.connect() as connection:
            connection = await connection.execution_options(idic_writes=True)
            async with connection.begin():
                if not store.sqlite:
                    await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4283001)")
                await connection.run_sync(upgrade)
    except DATABASE_ERRORS as error:
        raise translate_error(error) from error


async def is_current(store: Store) -> bool:
    """Whether the tables are those that this version of idic expects."""
    async with store.reading() as tx:
        if not await tx.connection.run_sync(lambda connection: inspect(connection).has_table(_VERSION.name)):
            return False
        return bool(await tx.scalar(select(_VERSION.c.version_num)) == newest())
