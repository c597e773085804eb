"""One interpreter: for any valid journey and any events, the drivers on the store and on Temporal do exactly what the
simulator does, to the instant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from idic.journey.program.program import Program
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.upgrade import migrate
from tests.conftest import HandClock, new_database
from tests.journey.random_journeys import Happening, compiled, happenings, journeys, started
from tests.router.simulator_oracle import (
    BEGIN,
    DAYS,
    EXPLORED,
    TRAITS,
    Answers,
    AsMeant,
    NoNights,
    apart,
    as_meant,
    as_told,
    clickable,
    newest,
    when_left,
)
from tests.router.world import World
from tests.workflows.test_temporal import Skipping, time_skips

_MOMENT = timedelta(microseconds=1)

answers = st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=3)


class Punctual:
    """The store's driver, with workers that are never late."""

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
        await self.occurs(happening)
        for one in await self.world.enrollments(self.customer):
            await self.work(one.id)

    async def occurs(self, happening: Happening) -> None:
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


class Tale(NamedTuple):
    text: str
    story: list[Happening]


def _drawn(begin: datetime, batch: int, count: int = 16) -> list[Tale]:
    """So many random stories, the same in every run except for the day on which they begin."""
    tales: list[Tale] = []

    @seed(batch)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def draw(data: st.DataObject) -> None:
        number = len(tales)
        tales.append(Tale(data.draw(journeys(calls=False, number=number)), data.draw(happenings(begin, number))))

    draw()
    return tales


async def as_it_went(
    world: World, customer: str, trip: Program, story: Sequence[Happening], levels: Sequence[float | None]
) -> list[object]:
    async def forget(tx: Tx) -> None:
        await tx.execute(delete(tables.journeys))

    await world.store.move("forget", forget)
    world.clock.instant = BEGIN
    await world.publish(trip)
    punctual = Punctual(world, customer, Answers(levels))
    await punctual.happens(Happening(0, "Started", started(BEGIN)))
    for happening in story:
        instant = BEGIN + timedelta(minutes=happening.minute)
        await punctual.until(instant - _MOMENT)
        world.clock.instant = instant
        await punctual.happens(happening)
    await punctual.until(BEGIN + timedelta(days=DAYS))
    return await as_told(world, customer)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_store_does_what_is_meant(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/idic.db" if kind == "sqlite" else new_database(request.getfixturevalue("postgres"))
    with asyncio.Runner() as runner:
        store = Store.open(url, HandClock(BEGIN))
        runner.run(migrate(store))
        world = World(store, store.clock, NoNights(), explored=EXPLORED)  # type: ignore[arg-type]

        @settings(
            max_examples=60 if kind == "sqlite" else 12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        @given(journeys(), happenings(BEGIN), answers)
        def tell(text: str, story: list[Happening], levels: list[float | None]) -> None:
            note(text)
            trip = compiled(text)
            world.clock.instant = BEGIN
            customer = runner.run(world.customer(**TRAITS))
            went = runner.run(as_it_went(world, customer, trip, story, levels))
            assert went == as_meant(trip, customer, story, levels)

        tell()
        runner.run(store.close())


@pytest.mark.parametrize("batch", range(2))
async def test_temporal_does_what_is_meant(batch: int, tmp_path: Path) -> None:
    """A whole batch at a time on one time-skipping server, each customer in a journey of their own."""
    async with time_skips(tmp_path, NoNights()) as skipping:
        await _told_at_once(skipping, batch)


async def accepted(world: World, customer: str) -> set[datetime]:
    async with world.store.reading() as tx:
        asked = select(tables.events.c.accepted_at).where(tables.events.c.customer_id == customer)
        return {row["accepted_at"] for row in await tx.rows(asked)}


async def _told_at_once(skipping: Skipping, batch: int) -> None:
    await skipping.time.catch_up()
    begin = skipping.world.clock.instant.replace(microsecond=0)
    tales = _drawn(begin, batch)
    customers = [await skipping.world.customer(**TRAITS) for _ in tales]
    await skipping.world.publish(*(compiled(tale.text) for tale in tales))
    told: list[list[tuple[datetime, Happening]]] = [[] for _ in tales]

    async def happens(number: int, happening: Happening) -> None:
        await skipping.time.catch_up()
        punctual = Punctual(skipping.world, customers[number], Answers([]))
        before = await accepted(skipping.world, customers[number])
        await punctual.occurs(happening)
        # The server's clock goes on while somebody is held up: an event was there when it was accepted.
        new = await accepted(skipping.world, customers[number]) - before
        told[number].append((max(new, default=skipping.world.clock.instant), happening))
        await skipping.tell()

    for number in range(len(tales)):
        await happens(number, Happening(0, "Started", started(begin, number)))
    merged = sorted((one.minute, number, one) for number, tale in enumerate(tales) for one in tale.story)
    for minute, number, one in merged:
        await skipping.time.catch_up()
        # Seconds apart from what is due on the minute: which of two in one instant is first is the store's own story.
        instant = begin + timedelta(minutes=minute, seconds=7 + number)
        await skipping.passes(seconds=max((instant - skipping.world.clock.instant).total_seconds(), 0.001))
        await happens(number, one)
    await skipping.passes(days=DAYS)
    for number, tale in enumerate(tales):
        went = await as_told(skipping.world, customers[number])
        left = await when_left(skipping.world, customers[number])
        meant = AsMeant(compiled(tale.text), customers[number], told[number][0][0], Answers([]), left)
        for instant, happening in told[number]:
            meant.simulator.becomes(instant)
            meant.happens(happening)
        meant.simulator.wait(days=DAYS)
        assert not (found := apart(went, meant.told())), "\n".join([*found, tale.text, *map(str, told[number])])
