"""`idic dev` lives through what goes wrong around it: it says so, goes on, and does what it missed."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from idic.dev.demo.customer_kinds import SHOP
from idic.dev.local_stack import keep_clock, own_keys
from idic.dev.processes import Child
from idic.dev.watch_folder import publish_on_change
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.conftest import HandClock

WELCOME = """\
journey: welcome
purpose: service
identify: {on: Signed Up}
interact:
  - id: hello
    send: hello
    by: email
customize:
  hello:
    email: {subject: Hello, body: "<p>Good to have you here.</p>"}
"""


@contextlib.asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.05)


@pytest.fixture
async def empty(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    """A store that does not answer yet: it has no tables."""
    store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
    yield store
    await store.close()


@pytest.fixture
def journeys(tmp_path: Path) -> Path:
    folder = tmp_path / "journeys"
    folder.mkdir()
    (folder / "vocabulary.yaml").write_text("events:\n  Signed Up: {}\n")
    (folder / "welcome.yaml").write_text(WELCOME)
    return folder


def reworded(folder: Path, word: str) -> None:
    (folder / "welcome.yaml").write_text(WELCOME.replace("subject: Hello", f"subject: {word}"))


async def test_a_removed_folder_is_published_when_it_is_back(empty: Store, journeys: Path, tmp_path: Path) -> None:
    await migrate(empty)
    said: list[str] = []
    async with beside(publish_on_change(empty, journeys, said.append, SHOP)):
        await asyncio.sleep(0.5)
        reworded(journeys, "Hi")
        await until(lambda: said == ["published welcome"])
        journeys.rename(tmp_path / "away")
        await until(lambda: len(said) == 2)
        assert said[1] == f"not published: there is no folder {journeys}; name a folder of journeys"
        reworded(tmp_path / "away", "Good morning")
        (tmp_path / "away").rename(journeys)
        await until(lambda: said[2:] == ["published welcome"])
        await asyncio.sleep(0.5)
        reworded(journeys, "Good evening")
        await until(lambda: said[3:] == ["published welcome"])


async def test_a_failed_publication_is_repeated_when_the_store_answers(empty: Store, journeys: Path) -> None:
    said: list[str] = []
    async with beside(publish_on_change(empty, journeys, said.append, SHOP)):
        await asyncio.sleep(0.5)
        reworded(journeys, "Hi")
        await until(lambda: said == ["not published: the database does not answer (OperationalError)"])
        await migrate(empty)
        await until(lambda: said[1:] == ["published welcome"])


async def test_the_clock_is_saved_again_when_the_store_answers(empty: Store, clock: HandClock) -> None:
    said: list[str] = []
    async with beside(keep_clock(empty, clock, said.append)):
        await until(lambda: bool(said))
        await migrate(empty)
        await until(lambda: empty.moves["clock"] > 0)
    assert said == ["the clock could not be kept: the database does not answer (OperationalError)"]


async def test_a_part_that_fails_to_start_is_retried(tmp_path: Path) -> None:
    program = tmp_path / "part"
    program.write_text(f"#!/bin/sh\n: > {tmp_path / 'runs'}\nsleep 0.3\n")
    program.chmod(0o700)
    child, said = Child("part", [str(program)], {}, tmp_path / "part.log"), list[str]()
    await child.start()
    await until((tmp_path / "runs").exists)  # the shell has its script open; before, it would not find it
    program.rename(tmp_path / "away")
    async with beside(child.watch(said.append)):
        await until(lambda: len(said) == 2)
        assert said[0].startswith("part ended with code 0")
        assert said[1].startswith("part cannot be started ([Errno 2] No such file or directory")
        (tmp_path / "away").rename(program)
        await until(lambda: len(said) > 2)
        assert said[2].startswith("part ended with code 0")
    await child.stop()


def test_missing_keys_are_created_after_an_interrupted_first_start(tmp_path: Path) -> None:
    cut_off = (
        "import resource, pathlib, sys; from idic.dev.local_stack import own_keys;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); own_keys(pathlib.Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", cut_off, tmp_path], stderr=subprocess.DEVNULL, check=False).returncode
    keys = own_keys(tmp_path)
    assert own_keys(tmp_path) == keys
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
