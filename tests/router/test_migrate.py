"""Migrating open enrollments to another program: nothing twice, nothing lost, no wait begun anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idic.interact.channels.contract import Later
from idic.journey.channels.email import EmailContent
from idic.journey.engine.migrate import Changing, Map, read_maps
from idic.journey.program.content import Message
from idic.journey.program.entry import Segment
from idic.journey.program.program import Program
from idic.journey.program.shares import hash_percent
from idic.journey.program.steps import Arm, Repeat, Share, Split, Wait
from idic.journey.program.values import Attribute, Pattern, Target, Type
from idic.router.migrate import MigrationResult, move_everybody, plan
from idic.store.database import Store
from tests.conftest import START, HandClock
from tests.journey.programs import arm, condition, goal, hours, out, program, send, to, wait, wait_for
from tests.router.world import World

HOUR = timedelta(hours=1)


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def enters(world: World, first: Program, **traits: object) -> str:
    await world.publish(first)
    customer = await world.customer(**traits)
    await world.happens(customer, "Signed Up")
    return (await world.enrollments(customer))[0].id


async def moved(world: World, into: Program, mapping: Map | None = None, spread: timedelta = timedelta()) -> MigrationResult:
    await world.publish(into)
    return await move_everybody(world.store, world.runtime, into, mapping or {}, spread)


async def test_a_wait_goes_on_from_when_it_began(world: World, clock: HandClock) -> None:
    await enters(world, program(wait("rest", 24)))
    clock.advance(hours=10)
    assert await moved(world, program(wait("rest", 12))) == MigrationResult(moved=1)
    one = await world.only()
    assert (one.state.step, one.state.reached, one.state.deadline) == ("rest", START, START + 12 * HOUR)
    assert await world.trace(one.id) == ["entered", "waiting", "migrated"]
    clock.advance(hours=2)
    await world.work(one.id)
    assert await world.ending() == "done"


async def test_what_is_overdue_by_it_is_spread_and_never_earlier_than_now(world: World, clock: HandClock) -> None:
    first, into = program(wait("rest", 24)), program(wait("rest", 1))
    ids = [await enters(world, first) for _ in range(20)]
    now = clock.advance(hours=10)
    await world.publish(into)
    foreseen = await plan(world.store, world.runtime, into, {}, HOUR)
    assert [(group.step, group.to, group.people, group.overdue) for group in foreseen.groups] == [("rest", "rest", 20, 20)]
    await moved(world, into, spread=HOUR)
    due = {one.id: one.state.deadline for one in await world.enrollments()}
    assert due == {one: now + HOUR * (hash_percent(one, "spread") / 100) for one in ids}
    assert len(set(due.values())) == 20


async def test_silence_counts_from_its_last_event(world: World, clock: HandClock) -> None:
    def silence(length: float) -> Program:
        return program(Wait(id="calm", duration=hours(length), without=Pattern(on="Cart Updated")))

    enrollment = await enters(world, silence(10))
    customer = (await world.only()).customer_id
    clock.advance(hours=3)
    await world.happens(customer, "Cart Updated")
    clock.advance(hours=1)
    await moved(world, silence(4))
    assert (await world.only()).state.deadline == START + 7 * HOUR
    clock.advance(hours=1)
    await world.happens(customer, "Cart Updated")
    assert (await world.only()).state.deadline == START + 9 * HOUR
    clock.advance(hours=4)
    await world.work(enrollment)
    assert await world.ending() == "done"


async def test_what_was_sent_is_waited_for_and_not_sent_again(world: World, clock: HandClock) -> None:
    clicked = arm("Link Clicked", out("clicked"), of="nudge")
    first = program(send("nudge", to("reaction")), wait_for("reaction", 24, clicked))
    enrollment = await enters(world, first)
    await world.work(enrollment)
    again = program(send("nudge", to("reaction")), wait_for("reaction", 48, clicked, otherwise=to("nudge")))
    assert await moved(world, again) == MigrationResult(moved=1)
    assert (await world.only()).state.deadline == START + 48 * HOUR
    clock.advance(hours=48)
    await world.work(enrollment)
    assert len(world.postman.taken) == 1  # led back to the send, which has been done


async def test_a_step_that_only_has_another_name_is_remembered_by_it(world: World, clock: HandClock) -> None:
    def named(nudge: str, reaction: str) -> Program:
        clicked = arm("Link Clicked", out("clicked"), of=nudge)
        return program(send(nudge, to(reaction)), wait_for(reaction, 24, clicked))

    enrollment = await enters(world, named("nudge", "reaction"))
    await world.work(enrollment)
    mapping = {"nudge": Target(step="reminder"), "reaction": Target(step="answer")}
    await moved(world, named("reminder", "answer"), mapping)
    one = await world.only()
    assert (one.state.step, list(one.state.touches), one.state.formerly) == (
        "answer", ["reminder"], {"nudge": "reminder", "reaction": "answer"},
    )  # fmt: skip
    await world.reported(world.postman.taken[0], "Link Clicked", {"channel": "email"})
    assert await world.ending() == "clicked"


async def test_the_plan_says_what_nobody_said_and_nobody_is_moved_without(world: World) -> None:
    await enters(world, program(wait("rest", 24)))
    into = program(wait_for("rest", 5, arm("Yes")))
    foreseen = await plan(world.store, world.runtime, into, {}, HOUR)
    assert [(group.step, group.to) for group in foreseen.unmapped] == [("rest", None)]
    assert await moved(world, into) == MigrationResult(unmapped=1)
    assert (await world.only()).state.deadline == START + 24 * HOUR
    # Said so, it waits on.
    assert await moved(world, into, {"rest": Target(step="rest")}) == MigrationResult(moved=1)
    assert (await world.only()).state.deadline == START + 5 * HOUR


async def test_some_leave_and_some_stay(world: World) -> None:
    first = program(wait("rest", 24), wait("other", 3))
    await enters(world, first)
    into = program(wait("pause", 5))
    assert await moved(world, into, {"rest": None}) == MigrationResult(stayed=1)
    assert (await world.only()).program_id == first.id
    assert await moved(world, into, {"rest": Target(exit="migrated")}) == MigrationResult(ended=1)
    assert await world.ending() == "migrated"


async def test_a_new_kind_of_step_is_arrived_at_now(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, program(wait("rest", 24)))
    now = clock.advance(hours=3)
    into = program(send("hello", to("after")), wait("after", 2))
    assert await moved(world, into, {"rest": Target(step="hello")}) == MigrationResult(moved=1)
    await world.work(enrollment)
    one = await world.only()
    assert (one.state.step, one.state.deadline, len(world.postman.taken)) == ("after", now + 2 * HOUR, 1)


async def test_only_the_words_are_new_and_nobody_moves(world: World) -> None:
    first = program(wait("rest", 24, to("nudge")), send("nudge"))
    enrollment = await enters(world, first)
    words = Message(id="hello", contents={"email": EmailContent(subject="Better", body="<p>Better</p>")})
    into = program(*first.steps.values()).model_copy(update={"messages": {"hello": words}})
    foreseen = await plan(world.store, world.runtime, into, {}, HOUR)
    assert [(group.words, group.people) for group in foreseen.groups] == [(True, 1)]
    before = await world.only()
    await moved(world, into)
    one = await world.only()
    assert (one.program_id, one.state) == (into.id, before.state)
    assert await world.trace(enrollment) == ["entered", "waiting", "reworded"]


async def test_a_message_that_is_being_sent_postpones_its_own_enrollment(world: World) -> None:
    enrollment = await enters(world, program(send("nudge", to("rest")), wait("rest", 24)))
    into = program(send("nudge", to("rest")), wait("rest", 12))
    await world.publish(into)
    touch = (await world.advance(enrollment)).deliver[0].touch
    attempt = await world.delivering._attempt(touch)
    foreseen = await plan(world.store, world.runtime, into, {}, HOUR)
    assert [(group.step, group.to, group.under_way) for group in foreseen.groups] == [("nudge", "nudge", 1)]
    assert not hasattr(attempt, "seq")
    outcome, made = await world.delivering._call(attempt)  # type: ignore[union-attr]
    await world.delivering._record(touch, attempt, outcome, made)  # type: ignore[arg-type]
    assert await moved(world, into) == MigrationResult(moved=1)
    assert (await world.only()).state.deadline == START + 12 * HOUR


async def test_a_message_about_to_be_tried_again_is_still_sent_once(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, program(send("nudge"), wait("rest", 24)))
    touch = (await world.advance(enrollment)).deliver[0].touch
    world.postman.answers = [Later("smtp_451", "later", 0.1)]
    with pytest.raises(Exception, match="smtp_451"):
        await world.deliver(touch)
    await moved(world, program(send("nudge", within=48), wait("rest", 20)))
    assert [(row.status, row.id) for row in await world.touches()] == [("claimed", touch)]
    await world.work(enrollment)
    assert (await world.ending(), len(world.postman.taken)) == ("done", 2)  # tried, and sent


async def test_a_claim_of_another_message_is_given_back_and_claimed_anew(world: World) -> None:
    enrollment = await enters(world, program(send("nudge")))
    (row,) = await world.touches()
    other = Message(id="other", contents={"email": EmailContent(subject="Other", body="<p>Other</p>")})
    into = program(send("nudge").model_copy(update={"message": "other"}))
    into = into.model_copy(update={"messages": {"other": other}})
    await moved(world, into)
    assert [(one.status, one.reason) for one in await world.touches()] == [("deferred", "migrated")]
    assert (await world.deliver(row.id)).deliver == []  # whoever was told of it before finds it given back
    await world.work(enrollment)
    assert [(one.status, one.message) for one in await world.touches()] == [("sent", "other")]


async def test_a_claim_of_a_step_that_is_gone_is_not_sent(world: World) -> None:
    enrollment = await enters(world, program(send("nudge")))
    await moved(world, program(send("reminder")), {"nudge": Target(step="reminder")})
    await world.work(enrollment)
    assert {(one.step, one.status) for one in await world.touches()} == {("nudge", "failed"), ("reminder", "sent")}
    assert len(world.postman.taken) == 1


async def test_splits_do_not_flip(world: World) -> None:
    def shares(first: int, second: str = "b") -> Program:
        return program(
            Split(
                id="test",
                shares=(
                    Share(name="a", percent=first, then=to("rest")),
                    Share(name=second, percent=100 - first, then=to("rest")),
                ),
            ),
            wait("rest", 24),
        )

    for _ in range(12):
        await enters(world, shares(50))
    drawn = {one.id: one.state.splits["test"] for one in await world.enrollments()}
    assert set(drawn.values()) == {"a", "b"}
    await moved(world, shares(1))
    assert {one.id: one.state.splits["test"] for one in await world.enrollments()} == drawn
    await moved(world, shares(1, "c"))
    now = {one.id: one.state.splits["test"] for one in await world.enrollments()}
    assert all(share == "a" or now[id_] in ("a", "c") for id_, share in drawn.items())
    assert all(now[id_] == "a" for id_, share in drawn.items() if share == "a")


async def test_a_segment_stays_as_it_was_decided_where_it_still_is(world: World) -> None:
    def segments(*names: str) -> Program:
        return program(wait("rest", 24), segments=tuple(Segment(name=name) for name in names))

    await enters(world, segments("regular"))
    await moved(world, segments("vip", "regular"))
    assert (await world.only()).state.segment == "regular"
    await moved(world, segments("vip"))
    assert (await world.only()).state.segment == "vip"


async def test_a_round_goes_on_in_the_round_that_it_was_in(world: World, clock: HandClock) -> None:
    def rounds(times: int, pause: float) -> Program:
        return program(
            Repeat(id="thrice", times=times, first=to("nudge")), send("nudge", to("rest")), wait("rest", pause, to("thrice"))
        )

    enrollment = await enters(world, rounds(3, 24))
    await world.work(enrollment)
    clock.advance(hours=24)
    await world.work(enrollment)
    assert len(world.postman.taken) == 2
    clock.advance(hours=1)
    await moved(world, rounds(4, 2))
    assert (await world.only()).state.deadline == START + 26 * HOUR
    for _ in range(4):
        clock.advance(hours=2)
        await world.work(enrollment)
    assert (await world.ending(), len(world.postman.taken)) == ("done", 4)


async def test_a_condition_that_comes_true_is_looked_for_anew(world: World, clock: HandClock) -> None:
    orders = Attribute(type=Type(kind="number"))
    many = Arm(until=condition("customer.orders > 3.0", customer__orders=orders), then=out("many"))
    enrollment = await enters(world, program(wait_for("rest", 48, arm("Yes"))), orders=5)
    clock.advance(hours=3)
    await moved(world, program(wait_for("rest", 24, many)))
    await world.work(enrollment)
    assert await world.ending() == "many"


async def test_a_goal_of_the_new_program_counts_from_then_on(world: World, clock: HandClock) -> None:
    await enters(world, program(wait("rest", 24)))
    customer = (await world.only()).customer_id
    await world.happens(customer, "Order Completed")
    await moved(world, program(wait("rest", 24), goal=goal()))
    assert (await world.only()).open
    await world.happens(customer, "Order Completed")
    assert await world.ending() == "Order Completed"


async def test_moving_again_moves_nobody_and_going_back_is_moving_too(world: World, clock: HandClock) -> None:
    first, into = program(wait("rest", 24)), program(wait("rest", 12))
    await enters(world, first)
    await moved(world, into)
    assert await moved(world, into) == MigrationResult()
    assert await moved(world, first) == MigrationResult(moved=1)
    assert (await world.only()).state.deadline == START + 24 * HOUR


def test_names_of_steps_are_held_against_both_programs() -> None:
    changing = {"trip": Changing(frozenset(["nudge", "rest"]), program(wait("pause", 1), send("reminder")))}
    assert read_maps(["nudge=reminder", "trip.rest=stay"], changing) == {
        "trip": {"nudge": Target(step="reminder"), "rest": None}
    }
    assert read_maps(["nudge=exit"], changing)["trip"]["nudge"] == Target(exit="migrated")
    for text, said in {
        "nudge": "is not old=new",
        "nugde=exit": 'no former program has a step "nugde"; did you mean "nudge"?',
        "nudge=remindr": 'has no step "remindr"; did you mean "reminder"?',
        "tripp.nudge=exit": 'no journey "tripp" is changed; did you mean "trip"?',
    }.items():
        with pytest.raises(ValueError, match=said.replace("?", r"\?")):
            read_maps([text], changing)
