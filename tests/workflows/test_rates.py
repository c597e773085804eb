"""Temporal's server limits how many messages an account takes a second, for all workers together."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import worker
from idic.clock import Clock
from idic.interact.channels.contract import Outcome
from idic.router.dispatch import dispatch
from idic.router.temporal import TemporalWorkflows
from idic.store.database import Store
from idic.store.tables import PARTITIONS
from idic.store.upgrade import migrate
from tests.conftest import HandClock
from tests.journey.programs import program, send
from tests.router.world import Postman, World
from tests.workflows.test_temporal import client, until  # noqa: F401

RATE, MAILS = 10, 40
BURST = RATE
"""The messages of one second may leave at once."""


class Timed(Postman):
    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []

    async def send(self, message: object) -> Outcome:
        self.at.append(time.monotonic())
        return await super().send(message)  # type: ignore[arg-type]


async def test_no_more_leave_in_a_second_than_the_account_takes(client: Client, tmp_path: Path) -> None:  # noqa: F811
    async with contextlib.AsyncExitStack() as stack:
        store = Store.open(f"sqlite:///{tmp_path}/idic.db", Clock())
        stack.push_async_callback(store.close)
        await migrate(store)
        world, post = World(store, HandClock()), Timed()
        await world.publish(program(send("nudge")))
        for _ in range(MAILS):
            await world.happens(await world.customer(), "Signed Up")
        second = await Client.connect(client.service_client.config.target_host)
        for each in (client, second):
            quick = {"takeover": timedelta(seconds=1), "drain": timedelta(seconds=1)}
            working = worker.working(
                each, store, world.runtime, [post], rates={"smtp": RATE}, runner=SandboxedWorkflowRunner(), **quick
            )
            await stack.enter_async_context(working)
        await dispatch(store, world.runtime, TemporalWorkflows(client), range(PARTITIONS))

        async def all_left() -> bool:
            return len(post.at) == MAILS

        await until(all_left, 40)
    # Each worker with a count of its own would need a third of this. The first may reach us late, hence not the whole of it.
    assert max(post.at) - min(post.at) >= 0.7 * (MAILS - BURST) / RATE
    assert len(set(post.taken)) == MAILS


@pytest.mark.parametrize(
    ("accounts", "queues"),
    [
        (["smtp", "outbox", "web"], {"smtp": "smtp", "ses": "smtp", "sendgrid": "smtp", "outbox": "outbox"}),
        (["ses", "smtp", "web"], {"ses": "ses", "smtp": "smtp", "sendgrid": "ses"}),
    ],
)
def test_what_was_on_its_way_to_an_account_that_is_set_no_more_is_delivered(
    accounts: list[str], queues: dict[str, str]
) -> None:
    found = worker._queues(accounts)
    assert {queue: account for queue, account in found.items() if queue in queues} == queues
    assert found["web"] == "web"
