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
from tests.api.conftest import WRITE_KEY, FakeRouter, app_on, browser
from tests.api.store_queries import count_customers, customers_by_identity, stored_events, track
from tests.conftest import HandClock, new_database


def message(
    user: str | None, anonymous: str | None = None, message_id: str | None = None, **properties: Any
) -> IncomingMessage:
    return IncomingMessage("track", "Cart Updated", properties, user, anonymous, message_id)


@pytest.fixture
async def second_store(store: Store, database_url: str, clock: HandClock) -> AsyncIterator[Store]:
    """The store of a second process on the same database."""
    second_store = Store.open(database_url, clock)
    yield second_store
    await second_store.close()


async def test_concurrent_requests_share_a_commit(shop: httpx.AsyncClient, store: Store) -> None:
    answers = await asyncio.gather(*(shop.post("/v1/track", json=track(f"u{n}")) for n in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await stored_events(store)) == 40
    assert store.moves["accept"] < 10


async def test_concurrent_copies_of_a_message_are_stored_once(store: Store, second_store: Store) -> None:
    ids = [f"m{n}" for n in range(30)]
    intakes = [GroupCommit(store), GroupCommit(store), GroupCommit(second_store)]
    await asyncio.gather(*(intake.keep([message("anna", message_id=id)]) for id in ids for intake in intakes))
    assert sorted(event["message_id"] for event in await stored_events(store)) == sorted(ids)


async def test_concurrent_requests_create_one_customer(store: Store, second_store: Store) -> None:
    for round_ in range(10):
        sets = [[message(f"r{round_}u{n}", f"r{round_}a{n}") for n in order] for order in (range(5), range(4, -1, -1))]
        await asyncio.gather(GroupCommit(store).keep(sets[0]), GroupCommit(second_store).keep(sets[1]))
    people = await customers_by_identity(store)
    assert await count_customers(store) == 50
    assert all(people[f"r{r}u{n}"] == people[f"r{r}a{n}"] for r, n in itertools.product(range(10), range(5)))


async def test_one_anonymous_customer_never_gets_two_user_ids(store: Store, second_store: Store) -> None:
    for round_ in range(10):
        device = f"device{round_}"
        await GroupCommit(store).keep([message(None, device)])
        await asyncio.gather(
            GroupCommit(store).keep([message(f"anna{round_}", device)]),
            GroupCommit(second_store).keep([message(f"bert{round_}", device)]),
        )
        people = await customers_by_identity(store)
        assert people[f"anna{round_}"] != people[f"bert{round_}"]
        assert people[device] in {people[f"anna{round_}"], people[f"bert{round_}"]}


async def test_accepting_waits_for_the_customers_lock_before_it_reads_the_clock(
    store: Store, second_store: Store, clock: HandClock
) -> None:
    from idic.store.customer.customers import lock
    from idic.store.database import Tx

    anna = await store.move("meet", lambda tx: customer_of(tx, UserIds("anna")))
    held, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await lock(tx, anna)
        held.set()
        await go_on.wait()

    moving = asyncio.create_task(second_store.move("advance", hold))
    await held.wait()
    keeping = asyncio.create_task(GroupCommit(store).keep([message("anna")]))
    await asyncio.sleep(0.2)
    assert not keeping.done()
    clock.advance(minutes=5)
    go_on.set()
    await asyncio.gather(moving, keeping)
    assert (await stored_events(store))[0]["accepted_at"] == clock.now()


async def test_a_request_that_cannot_be_stored_does_not_fail_others(store: Store) -> None:
    intake = GroupCommit(store)
    unstorable = message("bert", why=object())
    good = [intake.keep([message("anna")]), intake.keep([message("cleo")])]
    first, bad, last = await asyncio.gather(good[0], intake.keep([unstorable]), good[1], return_exceptions=True)
    assert first == []
    assert isinstance(bad, Exception)
    assert last == []
    assert set(await customers_by_identity(store)) == {"anna", "cleo"}


async def test_accepting_no_messages_stores_nothing(store: Store) -> None:
    await store.move("accept", lambda tx: accept(tx, []))
    assert await stored_events(store) == []


class UnreliableStore:
    """A store that can become unavailable: PostgreSQL behind a cut connection, SQLite on a full disk."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def fail(self) -> None: ...

    async def recover(self) -> None: ...


class FullDisk(UnreliableStore):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._pages = 1_000_000

        def limit(connection: Any, _record: Any, _proxy: Any) -> None:
            connection.execute(f"PRAGMA max_page_count={self._pages}").close()

        event.listen(store.engine.sync_engine, "checkout", limit)

    async def fail(self) -> None:
        self._pages = 1

    async def recover(self) -> None:
        self._pages = 1_000_000


class CutConnection(UnreliableStore):
    def __init__(self, store: Store, real: str, path: str) -> None:
        super().__init__(store)
        self._real, self._path = real, path
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def recover(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def fail(self) -> None:
        assert self._server is not None
        self._server.close()
        Path(self._path).unlink(missing_ok=True)
        for line in self._connections:
            line.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_unix_connection(self._real)
        self._connections |= {writer, onward}
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
async def unreliable(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> AsyncIterator[UnreliableStore]:
    if request.param == "sqlite":
        store = Store.open(f"sqlite:///{tmp_path}/idic.db", clock)
        await migrate(store)
        yield FullDisk(store)
        await store.close()
        return
    url = new_database(request.getfixturevalue("postgres"))
    name, _, directory = url.partition("?host=")
    with tempfile.TemporaryDirectory() as sockets:
        line = CutConnection(
            Store.open(f"{name}?host={sockets}", clock), f"{directory}/.s.PGSQL.5432", f"{sockets}/.s.PGSQL.5432"
        )
        await line.recover()
        await migrate(line.store)
        yield line
        await line.store.close()
        await line.fail()


async def test_requests_get_503_and_store_nothing_while_the_store_is_down(
    unreliable: UnreliableStore, links: Links, fake_router: FakeRouter
) -> None:
    store = unreliable.store
    async with browser(app_on(store, links, fake_router)) as shop:
        shop.auth = httpx.BasicAuth(WRITE_KEY, "")
        assert (await shop.post("/v1/track", json=track("anna", messageId="before"))).status_code == 200
        await unreliable.fail()
        large = {"note": "x" * 20_000}
        bodies = [track(f"u{n}", messageId=f"m{n}", properties=large) for n in range(20)]
        answers = await asyncio.gather(*(shop.post("/v1/track", json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers)
        assert answers[0].json()["error"]["code"] == "store_unavailable"
        await unreliable.recover()
        assert [event["message_id"] for event in await stored_events(store)] == ["before"]
        assert set(await customers_by_identity(store)) == {"anna"}
        again = await asyncio.gather(*(shop.post("/v1/track", json=body) for body in bodies))
        assert {answer.status_code for answer in again} == {200}
        assert len(await stored_events(store)) == 21


async def test_group_commit_raises_store_unavailable(unreliable: UnreliableStore) -> None:
    intake = GroupCommit(unreliable.store)
    await unreliable.fail()
    with pytest.raises(StoreUnavailable):
        await intake.keep([message("anna", note="x" * 20_000)])
    await unreliable.recover()
    await intake.keep([message("anna")])
    assert len(await stored_events(unreliable.store)) == 1
