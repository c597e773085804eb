"""`idic demo`: run a small shop with its customers and journeys, three weeks in three minutes, and audit the result."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import func, select
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from idic.dev.demo import summary as summary
from idic.dev.demo.audit import Records, missing, read_records
from idic.dev.demo.customer_kinds import plan as write_plan
from idic.dev.demo.play_script import ShopAtWork
from idic.dev.demo.screen import TITLE, Course, Screen
from idic.dev.demo.script import Shopper
from idic.dev.demo.watch import Watch
from idic.dev.local_stack import LocalStack, StackPlan, folder_unusable, local_stack
from idic.dev.watch_folder import publish_now
from idic.errors import SettingsError
from idic.router.temporal import QUEUE
from idic.store.tables import leases

_MARK = "demo.txt"
_MARKED = "This folder is `idic demo`'s. It is emptied whenever the demo starts: keep nothing here.\n"
_LOOK = 0.4
"""Real seconds between two reads of the state."""
_PATIENCE = 30.0
"""The most real seconds until messages in progress have arrived."""
_INTERRUPTED = 130


async def run_demo(
    plan: StackPlan,
    journeys: Path,
    customers: int,
    horizon: timedelta,
    speed: str,
    stop_on_signals: Callable[[], asyncio.Event],
) -> int:
    """Run the demo in ``plan``'s folder, which is emptied first. Returns the exit code: 1 if something is missing.

    ``horizon`` is idic's time to run for. On a terminal it stays up until it is stopped; without one it ends, with 130 if
    it was stopped early. Raises ``SettingsError`` if the folder isn't a demo's, a port is taken or a process doesn't start.
    """
    stop = stop_on_signals()
    began = asyncio.get_running_loop().time()
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    console = Console(width=None if terminal else 110, soft_wrap=not terminal)
    screen = Screen(console, live=terminal and not console.is_dumb_terminal)
    screen.say(f"{TITLE}: {customers} customers, {horizon.days} days at {speed}")
    empty(plan.data)
    async with local_stack(plan, screen.say) as running:
        if not await publish_now(running.store, journeys, screen.say, plan.shop):
            screen.say("The demo needs journeys that check: idic check says more.")
            return 1
        await _at_work(running, stop)
        shoppers = write_plan(customers, horizon, plan.shop)
        shop = ShopAtWork(running, shoppers)
        watch = Watch(running.store, shoppers)
        course = Course(shop.opened_at, shop.opened_at + horizon)
        with screen:
            async with _open(shop) as serving:
                await _watch(screen, watch, course, lambda: stop.is_set() or serving.done())
        if stop.is_set():
            screen.say("stopped before the end; draining…")
            return 0 if terminal else _INTERRUPTED
        records, troubles = await _settled(running, shoppers, shop)
        took = asyncio.get_running_loop().time() - began
        await summary.show(console, running, await watch.look(), shoppers, shop, records, troubles, horizon, took)
        if terminal:
            screen.say("\nEverything stays up until Ctrl-C.")
            await stop.wait()
            screen.say("\ndraining…")
        return 1 if troubles else 0


def empty(folder: Path) -> None:
    """Empty an earlier demo's folder, or create it. Raises ``SettingsError`` for any other non-empty folder, and while a
    demo runs on it."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / _MARK).is_file())):
        raise SettingsError(
            f"{folder} is not a former demo's folder, and a demo empties its folder; choose another with --data"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_unusable(folder, error) from None
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(f"another idic runs on {folder}; stop it, or choose another folder with --data") from None
        # Write the mark first: the next demo may then empty the folder of a killed demo.
        (folder / _MARK).write_text(_MARKED)
        for entry in folder.iterdir():
            if entry.name in (_MARK, "lock"):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


async def _at_work(running: LocalStack, stop: asyncio.Event) -> None:
    """Wait until router and worker serve: days are short here, and customers must not wait for hours."""
    client = await Client.connect(f"127.0.0.1:{running.plan.temporal_port}")
    request = DescribeTaskQueueRequest(
        namespace="default",
        task_queue=TaskQueue(name=QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    for _ in range(300):
        async with running.store.reading() as tx:
            held = await tx.scalar(select(func.count(leases.c.holder)))
        pollers = (await client.workflow_service.describe_task_queue(request)).pollers
        if stop.is_set() or (held and pollers):
            return
        await asyncio.sleep(0.1)
    words = "\n".join(running.children[name].last_words() for name in ("router", "worker"))
    raise SettingsError(f"router and worker did not come up within 30 seconds:\n{words}")


@contextlib.asynccontextmanager
async def _open(shop: ShopAtWork) -> AsyncIterator[asyncio.Task[None]]:
    """Customers come during the block; afterwards all their events have been sent."""
    serving = asyncio.create_task(shop.open())
    try:
        yield serving
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await shop.close()


async def _watch(screen: Screen, watch: Watch, course: Course, over: Callable[[], bool]) -> None:
    """Show the progress until the end, or until ``over``."""
    while True:
        picture = await watch.look()
        screen.show(course, picture, watch.lines)
        if over() or picture.now >= course.ends:
            return
        await asyncio.sleep(_LOOK)


async def _settled(running: LocalStack, shoppers: Sequence[Shopper], shop: ShopAtWork) -> tuple[Records, list[str]]:
    """Read again until nothing is missing. Something may always be in progress; what stays missing is missing."""
    give_up = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        records = await read_records(running)
        troubles = [*shop.troubles, *missing(shoppers, shop.sent, shop.pressed, records)]
        if not troubles or asyncio.get_running_loop().time() > give_up:
            return records, troubles
        await asyncio.sleep(1)
