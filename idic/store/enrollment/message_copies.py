"""Copies of messages, as customers got them."""

from __future__ import annotations

from datetime import datetime

from idic.interact.channels.channel_edge import MessageCopy
from idic.store.database import Tx
from idic.store.tables import copies


async def keep(tx: Tx, touch_id: str, copy: MessageCopy, at: datetime) -> None:
    """Keep the copy of a touch; it replaces an earlier copy."""
    row = {**copy._asdict(), "at": at}
    statement = tx.insert(copies).values(touch_id=touch_id, **row)
    await tx.execute(statement.on_conflict_do_update(index_elements=[copies.c.touch_id], set_=row))
