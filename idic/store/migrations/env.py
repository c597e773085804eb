"""Run by alembic. The connection, already in a transaction, is handed in by ``idic.store.migrate``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from idic.store.tables import Instant, Json, Number, metadata


def _ours(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types by their names in a new migration."""
    name = "Instant()" if isinstance(item, Instant) else "Json" if item is Json else "Number" if item is Number else ""
    if kind != "type" or not name:
        return False
    autogen.imports.add("from idic.store.tables import Instant, Json, Number")
    return name


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_ours,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
