"""Entry at a time for everybody: a sweep may be killed, and run twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from idic.journey.engine.admission import REQUESTED
from idic.journey.engine.trace import sentence
from idic.journey.program.entry import Again, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Type
from idic.router.sweep import Sweeper
from idic.store import tables
from idic.store.customer import customers
from idic.store.customer.ingest import request
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.journey import programs
from idic.times import Every
from tests.conftest import HandClock
from tests.journey.programs import condition, program, wait
from tests.router.world import World

TEXT = Attribute(type=Type(kind="text"))
SIX = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
"""The first time after the clock's start at which ``daily`` is due."""
GOLD = condition("customer.tier == 'gold'", customer__tier=TEXT)


def daily(**entry: Any) -> Program:
    given = {"every": Every.parse("day at 06:00"), "again": Again(kind="always"), **entry}
    customer = {"tier": TEXT, **given.pop("customer", {})}
    return program(wait("rest", 0), entry=Entry(**given), customer=customer)


async def crowd(world: World, count: int, **traits: Any) -> list[str]:
    return sorted([await world.customer(**traits) for _ in range(count)])


async def who(world: World) -> list[str]:
    """The customers who entered, once for each time they did."""
    return sorted(one.customer_id for one in await world.enrollments())


async def occurrences(world: World) -> list[tuple[datetime, bool]]:
    return sorted((row["due_at"], row["done_at"] is not None) for row in await world.rows(tables.sweeps))


async def test_everybody_of_whom_the_condition_holds_enters_at_six(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    gold = await crowd(world, 5, tier="gold")
    await crowd(world, 3)
    await world.publish(daily(when=GOLD))
    await world.sweep()
    assert await who(world) == []
    clock.instant = SIX
    await world.sweep()
    assert await who(world) == gold
    own = [row for row in await world.rows(tables.events) if row["kind"] == "request"]
    assert len(own) == 5  # who need not be asked is not
    async with store.reading() as tx:
        (first, *_) = await enrollments.traced(tx, (await world.enrollments())[0].id)
    assert sentence(first.kind, None, first.why) == "entered: every day at 06:00"
    clock.advance(days=1)
    await world.sweep()
    assert await who(world) == sorted(gold * 2)


async def test_whoever_is_killed_at_any_page_is_followed_by_somebody_who_goes_on_there(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 7)
    await world.publish(daily())
    await Sweeper(store, world.runtime).step()
    clock.instant = SIX
    for _ in range(9):  # each plans anew, does one page and is gone
        sweeper = Sweeper(store, world.runtime, page=2)
        await sweeper.step()
        await sweeper.step()
        await world.route_all()
    assert await who(world) == everybody


async def test_a_page_that_is_not_committed_is_done_again_whole(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 4)
    await world.publish(daily())
    sweeper = Sweeper(store, world.runtime, page=2)
    await sweeper.step()
    clock.instant = SIX
    (row,) = await world.rows(tables.sweeps)

    async def killed(tx: Tx) -> None:
        await sweeper._go_on(row["id"], tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.move("sweep", killed)
    assert await world.rows(tables.events) == []
    await world.sweep(sweeper)
    assert await who(world) == everybody


async def test_several_at_once_do_no_harm(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 12)
    await world.publish(daily(), daily().model_copy(update={"journey": "other"}))
    await asyncio.gather(*(Sweeper(store, world.runtime).step() for _ in range(3)))
    clock.instant = SIX
    await asyncio.gather(*(world.sweep(Sweeper(store, world.runtime, page=3)) for _ in range(4)))
    assert await who(world) == sorted(everybody * 2)
    assert await occurrences(world) == [(SIX, True)] * 2 + [(SIX.replace(day=4), False)] * 2


async def test_of_what_was_missed_the_newest_is_made_up_for(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 3)
    await world.publish(daily())
    await Sweeper(store, world.runtime).step()
    clock.instant = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)
    await world.sweep()
    assert await who(world) == everybody
    last = [(SIX, True), (SIX.replace(day=6), True), (SIX.replace(day=7), False)]
    assert await occurrences(world) == last


async def test_what_was_published_after_its_time_does_not_make_up_for_it(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await crowd(world, 3)
    clock.instant = SIX.replace(minute=1)
    await world.publish(daily(), daily(every=None, once=SIX).model_copy(update={"journey": "once"}))
    await world.sweep()
    assert await who(world) == []
    assert await occurrences(world) == [(SIX.replace(day=4), False)]


async def test_once_is_once_however_late_and_however_often_it_is_published(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 3)
    once = daily(every=None, once=SIX)
    await world.publish(once)
    clock.advance(days=30)
    await world.sweep()
    assert await who(world) == everybody
    await world.publish(once.model_copy(update={"title": "A comma mended"}))
    clock.advance(days=30)
    await world.sweep()
    assert await who(world) == everybody


async def test_a_launch_that_has_ended_is_not_made_up_for(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await crowd(world, 3)
    await world.publish(daily(every=None, once=SIX, ends=SIX.replace(hour=20)))
    clock.instant = SIX.replace(hour=21)
    await world.sweep()
    assert await who(world) == []
    assert await occurrences(world) == [(SIX, True)]


async def test_another_time_takes_the_place_of_one_that_has_not_come(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 3)
    await world.publish(daily())
    await world.sweep()
    await world.publish(daily(every=Every.parse("day at 18:00")))
    await world.sweep()
    assert await occurrences(world) == [(datetime(2026, 3, 2, 18, 0, tzinfo=UTC), False)]
    clock.instant = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    await world.sweep()
    assert await who(world) == everybody


async def test_times_pass_while_a_journey_is_stopped(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 3)
    await world.publish(daily())
    await world.sweep()
    await store.move("stop", lambda tx: programs.stop(tx, "trip", tx.now()))
    clock.advance(days=3)
    await world.sweep()
    assert await who(world) == []
    await world.publish(daily())
    await world.sweep()
    assert await who(world) == []
    clock.advance(days=1)
    await world.sweep()
    assert await who(world) == everybody


async def test_what_was_accepted_before_counts_though_nobody_has_routed_it(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    anna = await world.customer()
    bert = await world.customer(tier="gold")
    await world.publish(daily(when=GOLD))
    await Sweeper(store, world.runtime).step()
    clock.instant = SIX
    await world.accept(anna, "", {"tier": "gold"}, kind="identify")
    await world.accept(bert, "", {"tier": "low"}, kind="identify")
    await world.sweep()
    assert await who(world) == [anna]


async def test_what_is_counted_decides_too(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    orders = Attribute(type=Type(kind="number"), counts="Order Completed")
    journey = daily(when=condition("customer.orders == 0.0", customer__orders=orders), customer={"orders": orders})
    await world.publish(journey)
    bought, not_yet = await world.customer(), await world.customer()
    await world.happens(bought, "Order Completed")
    await world.sweep()
    clock.instant = SIX
    await world.sweep()
    assert await who(world) == [not_yet]
    assert len([row for row in await world.rows(tables.events) if row["kind"] == "request"]) == 1


async def test_two_who_turn_out_to_be_one_enter_once(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    anna, phone = await crowd(world, 2)
    await world.publish(daily())
    await Sweeper(store, world.runtime).step()
    clock.instant = SIX
    sweeper = Sweeper(store, world.runtime, page=1)
    await sweeper.step()
    await sweeper.step()
    await world.route(anna)
    await world.happens(phone, "Signed Up", merges=anna)
    await world.sweep()
    assert await who(world) == [phone]


async def test_who_was_merged_while_all_were_gone_through_is_asked_as_whom_they_became(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    first, second = await crowd(world, 2)
    await world.publish(daily(when=GOLD))
    await Sweeper(store, world.runtime).step()

    async def gold(tx: Tx) -> None:
        chosen = tables.customers.c.id == second
        await tx.execute(update(tables.customers).where(chosen).values(traits={"tier": "gold"}))

    await store.move("gold", gold)
    clock.instant = SIX
    sweeper = Sweeper(store, world.runtime, page=1)
    await sweeper.step()
    await sweeper.step()  # the first is not gold
    await world.happens(first, "Signed Up", merges=second)
    await world.sweep()
    assert await who(world) == [first]


async def test_nobody_is_told_anything_while_too_much_waits_to_be_routed(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 5)
    await world.publish(daily())
    sweeper = Sweeper(store, world.runtime, page=2, backlog=3)
    await sweeper.step()
    clock.instant = SIX
    assert [await sweeper.step() for _ in range(5)] == [2, 2, 0, 0, 0]
    waiting = [row for row in await world.rows(tables.events) if row["routed_at"] is None]
    assert len(waiting) == 4
    await world.sweep(sweeper)
    assert await who(world) == everybody


async def test_a_customer_who_came_after_its_time_is_not_asked(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    everybody = await crowd(world, 2)
    await world.publish(daily())
    await Sweeper(store, world.runtime).step()
    clock.instant = SIX.replace(minute=5)
    await world.customer()
    await world.sweep()
    assert await who(world) == everybody


async def test_another_journey_asks_for_entry_and_asks_once(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    anna = await world.customer(tier="gold")
    await world.publish(daily(when=GOLD))

    async def ask(tx: Tx) -> None:
        await customers.lock(tx, anna)
        await request(tx, anna, "trip", {"cart_id": "c1"}, "idic-enter:one", REQUESTED)

    await store.move("ask", ask)
    await store.move("ask", ask)
    await world.route(anna)
    assert (await world.only()).state.entry.properties == {"cart_id": "c1"}
