"""Three channels on a real store: which one is used, what became of the message, and how long web content is shown."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from idic.interact.channels.channel_edge import Parcel
from idic.interact.channels.contract import Later, Outcome, Refused, Unsure
from idic.interact.policy.touch_request import TouchRequest
from idic.journey.engine.protocol import Defer
from idic.journey.program.values import Pattern
from idic.router.deliver import Attempt
from idic.store.database import Store
from idic.store.tables import copies, customers, placements, touches
from tests.conftest import START, HandClock
from tests.journey.programs import arm, goal, hours, out, program, send, to, wait, wait_for
from tests.router.world import Postman, World

PHONE = "+4915112345678"
EACH = ("email", "sms", "web")


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def went(world: World) -> dict[str, str]:
    return {row.channel: row.status for row in await world.touches()}


async def test_each_sends_on_all_that_reach_the_customer_and_keeps_a_copy(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), channels=EACH)))
    anna = await world.customer(phone="0151 12345678", country="de", web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    assert await went(world) == {"email": "sent", "sms": "sent", "web": "sent"}
    assert {row["address"] for row in await world.rows(copies)} == {"anna@example.com", PHONE, anna}
    assert await world.ending() == "went"


@pytest.mark.parametrize(
    ("traits", "why"),
    [
        ({}, "the customer has no phone number"),
        ({"phone": "0151 12345678"}, "the phone number has no country code, and the customer's country is unknown"),
        ({"phone": "030 901820", "country": "DE"}, "the phone number is a landline"),
        ({"phone": "+49151"}, "there is no such phone number"),
        ({"phone": "call me"}, "the phone number has letters in it"),
    ],
)
async def test_the_first_that_reaches_the_customer_and_why_not_the_one_before(
    world: World, traits: dict[str, str], why: str
) -> None:
    await world.publish(program(send("nudge", channels=("sms", "email"), mode="first_of")))
    anna = await world.customer(**traits)
    await world.happens(anna, "Signed Up")
    one = await world.only()
    await world.work(one.id)
    assert await went(world) == {"email": "sent"}
    assert one.state.touches["nudge"]["sms"].reason == "reachable"
    trace = await world.told(one.id)
    assert ("not sent", why) in trace


async def test_after_a_definite_refusal_the_next_channel_is_tried(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("not"), channels=("sms", "email"), mode="first_of")))
    anna = await world.customer(phone=PHONE)
    world.sms.answers = [Refused("landline", "30006")]
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    assert await went(world) == {"sms": "failed", "email": "sent"}
    assert await world.ending() == "went"


async def test_when_nobody_knows_whether_it_left_no_second_channel_is_used(world: World) -> None:
    await world.publish(program(send("nudge", out("went"), out("not"), channels=("sms", "email"), mode="first_of")))
    anna = await world.customer(phone=PHONE)
    world.sms.answers = [Unsure("timed_out", "no answer")]
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    assert await went(world) == {"sms": "uncertain"}
    assert await world.ending() == "went"


async def test_the_best_channel_is_the_one_that_was_answered(world: World) -> None:
    both = send("hello", to("rest"), channels=("email", "sms"))
    best = send("nudge", out("went"), channels=("email", "sms"), mode="best_of")
    await world.publish(program(both, wait("rest", 1, to("nudge")), best))
    anna = await world.customer(phone=PHONE)
    await world.happens(anna, "Signed Up")
    one = await world.only()
    for touch in {d.touch for d in (await world.advance(one.id)).deliver}:
        await world.deliver(touch)
    sms = next(row.id for row in await world.touches() if row.channel == "sms")
    await world.reported(sms, "Link Clicked", {"url": "https://shop.example/"})
    world.clock.advance(hours=1)
    await world.work(one.id)
    assert [row.channel for row in await world.touches() if row.step == "nudge"] == ["sms"]
    # One answer, and as much as 20 messages' worth of what is usual; of the mail an hour ago nobody knows yet.
    assert ("best", "0.095; email 0.050") in await world.told(one.id)


async def test_a_click_that_somebody_else_tells_of_is_no_answer_and_no_evidence(world: World) -> None:
    best = send("nudge", out("went"), channels=("email", "sms"), mode="best_of")
    await world.publish(program(wait("rest", 1, to("nudge")), best))
    anna = await world.customer(phone=PHONE)
    await world.happens(anna, "Signed Up")
    await world.happens(anna, "Link Clicked", {"channel": "sms", "step": "nudge", "url": "https://shop.example/"})
    world.clock.advance(hours=1)
    await world.work((await world.only()).id)
    assert await went(world) == {"email": "sent"}


async def test_a_delivery_report_settles_what_was_uncertain_once(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("sms",)), wait("rest", 5)))
    anna = await world.customer(phone=PHONE)
    world.sms.answers = [Unsure("timed_out", "no answer")]
    await world.happens(anna, "Signed Up")
    one = await world.only()
    await world.work(one.id)
    (touch,) = await world.touches()
    assert touch.status == "uncertain"
    for _ in range(2):
        await world.reported(touch.id, "Message Delivered", once="delivered")
    (touch,) = await world.touches()
    assert touch.status == "sent"
    assert touch.delivered_at == START
    assert (await world.only()).state.touches["nudge"]["sms"].status == "sent"
    assert await world.trace(one.id) == ["entered", "claimed", "uncertain", "waiting", "delivered", "sent"]


async def test_a_report_may_come_before_our_own_record(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("sms",)), wait("rest", 5)))
    anna = await world.customer(phone=PHONE)
    await world.happens(anna, "Signed Up")
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    attempt = await world.delivering._attempt(touch)
    assert isinstance(attempt, Attempt)
    outcome, made = await world.delivering._call(attempt)
    await world.reported(touch, "Message Delivered", once="delivered")
    assert (await world.only()).state.step == "rest"
    await world.delivering._record(touch, attempt, outcome, made)
    (row,) = await world.touches()
    assert (row.status, row.provider_id) == ("sent", "provider-1")
    assert len(await world.rows(copies)) == 1
    assert world.sms.taken == [touch]


async def test_whoever_waits_for_what_became_of_a_message_is_woken(world: World) -> None:
    seen = wait_for("seen", 5, arm("Message Shown", out("seen"), of="nudge"), otherwise=out("unseen"))
    await world.publish(program(send("nudge", to("seen"), channels=("web",)), seen))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    (touch,) = await world.touches()
    await world.reported(touch.id, "Message Shown", {"slot": "home_hero"}, once="shown")
    assert await world.ending() == "seen"


async def test_content_on_the_web_ends_with_the_goal_and_not_with_the_journey(world: World) -> None:
    await world.publish(program(send("nudge", channels=("web",)), goal=goal(within=None)))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    assert await world.ending() == "done"
    (shown,) = await world.rows(placements)
    assert (shown["until"], shown["ended_at"]) == (START + timedelta(hours=2), None)


async def test_content_on_the_web_ends_at_once_with_the_goal(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("web",)), wait("rest", 5), goal=goal()))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    world.clock.advance(minutes=5)
    await world.happens(anna, "Order Completed")
    (shown,) = await world.rows(placements)
    assert (shown["ended"], shown["ended_at"]) == ("goal", START + timedelta(minutes=5))


async def test_the_goal_while_content_is_on_its_way_keeps_it_from_being_shown(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("web",)), wait("rest", 5), goal=goal()))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    attempt = await world.delivering._attempt(touch)
    assert isinstance(attempt, Attempt)
    await world.happens(anna, "Order Completed")
    await world.delivering._record(touch, attempt, *await world.delivering._call(attempt))
    assert await world.rows(placements) == []
    assert await went(world) == {"web": "failed"}


async def test_a_worker_that_died_over_content_for_the_web_had_placed_nothing(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("web",)), wait("rest", 5)))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    slow = await world.delivering._attempt(touch)  # and then this worker is thought dead
    assert isinstance(slow, Attempt)
    await world.deliver(touch)
    assert await went(world) == {"web": "sent"}
    await world.delivering._record(touch, slow, *await world.delivering._call(slow))
    assert len(await world.rows(placements)) == 1


@pytest.mark.parametrize(
    ("days", "why"),
    [(None, "the customer has never been seen on the web"), (40, "the customer was not seen on the web for 40 days")],
)
async def test_nobody_is_reached_on_the_web_who_does_not_come(world: World, days: int | None, why: str) -> None:
    await world.publish(program(send("nudge", out("went"), out("not"), channels=("web",))))
    await world.happens(await world.customer(web_seen_at=days and START - timedelta(days=days)), "Signed Up")
    one = await world.only()
    assert await world.ending() == "not"
    assert ("not sent", why) in await world.told(one.id)


async def test_an_account_set_after_the_claim_is_the_one_that_is_held_to_have_been_called(world: World) -> None:
    await world.publish(program(send("nudge", to("rest"), channels=("sms",)), wait("rest", 5)))
    await world.happens(await world.customer(phone=PHONE), "Signed Up")
    await world.store.move("test", lambda tx: tx.execute(touches.update().values(account="outbox")))
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    attempt = await world.delivering._attempt(touch)
    assert isinstance(attempt, Attempt)
    await world.delivering._call(attempt)  # Twilio has it, and then this worker dies
    await world.deliver(touch)
    assert world.sms.taken == [touch]
    assert await went(world) == {"sms": "uncertain"}


class Quiet:
    """A rule that, once it is on, defers everything by an hour."""

    name = "quiet"
    on = False

    def __call__(self, request: TouchRequest) -> Defer | None:
        return Defer(request.now + timedelta(hours=1), self.name, "it is quiet") if self.on else None


@pytest.mark.parametrize("deferred", [False, True])
async def test_what_is_proven_to_have_left_is_not_tried_again(store: Store, clock: HandClock, deferred: bool) -> None:
    quiet = Quiet()
    world = World(store, clock, quiet)
    await world.publish(program(send("nudge", out("went"), channels=("sms",))))
    await world.happens(await world.customer(phone=PHONE), "Signed Up")
    world.sms.answers = [Later("twilio_busy", "429")]
    touch = (await world.advance((await world.only()).id)).deliver[0].touch
    with pytest.raises(ApplicationError):
        await world.deliver(touch)
    if deferred:
        quiet.on = True
        await world.deliver(touch)
        assert await went(world) == {"sms": "deferred"}
    await world.reported(touch, "Message Delivered", once="delivered")
    clock.advance(hours=2)
    await world.deliver(touch)
    assert world.sms.taken == [touch]
    assert await went(world) == {"sms": "sent"}
    assert await world.ending() == "went"


async def test_what_the_policy_puts_off_for_too_long_at_the_sending_says_so(store: Store, clock: HandClock) -> None:
    quiet = Quiet()
    world = World(store, clock, quiet)
    await world.publish(program(send("nudge", out("went"), out("did not go"), within=0.5)))
    await world.happens(await world.customer(), "Signed Up")
    one = await world.only()
    touch = (await world.advance(one.id)).deliver[0].touch
    quiet.on = True
    await world.deliver(touch)
    assert (await world.told(one.id))[-3:-1] == [("deferred", "it is quiet"), ("failed", "it is quiet")]
    assert (await world.ending(), world.postman.taken) == ("did not go", [])


@pytest.mark.parametrize("within", [None, 1])
async def test_content_that_outlives_its_journey_still_ends_with_the_goal(world: World, within: float | None) -> None:
    window = None if within is None else hours(within)
    await world.publish(program(send("nudge", channels=("web",)), goal=goal(within=window)))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    world.clock.advance(minutes=90)
    await world.happens(anna, "Order Completed")
    (shown,) = await world.rows(placements)
    assert (shown["ended"], shown["ended_at"]) == ("goal", START + timedelta(minutes=90))
    assert (await world.only()).goal_at is None


async def test_content_that_outlives_its_journey_ends_when_the_customer_would_have_left(world: World) -> None:
    await world.publish(program(send("nudge", channels=("web",)), leave=(Pattern(on="Cart Emptied"),)))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    await world.happens(anna, "Cart Emptied")
    (shown,) = await world.rows(placements)
    assert shown["ended"] == "leave"


async def test_who_was_seen_on_the_web_before_anybody_knew_them_is_reached_there_at_once(world: World) -> None:
    best = send("nudge", channels=("web", "email"), mode="first_of")
    await world.publish(program(best))
    anna, once, twice = await world.customer(), await world.customer(web_seen_at=START), await world.customer()
    await world.accept(anna, "Page Viewed", merges=once)
    await world.accept(anna, "Page Viewed", merges=twice)
    await world.accept(anna, "Signed Up")
    await asyncio.wait_for(world.route(anna), 5)
    await world.work((await world.only()).id)
    assert await went(world) == {"web": "sent"}
    assert next(row["web_seen_at"] for row in await world.rows(customers) if row["id"] == anna) == START


async def test_a_click_of_the_days_when_there_was_only_email_says_so(world: World) -> None:
    both = send("hello", to("rest"), channels=("sms", "email"))
    best = send("nudge", out("went"), channels=("sms", "email"), mode="best_of")
    await world.publish(program(both, wait("rest", 1, to("nudge")), best))
    anna = await world.customer(phone=PHONE)
    await world.happens(anna, "Signed Up")
    one = await world.only()
    await world.work(one.id)
    about = {"enrollment_id": one.id, "step": "hello"}
    await world.happens(anna, "Link Clicked", {"url": "https://shop.example/", "step": "hello"}, kind="own", **about)
    assert [row.channel for row in await world.touches() if row.clicked_at] == ["email"]
    world.clock.advance(hours=1)
    await world.work(one.id)
    assert [row.channel for row in await world.touches() if row.step == "nudge"] == ["email"]


async def test_who_wants_no_more_of_a_channel_is_shown_no_more_on_the_web(world: World) -> None:
    offer = program(send("nudge", channels=("web",)), purpose="marketing", topic="offers", journey="offer")
    order = program(send("nudge", channels=("web",)), purpose="service", journey="order")
    await world.publish(offer, order)
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    for one in await world.enrollments():
        await world.work(one.id)
    journeys = {one.id: one.journey for one in await world.enrollments()}
    for topic, ended in (("news", None), ("offers", "withdrawn")):
        await world.happens(anna, "Consent Withdrawn", {"channel": "web", "topic": topic})
        assert {journeys[row["enrollment_id"]]: row["ended"] for row in await world.rows(placements)} == {
            "offer": ended,
            "order": None,
        }


async def test_content_that_goes_out_after_the_goal_is_shown(world: World) -> None:
    rest, thanks = wait("rest", 1, to("thanks")), send("thanks", channels=("web",))
    await world.publish(program(rest, thanks, goal=goal(then="continue", within=hours(48))))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.happens(anna, "Order Completed")
    world.clock.advance(hours=1)
    await world.work((await world.only()).id)
    assert await went(world) == {"web": "sent"}
    await world.happens(anna, "Order Completed")
    (shown,) = await world.rows(placements)
    assert shown["ended_at"] is None


async def test_who_withdraws_while_content_is_on_its_way_is_not_shown_it(store: Store, clock: HandClock) -> None:
    world = World(store, clock)

    class Interrupted(Postman):
        async def send(self, message: Parcel) -> Outcome:
            await world.accept(anna, "Consent Withdrawn", {"channel": "web"})
            return await super().send(message)

    web = Interrupted("web")
    web.otherwise = world.web.otherwise
    world.delivers_by({"web": web})
    await world.publish(program(send("offer", out("shown"), out("not shown"), channels=("web",)), purpose="marketing"))
    anna = await world.customer(web_seen_at=START)
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    (touch,) = await world.touches()
    assert (touch.status, touch.reason) == ("failed", "consent")
    assert await world.rows(placements) == []
