"""A changed attribute moves the enrollments that wait for it: at its instant, whatever changed it, and once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idic.store.database import Store
from tests.conftest import START, HandClock
from tests.journey.compiled import written
from tests.router.world import World

VOCABULARY = """
customer:
  stage:  text
  tier:   text
  renews: moment
  bought: {type: number, counts: Bought}
  bought_lately: {type: number, counts: Bought, in: 30 days}
events: {Started: {n: number}, Yes: {n: number}, Paid: {n: number}, Bought: {n: number}}
endpoints: {stock: {url: "https://erp.example/stock", gives: {level: {type: number, required: true}}}}
"""
SETS = """
journey: sets
purpose: service
identify: {on: Started}
interact:
  - {id: ask, wait_for: {on: Yes}, within: 1 day, otherwise: exit silent}
  - {id: mark, set: {customer.stage: '"warm"'}}
  - {id: rest, wait: 5 days}
"""
WAITS = """
journey: waits
purpose: service
identify: {on: Started}
interact:
  - id: hold
    wait_for:
      - {on: Paid, then: exit paid}
      - {until: customer.stage == "warm", then: exit warm}
    within: 1 hour
    otherwise: exit timed_out
"""


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def inside(world: World, *texts: str, **traits: str) -> str:
    """Create a customer who has just entered these journeys."""
    await world.publish(*written(VOCABULARY, *texts))
    anna = await world.customer(**traits)
    await world.happens(anna, "Started")
    return anna


async def endings(world: World) -> dict[str, str | None]:
    return {one.journey: one.state.ended.reason if one.state.ended else None for one in await world.enrollments()}


@pytest.mark.parametrize("attempt", range(4))  # whose turn comes first follows from random ids
async def test_who_sets_what_another_waits_for_moves_it_in_the_same_transaction(world: World, attempt: int) -> None:
    both = WAITS.replace("on: Paid, then: exit paid", "on: Yes, if: event.n == 7, then: exit seven")
    anna = await inside(world, SETS, both)
    world.clock.advance(minutes=10)
    await world.happens(anna, "Yes", {"n": attempt})
    assert await endings(world) == {"sets": None, "waits": "warm"}
    await world.happens(anna, "Paid")  # and the customer goes on


async def test_what_is_learnt_late_was_learnt_when_it_happened(world: World) -> None:
    anna = await inside(world, SETS, WAITS)
    for minutes, name in ((10, "Yes"), (20, "Paid")):
        world.clock.advance(minutes=minutes)
        await world.accept(anna, name)
    world.clock.advance(hours=2)
    await world.route(anna)  # nobody came to it for hours
    (waits,) = [one for one in await world.enrollments() if one.journey == "waits"]
    assert waits.state.ended is not None
    assert (waits.state.ended.reason, waits.state.ended.at) == ("warm", START + timedelta(minutes=10))


async def test_what_is_learnt_after_a_deadline_comes_too_late_for_it(world: World) -> None:
    later = SETS.replace("{id: ask, wait_for: {on: Yes}, within: 1 day, otherwise: exit silent}", "{id: ask, wait: 2 hours}")
    await inside(world, later, WAITS)
    world.clock.advance(hours=2)
    (sets,) = [one for one in await world.enrollments() if one.journey == "sets"]
    await world.advance(sets.id)
    assert await endings(world) == {"sets": None, "waits": "timed_out"}


async def test_what_a_journey_has_just_set_counts_at_once_beside_what_is_counted(world: World) -> None:
    trip = """
journey: trip
purpose: service
identify: {on: Started}
interact:
  - {id: mark, set: {customer.stage: '"warm"'}}
  - id: hold
    wait_for: {until: customer.stage == "warm" and customer.bought_lately == 0, then: exit at_once}
    within: 2 days
    otherwise: exit too_late
"""
    await inside(world, trip)
    assert await endings(world) == {"trip": "at_once"}


async def test_a_visitor_who_turns_out_to_be_her_brings_what_she_waits_for(world: World) -> None:
    (trip,) = written(
        VOCABULARY,
        WAITS.replace("on: Paid, then: exit paid", "until: customer.bought >= 1, then: exit bought"),
    )
    await world.publish(trip)
    anna, visitor = await world.customer(), await world.customer(stage="cold")
    await world.happens(visitor, "Bought")
    await world.happens(anna, "Started")
    world.clock.advance(minutes=5)
    await world.happens(anna, "identify", {}, kind="identify", merges=visitor)
    assert await endings(world) == {"waits": "bought"}


async def test_who_moves_to_another_zone_keeps_the_moment_that_is_theirs(world: World) -> None:
    trip = """
journey: trip
purpose: service
identify: {on: Started}
interact:
  - {id: rest, wait: until customer.renews at 09:00, otherwise: exit past}
"""
    anna = await inside(world, trip, zone="Europe/Berlin", renews="2026-03-04T12:00:00Z")
    assert (await world.only()).state.deadline == START.replace(day=4, hour=8)
    world.clock.advance(hours=1)
    await world.happens(anna, "identify", {"timezone": "Asia/Tokyo", "zone": None}, kind="identify")
    assert (await world.only()).state.deadline == START.replace(day=4, hour=0)
    world.clock.instant = START.replace(day=4, hour=3)
    await world.happens(anna, "identify", {"zone": "Europe/Berlin"}, kind="identify")
    assert await world.ending() == "done"  # it came while she was in Tokyo


async def test_a_call_that_is_reached_late_has_its_time_all_the_same(world: World) -> None:
    trip = """
journey: trip
purpose: service
identify: {on: Started}
interact:
  - {id: rest, wait: 1 hour}
  - {id: ask, call: stock, as: stock, within: 10 minutes, then: exit asked, otherwise: exit nobody_knows}
"""
    anna = await inside(world, trip)
    world.clock.advance(hours=1, minutes=15)
    (one,) = await world.enrollments(anna)
    (delivery,) = (await world.advance(one.id)).deliver
    assert delivery.activity == "call"
    await world.answer(delivery.touch, {"level": 3})
    assert await world.ending() == "asked"
