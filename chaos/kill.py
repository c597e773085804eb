"""Whoever can be killed is, in turn and at any moment; and the providers have their hours, too."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from random import Random

from chaos.deployment import ROUTERS, WORKERS
from chaos.world import Town

Turn = tuple[str, ...]


async def kill_in_turn(town: Town, rng: Random, seconds: float) -> None:
    """Until ``seconds`` are over: everybody once in each round, in an order of chance, each with a pause before it."""
    ends = asyncio.get_running_loop().time() + seconds
    turns: list[Turn] = [
        WORKERS[:1],
        WORKERS[1:],
        ROUTERS[:1],
        ROUTERS,
        ("api",),
        ("temporal",),
        WORKERS,
        ("sink",),
        ("carrier",),
    ]
    if "database" in town.parts:
        turns.append(("database",))
    pause = seconds / (2.2 * len(turns)) if seconds > 120 else seconds / (1.1 * len(turns))
    while True:
        for victims in rng.sample(turns, len(turns)):
            await asyncio.sleep(rng.uniform(0.5, 1.5) * pause)
            if asyncio.get_running_loop().time() > ends:
                return
            if victims[0] in ("sink", "carrier", "temporal", "database") and rng.random() < 0.6:
                with contextlib.suppress(AssertionError):  # it is slow to come again; everybody else goes on
                    async with town.down(victims[0]):
                        await asyncio.sleep(rng.uniform(0.5, 2.5))
            else:
                by = signal.SIGTERM if rng.random() < 0.35 and victims[0] not in ("database", "temporal") else signal.SIGKILL
                town.kill(*victims, by=by)
