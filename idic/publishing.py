"""Make what was compiled the journeys that customers enter."""

from __future__ import annotations

from typing import NamedTuple

from idic.authoring import Compilation
from idic.store import programs
from idic.store.database import Store, Tx


class Published(NamedTuple):
    """``changed`` are the journeys that customers enter anew from now on; ``same`` were published as they are."""

    changed: tuple[str, ...]
    same: tuple[str, ...]


async def publish(store: Store, compilation: Compilation) -> Published:
    """Publish every journey that checks, with the vocabulary they were checked against, in one transaction.

    Whoever is inside a journey finishes the program they began. Raises ``StoreUnavailable``.
    """

    async def work(tx: Tx) -> Published:
        now = tx.now()
        await programs.publish_vocabulary(tx, compilation.vocabulary.model_dump(mode="json"), now)
        changed: list[str] = []
        same: list[str] = []
        for name, program in sorted(compilation.programs.items()):
            (changed if await programs.publish(tx, program, now) else same).append(name)
        return Published(tuple(changed), tuple(same))

    return await store.move("publish", work)
