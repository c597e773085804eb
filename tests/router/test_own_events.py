"""idic's own events: a message left or failed, a goal was reached. Recorded once, and only where a journey listens."""

from __future__ import annotations

import pytest

from idic.interact.channels.contract import Refused
from idic.journey.engine.state import Touched
from idic.rehearse.simulator import SentMessage, Simulator
from idic.store import tables
from idic.store.database import Store
from tests.conftest import START, HandClock
from tests.journey.compiled import written
from tests.router.world import World

_WORDS = "events: {Started: {n: number}, Bought: {total: {type: money, required: true}}}\n"


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


HELLO = """
journey: hello
purpose: service
identify: {on: Started, again: always}
interact:
  - {id: mail, send: words, by: email}
  - id: seen
    wait_for:
      - {on: Message Sent, of: mail, as: sent, then: exit it left}
    within: 1 day
    otherwise: exit it never left
goal: {on: Bought, within: 1 day, value: event.total, then: continue}
customize: {words: {email: {subject: Hello, body: Hello}}}
"""
WATCHER = """
journey: watcher
purpose: service
identify: {on: [Message Failed, Goal Reached], again: always}
interact:
  - {id: note, wait: 1 day}
"""


async def test_a_message_that_left_is_told_where_somebody_waits_for_it(world: World) -> None:
    (hello,) = written(_WORDS, HELLO)
    await world.publish(hello)
    anna = await world.customer()
    await world.happens(anna, "Started")
    await world.work((await world.only()).id)
    await world.route(anna)
    await world.work((await world.only()).id)
    assert await world.ending() == "it left"
    meant = Simulator([hello], START)
    meant.happens("Started")
    assert [one.state.ended.reason for one in meant.enrollments if one.state.ended] == ["it left"]


async def test_a_message_that_failed_and_a_goal_begin_another_journey_once(world: World) -> None:
    both = written(_WORDS, HELLO, WATCHER)
    await world.publish(*both)
    anna = await world.customer()
    world.postman.otherwise = Refused("mailbox_full", "452")
    await world.happens(anna, "Started")
    (hello,) = [one for one in await world.enrollments(anna) if one.journey == "hello"]
    await world.work(hello.id)
    await world.happens(anna, "Bought", {"total": 20})
    await world.route(anna)
    entered = [one.state.entry for one in await world.enrollments(anna) if one.journey == "watcher"]
    assert [(event.name, event.properties) for event in entered] == [
        ("Message Failed", {"step": "mail", "channel": "email", "reason": "mailbox_full"})
    ]  # the second asks while the first is under way
    told = [row["name"] for row in await world.rows(tables.events) if row["kind"] == "own"]
    assert told == ["Message Failed", "Goal Reached"]

    def fails(sent: SentMessage) -> Touched:
        return Touched(status="failed", at=sent.at, reason="mailbox_full")

    meant = Simulator(both, START, deliver=fails)
    meant.happens("Started")
    meant.happens("Bought", {"total": 20})
    assert [one.state.entry.properties for one in meant.enrollments if one.program.journey == "watcher"] == [
        {"step": "mail", "channel": "email", "reason": "mailbox_full"}
    ]


async def test_nothing_is_told_to_nobody(world: World) -> None:
    (hello,) = written(_WORDS, HELLO.replace("Message Sent, of: mail", "Link Clicked, of: mail"))
    await world.publish(hello)
    anna = await world.customer()
    await world.happens(anna, "Started")
    await world.work((await world.only()).id)
    await world.happens(anna, "Bought", {"total": 20})
    assert [row["name"] for row in await world.rows(tables.events) if row["kind"] == "own"] == []
