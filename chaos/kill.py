"""Kill every process in turn, in random order and at random moments."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from random import Random

from chaos.deployment import ROUTERS, WORKERS
from chaos.world import ChaosWorld

Turn = tuple[str, ...]


async def kill_in_turn(town: ChaosWorld, rng: Random, seconds: float) -> None:
    """Until ``seconds`` are over, kill each process once a round, in random order, with a pause before each."""
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
                with contextlib.suppress(AssertionError):  # it restarts slowly; the others go on
                    async with town.down(victims[0]):
                        await asyncio.sleep(rng.uniform(0.5, 2.5))
            else:
                by = signal.SIGTERM if rng.random() < 0.35 and victims[0] not in ("database", "temporal") else signal.SIGKILL
                town.kill(*victims, by=by)
