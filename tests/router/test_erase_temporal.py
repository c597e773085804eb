"""Erasing a customer whose journey runs on a real Temporal server: it ends, and no personal data was ever in Temporal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from idic.router.erase import erase
from tests.router.test_erase import anna, everything, found_in
from tests.workflows.test_temporal import Skipping, time_skips, told


@pytest.fixture
async def skipping(tmp_path: Path) -> AsyncIterator[Skipping]:
    async with time_skips(tmp_path) as world:
        yield world


async def test_her_workflow_ends_and_its_history_is_nobodys(skipping: Skipping) -> None:
    world = skipping.world
    customer_id = await anna(world)
    await skipping.tell()
    trip = await world.only()
    handle = skipping.env.client.get_workflow_handle(trip.id)
    await skipping.passes(hours=1)
    done = await erase(world.store, world.runtime, customer_id)
    assert done.ended == 1
    await skipping.tell()
    await skipping.finished(trip.id)
    assert found_in(await told(handle)) == {}
    assert found_in(await everything(world.store)) == {}
    assert await world.ending() == "erased"
