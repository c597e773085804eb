"""Properties of migration between any two random journeys, from any step: nothing is sent twice, no wait begins anew, every
enrollment ends."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy import delete

from idic.journey.engine.migrate import Map
from idic.journey.program.program import Program
from idic.journey.program.steps import Send, Wait, WaitFor
from idic.journey.program.values import Target
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.migrate import move
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.enrollment.enrollments import Enrollment
from idic.store.upgrade import migrate
from tests.conftest import HandClock
from tests.journey.random_journeys import Happening, compiled, happenings, journeys, started
from tests.router.simulator_oracle import BEGIN, DAYS, TRAITS, Answers, NoNights
from tests.router.test_same_as_simulator import Punctual
from tests.router.world import World

_MOMENT = timedelta(microseconds=1)
_WAITS = (Wait, WaitFor)

POOL = 14
TALES = 45


class Drawn(NamedTuple):
    """Random journeys and stories, the same in every run; any two go together."""

    programs: list[Program]
    stories: list[list[Happening]]


def pool() -> Drawn:
    found = Drawn([], [])

    @seed(4)
    @settings(max_examples=POOL, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(journeys(), happenings(BEGIN))
    def draw(text: str, story: list[Happening]) -> None:
        found.programs.append(compiled(text))
        found.stories.append(story)

    draw()
    return found


def drawn_map(dice: Random, former: Program, into: Program) -> dict[str, Target | None]:
    """A random mapping: each step to any step, to the exit, to stay, or unmapped."""
    to = [*(Target(step=name) for name in into.steps), Target(exit="migrated"), None]
    return {name: dice.choice(to) for name in former.steps if dice.random() < 0.7}


class Mover:
    """Migrates one customer from program to program, and checks each migration."""

    def __init__(self, world: World, customer: str) -> None:
        self.world = world
        self.customer = customer
        self.seen: Counter[str] = Counter()

    async def moves(self, into: Program, mapping: Map, spread: timedelta) -> None:
        for one in await self.world.enrollments(self.customer):
            if one.open and one.program_id != into.id:
                await self.moves_one(one, into, mapping, spread)

    async def moves_one(self, before: Enrollment, into: Program, mapping: Map, spread: timedelta) -> None:
        async def work(held: HeldCustomer) -> str:
            return await move(held, before, into, mapping, spread)

        word = await hold_customer(self.world.store, self.world.runtime, "migrate", self.customer, work)
        self.seen[word] += 1
        (after,) = [one for one in await self.world.enrollments(self.customer) if one.id == before.id]
        if word != "moved":
            assert word == "ended" or after == before
            return
        assert (after.program_id, after.seq) == (into.id, before.seq + 1)
        async with self.world.store.reading() as tx:
            former = await self.world.runtime.programs.get(tx, before.program_id)
        assert before.state.step is not None
        was = former.steps[before.state.step]
        now = into.steps.get(after.state.step or "")
        if isinstance(was, _WAITS) and isinstance(now, _WAITS) and after.state.reached < self.world.clock.instant:
            assert after.state.reached == before.state.reached
        for step, share in before.state.splits.items():
            if step in after.state.splits and any(one.name == share for one in getattr(into.steps.get(step), "shares", ())):
                assert after.state.splits[step] == share


async def tell(
    world: World, customer: str, programs: list[Program], maps: list[Map], when: list[int], story: list[Happening]
) -> Counter[str]:
    async def forget(tx: Tx) -> None:
        await tx.execute(delete(tables.journeys))

    await world.store.move("forget", forget)
    world.clock.instant = BEGIN
    await world.publish(programs[0])
    punctual, mover = Punctual(world, customer, Answers([1, None, 2])), Mover(world, customer)
    await punctual.happens(Happening(0, "Started", started(BEGIN)))
    changes = list(zip(sorted(when), programs[1:], maps, strict=False))
    for happening in [*story, None]:
        minute = DAYS * 24 * 60 if happening is None else happening.minute
        while changes and changes[0][0] < minute:
            at, into, mapping = changes.pop(0)
            await punctual.until(BEGIN + timedelta(minutes=at))
            world.clock.instant = BEGIN + timedelta(minutes=at)
            await world.publish(into)
            await mover.moves(into, mapping, timedelta(hours=1))
            for one in await world.enrollments(customer):
                await punctual.work(one.id)
        instant = BEGIN + timedelta(minutes=minute)
        await punctual.until(instant - _MOMENT)
        world.clock.instant = instant
        if happening is not None:
            await punctual.happens(happening)
    return mover.seen


async def test_whoever_is_moved_anywhere_gets_home(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", HandClock(BEGIN))
    await migrate(store)
    world = World(store, store.clock, NoNights())  # type: ignore[arg-type]
    drawn = pool()
    for number in range(TALES):
        dice = Random(number)
        first, second, third = dice.sample(drawn.programs, 3)
        trips = dice.choice(([first, second], [first, second, third], [first, second, first]))
        maps = [drawn_map(dice, former, into) for former, into in itertools.pairwise(trips)]
        when = [int((5 * 24 * 60) ** dice.random()) for _ in maps]  # soon is where most still are
        world.clock.instant = BEGIN
        customer = await world.customer(**TRAITS)
        seen.update(await tell(world, customer, trips, maps, when, dice.choice(drawn.stories)))
        for enrollment in await world.enrollments(customer):
            assert enrollment.state.ended is not None, (number, enrollment.state)
            await _once_each(world, enrollment, trips)
    taken = Counter([*world.postman.taken, *world.sms.taken])
    assert [touch for touch, times in taken.items() if times > 1] == []
    assert seen["moved"] >= TALES / 4, seen
    assert min(seen["ended"], seen["stayed"], seen["unmapped"]) > 0, seen
    await store.close()


async def _once_each(world: World, enrollment: Enrollment, drawn: list[Program]) -> None:
    """What a step sent is not sent again under the step's new name."""
    async with world.store.reading() as tx:
        rows = await tx.rows(tables.touches.select().where(tables.touches.c.enrollment_id == enrollment.id))
    named = Counter(
        (enrollment.state.formerly.get(row["step"], row["step"]), row["round"], row["channel"])
        for row in rows
        if row["status"] == "sent"
    )
    sends = {name for one in drawn for name, step in one.steps.items() if isinstance(step, Send)}
    assert [key for key, times in named.items() if times > 1 and key[0] in sends] == []
