"""Entry on each customer's own day: it moves with their attributes, and comes once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from structlog.testing import capture_logs

from idic.journey.engine.trace import sentence
from idic.journey.program.entry import Again, Day, Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Moment, Type
from idic.router.sweep import Sweeper
from idic.store import tables
from idic.store.database import Store
from idic.store.enrollment import enrollments
from idic.store.journey import programs
from idic.times import Duration, TimeOfDay
from tests.conftest import HandClock
from tests.journey.programs import program, wait
from tests.router.world import World

DATE = Attribute(type=Type(kind="date"))


def on(name: str = "renews_on", *, days: int = 0, yearly: bool = False, **more: Any) -> Program:
    moment = Moment(name=f"customer.{name}", attribute=DATE, offset=Duration(days=days), at=TimeOfDay(hour=9))
    entry = Entry(day=Day(moment=moment, yearly=yearly), again=Again(kind="always"))
    return program(wait("rest", 0), entry=entry, customer={name: DATE}, **more)


async def becomes(world: World, customer: str, **traits: Any) -> None:
    await world.happens(customer, "", traits, kind="identify")


async def due(world: World) -> list[str]:
    return sorted(f"{row['at']:%Y-%m-%d %H:%M}" for row in await world.rows(tables.due))


async def entered(world: World) -> list[str]:
    return sorted(f"{one.state.entered_at:%Y-%m-%d %H:%M}" for one in await world.enrollments())


async def sleeps_until(world: World, clock: HandClock, *days: str) -> None:
    for day in days:
        clock.instant = datetime.fromisoformat(day).replace(tzinfo=UTC)
        await world.sweep()


async def test_five_days_before_the_renewal_at_nine_where_they_live(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        await world.customer(renews_on="2026-03-29", zone=zone)
    await world.customer()
    await world.publish(on(days=5))
    await world.sweep()
    assert await due(world) == ["2026-03-24 00:00", "2026-03-24 09:00", "2026-03-24 13:00"]
    await sleeps_until(world, clock, "2026-03-23 23:59")
    assert await entered(world) == []
    await sleeps_until(world, clock, "2026-03-24 00:00", "2026-03-24 09:00", "2026-03-24 13:00", "2027-03-24 13:00")
    assert await entered(world) == ["2026-03-24 00:00", "2026-03-24 09:00", "2026-03-24 13:00"]
    assert await due(world) == []
    async with store.reading() as tx:
        (first, *_) = await enrollments.traced(tx, (await world.enrollments())[0].id)
    assert sentence(first.kind, None, first.why) == "entered: 5 days before renews_on 2026-03-29"


async def test_a_birthday_comes_every_year(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on("birthday", yearly=True))
    anna = await world.customer()
    await becomes(world, anna, birthday="2000-02-29")
    await sleeps_until(world, clock, "2027-02-28 09:00", "2027-02-28 09:01", "2028-02-28 10:00", "2028-02-29 09:00")
    assert await entered(world) == ["2027-02-28 09:00", "2028-02-29 09:00"]
    assert await due(world) == ["2029-02-28 09:00"]


async def test_a_day_that_moves_before_it_comes_moves_the_entry(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on(days=5))
    anna = await world.customer()
    await becomes(world, anna, renews_on="2026-03-29")
    await becomes(world, anna, renews_on="2026-04-29", first_name="Anna")
    assert await due(world) == ["2026-04-24 09:00"]
    await becomes(world, anna, zone="America/New_York")
    assert await due(world) == ["2026-04-24 13:00"]
    await sleeps_until(world, clock, "2026-03-24 10:00", "2026-04-24 13:00")
    assert await entered(world) == ["2026-04-24 13:00"]


async def test_a_day_that_is_taken_away_does_not_come(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on())
    anna = await world.customer()
    await becomes(world, anna, renews_on="2026-03-29")
    await becomes(world, anna, renews_on=None)
    assert await due(world) == []


async def test_a_day_that_is_learnt_of_when_it_is_past_does_not_come(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on(days=5))
    anna = await world.customer()
    await becomes(world, anna, renews_on="2026-03-06")
    await sleeps_until(world, clock, "2026-03-30 10:00")
    assert await entered(world) == []


async def test_it_is_learnt_of_in_time_though_it_is_routed_late(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on())
    anna = await world.customer()
    clock.instant = datetime(2026, 3, 29, 8, 59, tzinfo=UTC)
    await world.accept(anna, "", {"renews_on": "2026-03-29"}, kind="identify")
    await sleeps_until(world, clock, "2026-03-29 09:05")
    assert await entered(world) == ["2026-03-29 09:05"]


async def test_what_moved_while_nobody_looked_does_not_come_on_the_old_day(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on())
    anna = await world.customer()
    await becomes(world, anna, renews_on="2026-03-29")
    clock.instant = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
    await world.accept(anna, "", {"renews_on": "2026-06-29"}, kind="identify")
    await world.sweep()
    assert (await entered(world), await due(world)) == ([], ["2026-06-29 09:00"])
    (asked,) = [row for row in await world.rows(tables.events) if row["kind"] == "request"]
    assert asked["outcome"] == {"trip": "stays out: customer.renews_on is another day by now"}


async def test_who_flies_west_on_their_birthday_has_one_of_them(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on("birthday", yearly=True))
    anna = await world.customer(zone="Europe/Berlin")
    await becomes(world, anna, birthday="1990-05-04")
    await sleeps_until(world, clock, "2026-05-04 07:00")
    await becomes(world, anna, zone="America/New_York")
    await sleeps_until(world, clock, "2026-05-04 13:00", "2027-05-04 13:00")
    assert await entered(world) == ["2026-05-04 07:00", "2027-05-04 13:00"]


async def test_several_at_once_enter_nobody_twice(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    for _ in range(9):
        await world.customer(renews_on="2026-03-29")
    await world.publish(on())
    await asyncio.gather(*(world.sweep(Sweeper(store, world.runtime, page=2)) for _ in range(3)))
    clock.instant = datetime(2026, 3, 29, 9, 0, tzinfo=UTC)
    await asyncio.gather(*(world.sweep(Sweeper(store, world.runtime, page=2)) for _ in range(3)))
    assert (await entered(world), await due(world)) == (["2026-03-29 09:00"] * 9, [])


async def test_a_journey_that_is_published_again_finds_everybodys_day_anew(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    anna = await world.customer()
    await world.publish(on())
    await becomes(world, anna, renews_on="2026-03-29", member_since="2020-03-20")
    clock.advance(hours=1)
    await world.publish(on(days=5))
    await world.sweep()
    assert await due(world) == ["2026-03-24 09:00"]
    clock.advance(hours=1)
    await world.publish(on("member_since", yearly=True))
    await world.sweep()
    assert await due(world) == ["2026-03-20 09:00"]
    await world.publish(program(wait("rest", 0)))
    await sleeps_until(world, clock, "2026-03-20 09:00")
    assert (await entered(world), await due(world)) == ([], [])


async def test_a_day_that_has_come_is_not_lost_when_the_journey_is_published_again(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on("birthday", yearly=True))
    anna = await world.customer()
    await becomes(world, anna, birthday="1990-05-04")
    clock.instant = datetime(2026, 5, 4, 9, 0, 5, tzinfo=UTC)
    await world.publish(on("birthday", yearly=True, links={}).model_copy(update={"title": "Better"}))
    await world.sweep()
    assert (await entered(world), await due(world)) == (["2026-05-04 09:00"], ["2027-05-04 09:00"])


async def test_days_pass_while_the_journey_is_stopped(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on("birthday", yearly=True))
    anna = await world.customer()
    await becomes(world, anna, birthday="1990-05-04")
    await store.move("stop", lambda tx: programs.stop(tx, "trip", tx.now()))
    await sleeps_until(world, clock, "2026-05-04 09:00")
    assert (await entered(world), await due(world)) == ([], ["2027-05-04 09:00"])


async def test_of_two_who_are_one_the_day_is_theirs_together(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on())
    anna, phone = await world.customer(), await world.customer()
    await becomes(world, phone, renews_on="2026-03-29")
    await world.happens(anna, "Signed In", merges=phone)
    assert [row["customer_id"] for row in await world.rows(tables.due)] == [anna]
    await sleeps_until(world, clock, "2026-03-29 09:00")
    assert await entered(world) == ["2026-03-29 09:00"]


async def test_a_day_that_had_come_is_the_heirs(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await world.publish(on())
    anna, phone = await world.customer(), await world.customer()
    await becomes(world, phone, renews_on="2026-03-29")
    clock.instant = datetime(2026, 3, 29, 9, 1, tzinfo=UTC)
    await world.happens(anna, "Signed In", merges=phone)
    await world.sweep()
    assert [one.customer_id for one in await world.enrollments()] == [anna]
    assert await due(world) == []


async def test_an_odd_date_keeps_nobody_else_out(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    for renews_on in ("0001-01-01", "9999-12-31", "2026-03-08"):
        await world.customer(renews_on=renews_on)
    await world.publish(on(days=5))
    await world.sweep()
    assert await due(world) == ["2026-03-03 09:00"]
    anna = await world.customer()
    await becomes(world, anna, renews_on="0001-01-01", first_name="Anna")
    (known,) = [row["traits"] for row in await world.rows(tables.customers) if row["id"] == anna]
    assert known["first_name"] == "Anna"
    await sleeps_until(world, clock, "2026-03-03 09:00")
    assert await entered(world) == ["2026-03-03 09:00"]


async def test_nor_does_who_nothing_can_be_found_out_of(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    long_ago = on()
    assert long_ago.entry.day is not None
    # No check would let it pass: for who renews next month this is before the beginning of the calendar.
    moment = long_ago.entry.day.moment.model_copy(update={"offset": Duration(days=2_400_000), "before": True})
    entry = long_ago.entry.model_copy(update={"day": long_ago.entry.day.model_copy(update={"moment": moment})})
    await world.publish(long_ago.model_copy(update={"entry": entry}))
    for renews_on in ("2026-04-01", "8597-06-01", "2026-05-01"):
        await world.customer(renews_on=renews_on)
    with capture_logs() as logs:
        await world.sweep()
    passed_over = [line["customer"] for line in logs if line["event"] == "customer passed over"]
    assert len(passed_over) == 2
    assert len(await due(world)) == 1
