"""Add, lift, look up and import suppressed addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from idic.cli.run import import_file
from idic.cli.run.data_folder import settings_for
from idic.interact.policy.touch_request import Suppressed
from idic.store.customer import consents, import_consents
from idic.store.database import Tx
from idic.store.journey import programs
from idic.store.open import running_store

T = TypeVar("T")


async def suppress(data: Path | None, address: str, reason: str) -> str:
    """Suppress an address and return the reason that holds now: the stronger of old and new. Raises ``InvalidInput``."""
    read_reason = import_consents.read_reason(reason)

    async def work(tx: Tx, channel: str, normal: str) -> str:
        await consents.suppress(tx, channel, normal, read_reason, tx.now())
        suppressed = await consents.suppression_of(tx, channel, normal)
        assert suppressed is not None
        return suppressed.reason

    return await _with_address(address, data, "suppress", work)


async def lift(data: Path | None, address: str) -> bool:
    """Lift an address's suppression; whether it was suppressed. Raises ``InvalidInput``."""
    return await _with_address(address, data, "lift", consents.lift)


async def suppression_of(data: Path | None, address: str) -> Suppressed | None:
    """Why and since when an address is suppressed, if it is. Raises ``InvalidInput``."""
    return await _with_address(address, data, "", consents.suppression_of)


async def import_suppressions(data: Path | None, file: Path, stop: asyncio.Event) -> import_file.Taken:
    """Suppress the addresses of a file until ``stop`` is set. Raises ``NotFound``, ``InvalidInput``."""
    async with running_store(settings_for(data)) as store:
        async with store.reading() as tx:
            country = await _country(tx)

        async def keep(page: list[import_consents.SuppressionLine]) -> list[str]:
            await store.move("import suppressions", lambda tx: import_consents.suppress(tx, page))
            return []

        now = store.clock.now()
        return await import_file.take(
            file, ("address",), lambda _, raw: import_consents.read_suppression(raw, now, country), keep, stop
        )


async def _with_address(address: str, data: Path | None, purpose: str, work: Callable[[Tx, str, str], Awaitable[T]]) -> T:
    """Run ``work`` with the normalised address; ``purpose`` is empty for work that only reads."""
    async with running_store(settings_for(data)) as store:

        async def whole(tx: Tx) -> T:
            return await work(tx, *import_consents.read_address(address, None, await _country(tx)))

        if purpose:
            return await store.move(purpose, whole)
        async with store.reading() as tx:
            return await whole(tx)


async def _country(tx: Tx) -> str | None:
    """The country of phone numbers without a country code, by the published vocabulary."""
    return (await programs.vocabulary(tx) or {}).get("country")
