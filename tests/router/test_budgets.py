"""The daily message budget: counted at the claim, given back when a message is certainly not sent."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.exceptions import ApplicationError

from idic.interact.channels.contract import Later, Refused, Unsure
from idic.journey.contact_policy.contact_policy import Budget, Policy
from idic.store import tables
from idic.store.database import Store
from idic.store.journey import policies
from tests.conftest import HandClock
from tests.journey.programs import out, program, send
from tests.router.world import World


async def under(world: World, budget: Budget) -> None:
    policy = Policy(budget={"email": budget}, consent={"email": "none"})
    await world.store.move("policy", lambda tx: policies.publish(tx, policy, tx.now()))
    await world.publish(program(send("nudge", out("went"), out("not sent"), within=100), purpose="marketing"))


async def spent(world: World) -> dict[str, int]:
    return {row["day"]: row["count"] for row in await world.rows(tables.budgets)}


async def statuses(world: World) -> list[str]:
    return sorted(row.status for row in await world.touches())


async def test_a_hundred_at_once_share_it_exactly(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await under(world, Budget(at_most=7, when="skip"))
    people = [await world.customer(email=f"{n}@example.com") for n in range(30)]
    await asyncio.gather(*(world.happens(one, "Signed Up") for one in people))
    assert await statuses(world) == ["claimed"] * 7
    assert list((await spent(world)).values()) == [7]
    assert sorted({one.state.ended.reason for one in await world.enrollments() if one.state.ended}) == ["not sent"]


async def test_what_did_not_leave_makes_room_and_what_may_have_does_not(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await under(world, Budget(at_most=2, when="skip"))
    world.postman.answers = [Refused("no_such_mailbox", "550"), Unsure("timeout", "silence")]
    for name in ("anna", "ben", "cara", "dora"):
        await world.happens(await world.customer(email=f"{name}@example.com"), "Signed Up")
        for one in await world.enrollments():
            if one.open:
                await world.work(one.id)
    assert await statuses(world) == ["failed", "sent", "uncertain"]
    assert list((await spent(world)).values()) == [2]


async def test_what_waits_for_tomorrow_counts_tomorrow(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await under(world, Budget(at_most=1))
    for name in ("anna", "ben"):
        await world.happens(await world.customer(email=f"{name}@example.com"), "Signed Up")
    (waiting,) = [one for one in await world.enrollments() if one.state.deadline is not None]
    assert waiting.state.touches["nudge"]["email"].reason == "budget"
    assert (waiting.state.deadline or clock.instant).isoformat() == "2026-03-03T00:00:00+00:00"
    clock.advance(hours=24)
    for one in await world.enrollments():
        await world.work(one.id)
    # Anna's was claimed yesterday and leaves only now: it is today's, and Ben waits for another day.
    assert (await statuses(world), await spent(world)) == (["sent"], {"2026-03-02": 0, "2026-03-03": 1})
    (ben,) = [one for one in await world.enrollments() if one.open]
    assert ben.state.touches["nudge"]["email"].status == "deferred"


async def test_service_has_no_budget(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    policy = Policy(budget={"email": Budget(at_most=0, when="skip")})
    await store.move("policy", lambda tx: policies.publish(tx, policy, tx.now()))
    await world.publish(program(send("nudge", out("went"))))
    await world.happens(await world.customer(), "Signed Up")
    await world.work((await world.only()).id)
    assert (await statuses(world), await spent(world)) == (["sent"], {})


async def put_off(world: World, clock: HandClock) -> str:
    """Anna's mail was tried on the first day, and has to wait on the second, which was Ben's. Returns her touch."""
    await under(world, Budget(at_most=1))
    world.postman.answers = [Later("busy", "429", 1)]
    await world.happens(await world.customer(), "Signed Up")
    anna = await world.only()
    (delivery,) = (await world.advance(anna.id)).deliver
    with pytest.raises(ApplicationError):
        await world.deliver(delivery.touch)
    clock.advance(hours=24)
    await world.happens(await world.customer(email="ben@example.com"), "Signed Up")
    for one in await world.enrollments():
        if one.id != anna.id:
            await world.work(one.id)
    await world.deliver(delivery.touch)
    assert (await statuses(world), await spent(world)) == (["deferred", "sent"], {"2026-03-02": 0, "2026-03-03": 1})
    return delivery.touch


async def test_what_was_tried_in_vain_and_put_off_counts_on_the_day_of_its_new_claim(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    await put_off(world, clock)
    clock.advance(hours=24)
    for one in await world.enrollments():
        if one.open:
            await world.work(one.id)
    assert await statuses(world) == ["sent", "sent"]
    assert await spent(world) == {"2026-03-02": 0, "2026-03-03": 1, "2026-03-04": 1}


async def test_what_was_put_off_and_turns_out_to_have_left_counts_after_all(store: Store, clock: HandClock) -> None:
    world = World(store, clock)
    touch = await put_off(world, clock)
    await world.reported(touch, "Message Delivered")
    assert (await statuses(world), await spent(world)) == (["sent", "sent"], {"2026-03-02": 1, "2026-03-03": 1})
