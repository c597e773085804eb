"""Outages of the store: a full disk, a lost database. Nothing is lost or sent twice, and idic recovers."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from idic.errors import StoreUnavailable
from idic.router.loop import Router
from idic.router.temporal import TemporalWorkflows
from idic.store import tables
from idic.store.database import Store
from idic.store.upgrade import is_current, migrate
from tests.conftest import HandClock, new_database, start_postgres
from tests.journey.programs import out, program, send, to, wait
from tests.router.world import World


async def test_a_full_disk_stores_nothing_partially_and_recovers(tmp_path: Path, clock: HandClock) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
    await migrate(store)
    pages = {"most": 1_000_000}

    # The database itself says that it is full: to SQLite, this many pages are the whole disk.
    @event.listens_for(store.engine.sync_engine, "begin")
    def limit(connection):  # type: ignore[no-untyped-def]
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages['most']}")

    world = World(store, clock)
    await world.publish(program(wait("rest", 1)))
    anna = await world.customer()
    pages["most"] = 1
    accepted = 0

    async def accept_until_full() -> None:
        nonlocal accepted
        for _ in range(200):
            await world.accept(anna, "Signed Up", {"note": "x" * 4000})
            accepted += 1

    with pytest.raises(StoreUnavailable, match="full"):
        await accept_until_full()
    pages["most"] = 1_000_000
    assert len(await world.unrouted(anna)) == accepted
    await world.happens(anna, "Signed Up")
    await store.close()
    assert (await _reopened(tmp_path, clock)) == accepted + 1


async def _reopened(folder: Path, clock: HandClock) -> int:
    store = Store.open(f"sqlite:///{folder}/idic.db", clock)
    try:
        async with store.reading() as tx:
            return len(await tx.rows(tables.events.select()))
    finally:
        await store.close()


class Cluster:
    """A PostgreSQL that can be stopped at once, as by a power cut, and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = start_postgres(folder)
        self.folder = folder

    def stop(self) -> None:
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        command = [str(self.server.bin_path / "pg_ctl"), "-w", "-D", str(self.folder), *arguments]
        subprocess.run(command, check=True, capture_output=True, user=self.server.system_user)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("away"))
    yield cluster
    cluster.server.cleanup()


async def test_a_database_that_goes_away_while_a_mail_is_sent(cluster: Cluster, clock: HandClock) -> None:
    """The provider has said yes, and only this process knows: it waits for the database to come back."""
    url = new_database(cluster.server.get_uri())
    store = Store.open(url, clock)
    await migrate(store)
    world = World(store, clock)
    await world.publish(program(send("nudge", to("rest")), wait("rest", 5, out("done"))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    one = await world.only()
    (delivery,) = (await world.advance(one.id)).deliver

    gone = asyncio.Event()
    accept = world.postman.send

    async def send_and_lose_the_database(message):  # type: ignore[no-untyped-def]
        outcome = await accept(message)
        await asyncio.to_thread(cluster.stop)
        gone.set()
        return outcome

    world.postman.send = send_and_lose_the_database  # type: ignore[method-assign]
    delivering = asyncio.create_task(world.deliver(delivery.touch))
    await gone.wait()
    with pytest.raises(StoreUnavailable):
        await world.accept(anna, "Viewed")
    with pytest.raises(StoreUnavailable):
        await world.route(anna)
    await asyncio.sleep(2)
    assert not delivering.done()
    await asyncio.to_thread(cluster.start)
    async with asyncio.timeout(30):
        await delivering
    assert (await world.only()).state.step == "rest"
    assert [touch.status for touch in await world.touches()] == ["sent"]
    assert len(world.postman.taken) == 1
    await store.close()


async def test_a_router_waits_for_its_database_and_goes_on(cluster: Cluster, clock: HandClock) -> None:
    store = Store.open(new_database(cluster.server.get_uri()), clock)
    await migrate(store)
    world = World(store, clock)
    await world.publish(program(wait("rest", 5)))
    anna = await world.customer()
    router = Router(store, world.runtime, TemporalWorkflows(None), lease=3, reconcile_every=3600)  # type: ignore[arg-type]
    stop = asyncio.Event()
    serving = asyncio.create_task(router._steadily("lease", stop, router._renew, (0.2, 0.2)))
    routing = asyncio.create_task(router._steadily("route", stop, router.route, (0.02, 0.2)))
    await world.accept(anna, "Signed Up")
    await _routed(world, anna)
    await asyncio.to_thread(cluster.stop)
    await asyncio.sleep(1)
    await asyncio.to_thread(cluster.start)
    async with asyncio.timeout(30):
        while True:
            try:
                await world.accept(anna, "Viewed")
                break
            except StoreUnavailable:
                await asyncio.sleep(0.2)
        await _routed(world, anna)
    stop.set()
    await asyncio.gather(serving, routing)
    await store.close()


async def _routed(world: World, customer: str) -> None:
    async with asyncio.timeout(30):
        while await world.unrouted(customer):
            await asyncio.sleep(0.05)


async def test_the_url_of_a_database_host_is_accepted(postgres: str) -> None:
    store = Store.open(f"{new_database(postgres)}&sslmode=disable")
    await migrate(store)
    assert await is_current(store)
    await store.close()
