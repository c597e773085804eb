"""Heartbeats, and retrying the store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from temporalio import activity

from idic.errors import StoreUnavailable

T = TypeVar("T")


@contextlib.asynccontextmanager
async def heartbeats(patience: float) -> AsyncIterator[None]:
    """Send Temporal heartbeats while the block runs. A short block sends none: each heartbeat is billed."""

    async def beat() -> None:
        await asyncio.sleep(patience * 0.6)
        while True:
            activity.heartbeat()
            await asyncio.sleep(patience * 0.2)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating


async def keep_offering(record: Callable[[], Awaitable[T]], keep_trying: float) -> T:
    """Try to record a result that only this process knows, again and again for ``keep_trying`` real seconds. Raises
    ``StoreUnavailable``."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + keep_trying
    pause = 0.1
    while True:
        try:
            return await record()
        except StoreUnavailable:
            if loop.time() > give_up:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5)
