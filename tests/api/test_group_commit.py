"""Group commit: concurrent requests are committed together, answered separately, and nothing is stored twice."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from idic.api.group_commit import GroupCommit
from idic.errors import StoreUnavailable
from idic.identify.messages import IncomingMessage
from idic.identify.resolution import UserIds
from idic.interact.tracking.links import Links
from idic.store.customer.ingest import accept, customer_of
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import WRITE_KEY, Doorman, app_on, browser
from tests.api.store_queries import belongs, how_many_customers, kept, track
from tests.conftest import HandClock, new_database


def message(
    user: str | None, anonymous: str | None = None, message_id: str | None = None, **properties: Any
) -> IncomingMessage:
    return IncomingMessage("track", "Cart Updated", properties, user, anonymous, message_id)


@pytest.fixture
async def another(store: Store, database_url: str, clock: HandClock) -> AsyncIterator[Store]:
    """The store of a second process on the same database."""
    another = Store.open(database_url, clock)
    yield another
    await another.close()


async def test_requests_that_come_together_are_committed_together(shop: httpx.AsyncClient, store: Store) -> None:
    answers = await asyncio.gather(*(shop.post("/v1/track", json=track(f"u{n}")) for n in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await kept(store)) == 40
    assert store.moves["accept"] < 10


async def test_the_same_message_at_the_same_moment_is_kept_once(store: Store, another: Store) -> None:
    ids = [f"m{n}" for n in range(30)]
    intakes = [GroupCommit(store), GroupCommit(store), GroupCommit(another)]
    await asyncio.gather(*(intake.keep([message("anna", message_id=id)]) for id in ids for intake in intakes))
    assert sorted(event["message_id"] for event in await kept(store)) == sorted(ids)


async def test_two_requests_create_one_customer(store: Store, another: Store) -> None:
    for round_ in range(10):
        sets = [[message(f"r{round_}u{n}", f"r{round_}a{n}") for n in order] for order in (range(5), range(4, -1, -1))]
        await asyncio.gather(GroupCommit(store).keep(sets[0]), GroupCommit(another).keep(sets[1]))
    people = await belongs(store)
    assert await how_many_customers(store) == 50
    assert all(people[f"r{r}u{n}"] == people[f"r{r}a{n}"] for r, n in itertools.product(range(10), range(5)))


async def test_one_anonymous_customer_never_gets_two_user_ids(store: Store, another: Store) -> None:
    for round_ in range(10):
        device = f"device{round_}"
        await GroupCommit(store).keep([message(None, device)])
        await asyncio.gather(
            GroupCommit(store).keep([message(f"anna{round_}", device)]),
            GroupCommit(another).keep([message(f"bert{round_}", device)]),
        )
        people = await belongs(store)
        assert people[f"anna{round_}"] != people[f"bert{round_}"]
        assert people[device] in {people[f"anna{round_}"], people[f"bert{round_}"]}


async def test_whoever_moves_a_customer_is_waited_for_and_only_then_is_the_time_read(
    store: Store, another: Store, clock: HandClock
) -> None:
    from idic.store.customer.customers import lock
    from idic.store.database import Tx

    anna = await store.move("meet", lambda tx: customer_of(tx, UserIds("anna")))
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await lock(tx, anna)
        held.set()
        await go_on.wait()

    moving = asyncio.create_task(another.move("advance", hold))
    await held.wait()
    keeping = asyncio.create_task(GroupCommit(store).keep([message("anna")]))
    await asyncio.sleep(0.2)
    assert not keeping.done()
    clock.advance(minutes=5)
    go_on.set()
    await asyncio.gather(moving, keeping)
    assert (await kept(store))[0]["accepted_at"] == clock.now()


async def test_a_request_that_cannot_be_kept_does_not_take_others_with_it(store: Store) -> None:
    intake = GroupCommit(store)
    unstorable = message("bert", why=object())
    good = [intake.keep([message("anna")]), intake.keep([message("cleo")])]
    first, bad, last = await asyncio.gather(good[0], intake.keep([unstorable]), good[1], return_exceptions=True)
    assert first == []
    assert isinstance(bad, Exception)
    assert last == []
    assert set(await belongs(store)) == {"anna", "cleo"}


async def test_accept_keeps_nothing_of_nothing(store: Store) -> None:
    await store.move("accept", lambda tx: accept(tx, []))
    assert await kept(store) == []


class Unsteady:
    """A store that can become unavailable: PostgreSQL behind a cut connection, SQLite on a full disk."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def go_away(self) -> None: ...

    async def come_back(self) -> None: ...


class FullDisk(Unsteady):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._pages = 1_000_000

        def limit(connection: Any, _record: Any, _proxy: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={self._pages}").close()

        event.listen(store.engine.sync_engine, "checkout", limit)

    async def go_away(self) -> None:
        self._pages = 1

    async def come_back(self) -> None:
        self._pages = 1_000_000


class CutLine(Unsteady):
    def __init__(self, store: Store, real: str, path: str) -> None:
        super().__init__(store)
        self._real, self._path = real, path
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()

    async def come_back(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def go_away(self) -> None:
        assert self._server is not None
        self._server.close()
        Path(self._path).unlink(missing_ok=True)
        for line in self._lines:
            line.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_unix_connection(self._real)
        self._lines |= {writer, onward}
        await asyncio.gather(_pump(reader, onward), _pump(onward_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()


@pytest.fixture(params=["sqlite", "postgresql"])
async def unsteady(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[Unsteady]:
    if request.param == "sqlite":
        store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
        await migrate(store)
        yield FullDisk(store)
        await store.close()
        return
    url = new_database(request.getfixturevalue("postgres"))
    name, _, directory = url.partition("?host=")
    with tempfile.TemporaryDirectory() as sockets:
        line = CutLine(Store.open(f"{name}?host={sockets}", clock), f"{directory}/.s.PGSQL.5432", f"{sockets}/.s.PGSQL.5432")
        await line.come_back()
        await migrate(line.store)
        yield line
        await line.store.close()
        await line.go_away()


async def test_a_store_that_goes_away_keeps_nothing_and_everybody_is_told_to_come_again(
    unsteady: Unsteady, links: Links, doorman: Doorman
) -> None:
    store = unsteady.store
    async with browser(app_on(store, links, doorman)) as shop:
        shop.auth = httpx.BasicAuth(WRITE_KEY, "")
        assert (await shop.post("/v1/track", json=track("anna", messageId="before"))).status_code == 200
        await unsteady.go_away()
        large = {"note": "x" * 20_000}
        bodies = [track(f"u{n}", messageId=f"m{n}", properties=large) for n in range(20)]
        answers = await asyncio.gather(*(shop.post("/v1/track", json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers)
        assert answers[0].json()["error"]["code"] == "store_unavailable"
        await unsteady.come_back()
        assert [event["message_id"] for event in await kept(store)] == ["before"]
        assert set(await belongs(store)) == {"anna"}
        again = await asyncio.gather(*(shop.post("/v1/track", json=body) for body in bodies))
        assert {answer.status_code for answer in again} == {200}
        assert len(await kept(store)) == 21


async def test_the_intake_says_so_too(unsteady: Unsteady) -> None:
    intake = GroupCommit(unsteady.store)
    await unsteady.go_away()
    with pytest.raises(StoreUnavailable):
        await intake.keep([message("anna", note="x" * 20_000)])
    await unsteady.come_back()
    await intake.keep([message("anna")])
    assert len(await kept(unsteady.store)) == 1
