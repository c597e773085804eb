"""Wait until no message to a customer is being sent: nothing arrives after an unsubscribe was answered.

A touch is marked ``attempting`` in one transaction, and the provider is called after it. A withdrawal recorded in between
is too late for that message. So the withdrawal's request waits, before it answers, until the marked touches are finished,
or until their provider can't be called any more (``activities.deliver.BEGIN_WITHIN``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from idic.store.customer import consents, customers
from idic.store.database import Store, Tx
from idic.store.enrollment import touches

LONGEST = 12.0
"""Real seconds after its mark in which a touch's provider may be called, with a large margin for calls on their way."""
_PAUSE = 0.05


async def nothing_begins(store: Store, customer_id: str, channel: str | None = None) -> None:
    """Wait until no provider call to this customer (on ``channel``, or on any) can begin that was decided before now.

    Returns at once if no message is being sent, and after at most ``LONGEST`` seconds. Raises ``StoreUnavailable``: the
    withdrawal is recorded all the same, but it isn't known whether a message is being sent.
    """

    async def begun(tx: Tx) -> list[datetime] | None:
        whose = await customers.current_id(tx, customer_id)
        begins = await touches.attempts_under_way(tx, whose, channel)
        # A customer who was merged meanwhile took their messages along.
        return begins if await customers.current_id(tx, whose) == whose else None

    await _still(store, begun)


async def nothing_begins_to(store: Store, channel: str, address: str) -> None:
    """Like ``nothing_begins``, for an address instead of a customer."""

    async def begun(tx: Tx) -> list[datetime]:
        return await touches.attempts_under_way_to(tx, channel, await consents.address_digest(tx, channel, address))

    await _still(store, begun)


async def _still(store: Store, begun: Callable[[Tx], Awaitable[list[datetime] | None]]) -> None:
    """Poll until no message is being sent. ``begun`` returns since when messages are being sent; None if that must be read
    again."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + LONGEST
    while loop.time() < give_up:
        async with store.reading() as tx:
            now = tx.now()
            under_way = await begun(tx)
        if under_way is not None and not any(store.clock.real_seconds(now - at) < LONGEST for at in under_way):
            return
        await asyncio.sleep(_PAUSE)
