"""The one way in which a withdrawal of consent passes the API, whoever tells of it: a page, a mail program, a provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from idic.store.database import Store, Tx
from idic.store.ingest import Observation, observe


async def withdraw(store: Store, withdrawal: Callable[[Tx], Awaitable[Observation]]) -> None:
    """Keep what ``withdrawal`` finds was withdrawn (the own event Consent Withdrawn), in the transaction that it is given.
    Who is answered after this has returned hears no more of it.

    Raises ``StoreUnavailable`` and whatever ``withdrawal`` does.
    """

    async def work(tx: Tx) -> None:
        await observe(tx, await withdrawal(tx))

    await store.move("unsubscribe", work)
