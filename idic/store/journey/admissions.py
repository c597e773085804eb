"""How many a journey has let in on each day, where it says how many it may."""

from __future__ import annotations

from idic.store.database import Tx
from idic.store.tables import admissions


async def count(tx: Tx, journey: str, day: str, at_most: int) -> bool:
    """Count somebody who enters on ``day`` (ISO), in the transaction in which they do. False, and nothing counted, where
    ``at_most`` have entered already. Whoever else wants in waits for the end of this transaction."""
    insert = tx.insert(admissions).values(journey=journey, day=day, count=1)
    counted = insert.on_conflict_do_update(
        index_elements=[admissions.c.journey, admissions.c.day],
        set_={"count": admissions.c.count + 1},
        where=admissions.c.count < at_most,
    ).returning(admissions.c.count)
    return at_most > 0 and await tx.scalar(counted) is not None
