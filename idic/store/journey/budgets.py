"""How many messages of a channel were claimed on each day, where the contact policy says how many may be."""

from __future__ import annotations

from sqlalchemy import update

from idic.store.database import Tx
from idic.store.tables import budgets

ANY = 2**31 - 1
"""As many as can be counted."""


async def take(tx: Tx, channel: str, day: str, at_most: int) -> bool:
    """Count one message for ``day`` (ISO). False, and nothing counted, where ``at_most`` are counted already. Whoever else
    wants one waits for the end of this transaction."""
    insert = tx.insert(budgets).values(channel=channel, day=day, count=1)
    counted = insert.on_conflict_do_update(
        index_elements=[budgets.c.channel, budgets.c.day],
        set_={"count": budgets.c.count + 1},
        where=budgets.c.count < at_most,
    ).returning(budgets.c.count)
    return at_most > 0 and await tx.scalar(counted) is not None


async def give_back(tx: Tx, channel: str, day: str, many: int = 1) -> None:
    """So many of them were certainly not sent."""
    ours = (budgets.c.channel == channel) & (budgets.c.day == day) & (budgets.c.count >= many)
    await tx.execute(update(budgets).where(ours).values(count=budgets.c.count - many))
