"""One effect for each Idempotency-Key, however often the request is sent.

The answer is stored beside the effect. The key is taken before the work, in the same transaction: a second request with the
key waits for the first, and a request that fails leaves the key free.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from sqlalchemy import select, update

from idic.api.problem_details import HttpRefusal
from idic.store.database import Tx
from idic.store.tables import idempotency

LONGEST_KEY = 255


class StoredAnswer(NamedTuple):
    """The stored answer to a request."""

    status: int
    body: dict[str, Any]


def request_digest(path: str, body: object) -> str:
    """A digest (64 hexadecimal digits) of the request's content, independent of how its JSON is laid out."""
    text = json.dumps([path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def once(tx: Tx, key: str | None, digest: str, work: Callable[[], Awaitable[StoredAnswer]]) -> StoredAnswer:
    """Do ``work``, or return the answer that it gave before. Raises ``HttpRefusal`` if the key was used for a different
    request."""
    if key is None:
        return await work()
    taken = await tx.execute(
        tx.insert(idempotency)
        .values(key=key, request=digest, status=0, response={}, at=tx.now())
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)
    )
    if taken.first() is None:
        row = await tx.row(select(idempotency).where(idempotency.c.key == key))
        assert row is not None
        if row["request"] != digest:
            raise HttpRefusal(
                422,
                "idempotency_key_reused",
                "this Idempotency-Key was used for another request; make a new one for each thing you want done",
                where="Idempotency-Key",
            )
        return StoredAnswer(row["status"], row["response"])
    answer = await work()
    await tx.execute(update(idempotency).where(idempotency.c.key == key).values(status=answer.status, response=answer.body))
    return answer
