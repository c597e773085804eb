"""Fifty journeys reach for one customer at the same instant, in tasks that know nothing of one another: each cap of the
policy holds exactly, and nobody is put off without need. (The same among real processes: ``test_fifty_processes``.)"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from chaos.limits import policy_of
from chaos.sliding_windows import Limit, Sending
from idic.interact.channels.channel_edge import Parcel
from idic.interact.channels.contract import Accepted, Outcome, Refused, Unsure
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.store.database import Store
from idic.store.enrollment.touches import Touch
from idic.store.journey import policies
from tests.conftest import HandClock
from tests.journey.programs import program, send, to, wait
from tests.router.world import Postman, World

JOURNEYS = 50
SEEDS = range(int(os.environ.get("IDIC_RACE_SEEDS", "2")))
TOPICS = ("offers", "news", None)
COUNTS = {"claimed", "attempting", "sent", "uncertain"}
HOUR = timedelta(hours=1)


class Moody(Postman):
    """Takes its time, and now and then refuses, says nothing, or asks for patience."""

    def __init__(self, account: str, rng: Random) -> None:
        super().__init__(account)
        self.rng = rng
        self.moods = True

    async def send(self, message: Parcel) -> Outcome:
        await asyncio.sleep(self.rng.choice((0, 0, 0.001, 0.004)))
        self.taken.append(message.touch)
        mood = self.rng.random() if self.moods else 1.0
        if mood < 0.1:
            return Refused("no_such_mailbox", "550")
        if mood < 0.2:
            return Unsure("timeout", "after the dot")
        return Accepted(f"provider-{len(self.taken)}")


@pytest.fixture
async def worlds(store: Store, database_url: str, clock: HandClock) -> AsyncIterator[list[World]]:
    """Three that share one store and one clock, and nothing else, as processes do."""
    stores = [store, Store.open(database_url, clock), Store.open(database_url, clock)]
    yield [World(one, clock) for one in stores]
    for one in stores[1:]:
        await one.close()


def _journey(number: int, rng: Random) -> Program:
    channel = rng.choice(("email", "email", "sms"))
    asks = send("ask", within=2000, channels=(channel,))
    steps = (asks,) if number % 5 == 0 else (wait("rest", 1, to("ask")), asks)
    return program(*steps, journey=f"j{number:02}", purpose="marketing", topic=rng.choice(TOPICS))


def _limits(rng: Random) -> list[Limit]:
    """Some of: an overall cap or two, caps of channels and of topics."""
    drawn = [
        Limit(rng.randint(2, 9), HOUR * 24),
        Limit(rng.randint(5, 14), HOUR * 24 * 7),
        Limit(rng.randint(1, 5), HOUR * rng.choice((24, 48)), channels=("email",)),
        Limit(rng.randint(0, 3), HOUR * rng.choice((24, 168)), channels=("sms",)),
        Limit(rng.randint(1, 4), HOUR * 72, topic="offers"),
        Limit(rng.randint(1, 3), HOUR * 24, channels=("email",), topic="news"),
    ]
    return rng.sample(drawn, rng.randint(1, 4))


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_cap_holds_exactly(worlds: list[World], seed: int) -> None:
    rng = Random(seed)
    gap = HOUR * rng.randint(1, 6) if rng.random() < 0.3 else None
    await _race(worlds, _limits(rng), rng, gap=gap, moods=seed % 2 == 1)


async def test_a_cap_is_reached_and_not_passed(worlds: list[World]) -> None:
    limits = [Limit(7, HOUR * 24)]
    sent = await _race(worlds, limits, Random(1), rounds=5)
    bunches = Counter(sent).values()
    assert len(bunches) >= 2
    assert set(bunches) == {7}


async def test_with_a_minimum_gap_messages_go_one_at_a_time(worlds: list[World]) -> None:
    sent = await _race(worlds, [], Random(2), gap=HOUR * 3, rounds=5)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert len(gaps) >= 2
    assert set(gaps) == {HOUR * 3}


async def _race(
    worlds: list[World],
    limits: list[Limit],
    rng: Random,
    *,
    gap: timedelta | None = None,
    moods: bool = False,
    rounds: int = 4,
) -> list[datetime]:
    """Returns when something was sent, in order."""
    first, clock = worlds[0], worlds[0].clock
    for world in worlds:
        for account in ("smtp", "twilio"):
            postman = Moody(account, rng)
            postman.moods = moods
            world.delivering.couriers = {**world.delivering.couriers, account: postman}
    policy = policy_of(limits, gap)
    limits = [*limits, Limit(1, gap)] if gap else limits
    await first.store.move("policy", lambda tx: policies.publish(tx, policy, tx.now()))
    journeys = [_journey(number, rng) for number in range(JOURNEYS)]
    await first.publish(*journeys)
    anna = await first.customer(phone="+4915112345678")
    for channel in ("email", "sms"):
        await first.happens(anna, "Consent Given", {"channel": channel})
    await first.accept(anna, "Signed Up")
    await first.route(anna)
    sent: list[datetime] = []
    at_most = 0
    clock.advance(hours=1)
    for _ in range(rounds):
        due = [one.id for one in await first.enrollments(anna) if one.open and _due(one.state.deadline, clock.now())]
        at_most = max(at_most, len(due))
        rng.shuffle(due)
        await asyncio.gather(*(_work(rng.choice(worlds), one, rng) for one in due))
        sent = await _hold(first, anna, {one.journey: one for one in journeys}, limits)
        waiting = [one.state.deadline for one in await first.enrollments(anna) if one.open]
        if not waiting:
            break
        clock.instant = min(deadline for deadline in waiting if deadline is not None)
    assert at_most > JOURNEYS / 2
    return sent


def _due(deadline: datetime | None, now: datetime) -> bool:
    return deadline is None or deadline <= now


async def _work(world: World, enrollment: str, rng: Random) -> None:
    await asyncio.sleep(rng.uniform(0, 0.003))
    await world.work(enrollment)


async def _hold(world: World, customer: str, journeys: dict[str, Program], limits: list[Limit]) -> list[datetime]:
    """Never above a limit; and whoever is put off is so because one of them is full, and no longer than it is."""
    now = world.clock.now()
    rows = [row for row in await world.touches() if row.customer_id == customer]
    counting = [_sending(row) for row in rows if row.status in COUNTS]
    for limit in limits:
        assert limit.beyond(counting) == [], (limit, counting)
    # A place that was given back, tried or not (the address had died meanwhile), was taken when others were put off.
    then = [*counting, *(_sending(row)._replace(at=row.settled_at) for row in rows if row.status == "failed")]
    for one in await world.enrollments(customer):
        if not one.open:
            continue
        ask = journeys[one.journey].steps["ask"]
        assert isinstance(ask, Send)
        put_off = Sending(now, ask.channels[0], journeys[one.journey].topic)
        assert one.state.deadline is not None
        assert one.state.deadline > now
        concerned = [limit for limit in limits if limit.concerns(put_off)]
        full = [limit for limit in concerned if limit.at_most == 0 or limit.free_at(then, now) > now]
        assert full, f"put off until {one.state.deadline} without need: {put_off}, {limits}"
        if all(limit.at_most for limit in full):
            assert one.state.deadline <= max(limit.free_at(then, now) for limit in full)
    return sorted(one.at for one in counting)


def _sending(touch: Touch) -> Sending:
    return Sending(touch.attempted_at or touch.claimed_at, touch.channel, touch.topic)
