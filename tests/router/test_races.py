"""Races, on both databases: whichever process comes first, the result is the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from idic.interact.channels.contract import Later, Refused, Unsure
from idic.journey.program.entry import Again, Entry
from idic.journey.program.values import Pattern
from idic.store.database import Store
from tests.conftest import START, HandClock
from tests.journey.programs import arm, goal, hours, out, program, send, to, wait, wait_for
from tests.router.world import World


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


ASK = wait_for("ask", 2, arm("Yes", out("yes")), otherwise=out("silence"))


async def test_an_event_accepted_before_the_deadline_wins_though_nobody_routed_it(world: World) -> None:
    await world.publish(program(ASK))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=2)
    await world.accept(anna, "Yes")  # at the deadline exactly; the router is away
    world.clock.advance(hours=1)
    await world.work((await world.only()).id)  # the timer fires, an hour late
    assert await world.ending() == "yes"


async def test_an_event_accepted_after_the_deadline_is_late_though_it_was_routed_first(world: World) -> None:
    ask = wait_for("ask", 2, arm("Yes", out("yes")), otherwise=to("rest"))
    await world.publish(program(ask, wait("rest", 1, out("silence"))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=2, microseconds=1)
    await world.happens(anna, "Yes")
    one = await world.only()
    assert await world.trace(one.id) == ["entered", "waiting", "timed out", "waiting", "late"]
    world.clock.advance(hours=1)
    await world.work(one.id)
    assert await world.ending() == "silence"


async def test_an_event_from_before_the_opening_of_its_wait_in_the_table_is_found(world: World) -> None:
    await world.publish(program(wait("rest", 1, to("ask")), ASK))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=1, minutes=5)
    await world.happens(anna, "Yes")  # the wait began five minutes ago, and no worker has opened it
    world.clock.advance(minutes=5)
    await world.work((await world.only()).id)
    assert await world.ending() == "yes"


async def test_goal_and_leave_in_one_instant(world: World) -> None:
    trip = program(wait("rest", 5), goal=goal("Order Completed"), leave=(Pattern(on="Order Completed"), Pattern(on="Quit")))
    await world.publish(trip)
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    await world.accept(anna, "Quit")
    await world.accept(anna, "Order Completed")  # the same instant, later in order
    await world.route(anna)
    assert (await world.only()).state.ended.kind == "leave"  # type: ignore[union-attr]

    bela = await world.customer()
    await world.happens(bela, "Signed Up")
    await world.happens(bela, "Order Completed", {})
    (hers,) = await world.enrollments(bela)
    assert hers.state.ended is not None
    assert hers.state.ended.kind == "goal"


async def test_no_provider_call_begins_after_the_goal(world: World) -> None:
    await world.publish(program(send("nudge"), goal=goal()))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    one = await world.only()
    instruction = await world.advance(one.id)
    await world.accept(anna, "Order Completed")  # said 200, not routed
    await world.deliver(instruction.deliver[0].touch)
    assert world.postman.taken == []
    assert await world.ending() == "Order Completed"
    (touch,) = await world.touches()
    assert (touch.status, touch.reason) == ("failed", "ended")


async def test_consent_withdrawn_before_the_call_stops_it(world: World) -> None:
    await world.publish(program(send("nudge", otherwise=out("refused")), purpose="marketing"))
    anna = await world.customer()
    await world.happens(anna, "Consent Given", {"channel": "email"})
    await world.happens(anna, "Signed Up")
    instruction = await world.advance((await world.only()).id)
    await world.accept(anna, "Consent Withdrawn", {"channel": "email"})
    await world.deliver(instruction.deliver[0].touch)
    assert world.postman.taken == []
    assert await world.ending() == "refused"


async def test_without_consent_marketing_is_not_claimed(world: World) -> None:
    await world.publish(program(send("nudge", otherwise=out("refused")), purpose="marketing"))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    assert await world.ending() == "refused"
    assert await world.touches() == []


async def test_a_customer_without_email_goes_the_other_way_with_the_reason_in_the_trace(world: World) -> None:
    await world.publish(program(send("nudge", otherwise=out("unreachable"))))
    anna = await world.customer(email=None)
    await world.happens(anna, "Signed Up")
    assert await world.ending() == "unreachable"
    assert await world.trace((await world.only()).id) == ["entered", "not sent", "ended"]


async def test_fifty_enrollments_of_one_customer_claim_at_once(world: World) -> None:
    entry = Entry(on=(Pattern(on="Cart Updated"),), key="cart", again=Again(kind="always"))
    await world.publish(program(wait("rest", 1, to("nudge")), send("nudge"), entry=entry))
    anna = await world.customer()
    for number in range(50):
        await world.accept(anna, "Cart Updated", {"cart": f"c{number}"})
    await world.route(anna)
    world.clock.advance(hours=1)
    everybody = await world.enrollments()
    assert len(everybody) == 50
    # Two workers, each told of every enrollment.
    other = World(world.store, world.clock)
    other.postman = world.postman
    other.delivering.couriers = {"smtp": world.postman}  # type: ignore[assignment]
    await asyncio.gather(*(w.work(one.id) for one in everybody for w in (world, other)))
    ended = await world.enrollments()
    assert all(one.state.ended for one in ended)
    touches = await world.touches()
    assert len(touches) == 50
    # Who finds a touch under way cannot know what became of it, and leaves it to who has it.
    assert {touch.status for touch in touches} <= {"sent", "uncertain"}
    assert max(Counter(world.postman.taken).values()) == 1
    assert len(world.postman.taken) == 50


async def test_two_routers_route_each_event_once(world: World) -> None:
    await world.publish(program(wait("rest", 1)))
    customers = [await world.customer() for _ in range(10)]
    for customer in customers:
        for _ in range(3):
            await world.accept(customer, "Signed Up")
    other = World(world.store, world.clock)
    await asyncio.gather(*(w.route(customer) for customer in customers for w in (world, other)))
    assert len(await world.enrollments()) == 10  # while in, further ones are ignored
    for customer in customers:
        assert await world.unrouted(customer) == []


async def test_a_touch_found_attempting_is_uncertain_and_never_repeated(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("did not go"))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    one = await world.only()
    touch = (await world.advance(one.id)).deliver[0].touch
    await world.delivering._attempt(touch)  # and then the worker dies
    again = await world.deliver(touch)
    assert world.postman.taken == []
    assert again.deliver == []
    assert await world.ending() == "went"  # uncertain counts as sent
    (row,) = await world.touches()
    assert (row.status, row.reason) == ("uncertain", "interrupted")


async def test_a_slow_attempt_that_was_given_up_still_says_what_became_of_it(world: World) -> None:
    await world.publish(program(send("nudge", to("rest")), wait("rest", 5)))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    one = await world.only()
    touch = (await world.advance(one.id)).deliver[0].touch
    attempt = await world.delivering._attempt(touch)
    await world.deliver(touch)  # Temporal thought the first worker dead
    outcome, made = await world.delivering._call(attempt)  # type: ignore[union-attr]
    instruction = await world.delivering._record(touch, attempt, outcome, made)  # type: ignore[arg-type]
    (row,) = await world.touches()
    assert row.status == "sent"
    assert world.postman.taken == [touch]
    assert instruction.deliver == []
    assert (await world.only()).state.step == "rest"


async def test_what_the_provider_did_not_take_is_tried_again_until_it_would_be_too_late(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("did not go"), within=1)))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    world.postman.answers = [Later("smtp_451", "greylisted", 60.0), Later("smtp_451", "greylisted")]
    with pytest.raises(Exception, match="smtp_451"):
        await world.deliver(touch)
    assert (await world.touches())[0].status == "claimed"
    world.clock.advance(minutes=59, seconds=58)
    await world.deliver(touch)
    (row,) = await world.touches()
    assert (row.status, row.reason, row.detail) == ("failed", "smtp_451", "greylisted")
    assert await world.ending() == "did not go"


@pytest.mark.parametrize(
    ("answer", "status", "end"),
    [(Refused("smtp_550", "no"), "failed", "did not go"), (Unsure("smtp_timeout", "?"), "uncertain", "went")],
)
async def test_certain_and_uncertain_failures(world: World, answer: Refused | Unsure, status: str, end: str) -> None:
    await world.publish(program(send("nudge", out("went"), out("did not go"))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.postman.answers = [answer]
    await world.work((await world.only()).id)
    assert (await world.touches())[0].status == status
    assert await world.ending() == end
    await world.work((await world.only()).id)
    assert len(world.postman.taken) == 1


async def test_events_out_of_order_and_twice_are_judged_by_when_they_were_accepted(world: World) -> None:
    await world.publish(program(ASK))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=1)
    await world.accept(anna, "Yes", occurred_at=START - timedelta(days=3))  # the sender says it is old
    await world.accept(anna, "Yes")
    await world.route(anna)
    await world.work((await world.only()).id)
    assert await world.ending() == "yes"
    assert (await world.trace((await world.only()).id)).count("happened") == 1


async def test_restart_ends_the_first_and_begins_anew(world: World) -> None:
    entry = Entry(on=(Pattern(on="Booked"),), key="id", while_in="restart")
    await world.publish(program(wait("rest", 24), entry=entry))
    anna = await world.customer()
    await world.happens(anna, "Booked", {"id": 1})
    world.clock.advance(hours=23)
    await world.happens(anna, "Booked", {"id": 1})
    first, second = await world.enrollments()
    assert first.state.ended is not None
    assert first.state.ended.reason == "restarted"
    assert second.open


async def test_two_customers_who_are_one_keep_one_enrollment(world: World) -> None:
    await world.publish(program(wait("rest", 24)))
    visitor, anna = await world.customer(email=None, city="Rome"), await world.customer(first_name="Anna")
    await world.happens(visitor, "Signed Up")
    world.clock.advance(minutes=1)
    await world.happens(anna, "Signed Up")
    await world.accept(visitor, "Page Read")
    await world.accept(anna, "", {"plan": "pro"}, kind="identify", merges=visitor)
    await asyncio.gather(world.route(visitor), world.route(anna))
    theirs = await world.enrollments(anna)
    assert len(theirs) == 2
    assert [e.open for e in theirs] == [True, False]  # who entered first goes on
    assert theirs[1].state.ended is not None
    assert theirs[1].state.ended.reason == "merged"
    await world.route(anna)
    assert await world.unrouted(anna) == []
    assert await world.unrouted(visitor) == []


async def test_an_event_that_cannot_be_routed_is_set_aside_and_those_behind_it_are_not(world: World) -> None:
    await world.publish(program(ASK))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    await world.accept(anna, "", ["no", "object"], kind="identify")  # type: ignore[arg-type]
    await world.happens(anna, "Yes")
    await world.work((await world.only()).id)
    assert await world.ending() == "yes"


async def test_a_goal_after_the_end_is_put_down_to_the_journey_within_its_window(world: World) -> None:
    await world.publish(program(wait("rest", 1), goal=goal(within=hours(48))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    world.clock.advance(hours=1)
    await world.work((await world.only()).id)
    assert await world.ending() == "done"
    world.clock.advance(hours=47)
    await world.happens(anna, "Order Completed")
    one = await world.only()
    assert one.goal_at == world.clock.now()
    assert one.state.ended is not None
    assert one.state.ended.reason == "done"
