"""``idic publish``, ``journeys``, ``pause``, ``resume`` and ``stop``, as whoever runs journeys uses them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.conftest import HandClock
from tests.router.world import World

VOCABULARY = """
events:
  Signed Up: {plan: text}
"""
TRIP = """
journey: trip
purpose: service
identify: {on: Signed Up}
interact:
  - id: rest
    wait: 3 days
  - id: nudge
    send: hello
    by: email
customize:
  hello: {email: {subject: Hello, body: Hello there}}
"""
OTHER = "journey: other\npurpose: service\nidentify: {on: Signed Up}\ninteract: [{id: rest, wait: 1 day}]\n"


class Desk:
    """A folder of journeys, a store, and somebody at a terminal. ``idic`` answers with the exit code and what was said."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/idic.db"
        self.journeys = folder / "journeys"
        self.journeys.mkdir()
        (self.journeys / "vocabulary.yaml").write_text(VOCABULARY)
        self.write("trip", TRIP)

    def write(self, name: str, text: str) -> None:
        (self.journeys / f"{name}.yaml").write_text(text)

    def idic(self, *arguments: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "idic", *arguments],
            env=os.environ | {"IDIC_DATABASE_URL": self.url, "COLUMNS": "120"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout

    def publish(self, *arguments: str) -> tuple[int, str]:
        return self.idic("publish", str(self.journeys), *arguments)

    async def customers_enter(self, number: int) -> None:
        store = Store.open(self.url)
        world = World(store, HandClock(store.clock.now()))
        for _ in range(number):
            await world.happens(await world.customer(), "Signed Up")
        await store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)

    async def prepare() -> None:
        store = Store.open(desk.url)
        await migrate(store)
        await store.close()

    asyncio.run(prepare())
    return desk


def test_a_journey_is_published_changed_and_people_are_moved(desk: Desk) -> None:
    desk.write("other", OTHER)
    code, said = desk.publish()
    assert (code, [line.split()[:2] for line in said.splitlines()]) == (0, [["new", "other"], ["new", "trip"]])
    asyncio.run(desk.customers_enter(3))

    (desk.journeys / "other.yaml").unlink()
    desk.write("trip", TRIP.replace("id: rest", "id: pause").replace("3 days", "2 days"))
    code, said = desk.publish("--migrate", "--dry-run")
    assert code == 1
    assert "changed flow" in said
    assert "other                    stays published; `idic stop other` ends it" in said
    assert 'say where those at "rest" go: --map rest=STEP, rest=exit or rest=stay' in said

    assert desk.publish("--migrate", "--map", "rest=pause")[0] == 2  # nobody is there to be asked
    code, said = desk.publish("--migrate", "--map", "rest=pause", "--yes")
    assert (code, said.splitlines()[-1]) == (0, "trip: 3 moved")

    code, said = desk.idic("journeys", "--format", "json")
    other, trip = json.loads(said)
    assert (trip["entered"], trip["programs"][0]["inside"], trip["programs"][1]["inside"]) == (3, {"pause": 3}, {})
    assert trip["programs"][0]["steps"] == ["pause", "nudge"]
    assert other["programs"][0]["inside"] == {"rest": 3}

    code, said = desk.idic("publish", "--program", trip["programs"][1]["program"][:8])
    assert code == 0
    assert "3 customers stay in earlier programs" in said


def test_a_step_at_which_nobody_stands_may_be_spoken_of(desk: Desk) -> None:
    desk.publish()
    desk.write("trip", TRIP.replace("id: rest", "id: pause"))
    code, said = desk.publish("--migrate", "--map", "rest=pause", "--yes")
    assert code == 0, said
    assert "--map rest=pause: no customer is there" in said
    code, said = desk.publish("--migrate", "--map", "nap=pause", "--yes")
    assert code == 1, said


def test_where_there_is_no_store_none_is_made(desk: Desk, tmp_path: Path) -> None:
    desk.url = f"sqlite:///{tmp_path}/other.db"
    code, said = desk.idic("journeys")
    assert code == 1
    assert f"there is no store {tmp_path}/other.db" in said
    assert not (tmp_path / "other.db").exists()


def test_a_journey_is_paused_resumed_and_stopped(desk: Desk) -> None:
    desk.publish()
    asyncio.run(desk.customers_enter(2))
    assert desk.idic("pause", "trip")[0] == 0
    code, said = desk.idic("journeys", "trip")
    assert code == 0
    assert "nothing is sent until `idic resume trip`" in said
    assert [line.split() for line in said.splitlines() if line.startswith("  rest")] == [["rest", "2"]]
    assert desk.idic("resume", "trip") == (0, "trip sends again; 0 held messages are released.\n")
    code, said = desk.idic("stop", "trip", "--yes")
    assert (code, said) == (0, "trip is stopped: nobody enters until you publish it again; 2 customers inside have left it.\n")
    assert "It has been stopped since" in desk.idic("pause", "trip")[1]
    assert "It has been stopped since" in desk.idic("resume", "trip")[1]
    assert "starts again after its stop" in desk.publish()[1]
