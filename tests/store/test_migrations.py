"""The migrations produce the schema of the code, and go up and down with data in the tables."""

from __future__ import annotations

from collections.abc import Callable

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select

from idic.store.customer import phone_numbers
from idic.store.database import Store
from idic.store.tables import metadata, touches
from idic.store.upgrade import migrations, newest
from tests.conftest import START, HandClock
from tests.journey.programs import program, send, to, wait
from tests.router.world import World


async def move(store: Store, to_: Callable[[Config], None]) -> None:
    def run(connection: Connection) -> None:
        config = migrations()
        config.attributes["connection"] = connection
        to_(config)

    async with store.engine.connect() as connection:
        connection = await connection.execution_options(idic_writes=True)
        async with connection.begin():
            await connection.run_sync(run)


async def test_the_migrations_produce_the_schema_of_the_code(store: Store) -> None:
    async with store.engine.connect() as connection:
        assert await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []


def test_the_newest_revision_is_the_head() -> None:
    assert newest() == ScriptDirectory.from_config(migrations()).get_current_head()


async def test_a_downgrade_and_upgrade_lose_no_common_data(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(program(send("nudge", to("rest"), channels=("email", "web")), wait("rest", 1)))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    one = await world.only()
    await world.work(one.id)
    before = await world.only()
    await move(store, lambda config: command.downgrade(config, "0001"))
    async with store.reading() as tx:
        assert {row["channel"] for row in await tx.rows(select(touches.c.channel))} == {"email", "web"}
    await move(store, lambda config: command.upgrade(config, "head"))
    assert await world.only() == before
    assert {row.status for row in await world.touches()} == {"sent"}
    clock.advance(hours=1)
    await world.work(one.id)
    assert await world.ending() == "done"


async def test_the_migration_adds_phone_numbers_of_existing_customers(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    anna = await world.customer(phone="0151 12345678", country="DE")
    await world.customer(phone="030 901820", country="DE")  # a landline
    await world.customer()
    await move(store, lambda config: command.downgrade(config, "0003"))
    await move(store, lambda config: command.upgrade(config, "head"))
    store = Store(store.engine, store.clock)  # the salt is another one now
    async with store.reading() as tx:
        found = await phone_numbers.find_holders(tx, "+4915112345678", ())
    assert found == ((anna,), anna, None)
