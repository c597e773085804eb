"""Withdraw consent: the one path for pages, mail programs and providers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from idic.api.wait_until_settled import nothing_begins
from idic.store.customer.ingest import Observation, observe
from idic.store.database import Store, Tx


async def tell(store: Store, telling: Callable[[Tx], Awaitable[Sequence[Observation]]]) -> None:
    """Record what ``telling`` finds, in its transaction; after a withdrawal, return only when no forbidden message can
    begin any more.

    Raises ``StoreUnavailable`` and whatever ``telling`` raises.
    """

    async def work(tx: Tx) -> Sequence[Observation]:
        # Customers are locked in the order of their ids.
        observations = sorted(await telling(tx), key=lambda observation: observation.customer_id)
        for observation in observations:
            await observe(tx, observation)
        return observations

    observations = await store.move("unsubscribe", work)
    withdrawn = {
        (observation.customer_id, observation.properties.get("channel"))
        for observation in observations
        if observation.name == "Consent Withdrawn"
    }
    await asyncio.gather(*(nothing_begins(store, *whom) for whom in sorted(withdrawn)))


async def withdraw(store: Store, withdrawal: Callable[[Tx], Awaitable[Observation]]) -> None:
    """Record the withdrawals that ``withdrawal`` finds (events Consent Withdrawn), in its transaction.

    When this returns, no provider call that they forbid begins any more. Raises ``StoreUnavailable`` and whatever
    ``withdrawal`` raises.
    """

    async def telling(tx: Tx) -> Sequence[Observation]:
        return [await withdrawal(tx)]

    await tell(store, telling)
