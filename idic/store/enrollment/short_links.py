"""Short links: the address that each code stands for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from idic.store.database import Tx
from idic.store.tables import customers, short_links, touches


class ShortLink(NamedTuple):
    """The address that a code stands for, and the touch that it was made for."""

    touch_id: str
    url: str


async def keep(tx: Tx, touch_id: str, links: Mapping[str, str], at: datetime) -> bool:
    """Keep the ``links`` (code → address) of a touch; links that are kept already stay.

    Returns False if a code stands for another address already: among a hundred million codes one such pair is as likely as
    not, and no customer may be led to another's address. Returns False, too, if the customer was erased.
    """
    customer_id = select(touches.c.customer_id).where(touches.c.id == touch_id).scalar_subquery()
    customer = await tx.row(select(customers.c.erased_at).where(customers.c.id == customer_id).with_for_update(key_share=True))
    if customer is None or customer["erased_at"] is not None:
        return False
    for code, url in links.items():
        row = {"code": code, "touch_id": touch_id, "url": url, "created_at": at}
        await tx.execute(tx.insert(short_links).values(row).on_conflict_do_nothing())
    return all([await find(tx, code) == ShortLink(touch_id, url) for code, url in links.items()])


async def find(tx: Tx, code: str) -> ShortLink | None:
    """The link of this code, if there is one."""
    row = await tx.row(select(short_links.c.touch_id, short_links.c.url).where(short_links.c.code == code))
    return ShortLink(**row) if row else None
