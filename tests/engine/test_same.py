"""One interpreter: whatever valid journey is drawn and whatever happens in it, the store's driver and Temporal's do exactly
what the simulator does, to the instant."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from idic.journey.program import Program
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.migrate import migrate
from tests.conftest import START, HandClock, new_database
from tests.engine.same import DAYS, RULES_OF_BOTH, STARTED, TRAITS, Answers, as_meant, as_told, clickable, newest
from tests.engine.world import World
from tests.journey.drawn import Happening, compiled, happenings, journeys

_MOMENT = timedelta(microseconds=1)
_numbers = itertools.count()

answers = st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=3)


class Punctual:
    """The store's driver with workers who are never late."""

    def __init__(self, world: World, customer: str, answers: Answers) -> None:
        self.world = world
        self.customer = customer
        self.answers = answers

    async def until(self, instant: object) -> None:
        clock = self.world.clock
        while True:
            due = [
                (one.state.deadline, one.id)
                for one in await self.world.enrollments(self.customer)
                if one.open and one.state.deadline is not None and one.state.deadline <= instant  # type: ignore[operator]
            ]
            if not due:
                return
            clock.instant = max(clock.instant, min(due)[0])
            await self.work(min(due)[1])

    async def work(self, enrollment: str) -> None:
        instruction = await self.world.advance(enrollment)
        while instruction.deliver:
            for delivery in instruction.deliver:
                if delivery.activity == "call":
                    instruction = await self.world.answer(delivery.touch, self.answers.next())
                else:
                    instruction = await self.world.deliver(delivery.touch)

    async def happens(self, happening: Happening) -> None:
        world = self.world
        if happening.name == "identify":
            await world.happens(self.customer, "identify", happening.properties, kind="identify")
        elif happening.of is None:
            await world.happens(self.customer, happening.name, happening.properties)
        else:
            state = newest(await world.enrollments(self.customer))
            channel = clickable(state, happening.of)
            if state is not None and channel is not None:
                await world.clicked(state, happening.of, channel, happening.properties)
        for one in await world.enrollments(self.customer):
            await self.work(one.id)


async def as_it_went(
    world: World, customer: str, trip: Program, story: Sequence[Happening], levels: Sequence[float | None]
) -> list[object]:
    async def forget(tx: Tx) -> None:
        await tx.execute(delete(tables.journeys))

    await world.store.move("forget", forget)
    world.clock.instant = START
    await world.publish(trip)
    punctual = Punctual(world, customer, Answers(levels))
    await punctual.happens(Happening(0, "Started", STARTED))
    for happening in story:
        instant = START + timedelta(minutes=happening.minute)
        await punctual.until(instant - _MOMENT)
        world.clock.instant = instant
        await punctual.happens(happening)
    await punctual.until(START + timedelta(days=DAYS))
    return await as_told(world, customer)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_store_does_what_is_meant(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/idic.db" if kind == "sqlite" else new_database(request.getfixturevalue("postgres"))
    with asyncio.Runner() as runner:
        store = Store.open(url, HandClock())
        runner.run(migrate(store))
        world = World(store, store.clock, RULES_OF_BOTH)  # type: ignore[arg-type]

        @settings(
            max_examples=120 if kind == "sqlite" else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        @given(journeys(), happenings(), answers)
        def tell(text: str, story: list[Happening], levels: list[float | None]) -> None:
            note(text)
            trip = compiled(text)
            world.clock.instant = START
            customer = runner.run(world.customer(**TRAITS))
            went = runner.run(as_it_went(world, customer, trip, story, levels))
            assert went == as_meant(trip, customer, story, levels)

        tell()
        runner.run(store.close())
