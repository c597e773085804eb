"""Calls of endpoints: a journey goes on with the answer, tries again while that may help, and goes on without one in time."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from temporalio.exceptions import ApplicationError

from activities.call import CallEndpoint
from idic.interact.endpoints import Answered, Caller, CallOutcome
from idic.journey.program.entry import Goal
from idic.journey.program.program import Program
from idic.journey.program.steps import Branch, Call, Choose, Repeat
from idic.journey.program.values import Assignment, Attribute, Pattern
from idic.journey.vocabulary.types import NUMBER, TEXT
from idic.store import tables
from idic.store.database import Store
from idic.store.tables import Row
from tests.conftest import HandClock
from tests.interact.endpoints.services import SECRETS, TOKEN, Places, endpoint
from tests.journey.programs import condition, hours, out, program, to, wait
from tests.router.world import World

ENDPOINT = endpoint("https://erp.example/stock/{{ sku }}")


def asks(id: str = "ask", within: float = 600, **changes: Any) -> Call:
    sku = condition("entry.sku", entry__sku=Attribute(type=TEXT))
    fields: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "given": (Assignment(name="sku", type=TEXT, value=sku),),
        "capture": "stock",
        "within": hours(within / 3600),
        "then": to("level"),
        "otherwise": out("no answer"),
    }
    return Call(id=id, **{**fields, **changes})


def stocked(ask: Call | None = None, **more: Any) -> Program:
    plenty = condition("stock.level > 2.0", stock__level=Attribute(type=NUMBER, required=True))
    level = Choose(id="level", branches=(Branch(when=plenty, then=out("plenty")),), otherwise=out("few"))
    return program(ask or asks(), level, **more)


@pytest.fixture
async def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def begun(world: World, *programs: Program) -> str:
    """The id of the call that Anna's enrollment waits for."""
    await world.publish(*(programs or (stocked(),)))
    await world.happens(await world.customer(), "Signed Up", {"sku": "k 1"})
    (delivery,) = (await world.advance((await world.only()).id)).deliver
    assert (delivery.activity, delivery.queue, delivery.label) == ("call", "work", "ask calls")
    return delivery.touch


async def the_call(world: World) -> Row:
    (row,) = await world.rows(tables.calls)
    return row


async def again(world: World, call: str) -> float:
    """Make a try that fails. Returns the seconds until the next."""
    with pytest.raises(ApplicationError) as later:
        await world.call(call)
    assert later.value.next_retry_delay is not None
    assert later.value.message == later.value.type
    return later.value.next_retry_delay.total_seconds()


async def test_the_journey_goes_on_with_what_it_was_told(world: World) -> None:
    call = await begun(world)
    world.wire.answers = [httpx.Response(200, json={"level": "3", "note": "not asked for"})]
    told = await world.call(call)
    assert (told.deliver, told.until) == ([], None)
    assert await world.ending() == "plenty"
    assert (await world.only()).state.captured["stock"].properties == {"level": 3.0}
    (request,) = world.wire.requests
    assert (request.url.raw_path, request.headers["host"]) == (b"/stock/k%201", "erp.example")
    assert request.headers["idempotency-key"] == call
    row = await the_call(world)
    assert (row["status"], row["attempts"], row["reason"], row["given"]) == ("answered", 1, None, {"sku": "k 1"})
    assert ("answered", None) in await world.told(row["enrollment_id"])
    # Told twice, nobody is asked twice.
    assert await world.call(call) == told
    assert len(world.wire.requests) == 1


async def test_it_is_asked_again_under_the_same_key_while_that_may_help(world: World) -> None:
    call = await begun(world)
    world.wire.answers = [
        httpx.ConnectError("refused"),
        httpx.Response(503, headers={"Retry-After": "30"}),
        httpx.Response(200, json={"level": 1}),
    ]
    assert await again(world, call) == 1
    row = await the_call(world)
    assert (row["status"], row["attempts"], row["reason"]) == ("asked", 1, "unreachable")
    assert await again(world, call) == 30
    await world.call(call)
    assert await world.ending() == "few"
    assert {request.headers["idempotency-key"] for request in world.wire.requests} == {call}
    kinds = await world.trace((await world.only()).id)
    assert kinds.count("calling again") == 2
    assert ((await the_call(world))["attempts"], (await the_call(world))["reason"]) == (3, None)


async def test_after_its_tries_it_is_asked_no_more(world: World) -> None:
    call = await begun(world)
    world.wire.answers = [httpx.Response(500) for _ in range(3)]
    assert [await again(world, call), await again(world, call)] == [1, 2]
    await world.call(call)
    assert await world.ending() == "no answer"
    row = await the_call(world)
    assert (row["status"], row["attempts"], row["reason"], row["detail"]) == (
        "failed",
        3,
        "http_500",
        "the service answered 500",
    )


async def test_what_another_try_would_not_mend_is_not_tried(world: World) -> None:
    call = await begun(world)
    world.wire.answers = [httpx.Response(404, json={"error": TOKEN})]
    await world.call(call)
    assert await world.ending() == "no answer"
    assert ("no answer", "http_404") in await world.told((await world.only()).id)


async def test_no_try_is_waited_for_that_would_come_too_late(world: World) -> None:
    call = await begun(world)
    world.wire.answers = [httpx.Response(503, headers={"Retry-After": "700"})]
    await world.call(call)
    assert await world.ending() == "no answer"


async def test_nobody_came_in_time(world: World) -> None:
    call = await begun(world, stocked(asks(otherwise=to("rest")), goal=None).model_copy(update=with_rest()))
    world.clock.advance(minutes=45)
    told = await world.call(call)
    assert told.until is not None
    assert world.wire.requests == []
    state = (await world.only()).state
    # As if it had ended when it should have: ten minutes after the beginning.
    assert (state.reached - state.entered_at).total_seconds() == 600
    row = await the_call(world)
    assert (row["status"], row["attempts"], row["reason"]) == ("failed", 0, "no answer in time")


def with_rest() -> dict[str, Any]:
    steps = stocked(asks(otherwise=to("rest"))).steps
    return {"steps": {**steps, "rest": wait("rest", 24)}}


class Slow(Caller):
    """A slow service: time passes, and something happens, before it answers."""

    def __init__(self, world: World, *meanwhile: Any) -> None:
        super().__init__(SECRETS, resolve=Places(), transport=world.wire)
        self.meanwhile = list(meanwhile)
        self.keys: list[str] = []

    async def call(self, *_: Any, key: str, **__: Any) -> CallOutcome:
        self.keys.append(key)
        for happens in self.meanwhile:
            await happens()
        return Answered({"level": 3.0})


async def test_an_answer_that_comes_too_late_is_none(world: World) -> None:
    call = await begun(world)

    async def long() -> None:
        world.clock.advance(minutes=11)

    await CallEndpoint(world.store, world.runtime, Slow(world, long)).call(call)
    assert await world.ending() == "no answer"
    assert (await the_call(world))["reason"] == "no answer in time"


async def test_who_has_left_is_not_asked_about_and_an_answer_moves_nobody(world: World) -> None:
    goal = Goal(on=(Pattern(on="Order Completed"),))
    call = await begun(world, stocked(goal=goal))
    one = await world.only()

    async def buys() -> None:
        await world.happens(one.customer_id, "Order Completed")

    told = await CallEndpoint(world.store, world.runtime, Slow(world, buys)).call(call)
    assert (told.deliver, told.until) == ([], None)
    assert (await world.ending(), (await world.only()).state.captured) == ("Order Completed", {})
    row = await the_call(world)
    assert (row["status"], row["reason"]) == ("failed", "ended")

    await world.happens(one.customer_id, "Signed Up", {"sku": "k2"})
    second = (await world.enrollments())[1]
    (delivery,) = (await world.advance(second.id)).deliver
    await buys()
    await world.call(delivery.touch)
    assert world.wire.requests == []


async def test_a_worker_that_died_over_a_try_is_followed_by_another_under_the_same_key(world: World) -> None:
    call = await begun(world)
    begins = asyncio.Event()

    async def dies() -> None:
        begins.set()
        await asyncio.Event().wait()

    dying = Slow(world, dies)
    dead = asyncio.create_task(CallEndpoint(world.store, world.runtime, dying).call(call))
    await begins.wait()
    dead.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dead
    next_one = Slow(world)
    await CallEndpoint(world.store, world.runtime, next_one).call(call)
    assert await world.ending() == "plenty"
    assert dying.keys == next_one.keys == [call]
    assert (await the_call(world))["attempts"] == 2


async def test_what_may_be_tried_once_is_not_tried_again_after_a_death(world: World) -> None:
    call = await begun(world, stocked(asks(endpoint=ENDPOINT.model_copy(update={"tries": 1}))))
    await world.store.move("died", lambda tx: tx.execute(tables.calls.update().values(attempts=1)))
    await world.call(call)
    assert await world.ending() == "no answer"
    assert (await the_call(world))["reason"] == "interrupted"
    assert world.wire.requests == []


async def test_of_two_tries_at_once_an_answer_counts_and_a_failure_is_for_the_newer_to_tell(world: World) -> None:
    call = await begun(world)

    async def overtaken() -> None:
        await world.store.move("overtaken", lambda tx: tx.execute(tables.calls.update().values(attempts=2)))

    failing = Slow(world, overtaken)
    world.wire.answers = [httpx.Response(404)]
    slow = Caller(SECRETS, resolve=_Overtaken(overtaken), transport=world.wire)
    told = await CallEndpoint(world.store, world.runtime, slow).call(call)
    assert [one.touch for one in told.deliver] == [call]  # still asked
    await CallEndpoint(world.store, world.runtime, failing).call(call)
    assert await world.ending() == "plenty"


class _Overtaken:
    def __init__(self, happens: Any) -> None:
        self.happens = happens

    async def __call__(self, host: str, port: int) -> list[str]:
        await self.happens()
        return ["1.1.1.1"]


async def test_each_round_is_a_call_of_its_own(world: World) -> None:
    ask = asks(then=to("twice"), capture=None, otherwise=to("twice"))
    twice = Repeat(id="twice", times=2, first=to("ask"), then=out("done"))
    await world.publish(program(twice, ask))
    await world.happens(await world.customer(), "Signed Up", {"sku": "k1"})
    world.wire.answers = [httpx.Response(200, json={"level": 1}), httpx.Response(404)]
    await world.work((await world.only()).id)
    assert await world.ending() == "done"
    rows = await world.rows(tables.calls)
    assert sorted((row["round"], row["status"]) for row in rows) == [(1, "answered"), (2, "failed")]
    assert [request.headers["idempotency-key"] for request in world.wire.requests] == [
        row["id"] for row in sorted(rows, key=lambda row: row["round"])
    ]


async def test_a_value_that_would_bend_the_address_goes_nowhere(world: World) -> None:
    await world.publish(stocked())
    await world.happens(await world.customer(), "Signed Up", {"sku": "../admin"})
    await world.work((await world.only()).id)
    assert await world.ending() == "no answer"
    assert (await the_call(world))["reason"] == "unsafe_value"
    assert world.wire.requests == []


async def test_calls_follow_their_customer_into_another(world: World) -> None:
    call = await begun(world)
    visitor = (await world.only()).customer_id
    anna = await world.customer()
    await world.happens(anna, "Viewed", merges=visitor)
    assert (await the_call(world))["customer_id"] == anna
    world.wire.answers = [httpx.Response(200, json={"level": 9})]
    await world.call(call)
    assert await world.ending() == "plenty"
