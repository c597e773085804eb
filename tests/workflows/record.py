"""Record the driver's histories anew: ``python -m tests.workflows.record``.

Only for a released driver, and never to make a replay pass: open enrollments have lived through what is recorded.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from idic.interact.channels.contract import Later
from idic.journey.program.program import Program
from idic.router.dispatch import dispatch
from idic.router.temporal import TemporalWorkflows
from idic.store.database import Store
from idic.store.tables import PARTITIONS
from idic.store.upgrade import migrate
from tests.journey.programs import arm, goal, out, program, send, to, wait, wait_for
from tests.router.world import World
from tests.support.temporal_binaries import SERVER_FLAGS, TEMPORAL
from tests.workflows.test_temporal import HISTORIES, live, until

SOON = 0.5 / 3600
Play = Callable[[World, str], Awaitable[None]]


async def nothing(world: World, customer: str) -> None: ...


async def event_then_goal(world: World, customer: str) -> None:
    await world.happens(customer, "Yes")
    await asyncio.sleep(1)
    await world.happens(customer, "Order Completed")


async def store_away(world: World, customer: str) -> None:
    async with world.store._writing:
        await asyncio.sleep(4)


async def not_yet(world: World, customer: str) -> None:
    world.postman.answers = [Later("smtp_451", "later", 0.2)]


SHAPES: dict[str, tuple[Program, Play]] = {
    "v1_timeout_then_mail": (
        program(wait_for("ask", SOON, arm("Yes", out("yes")), otherwise=to("nudge")), send("nudge")),
        nothing,
    ),
    "v1_event_then_goal": (
        program(wait_for("ask", 24, arm("Yes", to("rest"))), wait("rest", 24), goal=goal()),
        event_then_goal,
    ),
    "v1_mail_first_retried": (program(send("nudge", to("rest")), wait("rest", SOON)), not_yet),
    "v1_store_away": (program(wait("rest", SOON, to("nudge")), send("nudge")), store_away),
}


async def record(client: Client, name: str, shape: Program, play: Play) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/idic.db")
        await migrate(store)
        async with live(client, store, shape) as world:
            customer = await world.customer()
            engine = TemporalWorkflows(client)
            if play is not_yet:
                await play(world, customer)
            await world.happens(customer, "Signed Up")
            await dispatch(store, world.runtime, engine, range(PARTITIONS))
            await asyncio.sleep(0.3)
            if play is not not_yet:
                await play(world, customer)

            async def ended() -> bool:
                await dispatch(store, world.runtime, engine, range(PARTITIONS))
                return not (await world.only()).open

            await until(ended, 60)
            handle = client.get_workflow_handle((await world.only()).id)
            await handle.result()
            HISTORIES.mkdir(exist_ok=True)
            history = json.loads((await handle.fetch_history()).to_json())
            (HISTORIES / f"{name}.json").write_text(json.dumps(_without_paths(history), indent=1) + "\n")
            print(name, "recorded")
        await store.close()


def _without_paths(node: Any) -> Any:
    """Drop stack traces: they name folders of the machine that recorded, and a replay does not need them."""
    if isinstance(node, dict):
        return {name: _without_paths(value) for name, value in node.items() if name != "stackTrace"}
    return [_without_paths(value) for value in node] if isinstance(node, list) else node


async def main() -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=TEMPORAL, dev_server_extra_args=SERVER_FLAGS
    ) as env:
        for name, (shape, play) in SHAPES.items():
            await record(env.client, name, shape, play)


if __name__ == "__main__":
    asyncio.run(main())
