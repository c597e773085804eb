"""The one way in which a withdrawal of consent passes the API, whoever tells of it: a page, a mail program, a provider."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from idic.api.wait_until_settled import nothing_begins
from idic.store.customer.ingest import Observation, observe
from idic.store.database import Store, Tx


async def tell(store: Store, telling: Callable[[Tx], Awaitable[Sequence[Observation]]]) -> None:
    """Keep what ``telling`` finds was said, in the transaction that it is given. Where consent was withdrawn among it, nothing
    that this forbids begins any more once this has returned.

    Raises ``StoreUnavailable`` and whatever ``telling`` does.
    """

    async def work(tx: Tx) -> Sequence[Observation]:
        # Several customers are held in the order of their ids.
        seen = sorted(await telling(tx), key=lambda one: one.customer_id)
        for one in seen:
            await observe(tx, one)
        return seen

    seen = await store.move("unsubscribe", work)
    still = {(one.customer_id, one.properties.get("channel")) for one in seen if one.name == "Consent Withdrawn"}
    await asyncio.gather(*(nothing_begins(store, *whom) for whom in sorted(still)))


async def withdraw(store: Store, withdrawal: Callable[[Tx], Awaitable[Observation]]) -> None:
    """Keep what ``withdrawal`` finds was withdrawn (the own event Consent Withdrawn), in the transaction that it is given.
    Who is answered after this has returned hears no more of it: no provider call that it forbids begins any more.

    Raises ``StoreUnavailable`` and whatever ``withdrawal`` does.
    """

    async def telling(tx: Tx) -> Sequence[Observation]:
        return [await withdrawal(tx)]

    await tell(store, telling)
