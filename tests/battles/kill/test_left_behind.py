"""A message was under way when its worker, Temporal and the whole journey came to an end at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from idic.router.reconcile import reconcile
from idic.router.temporal import TemporalWorkflows
from idic.store.database import Store
from idic.store.enrollment import touches
from idic.store.upgrade import migrate
from tests.journey.programs import goal, program, send
from tests.support.temporal_binaries import SERVER_FLAGS, TEMPORAL
from tests.workflows.test_temporal import live


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=TEMPORAL, dev_server_log_level="error", dev_server_extra_args=SERVER_FLAGS
    ) as env:
        yield env.client


async def test_reconcile_settles_a_message_whose_journey_ended(client: Client, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db")
    await migrate(store)
    try:
        async with live(client, store, program(send("first"), goal=goal())) as world:
            customer = await world.customer(email="anna@example.com")
            await world.happens(customer, "Signed Up")
            touch = (await world.touches())[0].id
            await store.move("attempt", lambda tx: touches.mark(tx, touch, status="attempting", attempts=1))
            await world.happens(customer, "Order Completed")
            assert (await world.only()).state.ended is not None

            await reconcile(store, world.runtime, TemporalWorkflows(client), grace=0.1)

            async with asyncio.timeout(20):
                while (await world.touches())[0].status == "attempting":
                    await asyncio.sleep(0.05)
            assert (await world.touches())[0].status == "uncertain"
    finally:
        await store.close()
