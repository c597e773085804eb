"""``idic dev`` as a newcomer and an operator meet it: real processes on one folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import psutil
import pytest

from idic.dev.mailbox import Accept, read_accepts

ROOT = Path(__file__).parents[2]


WELCOME = """\
journey: welcome
purpose: service
identify: {on: Signed Up}
interact:
  - id: hello
    send: hello
    by: email
  - id: settle_in
    wait: 2 days
  - id: again
    send: hello
    by: email
customize:
  hello:
    email: {subject: Hello, body: "<p>Good to have you here.</p>"}
"""


@pytest.fixture
def journeys(tmp_path: Path) -> Path:
    folder = tmp_path / "journeys"
    folder.mkdir()
    shutil.copy(ROOT / "journeys" / "vocabulary.yaml", folder)
    (folder / "welcome.yaml").write_text(WELCOME)
    return folder


class Dev:
    def __init__(self, process: asyncio.subprocess.Process, data: Path, port: int) -> None:
        self.process, self.data, self.said = process, data, ""
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)

    async def listen(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.said += line.decode()

    async def says(self, pattern: str, seconds: float = 60) -> None:
        await until(lambda: asyncio.sleep(0, re.search(pattern, self.said) is not None), seconds, lambda: self.said)

    @property
    def keys(self) -> dict[str, str]:
        return dict(json.loads((self.data / "keys.json").read_text()))

    async def send(self, *messages: dict[str, object]) -> None:
        answer = await self.client.post("/v1/batch", json={"batch": messages}, auth=(self.keys["write"], ""))
        assert answer.status_code == 200, answer.text

    async def customer(self, user_id: str) -> dict[str, object]:
        bearer = {"Authorization": f"Bearer {self.keys['secret']}"}
        return dict((await self.client.get(f"/v1/customers/{user_id}", headers=bearer)).json())


async def until(
    holds: Callable[[], Awaitable[object]], seconds: float = 60, otherwise: Callable[[], object] = lambda: ""
) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not await holds():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"it did not happen within {seconds} s: {otherwise()}") from None


@contextlib.asynccontextmanager
async def dev(data: Path, journeys: Path, ports: tuple[int, int], speed: str = "1d=60s") -> AsyncIterator[Dev]:
    command = [sys.executable, "-m", "idic", "dev", "--data", data, "--journeys", journeys, "--speed", speed]
    process = await asyncio.create_subprocess_exec(
        *map(str, command), "--port", str(ports[0]), "--temporal-port", str(ports[1]),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "IDIC_RECONCILE_EVERY": "5"},
    )  # fmt: skip
    running = Dev(process, data, ports[0])
    listening = asyncio.create_task(running.listen())
    family = psutil.Process(process.pid)
    try:
        await running.says("idic is up")
        yield running
    finally:
        children = family.children(recursive=True) if family.is_running() else []
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 30)
        for left in [p for p in children if p.is_running()]:
            left.kill()
        await running.client.aclose()
        await listening


def mails(data: Path) -> list[Accept]:
    return list(read_accepts(data / "mail"))


def signed_up(user: str) -> list[dict[str, object]]:
    return [
        {"type": "identify", "userId": user, "traits": {"email": f"{user}@example.com"}},
        {"type": "track", "userId": user, "event": "Consent Given", "properties": {"channel": "email"}},
        {"type": "track", "userId": user, "event": "Signed Up", "properties": {}},
    ]


async def test_waiting_enrollments_continue_after_a_kill_and_a_stop(
    tmp_path: Path, journeys: Path, ports: tuple[int, int]
) -> None:
    data = tmp_path / "data"
    async with dev(data, journeys, ports, "1d=60s") as first:
        await first.send(*signed_up("anna"))
        await until(lambda: asyncio.sleep(0, len(mails(data)) == 1))
        family = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        await first.process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, 15)
        assert alive == []
    async with dev(data, journeys, ports, "1d=60s") as second:
        assert "published welcome" not in second.said  # it was, and nothing has changed
        second.process.send_signal(signal.SIGINT)
        assert await second.process.wait() == 0
        assert "draining" in second.said
    async with dev(data, journeys, ports, "1d=6s") as third:

        async def ended() -> bool:
            enrollments = (await third.customer("anna"))["enrollments"]
            assert isinstance(enrollments, list)
            return bool(enrollments) and enrollments[0]["ended_at"] is not None

        await until(ended)
    accepts = mails(data)
    assert len(accepts) == len({accept.message_id for accept in accepts}) == 2


async def test_what_changes_is_published_if_it_checks_and_shop_and_outbox_are_open(
    tmp_path: Path, journeys: Path, ports: tuple[int, int]
) -> None:
    data = tmp_path / "data"
    async with dev(data, journeys, ports) as running:
        await running.says("published welcome")
        welcome = journeys / "welcome.yaml"
        text = welcome.read_text()
        welcome.write_text(text.replace("wait: 2 days", "wait: 2"))
        await running.says(r"welcome.yaml:\d+:\d+: error: .*days")
        await running.says("was not published")
        await running.send(*signed_up("bela"))
        welcome.write_text(text.replace("wait: 2 days", "wait: 1 day"))
        await running.says(r"(?s)was not published.*published welcome")
        await until(lambda: asyncio.sleep(0, bool(mails(data))))
        assert (await running.client.get("/console/outbox", headers={"Host": "localhost"})).status_code == 200
        async with httpx.AsyncClient() as visitor:
            page = await visitor.get(f"http://localhost:{ports[0] + 2}/")
        assert f'src="http://localhost:{ports[0]}/idic.js"' in page.text
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "idic", "dev", "--data", str(data), stderr=asyncio.subprocess.PIPE
        )
        _, said = await other.communicate()
        assert other.returncode == 1
        assert said.decode().startswith("idic: another idic runs on")
        assert said.decode().count("\n") == 1
