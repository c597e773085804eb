"""Run by alembic. The connection, already in a transaction, is handed in by ``idic.store.upgrade``."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from idic.store.tables import Instant, Json, Number, metadata


def _ours(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types out in a new migration, which may import nothing of idic that can change."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if item is Json:
        autogen.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")'
    if item is Number:
        return 'sa.BigInteger().with_variant(sa.Integer(), "sqlite")'
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_ours,
    transactional_ddl=False,  # the transaction is the caller's
)
context.run_migrations()
