"""Hold a customer: lock the row, route their events, do the work, in one transaction.

Every change to a customer's enrollments holds the customer first, which routes all their accepted events. So no deadline,
claim or delivery is decided while a relevant event is unread, and the order of the processes doesn't matter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy import ScalarSelect

from idic.router.customer_facts import CustomerFacts
from idic.router.held_customer import HeldCustomer, NeedsLockTogether, PoisonEvent
from idic.router.route import catch_up
from idic.router.runtime import Runtime
from idic.store.customer import customers
from idic.store.database import Store, Tx

log = structlog.get_logger()

T = TypeVar("T")


async def hold_customer(
    store: Store,
    runtime: Runtime,
    purpose: str,
    customer_id: str | ScalarSelect[str],
    work: Callable[[HeldCustomer], Awaitable[T]],
) -> T:
    """Run ``work`` on a held customer whose events are all routed, in one transaction. ``customer_id`` may be a query, as
    ``customers.lock`` takes it.

    An event that cannot be routed does not stop the events behind it: the transaction runs again without it, and the event
    is set aside with the error. Raises ``NotFound``, ``StoreUnavailable``.
    """
    poison: dict[int, str] = {}
    together: set[str] = set()

    async def once(tx: Tx) -> T:
        if together:
            await customers.lock_together(tx, together)
        row = await customers.lock(tx, customer_id)
        held = HeldCustomer(CustomerFacts(tx, runtime, row), poison, frozenset(together))
        await catch_up(held)
        return await work(held)

    while True:
        try:
            return await store.move(purpose, once)
        except NeedsLockTogether as needed:
            together |= needed.ids  # keeps the customers that an earlier event needed: all are routed in this transaction
        except PoisonEvent as bad:
            log.error("event set aside", event_id=bad.event_id, error=bad.error)
            poison[bad.event_id] = bad.error
