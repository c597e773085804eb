"""The least possible ingestion, for comparison: JSON in, one insert a request, 200. `uvicorn bench.bare:app`.

It reads no identities and checks nothing: every event belongs to the same customer. The difference to idic's own endpoint
is the cost of idic's checks and its lookup of customers.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from sqlalchemy import insert

from idic.settings import load
from idic.store.database import Store, Tx
from idic.store.tables import customers, events, partition_of

SOMEBODY = "0" * 32
store = Store.open(load().database_url)


@contextlib.asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    now = store.clock.now()
    row = {"id": SOMEBODY, "traits": {}, "created_at": now, "updated_at": now}
    await store.move("somebody", lambda tx: tx.execute(insert(customers).values(row)))
    yield
    await store.close()


app = FastAPI(lifespan=_lifespan)


@app.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Answer that the server is up."""
    return {"success": True}


@app.post("/v1/batch")
async def batch(request: Request) -> dict[str, bool]:
    """Insert a batch's events."""
    await _keep((await request.json())["batch"])
    return {"success": True}


@app.post("/v1/track")
async def track(request: Request) -> dict[str, bool]:
    """Insert one event."""
    await _keep([await request.json()])
    return {"success": True}


async def _keep(messages: Sequence[dict[str, Any]]) -> None:
    async def work(tx: Tx) -> None:
        now = tx.now()
        rows = [
            {
                "message_id": message["messageId"],
                "customer_id": SOMEBODY,
                "partition": partition_of(SOMEBODY),
                "kind": "track",
                "name": message["event"],
                "properties": message["properties"],
                "occurred_at": datetime.fromisoformat(message["timestamp"]),
                "accepted_at": now,
            }
            for message in messages
        ]
        await tx.execute(insert(events), rows)

    await store.move("insert", work)
