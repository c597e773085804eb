"""Pausing, resuming and stopping a journey: nothing is sent meanwhile, and no enrollment is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from idic.errors import Conflict
from idic.journey.program.program import Program
from idic.router.enroll import enroll
from idic.router.pause import end_all, release_held, release_left
from idic.store.database import Store
from idic.store.journey import programs
from idic.store.tables import events
from tests.conftest import START, HandClock
from tests.journey.programs import arm, out, program, send, to, wait, wait_for
from tests.router.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


def trip(within: float = 24, **more: Any) -> Program:
    return program(
        wait("rest", 1, to("nudge")), send("nudge", to("after"), out("too late"), within=within), wait("after", 1), **more
    )


async def enters(world: World, first: Program) -> str:
    await world.publish(first)
    customer = await world.customer()
    await world.happens(customer, "Signed Up")
    return (await world.enrollments(customer))[0].id


async def pause(world: World) -> None:
    await world.store.move("pause", lambda tx: programs.pause(tx, "trip", tx.now()))


async def resume(world: World, spread: timedelta = HOUR) -> int:
    await world.store.move("resume", lambda tx: programs.pause(tx, "trip", None))
    return await release_held(world.store, world.runtime, "trip", spread)


async def test_while_paused_people_enter_and_wait_and_nothing_is_sent(world: World, clock: HandClock) -> None:
    first = trip()
    await world.publish(first)
    await pause(world)
    enrollment = await enters(world, first)
    clock.advance(hours=2)
    await world.work(enrollment)
    one = await world.only()
    assert (one.state.step, one.state.deadline) == ("nudge", START + 25 * HOUR)  # not asked again before it is too late
    assert (await world.told(enrollment))[-1] == ("deferred", "the journey is paused")
    assert await world.touches() == []
    assert await resume(world) == 1
    due = (await world.only()).state.deadline
    assert due is not None
    assert START + 2 * HOUR <= due <= START + 3 * HOUR
    clock.instant = due
    await world.work(enrollment)
    assert len(world.postman.taken) == 1
    assert await resume(world) == 0


async def test_what_was_claimed_before_the_pause_is_held_when_it_is_about_to_leave(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, trip())
    clock.advance(hours=1)
    touch = (await world.advance(enrollment)).deliver[0].touch
    await pause(world)
    assert (await world.deliver(touch)).deliver == []
    assert [row.status for row in await world.touches()] == ["deferred"]
    await resume(world, timedelta())
    await world.work(enrollment)
    assert (len(world.postman.taken), [row.status for row in await world.touches()]) == (1, ["sent"])


async def test_what_would_come_too_late_is_not_sent_and_nobody_turns_in_circles(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, trip(within=5))
    await pause(world)
    clock.advance(hours=1)
    await world.work(enrollment)
    clock.advance(hours=5)
    await world.work(enrollment)
    assert await world.ending() == "too late"
    assert world.postman.taken == []


async def test_whoever_skips_what_is_late_goes_on_without_it(world: World, clock: HandClock) -> None:
    claimed, waiting = await enters(world, trip(late="skip")), await enters(world, trip(late="skip"))
    clock.advance(hours=1)
    touch = (await world.advance(claimed)).deliver[0].touch
    await pause(world)
    await world.deliver(touch)
    await world.work(waiting)
    clock.advance(hours=1)
    assert await resume(world) == 2
    assert {one.state.ended.reason for one in await world.enrollments() if one.state.ended} == {"too late"}
    assert [row.status for row in await world.touches()] == ["failed"]
    assert world.postman.taken == []


async def test_what_a_customer_does_in_a_pause_counts(world: World, clock: HandClock) -> None:
    await enters(world, program(send("hello", to("ask")), wait_for("ask", 24, arm("Yes", out("yes")))))
    await pause(world)
    other = await enters(world, program(wait_for("ask", 24, arm("Yes", out("yes")))))
    customer = next(one.customer_id for one in await world.enrollments() if one.id == other)
    await world.happens(customer, "Yes")
    assert [one.state.ended.reason for one in await world.enrollments(customer) if one.state.ended] == ["yes"]


async def test_whom_an_interrupted_resume_left_is_found_by_reconcile(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, trip())
    await pause(world)
    clock.advance(hours=1)
    await world.work(enrollment)
    assert await release_left(world.store, world.runtime) == 0
    await world.store.move("resume", lambda tx: programs.pause(tx, "trip", None))
    assert await release_left(world.store, world.runtime) == 1
    assert await release_left(world.store, world.runtime) == 0


async def test_nobody_enters_a_stopped_journey_until_it_is_published_again(world: World, clock: HandClock) -> None:
    first = trip()
    inside = await enters(world, first)
    await world.store.move("stop", lambda tx: programs.stop(tx, "trip", tx.now()))
    customer = await world.customer()
    await world.happens(customer, "Signed Up")
    assert await world.enrollments(customer) == []
    async with world.store.reading() as tx:
        outcomes = [row["outcome"] for row in await tx.rows(events.select()) if row["customer_id"] == customer]
    assert outcomes == [{"trip": "stays out: the journey is stopped"}]
    with pytest.raises(Conflict, match='journey "trip" is stopped'):
        await world.store.move("enroll", lambda tx: enroll(world.runtime, tx, "trip", customer, {}, occurred_at=None))
    assert (await world.only()).open  # left to finish, so far
    clock.advance(hours=1)
    touch = (await world.advance(inside)).deliver[0].touch
    assert await end_all(world.store, world.runtime, "trip") == 1
    assert await world.ending() == "stopped"
    await world.deliver(touch)
    assert world.postman.taken == []
    await world.publish(first)
    await world.happens(customer, "Signed Up")
    assert len(await world.enrollments(customer)) == 1
