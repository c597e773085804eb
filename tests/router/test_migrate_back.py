"""Migrating forth and back.

A sent message is known by each name that its step had, and one that was given up is asked for anew. A state learns whatever
the rows know and it does not, so that no workflow is told to deliver the same touch for ever.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import httpx
import pytest

from idic.journey.engine.migrate import Map
from idic.journey.engine.state import Called, Touched
from idic.journey.program.program import Program
from idic.journey.program.steps import Call, Repeat, Send
from idic.journey.program.values import Target
from idic.router.migrate import MigrationResult, move_everybody
from idic.router.pause import release_held
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.enrollment import endpoint_calls
from idic.store.enrollment import enrollments as stored
from idic.store.journey import programs
from tests.conftest import HandClock
from tests.interact.endpoints.services import endpoint
from tests.journey.programs import arm, hours, out, program, send, to, wait, wait_for
from tests.router.world import World

ENDPOINT = endpoint("https://erp.example/stock", takes={})


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def enters(world: World, first: Program, **traits: object) -> str:
    await world.publish(first)
    await world.happens(await world.customer(**traits), "Signed Up")
    return (await world.only()).id


async def moved(world: World, into: Program, **mapping: str) -> None:
    await world.publish(into)
    where: Map = {old: Target(step=new) for old, new in mapping.items()}
    assert await move_everybody(world.store, world.runtime, into, where, timedelta()) == MigrationResult(moved=1)


async def delivered(world: World, enrollment: str) -> None:
    """Deliver everything there is to deliver, in at most so many rounds."""
    instruction = await world.advance(enrollment)
    for _ in range(3):
        for delivery in instruction.deliver:
            do = world.call if delivery.activity == "call" else world.deliver
            instruction = await do(delivery.touch)
    assert instruction.deliver == []


async def rows(world: World) -> list[tuple[str, int, str]]:
    return sorted((row.step, row.round, row.status) for row in await world.touches())


def nudged(nudge: str = "nudge", channel: str = "email", after: float = 5) -> Program:
    return program(wait("rest", 1, to(nudge)), send(nudge, to("after"), channels=(channel,)), wait("after", after))


async def test_a_claim_that_was_given_up_is_claimed_again_where_the_step_is_reached_again(
    world: World, clock: HandClock
) -> None:
    enrollment = await enters(world, nudged())
    clock.advance(hours=1)
    await world.advance(enrollment)
    await moved(world, nudged(after=6), nudge="rest")
    assert await rows(world) == [("nudge", 1, "failed")]
    clock.advance(hours=1)
    await delivered(world, enrollment)
    assert (await rows(world), (await world.only()).state.step) == ([("nudge", 1, "sent")], "after")
    assert len(world.postman.taken) == 1


async def test_a_channel_that_comes_back_is_sent_by(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, nudged(), phone="+4915112345678")
    clock.advance(hours=1)
    (delivery,) = (await world.advance(enrollment)).deliver
    await world.store.move("pause", lambda tx: programs.pause(tx, "trip", tx.now()))
    await world.deliver(delivery.touch)
    await moved(world, nudged(channel="sms"))
    await moved(world, nudged())
    await world.store.move("resume", lambda tx: programs.pause(tx, "trip", None))
    await release_held(world.store, world.runtime, "trip", timedelta())
    await delivered(world, enrollment)
    assert (await rows(world), len(world.postman.taken), world.sms.taken) == ([("nudge", 1, "sent")], 1, [])


async def test_renamed_and_renamed_back_it_is_sent_once(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, nudged())
    clock.advance(hours=1)
    await world.advance(enrollment)
    await moved(world, nudged("reminder"), nudge="reminder")
    await moved(world, nudged(), reminder="nudge")
    await delivered(world, enrollment)
    assert (await rows(world), len(world.postman.taken)) == ([("nudge", 1, "sent")], 1)
    assert (await world.only()).state.formerly == {"reminder": "nudge"}


async def test_a_name_that_nobody_met_is_forgotten_on_the_way_back(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, nudged())
    await moved(world, nudged("reminder"), nudge="reminder")
    await moved(world, nudged())
    clock.advance(hours=1)
    await delivered(world, enrollment)
    one = await world.only()
    assert (one.state.step, one.state.formerly, list(one.state.touches)) == ("after", {}, ["nudge"])


async def test_what_was_sent_under_one_name_is_waited_for_by_that_name_again(world: World, clock: HandClock) -> None:
    def asked(nudge: str) -> Program:
        clicked = arm("Link Clicked", out("clicked"), of=nudge)
        return program(send(nudge, to("reaction")), wait_for("reaction", 24, clicked, otherwise=to(nudge)))

    enrollment = await enters(world, asked("nudge"))
    await world.work(enrollment)
    await moved(world, asked("reminder"), nudge="reminder")
    await moved(world, asked("nudge"))
    one = await world.only()
    assert (one.state.step, list(one.state.touches)) == ("reaction", ["nudge"])
    await delivered(world, enrollment)
    assert len(world.postman.taken) == 1
    await world.reported(world.postman.taken[0], "Link Clicked", {"channel": "email"})
    assert await world.ending() == "clicked"


async def test_what_was_sent_under_the_name_in_between_is_not_sent_again(world: World, clock: HandClock) -> None:
    def asked(nudge: str) -> Program:
        return program(wait("rest", 1, to(nudge)), send(nudge, to("after")), wait("after", 1, to("rest")))

    enrollment = await enters(world, asked("nudge"))
    clock.advance(hours=1)
    await world.advance(enrollment)
    await moved(world, asked("reminder"), nudge="reminder")
    await delivered(world, enrollment)
    await moved(world, asked("nudge"))
    for _ in range(4):
        clock.advance(hours=1)
        await delivered(world, enrollment)
    assert await rows(world) == [("nudge", 1, "failed"), ("reminder", 1, "sent")]


async def test_of_two_steps_that_become_one_it_is_the_one_where_somebody_stands(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, program(send("first", to("rest")), wait("rest", 1, to("second")), send("second")))
    await world.work(enrollment)
    clock.advance(hours=1)
    await world.advance(enrollment)
    await moved(world, program(wait("rest", 1, to("both")), send("both")), first="both", second="both")
    await delivered(world, enrollment)
    # Sent the first, she was not sent the second.
    assert await rows(world) == [("both", 1, "sent"), ("first", 1, "sent"), ("second", 1, "failed")]
    assert (await world.only()).state.formerly == {"second": "both"}


async def test_a_step_that_stands_already_is_not_another_that_is_mapped_to_it(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, program(send("hello", to("rest")), wait("rest", 1, to("bye")), send("bye")))
    await world.work(enrollment)
    await moved(world, program(wait("rest", 1, to("bye")), send("bye")), hello="bye")
    clock.advance(hours=1)
    await delivered(world, enrollment)
    assert await rows(world) == [("bye", 1, "sent"), ("hello", 1, "sent")]


async def test_both_names_in_one_program_send_nothing_twice(world: World, clock: HandClock) -> None:
    """The new nudge has the id of a sent one: it counts as sent, and is not delivered for ever."""
    enrollment = await enters(world, program(send("nudge", to("rest")), wait("rest", 24)))
    await world.work(enrollment)
    await moved(world, program(send("reminder", to("rest")), wait("rest", 24)), nudge="reminder")
    both = (wait("rest", 24, to("reminder")), send("reminder", to("nudge")), send("nudge", to("after")), wait("after", 5))
    await moved(world, program(*both))
    clock.advance(hours=24)
    await delivered(world, enrollment)
    one = await world.only()
    assert (one.state.step, one.state.formerly, await rows(world)) == ("after", {}, [("nudge", 1, "sent")])


def looped(body: Send | Call) -> Program:
    return program(Repeat(id="thrice", times=3, first=to(body.id), then=out("over")), body, wait("rest", 24, to("thrice")))


def ask(then: str = "rest") -> Call:
    return Call(id="ask", endpoint=ENDPOINT, within=hours(1 / 6), then=to(then), otherwise=to(then))


@pytest.mark.parametrize("body", [send("nudge", to("rest")), ask()], ids=["send", "call"])
async def test_rounds_are_counted_on_for_a_step_that_was_gone(world: World, clock: HandClock, body: Send | Call) -> None:
    world.wire.answers = [httpx.Response(200, json={}) for _ in range(3)]
    enrollment = await enters(world, looped(body))
    await delivered(world, enrollment)
    rest = program(Repeat(id="thrice", times=3, first=to("rest"), then=out("over")), wait("rest", 24, to("thrice")))
    await moved(world, rest)
    await moved(world, looped(body))
    for _ in range(3):
        clock.advance(hours=24)
        await delivered(world, enrollment)
    table = tables.touches if isinstance(body, Send) else tables.calls
    assert sorted(row["round"] for row in await world.rows(table)) == [1, 2, 3]
    assert (await world.ending(), len(world.postman.taken) + len(world.wire.requests)) == ("over", 3)


async def test_what_was_asked_and_answered_is_not_asked_again(world: World) -> None:
    world.wire.answers = [httpx.Response(200, json={})]
    first = program(ask(), wait("rest", 24))
    enrollment = await enters(world, first)
    await delivered(world, enrollment)
    await moved(world, program(wait("pause", 24)), rest="pause")
    await moved(world, first, pause="ask")
    await delivered(world, enrollment)
    assert ((await world.only()).state.step, len(world.wire.requests)) == ("rest", 1)


async def believing(world: World, **fields: Any) -> None:
    """The state comes to differ from the rows, for whatever reason."""
    one = await world.only()

    async def work(tx: Tx) -> None:
        await stored.save(tx, one._replace(state=one.state.changed(**fields)))

    await world.store.move("differ", work)


@pytest.mark.parametrize("status", ["sent", "failed", "uncertain", "deferred"])
async def test_a_state_behind_its_touch_learns_what_became_of_it(world: World, clock: HandClock, status: str) -> None:
    enrollment = await enters(world, program(send("nudge", to("rest"), otherwise=out("failed")), wait("rest", 24)))
    (row,) = await world.touches()
    mark = tables.touches.update().values(status=status, reason="why", settled_at=clock.now())
    await world.store.move("settled", lambda tx: tx.execute(mark))
    await believing(world, formerly={"nudge": "reminder"})
    clock.advance(hours=1)
    await delivered(world, enrollment)
    assert (await world.ending()) == ("failed" if status == "failed" else None)
    assert world.postman.taken == ([row.id] if status == "deferred" else [])
    held = {"sent": Touched(status="sent", at=row.claimed_at, reason="why")}.get(status)
    assert held is None or (await world.only()).state.touches["nudge"]["email"] == held


@pytest.mark.parametrize("status", ["answered", "failed"])
async def test_a_state_behind_its_call_learns_how_it_ended(world: World, status: Literal["answered", "failed"]) -> None:
    first = program(ask().model_copy(update={"otherwise": out("no answer")}), wait("rest", 24))
    enrollment = await enters(world, first)
    (row,) = await world.rows(tables.calls)
    await world.store.move("settled", lambda tx: endpoint_calls.mark(tx, row["id"], status=status))
    await delivered(world, enrollment)
    assert (await world.only()).state.calls["ask"] == Called(
        status=status,
        at=row["asked_at"],
        reason=None if status == "answered" else "answered before",
    )
    assert await world.ending() == (None if status == "answered" else "no answer")


async def test_a_call_ends_though_the_clock_steps_back_as_it_is_too_late(world: World, clock: HandClock) -> None:
    enrollment = await enters(world, program(ask(), wait("rest", 24)))
    (row,) = await world.rows(tables.calls)
    late = {"status": "failed", "reason": "no answer in time"}
    await world.store.move("settled", lambda tx: endpoint_calls.mark(tx, row["id"], **late))
    await delivered(world, enrollment)
    one = await world.only()
    assert (one.state.step, one.state.calls["ask"].reason) == ("rest", "no answer in time")
