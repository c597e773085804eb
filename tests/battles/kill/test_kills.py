"""Whoever is killed, whenever: no event that got a 200 is lost, no message is sent twice, and everybody gets home."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from chaos.deployment import PROOF_KEY, ROUTERS, WORKERS, WRITE_KEY, Deployment, running, until
from chaos.shop_client import CarefulClient
from tests.battles.kill.customers import Shop
from tests.battles.kill.kill_audit import settle_accounts

pytestmark = pytest.mark.kill

Battle = Callable[[Deployment, CarefulClient, Random], Awaitable[None]]

JOURNEYS = Path(__file__).parent / "journeys"
CUSTOMERS = 60
OVER = 6.0
"""Seconds within which all of them come."""


@contextlib.asynccontextmanager
async def _open_shop(site: Deployment, rng: Random, customers: int = CUSTOMERS) -> AsyncIterator[CarefulClient]:
    """The shop is open while the block runs, and until its last customer is done."""
    client = CarefulClient(site.api, WRITE_KEY, PROOF_KEY, rng)
    try:
        async with asyncio.timeout(240), asyncio.TaskGroup() as tasks:
            tasks.create_task(Shop(client, site.mails, rng, customers, OVER).open())
            yield client
    finally:
        await client.close()


async def kill_workers(site: Deployment, client: CarefulClient, rng: Random) -> None:
    """At any moment; and in the worst one: the provider has said yes (or is about to), and we have not recorded it."""
    for when in ("before", "after", "before", "after"):
        await _killed_by_the_sink(site, when)
        await asyncio.sleep(rng.uniform(0.5, 2))
        if when == "after":
            site.kill(*rng.choice((WORKERS[:1], WORKERS[1:], WORKERS)))


async def _killed_by_the_sink(site: Deployment, when: str) -> None:
    done = site.carried_out()
    site.order(when)
    await until(lambda: site.carried_out() > done, 30, "the sink has taken a mail and killed a worker")


async def kill_routers(site: Deployment, client: CarefulClient, rng: Random) -> None:
    for _ in range(6):
        await asyncio.sleep(rng.uniform(0.2, 1.5))
        site.kill(*rng.choice((ROUTERS[:1], ROUTERS[1:], ROUTERS)))


async def kill_api(site: Deployment, client: CarefulClient, rng: Random) -> None:
    """Right after its 200: the client has heard it, and nobody else has done anything yet."""
    for _ in range(8):
        countdown = rng.randint(1, 6)
        heard = asyncio.Event()

        def shot(heard: asyncio.Event = heard) -> None:
            nonlocal countdown
            countdown -= 1
            if countdown == 0:
                site.kill("api")
                heard.set()

        client.heard = shot
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), 3)
        client.heard = lambda: None
        await asyncio.sleep(rng.uniform(0, 0.5))


async def kill_temporal(site: Deployment, client: CarefulClient, rng: Random) -> None:
    """Killed, and started again on the same file."""
    for _ in range(2):
        await asyncio.sleep(rng.uniform(0.5, 2))
        async with site.down("temporal"):
            await asyncio.sleep(rng.uniform(0, 1))


async def lose_temporal(site: Deployment, client: CarefulClient, rng: Random) -> None:
    """Killed, and its database deleted; then ``idic reconcile``."""
    await asyncio.sleep(rng.uniform(1, 3))
    before = _reconciled_by_routers(site)
    said = await _reconciled_after_the_loss(site)
    assert re.match(r"[1-9]\d* open", said), said
    if not re.search(r" [1-9]\d* started in Temporal", said):
        # A router that is started again begins with the same, and may have come first.
        await until(lambda: _reconciled_by_routers(site) > before, 30, f"a router says that it started them; {said}")


def _reconciled_by_routers(site: Deployment) -> int:
    """How often a router found enrollments that Temporal had lost."""
    logs = [site.parts[name].log.read_text() for name in ROUTERS]
    return sum(len(re.findall(r"reconciled .*started=[1-9]", log)) for log in logs)


async def _reconciled_after_the_loss(site: Deployment) -> str:
    async with site.down("temporal"):
        for file in site.folder.glob("temporal.db*"):
            file.unlink()
    said = await site.run("reconcile")
    print(f"  reconcile    {said}")
    return said


async def kill_the_others(site: Deployment, client: CarefulClient, rng: Random) -> None:
    await asyncio.gather(kill_routers(site, client, rng), kill_api(site, client, rng))
    await kill_temporal(site, client, rng)
    await lose_temporal(site, client, rng)


BATTLES: dict[str, Battle] = {"workers": kill_workers, "all the others, and Temporal's database": kill_the_others}


@pytest.mark.parametrize("victim", BATTLES)
async def test_a_killed_process_loses_nothing_and_sends_nothing_twice(victim: str, tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    async with running(tmp_path, site=Deployment, journeys=JOURNEYS, IDIC_RECONCILE_EVERY="3600") as site:
        async with _open_shop(site, rng) as client:
            await BATTLES[victim](site, client, rng)
        site.withdraw_orders()
        assert site.kills
        ledger = await settle_accounts(site, client, f"{victim} killed (seed {seed})")
        if victim == "workers":
            assert any(touch["status"] == "uncertain" and ledger.accepted[touch["id"]] for touch in ledger.touches)
