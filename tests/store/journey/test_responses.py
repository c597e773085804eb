"""Responses of similar customers, summed up from the store, and the explanation of a choice based on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from idic.interact.best.response_model import Tally
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.journey import responses
from tests.conftest import START, HandClock
from tests.journey.programs import out, program, send, wait
from tests.router.world import World

PHONE = "+4915112345678"


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def sent(world: World, customer: str, count: int, **columns: Any) -> None:
    """So many messages of marketing that left a week ago, a minute apart."""

    async def work(tx: Tx) -> None:
        for number in range(count):
            at = START - timedelta(days=7, minutes=number)
            row = {
                "id": f"{customer[:20]}{columns['channel']}{number}", "enrollment_id": enrollment, "customer_id": customer,
                "step": "old", "round": number + 1, "message": "old", "journey": "old", "purpose": "marketing",
                "account": "smtp", "status": "sent", "deliver_by": at, "claimed_at": at, "settled_at": at,
            }  # fmt: skip
            await tx.execute(tables.touches.insert().values(row | columns))

    enrollment = (await world.enrollments(customer))[0].id
    await world.store.move("sent", work)


async def summed_up(world: World, limit: int = 200) -> list[int]:
    """In so many turns."""
    turns = []
    while done := await world.store.move("learn", lambda tx: responses.learn(tx, "UTC", limit)):
        turns.append(done)
    return turns


async def test_what_people_in_a_country_answer_decides_for_a_newcomer_and_is_told(world: World) -> None:
    both = send("nudge", out("went"), channels=("email", "sms"), mode="best_of")
    await world.publish(program(wait("rest", 1), journey="old"))
    await world.publish(program(both, purpose="marketing"))
    others = await world.customer(country="DE", phone=PHONE)
    await world.happens(others, "Signed Up")
    await sent(world, others, 150, channel="email")
    await sent(world, others, 150, channel="sms", clicked_at=START - timedelta(days=6))
    # Bounced, of service, never shown, or too young: none of these says anything of everybody.
    await sent(world, others, 5, channel="web")
    assert await summed_up(world, 100) == [100, 100, 100]
    async with world.store.reading() as tx:
        assert not await responses.due(tx, tx.now())
    rows = [row for row in await world.rows(tables.responses) if row["channel"] == "sms"]
    assert {row["likeness"] for row in rows} == {"", "in DE"}
    assert sum(row["messages"] for row in rows) == pytest.approx(300)
    # All but the first follow an answer, and were answered again.
    assert sum(row["answered_again"] for row in rows) == pytest.approx(298)
    world.clock.advance(minutes=10)  # so long a process goes by what it has read
    anna = await world.customer(country="DE", phone=PHONE)
    for channel in ("email", "sms"):
        await world.happens(anna, "Consent Given", {"channel": channel}, kind="own")
    await world.happens(anna, "Signed Up")
    (one,) = [one for one in await world.enrollments(anna) if one.journey != "old"]
    told = dict(await world.told(one.id))
    assert told["best"] is not None
    assert told["best"].endswith("as 150 messages to customers in DE")
    assert [row.channel for row in await world.touches() if row.customer_id == anna] == ["sms"]


async def test_nothing_is_summed_up_twice_and_what_is_old_fades(world: World, clock: HandClock) -> None:
    await world.publish(program(wait("rest", 1)))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    await sent(world, anna, 4, channel="email", replied_at=START - timedelta(days=6))
    assert await summed_up(world) == [4]
    assert await summed_up(world) == []
    clock.advance(days=90)
    for number in range(4):
        again = {"id": f"new{number}", "round": 100 + number, "claimed_at": clock.now() - timedelta(days=3)}
        await sent(world, anna, 1, channel="email", **again)
    assert await summed_up(world) == [4]
    async with world.store.reading() as tx:
        known = (await responses.Responses().crowd(tx, {}, clock.now())).everybody.whole.tally
    assert known == pytest.approx(Tally(4 + 4 / 2, 4 / 2))
