"""However late processes are, the journey is the same.

The store's driver, routed and advanced at any moment by any process, does exactly what the simulator does, where nothing is
ever late.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from idic.journey.program.entry import Goal
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep, Arm, Wait, WaitFor
from idic.journey.program.values import Pattern, Target
from idic.rehearse.simulator import Simulator
from idic.store import tables
from idic.store.database import Store, Tx
from idic.store.upgrade import migrate
from idic.times import Duration
from tests.conftest import START, HandClock, new_database
from tests.journey.programs import program
from tests.router.world import World

NAMES = ("A", "B", "Goal", "Leave", "Signed Up")
_numbers = itertools.count()

minutes = st.integers(min_value=0, max_value=40)
lengths = st.integers(min_value=1, max_value=15)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A chain of waits of all kinds, with exits here and there, a goal and a leave."""
    count = draw(st.integers(1, 5))
    steps: list[AnyStep] = []
    for number in range(count):
        following = Target(step=f"s{number + 1}") if number + 1 < count else Target(exit="done")

        def target(onward: Target = following, number: int = number) -> Target:
            return onward if draw(st.booleans()) else Target(exit=f"left at {number}")

        length = Duration(seconds=60 * draw(lengths))
        match draw(st.sampled_from(["wait", "silence", "wait_for", "wait_for"])):
            case "wait":
                steps.append(Wait(id=f"s{number}", duration=length, then=following))
            case "silence":
                pattern = Pattern(on=draw(st.sampled_from("AB")))
                steps.append(Wait(id=f"s{number}", duration=length, without=pattern, capture="last", then=following))
            case _:
                since = draw(st.sampled_from(["wait", "wait", "entry", f"s{draw(st.integers(0, number))}"]))
                arms = tuple(
                    Arm(pattern=Pattern(on="Goal" if name == "G" else name), since=since, then=target())
                    for name in draw(st.sampled_from(["A", "B", "AB", "BA", "AA"])) + ("G" if draw(st.booleans()) else "")
                )
                steps.append(WaitFor(id=f"s{number}", arms=arms, within=length, otherwise=target()))
    within = draw(st.sampled_from([None, Duration(seconds=60 * 5)]))
    goal = Goal(on=(Pattern(on="Goal"),), within=within, then=draw(st.sampled_from(["leave", "continue"])))
    leave = (Pattern(on="Leave"), *([Pattern(on="Goal")] if draw(st.booleans()) else []))
    return program(*steps, goal=goal, leave=leave, journey=f"trip{next(_numbers)}")


class Moment(NamedTuple):
    """What happens at a minute: an event is accepted, a router routes, or a worker advances what is due."""

    minute: int
    what: str


moments = st.lists(
    st.builds(Moment, minutes, st.sampled_from([*NAMES, "A", "B", "route", "work", "work"])), min_size=1, max_size=14
).map(lambda drawn: sorted(drawn, key=lambda moment: moment.minute))


def as_meant(trip: Program, story: list[Moment]) -> list[object]:
    customer = Simulator([trip], START, traits={"email": "anna@example.com"})
    customer.happens("Signed Up")
    for moment in story:
        customer.becomes(START + timedelta(minutes=moment.minute))
        if moment.what in NAMES:
            customer.happens(moment.what)
    customer.wait(days=2)
    return [(one.state.ended, sorted((t.at, t.kind, t.step or "") for t in one.trace)) for one in customer.enrollments]


async def as_it_went(world: World, trip: Program, story: list[Moment]) -> list[object]:
    async def forget(tx: Tx) -> None:
        await tx.execute(delete(tables.journeys))

    await world.store.move("forget", forget)
    world.clock.instant = START
    await world.publish(trip)
    anna = await world.customer()
    await world.accept(anna, "Signed Up")
    for moment in story:
        world.clock.instant = START + timedelta(minutes=moment.minute)
        if moment.what in NAMES:
            await world.accept(anna, moment.what)
        elif moment.what == "route":
            await world.route(anna)
        else:
            for one in await world.enrollments(anna):
                await world.work(one.id)
    world.clock.advance(days=2)
    await world.route(anna)
    for one in await world.enrollments(anna):
        await world.work(one.id)
    result: list[object] = []
    for one in await world.enrollments(anna):
        async with world.store.reading() as tx:
            rows = await tx.rows(tables.trace.select().where(tables.trace.c.enrollment_id == one.id))
        result.append((one.state.ended, sorted((row["at"], row["kind"], row["step"] or "") for row in rows)))
    return result


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_lateness_changes_nothing(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path}/idic.db" if kind == "sqlite" else new_database(request.getfixturevalue("postgres"))
    with asyncio.Runner() as runner:
        store = Store.open(url, HandClock())
        runner.run(migrate(store))
        world = World(store, store.clock)  # type: ignore[arg-type]

        @settings(
            max_examples=250 if kind == "sqlite" else 60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        @given(programs(), moments)
        def tell(trip: Program, story: list[Moment]) -> None:
            assert runner.run(as_it_went(world, trip, story)) == as_meant(trip, story)

        tell()
        runner.run(store.close())
