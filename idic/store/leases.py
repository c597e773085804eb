"""Leases: which router serves which partitions, in real time.

Leases only spread the work. The lock on the customer's row is what makes sure that it is done once, so clocks that differ
by a second between machines do no harm.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update

from idic.store.database import Tx
from idic.store.tables import PARTITIONS, leases, routers


async def renew(tx: Tx, router: str, now: datetime, span: timedelta) -> frozenset[int]:
    """Report that ``router`` is alive, and renew its leases: it gives up those beyond its fair share, and takes free ones up
    to it. Returns the partitions that it holds until ``now + span``."""
    until = now + span
    await tx.execute(
        tx.insert(routers)
        .values(id=router, alive_until=until)
        .on_conflict_do_update(index_elements=[routers.c.id], set_={"alive_until": until})
    )
    await tx.execute(
        tx.insert(leases).on_conflict_do_nothing(),
        [{"partition": number, "holder": None, "until": now} for number in range(PARTITIONS)],
    )
    await tx.execute(delete(routers).where(routers.c.alive_until < now - timedelta(hours=1)))
    alive = len(await tx.rows(select(routers.c.id).where(routers.c.alive_until > now)))
    share = -(-PARTITIONS // max(alive, 1))
    rows = await tx.rows(
        select(leases)
        .where(or_(leases.c.holder == router, leases.c.holder.is_(None), leases.c.until < now))
        .order_by(leases.c.partition)
        .with_for_update(skip_locked=True)
    )
    ours = [row["partition"] for row in rows if row["holder"] == router]
    free = [row["partition"] for row in rows if row["holder"] != router]
    keep = (ours + free)[:share]
    if keep:
        await tx.execute(update(leases).where(leases.c.partition.in_(keep)).values(holder=router, until=until))
    if ours[share:]:
        await tx.execute(update(leases).where(leases.c.partition.in_(ours[share:])).values(holder=None, until=now))
    return frozenset(keep)


async def release(tx: Tx, router: str, now: datetime) -> None:
    """Give up all leases of ``router``, so that others need not wait until they end."""
    await tx.execute(update(leases).where(leases.c.holder == router).values(holder=None, until=now))
    await tx.execute(delete(routers).where(routers.c.id == router))
