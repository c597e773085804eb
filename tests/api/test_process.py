"""``idic api`` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import WRITE_KEY
from tests.api.store_queries import stored_events, track


def settings(url: str) -> dict[str, str]:
    return {
        "IDIC_DATABASE_URL": url,
        "IDIC_WRITE_KEYS": WRITE_KEY,
        "IDIC_SIGNING_KEYS": "a key of our own to sign links with",
    }


def start(url: str, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "idic", "api", "--port", str(port)]
    return subprocess.Popen(command, env=os.environ | settings(url), stderr=subprocess.PIPE)


async def wait_until_ready(shop: httpx.AsyncClient) -> None:
    """Wait until the process serves."""
    for _ in range(300):
        with_luck = await asyncio.gather(shop.get("/readyz"), return_exceptions=True)
        if isinstance(with_luck[0], httpx.Response):
            return
        await asyncio.sleep(0.1)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path}/idic.db")
    await migrate(store)
    yield store
    await store.close()


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_confirmed_events_are_stored_when_the_process_is_terminated(database: Store, port: int) -> None:
    process = start(database.engine.url.render_as_string().replace("+aiosqlite", ""), port)
    answered: list[str] = []
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", auth=(WRITE_KEY, "")) as shop:
            await wait_until_ready(shop)

            async def send(number: int) -> None:
                answer = await shop.post("/v1/track", json=track(messageId=f"m{number}"))
                if answer.status_code == 200:
                    answered.append(f"m{number}")

            sending = [asyncio.create_task(send(number)) for number in range(200)]
            await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            process.send_signal(signal.SIGTERM)
            await asyncio.gather(*sending, return_exceptions=True)
        assert await asyncio.to_thread(process.wait, 20) == 0
    finally:
        process.kill()
        _, said = process.communicate()
    assert answered
    assert set(answered) <= {event["message_id"] for event in await stored_events(database)}
    assert "Traceback" not in said.decode()


async def test_an_open_stream_does_not_delay_the_shutdown(database: Store, port: int) -> None:
    process = start(database.engine.url.render_as_string().replace("+aiosqlite", ""), port)
    page = {"writeKey": WRITE_KEY, "anonymousId": "browser-1", "slots": ["home_hero"]}
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as shop:
            await wait_until_ready(shop)
            async with shop.stream("POST", "/v1/web/stream", json=page) as answer:
                told = answer.aiter_text()
                await anext(told)
                process.send_signal(signal.SIGTERM)
                async for _ in told:  # until the server ends it
                    pass
        assert await asyncio.to_thread(process.wait, 5) == 0
    finally:
        process.kill()
        _, said = process.communicate()
    assert "Traceback" not in said.decode()


def test_a_store_without_tables_is_reported_in_one_line(tmp_path: Path, port: int) -> None:
    (tmp_path / "empty.db").touch()
    process = start(f"sqlite:///{tmp_path}/empty.db", port)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.decode().strip() == "idic: the store's tables are not those of this version: run `idic migrate`"


def test_an_occupied_port_is_reported(tmp_path: Path) -> None:
    asyncio.run(_migrated(f"sqlite:///{tmp_path}/idic.db"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        process = start(f"sqlite:///{tmp_path}/idic.db", number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.decode().startswith(f"idic: cannot listen on 127.0.0.1:{number}: Address already in use")


async def _migrated(url: str) -> None:
    store = Store.open(url)
    await migrate(store)
    await store.close()
