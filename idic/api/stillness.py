"""Waiting until nothing is under way: who was told that they are unsubscribed gets nothing more.

A touch is marked ``attempting`` in one transaction and its provider is called after it. A withdrawal that is recorded in
between is too late for that one. So whoever records it waits, before answering, until what was marked has come to an end,
or until so much time has passed that its provider cannot be called any more (``activities.deliver.BEGIN_WITHIN``).
"""

from __future__ import annotations

import asyncio

from idic.store import customers, touches
from idic.store.database import Store

LONGEST = 5.0
"""Real seconds after a touch was marked in which its provider may be called, with much to spare for what is on its way."""
_PAUSE = 0.05


async def nothing_begins(store: Store, customer_id: str, channel: str | None = None) -> None:
    """Return when no provider call to this customer (on ``channel``, or any) can begin that was not allowed after what was
    committed before this was called. Takes no time where nothing is under way, and never longer than ``LONGEST``. Raises
    ``StoreUnavailable``: what was recorded is recorded, but nobody can say that nothing is under way."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + LONGEST
    while loop.time() < give_up:
        async with store.reading() as tx:
            now = tx.now()
            begun = await touches.begins(tx, await customers.root(tx, customer_id), channel)
        if not any(store.clock.real_seconds(now - at) < LONGEST for at in begun):
            return
        await asyncio.sleep(_PAUSE)
