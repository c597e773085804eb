"""Waiting until nothing is under way: who was told that they are unsubscribed gets nothing more.

A touch is marked ``attempting`` in one transaction and its provider is called after it. A withdrawal that is recorded in
between is too late for that one. So whoever records it waits, before answering, until what was marked has come to an end,
or until so much time has passed that its provider cannot be called any more (``activities.deliver.BEGIN_WITHIN``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from idic.store.customer import consents, customers
from idic.store.database import Store, Tx
from idic.store.enrollment import touches

LONGEST = 12.0
"""Real seconds after a touch was marked in which its provider may be called, with much to spare for what is on its way."""
_PAUSE = 0.05


async def nothing_begins(store: Store, customer_id: str, channel: str | None = None) -> None:
    """Return when no provider call to this customer (on ``channel``, or any) can begin that was not allowed after what was
    committed before this was called. Takes no time where nothing is under way, and never longer than ``LONGEST``. Raises
    ``StoreUnavailable``: what was recorded is recorded, but nobody can say that nothing is under way."""

    async def begun(tx: Tx) -> list[datetime] | None:
        whose = await customers.root(tx, customer_id)
        found = await touches.begins(tx, whose, channel)
        # Who was made one with another in between has taken their messages along.
        return found if await customers.root(tx, whose) == whose else None

    await _still(store, begun)


async def nothing_begins_to(store: Store, channel: str, address: str) -> None:
    """The same of an address, whoever it is known to be of."""

    async def begun(tx: Tx) -> list[datetime]:
        return await touches.begins_to(tx, channel, await consents.digested(tx, channel, address))

    await _still(store, begun)


async def _still(store: Store, begun: Callable[[Tx], Awaitable[list[datetime] | None]]) -> None:
    """``begun``: since when messages are under way; None where that has to be asked again."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + LONGEST
    while loop.time() < give_up:
        async with store.reading() as tx:
            now = tx.now()
            under_way = await begun(tx)
        if under_way is not None and not any(store.clock.real_seconds(now - at) < LONGEST for at in under_way):
            return
        await asyncio.sleep(_PAUSE)
