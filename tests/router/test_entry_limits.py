"""Entry limits: so many a day and not one more, by whatever way customers enter."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from idic.journey.program.entry import Again, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Pattern
from idic.router.enroll import enroll
from idic.router.sweep import Sweeper
from idic.store import tables
from idic.store.database import Store
from tests.conftest import HandClock
from tests.journey.programs import program, wait
from tests.router.world import World


def launch(zone: str = "UTC", **entry: Any) -> Program:
    given = {"on": (Pattern(on="Signed Up"),), "again": Again(kind="always"), **entry}
    return program(wait("rest", 1), entry=Entry(**given), zone=zone)


async def outcomes(world: World) -> list[str]:
    return [row["outcome"]["trip"].split(" ")[0] for row in await world.rows(tables.events)]


async def test_of_two_hundred_at_once_exactly_so_many_enter(store: Store, clock: HandClock, database_url: str) -> None:
    world = World(store, clock)
    await world.publish(launch(at_most=50))
    customers = [await world.customer() for _ in range(200)]
    for customer in customers:
        await world.accept(customer, "Signed Up")
    another = Store.open(database_url, clock)  # as another process would have it
    try:
        both = [world, World(another, clock)]
        room = asyncio.Semaphore(16)

        async def route(number: int, customer: str) -> None:
            async with room:
                await both[number % 2].route(customer)

        await asyncio.gather(*(route(number, customer) for number, customer in enumerate(customers)))
    finally:
        await another.close()
    assert len(await world.enrollments()) == 50
    (counted,) = await world.rows(tables.admissions)
    assert (counted["journey"], counted["day"], counted["count"]) == ("trip", "2026-03-02", 50)
    kept_out = [row["outcome"]["trip"] for row in await world.rows(tables.events) if "stays" in row["outcome"]["trip"]]
    assert kept_out == ["stays out: 50 have entered today, and no more do"] * 150


async def test_the_next_day_of_the_journeys_zone_lets_in_as_many_again(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(launch("Europe/Berlin", at_most=2))
    clock.instant = datetime(2026, 3, 2, 22, 59, tzinfo=UTC)
    for _ in range(3):
        await world.happens(await world.customer(), "Signed Up")
    clock.advance(minutes=1)
    for _ in range(3):
        await world.happens(await world.customer(), "Signed Up")
    assert await outcomes(world) == ["entered", "entered", "stays"] * 2


async def test_who_is_in_already_or_stays_out_takes_no_place(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(launch(at_most=2, testers=True, while_in="restart"))
    anna, bert, cleo = [await world.customer(test=test) for test in (True, False, "yes")]
    for customer in (anna, anna, bert, bert, cleo):
        await world.happens(customer, "Signed Up")
    assert await outcomes(world) == ["entered", "entered", "stays", "stays", "entered"]


async def test_a_request_through_the_api_takes_a_place_like_everybody(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(launch(at_most=1))
    anna, bert = await world.customer(), await world.customer()

    async def ask(customer: str) -> str | None:
        return (await store.move("enroll", lambda tx: enroll(world.runtime, tx, "trip", customer, {}, occurred_at=None))).reason

    assert await ask(anna) is None
    assert await ask(bert) == "1 have entered today, and no more do"


async def test_a_launch_that_is_not_yet_and_one_that_is_over(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(launch(starts=datetime(2026, 3, 2, 10, tzinfo=UTC), ends=datetime(2026, 3, 2, 12, tzinfo=UTC)))
    for _ in range(4):
        await world.happens(await world.customer(), "Signed Up")
        clock.advance(hours=1)
    said = [row["outcome"]["trip"] for row in await world.rows(tables.events)]
    assert said[0] == "stays out: starts on 2026-03-02 10:00"
    assert [text.split(" ")[0] for text in said] == ["stays", "entered", "entered", "stays"]


async def test_a_whole_audience_at_once_is_let_in_up_to_the_limit(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    for _ in range(10):
        await world.customer()
    await world.publish(launch(on=(), once=datetime(2026, 3, 3, 9, tzinfo=UTC), at_most=4))
    await world.sweep()
    clock.advance(days=1)
    await asyncio.gather(*(world.sweep(Sweeper(store, world.runtime, page=3)) for _ in range(2)))
    assert len(await world.enrollments()) == 4
