"""Accounts that are down, others that stand in for them, and a provider that is called at once or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from idic.interact.channels.contract import Later, Outcome, Refused, Unsure
from idic.interact.policy.touch_request import TouchRequest
from idic.journey.program.entry import Entry
from idic.journey.program.values import Pattern
from idic.store.database import Store
from tests.conftest import HandClock
from tests.journey.programs import out, program, send
from tests.router.world import Postman, World

DOWN = Later("no_connection", "nobody answers", down=True)


class TwoAccounts(World):
    """Two accounts for mail."""

    def __init__(self, store: Store, clock: HandClock, **more: Any) -> None:
        super().__init__(store, clock)
        self.runtime = replace(self.runtime, accounts={**self.runtime.accounts, "email": ("smtp", "ses")})
        self.second = Postman("ses")
        self.advancing.runtime = self.runtime
        self.delivers_by({"smtp": self.postman, "ses": self.second}, **more)

    async def claimed(self) -> str:
        await self.publish(program(send("nudge", out("went"))))
        await self.happens(await self.customer(), "Signed Up")
        (delivery,) = (await self.advance((await self.only()).id)).deliver
        assert delivery.queue == "deliver-smtp"
        return delivery.touch

    async def touch(self) -> tuple[str, str, str | None]:
        (row,) = await self.touches()
        return row.status, row.account, row.reason


async def test_another_account_stands_in_for_one_that_is_down(store: Store, clock: HandClock) -> None:
    town = TwoAccounts(store, clock)
    touch = await town.claimed()
    town.postman.answers = [DOWN]
    (delivery,) = (await town.deliver(touch)).deliver
    assert (delivery.touch, delivery.queue) == (touch, "deliver-ses")
    assert await town.touch() == ("claimed", "ses", None)
    await town.deliver(touch)
    assert await town.touch() == ("sent", "ses", None)
    assert (town.postman.taken, town.second.taken) == ([touch], [touch])
    assert "smtp is down, by ses" in [because for _, because in await town.told((await town.only()).id)]


async def test_an_account_known_to_be_down_is_skipped(store: Store, clock: HandClock) -> None:
    town = TwoAccounts(store, clock)
    touch = await town.claimed()
    town.postman.otherwise = DOWN
    await town.deliver(touch)
    await town.deliver(touch)
    await town.happens(await town.customer(email="ben@example.com"), "Signed Up")
    (ben,) = [one for one in await town.enrollments() if one.open]
    (first,) = (await town.advance(ben.id)).deliver
    (delivery,) = (await town.deliver(first.touch)).deliver
    assert delivery.queue == "deliver-ses"
    await town.deliver(delivery.touch)
    assert town.postman.taken == [touch]
    assert {row.status for row in await town.touches()} == {"sent"}


async def test_when_both_accounts_are_down_the_message_is_retried_later(store: Store, clock: HandClock) -> None:
    town = TwoAccounts(store, clock)
    touch = await town.claimed()
    town.postman.otherwise = town.second.otherwise = DOWN
    await town.deliver(touch)
    with pytest.raises(ApplicationError, match="no_connection"):
        await town.deliver(touch)
    assert (town.postman.taken, town.second.taken) == ([touch], [touch])
    assert await town.touch() == ("claimed", "ses", "no_connection")


@pytest.mark.parametrize(
    "outcome", [Unsure("timeout", "silence"), Refused("no_such_mailbox", "550"), Later("busy", "429", 1)], ids=lambda o: o.code
)
async def test_other_outcomes_do_not_switch_the_account(store: Store, clock: HandClock, outcome: Outcome) -> None:
    town = TwoAccounts(store, clock)
    touch = await town.claimed()
    town.postman.answers = [outcome]
    if isinstance(outcome, Later):
        with pytest.raises(ApplicationError):
            await town.deliver(touch)
    else:
        await town.deliver(touch)
        await town.deliver(touch)
    assert town.second.taken == []


async def test_a_delivery_that_begins_too_late_is_not_sent(store: Store, clock: HandClock) -> None:
    """Whoever withdraws waits for so long and no longer (``idic.api.wait_until_settled``)."""
    town = TwoAccounts(store, clock, begin_within=0)
    touch = await town.claimed()
    with pytest.raises(ApplicationError, match="began_too_late"):
        await town.deliver(touch)
    assert town.postman.taken == []
    town.delivering.begin_within = 2
    await town.deliver(touch)
    assert (town.postman.taken, await town.touch()) == ([touch], ("sent", "smtp", None))


class SlowFilter:
    """Takes its time over the journey ``tips``."""

    name = "slow"

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock

    def __call__(self, request: TouchRequest) -> None:
        if request.journey == "tips":
            self.clock.advance(seconds=3)


async def test_routing_before_a_delivery_counts_toward_its_time_limit(store: Store, clock: HandClock) -> None:
    """It is said to be under way since before that, and so long ago that nobody waits for it any more."""
    world = World(store, clock, SlowFilter(clock))
    world.delivering.begin_within = 2
    await world.publish(program(send("nudge", out("went"))))
    await world.publish(program(send("tips", out("went")), journey="tips", entry=Entry(on=(Pattern(on="Looked"),))))
    anna = await world.customer()
    await world.happens(anna, "Signed Up")
    (delivery,) = (await world.advance((await world.only()).id)).deliver
    await world.accept(anna, "Looked")
    with pytest.raises(ApplicationError, match="began_too_late"):
        await world.deliver(delivery.touch)
    assert world.postman.taken == []
    await world.deliver(delivery.touch)
    assert world.postman.taken == [delivery.touch]
