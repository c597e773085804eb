"""Caps, gap, priority and conversation on a real store: what counts, from when on, and which message goes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from idic.interact.channels.contract import Refused, Unsure
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy
from idic.journey.program.entry import Entry
from idic.journey.program.program import Program
from idic.journey.program.values import Pattern
from idic.store.database import Store
from idic.store.journey import policies
from idic.times import Duration
from tests.conftest import START, HandClock
from tests.journey.programs import arm, out, program, send, to, wait, wait_for
from tests.router.world import World

PHONE = "+4915112345678"
DAY = Duration(seconds=86_400)
FREE = {"email": "none", "sms": "none", "web": "none"}


async def under(world: World, **said: Any) -> None:
    policy = Policy(**{"consent": FREE, **said})
    await world.store.move("policy", lambda tx: policies.publish(tx, policy, tx.now()))


def marketing(*steps: Any, **more: Any) -> Program:
    return program(*steps, purpose="marketing", **more)


def cap(at_most: int, **more: Any) -> Cap:
    return Cap(**{"id": "cap", "at_most": at_most, "per": DAY, **more})


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def left(world: World) -> dict[tuple[str, str], str]:
    return {(row.step, row.channel): row.status for row in await world.touches()}


async def until(world: World, journey: str = "trip") -> datetime | None:
    (one,) = [one for one in await world.enrollments() if one.journey == journey]
    return one.state.deadline


async def test_what_one_step_sends_on_two_channels_counts_as_two(world: World) -> None:
    await under(world, caps=(cap(1, when="skip"),))
    await world.publish(marketing(send("nudge", out("went"), channels=("email", "sms"))))
    await world.happens(await world.customer(phone=PHONE), "Signed Up")
    assert await left(world) == {("nudge", "email"): "claimed"}
    (one,) = await world.enrollments()
    assert one.state.touches["nudge"]["sms"].reason == "caps"


async def test_the_next_goes_when_the_window_has_rolled_on_and_not_before(world: World, clock: HandClock) -> None:
    await under(world, caps=(cap(1),))
    await world.publish(marketing(send("one", to("two")), send("two", out("went"), within=48)))
    await world.happens(await world.customer(), "Signed Up")
    one = await world.only()
    await world.work(one.id)
    assert await until(world) == START + timedelta(days=1)
    clock.advance(days=1, seconds=-1)
    await world.work(one.id)
    assert await left(world) == {("one", "email"): "sent"}
    clock.advance(seconds=1)
    await world.work(one.id)
    assert await left(world) == {("one", "email"): "sent", ("two", "email"): "sent"}


@pytest.mark.parametrize(("outcome", "second"), [(Refused("full", "552"), True), (Unsure("timeout", "silence"), False)])
async def test_a_definite_failure_gives_its_place_back(world: World, outcome: Refused | Unsure, second: bool) -> None:
    await under(world, caps=(cap(1, when="skip"),))
    await world.publish(marketing(send("one", to("two")), send("two", out("went"))))
    world.postman.answers = [outcome]
    await world.happens(await world.customer(), "Signed Up")
    await world.work((await world.only()).id)
    assert (("two", "email") in await left(world)) is second


async def test_a_claim_is_not_in_its_own_way(world: World) -> None:
    await under(world, caps=(cap(1),), minimum_gap=Gap(between=DAY))
    await world.publish(marketing(send("nudge", out("went"))))
    await world.happens(await world.customer(), "Signed Up")
    await world.work((await world.only()).id)
    assert await left(world) == {("nudge", "email"): "sent"}


async def test_what_is_claimed_while_another_is_about_to_leave_counts_once(world: World) -> None:
    await under(world, caps=(cap(2),))
    await world.publish(marketing(send("nudge", out("went"))))
    await world.publish(marketing(send("tips", out("went")), journey="tips", entry=Entry(on=(Pattern(on="Looked"),))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    (delivery,) = (await world.advance((await world.only()).id)).deliver
    await world.accept(anna, "Looked")  # whoever comes next routes it, and that is the delivery
    await world.deliver(delivery.touch)
    assert await left(world) == {("nudge", "email"): "sent", ("tips", "email"): "claimed"}


async def test_service_neither_waits_nor_counts(world: World) -> None:
    await under(world, caps=(cap(1, when="skip"),))
    await world.publish(program(send("bill", to("again")), send("again", out("went")), journey="bills"))
    await world.publish(marketing(send("nudge", out("went"))))
    await world.happens(await world.customer(), "Signed Up")
    for one in await world.enrollments():
        await world.work(one.id)
    assert set((await left(world)).values()) == {"sent"}
    assert len(await world.touches()) == 3


async def test_of_two_journeys_the_higher_one_keeps_the_last_place(world: World, clock: HandClock) -> None:
    await under(world, caps=(cap(1),), priority=("cart", "others"))
    cart = marketing(wait("rest", 0.5, to("remind")), send("remind", out("went")), journey="cart")
    await world.publish(cart)
    other = Entry(on=(Pattern(on="Looked"),))
    await world.publish(marketing(send("tips", out("went"), within=12), journey="tips", entry=other))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    await world.happens(anna, "Looked")
    (tips,) = await world.enrollments(anna) and [one for one in await world.enrollments() if one.journey == "tips"]
    assert tips.state.touches["tips"]["email"].reason == "priority"
    clock.advance(minutes=30)
    for one in await world.enrollments():
        await world.work(one.id)
    assert await left(world) == {("remind", "email"): "sent"}
    clock.advance(minutes=10)
    await world.work(tips.id)
    (tips,) = [one for one in await world.enrollments() if one.journey == "tips"]
    assert tips.state.ended is not None  # the cap is full now, and twelve hours are not enough
    assert await left(world) == {("remind", "email"): "sent"}


async def test_an_answer_to_an_answer_escapes_caps_and_gap(world: World) -> None:
    await under(world, caps=(cap(1, when="skip"),), minimum_gap=Gap(between=DAY, when="skip"), conversation=DAY)
    chat = marketing(
        send("ask", to("hear"), channels=("sms",)),
        wait_for("hear", 24, arm("Replied", to("answer"), of="ask"), otherwise=out("silent")),
        send("answer", to("more"), channels=("sms",)),
        send("more", out("went"), channels=("email",)),
    )
    await world.publish(chat)
    await world.happens(await world.customer(phone=PHONE), "Signed Up")
    one = await world.only()
    await world.work(one.id)
    (asked,) = await world.touches()
    await world.reported(asked.id, "Replied", {"text": "Which size?"})
    await world.work(one.id)
    assert await left(world) == {("ask", "sms"): "sent", ("answer", "sms"): "sent", ("more", "email"): "sent"}


async def test_who_asked_for_fewer_gets_fewer_and_who_asked_for_a_pause_none(world: World, clock: HandClock) -> None:
    await under(world)
    await world.publish(marketing(send("one", to("two"), within=48), send("two", out("went"), within=48)))
    anna = await world.customer()
    await world.accept(anna, "Preferences Changed", {"fewer": True, "paused_until": None}, kind="own")
    await world.happens(anna, "Signed Up")
    await world.work((await world.only()).id)
    assert await left(world) == {("one", "email"): "sent"}
    (one,) = await world.enrollments()
    assert one.state.touches["two"]["email"].reason in ("fewer messages", "too late")
    _ = clock
