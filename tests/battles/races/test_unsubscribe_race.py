"""Somebody says no while a message to them is on its way: from the moment their no was answered with 200, no call of a
provider begins. Real processes; whoever provides notes each call as it comes, on the clock that all of them share."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import select, text

from chaos.deployment import ACCOUNT, PROOF_KEY, SENDER, SIGNING_KEY, TWILIO_TOKEN, WRITE_KEY, Deployment, running
from chaos.fake_sendgrid import public_key
from chaos.shop_client import CarefulClient
from chaos.withdrawals import Withdrawals, until_promised
from idic.interact.tracking.links import Links
from idic.store.database import Store, Tx
from idic.store.tables import identities, touches
from tests.conftest import new_database

pytestmark = pytest.mark.kill

JOURNEYS = Path(__file__).parent / "journeys"
TRIALS = int(os.environ.get("IDIC_RACE_TRIALS", "24"))
WAYS = ("page", "one click", "stop", "complaint")
ON = {"page": "email", "one click": "email", "stop": "sms", "complaint": "email"}
GRID_KEY = 7


SETTINGS = {
    "IDIC_SENDGRID_WEBHOOK_KEY": public_key(GRID_KEY),
    "IDIC_DELIVERY_TIMEOUT": "30",  # nobody is killed, and a worker that a busy machine lets wait is not dead
}


class Calm(Deployment):
    carrier_options = ("--calm",)


class Trial(NamedTuple):
    """``asked`` is when the offer was asked for, ``promised`` when the no was answered."""

    way: str
    email: str
    phone: str
    asked: float
    promised: float


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_no_delivery_begins_after_consent_is_withdrawn(
    tmp_path: Path, database: str, seed: int, request: pytest.FixtureRequest
) -> None:
    url = new_database(request.getfixturevalue("postgres")) if database == "postgresql" else None
    rng = Random(seed)
    async with running(tmp_path, url, site=Calm, journeys=JOURNEYS, **SETTINGS) as site:
        client = CarefulClient(site.api, WRITE_KEY, PROOF_KEY, rng)
        try:
            people = [_person(number) for number in range(TRIALS)]
            usual = await _greeted(site, client, people)
            async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as http, _slow(site.store, rng):
                leaving = Withdrawals(http, site.api, token=TWILIO_TOKEN, account=ACCOUNT, sender=SENDER)
                mails = await _mails(site)
                links = {user: Links(site.api, [SIGNING_KEY]).unsubscribe(touch) for user, touch in mails.items()}
                async with asyncio.TaskGroup() as tasks:
                    trials = []
                    for number, (user, email, phone) in enumerate(people):
                        way = WAYS[number % len(WAYS)]
                        ways: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
                            "page": lambda user=user: leaving.page(links[user]),
                            "one click": lambda user=user: leaving.one_click(links[user]),
                            "stop": lambda phone=phone: leaving.writes(phone, "STOP"),
                            "complaint": lambda user=user, email=email: leaving.complain(GRID_KEY, mails[user], email),
                        }
                        trial = _trial(client, user, way, email, phone, ways[way], Random(rng.random()), number, usual)
                        trials.append(tasks.create_task(trial))
                done = [trial.result() for trial in trials]
            await _quiet(site)
        finally:
            await client.close()
        _judge(site, done, seed)


def _person(number: int) -> tuple[str, str, str]:
    return f"customer-{number}", f"customer-{number}@example.com", f"+49151{23450000 + number}"


async def _greeted(site: Deployment, client: CarefulClient, people: list[tuple[str, str, str]]) -> float:
    """Everybody has a mail and an SMS to say no to. Returns in how many seconds a message usually arrives."""
    asked: dict[str, float] = {}
    for user, email, phone in people:
        asked[email] = time.monotonic()
        await client.send(
            _message("identify", user, traits={"email": email, "phone": phone}),
            *(_message("track", user, event="Consent Given", properties={"channel": channel}) for channel in ("email", "sms")),
            _message("track", user, event="Signed Up", properties={}),
        )
    deadline = time.monotonic() + 60 + TRIALS / 2
    while len(site.accepts()) < len(people) or len(site.sms()) < len(people):
        assert time.monotonic() < deadline, f"{len(site.accepts())} mails, {len(site.sms())} SMS\n{site.last_words()}"
        await asyncio.sleep(0.2)
    return statistics.median(call.at - asked[call.to] for call in site.mail_calls())


async def _mails(site: Deployment) -> dict[str, str]:
    """The touch of everybody's mail, by user id."""
    async with site.store.reading() as tx:
        rows = await tx.rows(
            select(identities.c.value, touches.c.id)
            .join(identities, identities.c.customer_id == touches.c.customer_id)
            .where(touches.c.channel == "email", identities.c.kind == "user_id")
        )
    return {row["value"]: row["id"] for row in rows}


async def _trial(
    client: CarefulClient,
    user: str,
    way: str,
    email: str,
    phone: str,
    leave: Callable[[], Awaitable[httpx.Response]],
    rng: Random,
    number: int,
    usual: float,
) -> Trial:
    await asyncio.sleep(rng.uniform(0, TRIALS / 8))
    slow = {"slow": 1} if number % 3 == 0 else {}

    async def ask() -> float:
        at = time.monotonic()
        await client.send(_message("track", user, event="Offer Asked", properties=slow))
        return at

    async def say_no() -> float:
        # From before the offer is asked for until well after it has left.
        await asyncio.sleep(rng.choice((0, rng.uniform(0, usual), rng.uniform(0.5, 1.5) * usual, rng.uniform(1, 6) * usual)))
        heard = await until_promised(leave)
        assert heard is not None
        return heard

    asked, promised = await asyncio.gather(ask(), say_no())
    return Trial(way, email, phone, asked, promised)


@asynccontextmanager
async def _slow(store: Store, rng: Random) -> AsyncIterator[None]:
    """Somebody else uses the same database, and is in nobody's hurry."""

    async def hold(tx: Tx) -> None:
        if not tx.sqlite:
            await tx.execute(text(f"LOCK TABLE {rng.choice(('touches', 'short_links'))} IN SHARE ROW EXCLUSIVE MODE"))
        await asyncio.sleep(rng.choice((0.05, 0.1, 0.5)))

    async def keep_holding() -> None:
        while True:
            await store.move("hold", hold)
            await asyncio.sleep(rng.uniform(0.2, 0.8))

    task = asyncio.create_task(keep_holding())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _quiet(site: Deployment) -> None:
    """Wait until nothing is under way, and no call has come for a while."""
    deadline = time.monotonic() + 90
    calls, since = -1, time.monotonic()
    while time.monotonic() - since < 4:
        assert time.monotonic() < deadline, site.last_words()
        seen = len(site.mail_calls()) + len(site.sms_calls())
        async with site.store.reading() as tx:
            under_way = await tx.row(select(touches.c.id).where(touches.c.status.in_(("claimed", "attempting"))))
        if seen != calls or under_way:
            calls, since = seen, time.monotonic()
        await asyncio.sleep(0.2)


def _judge(site: Deployment, trials: list[Trial], seed: int) -> None:
    called: dict[str, list[float]] = {}
    for call in (*site.mail_calls(), *site.sms_calls()):
        called.setdefault(call.to, []).append(call.at)
    told: Counter[str] = Counter()
    wrong = []
    for trial in trials:
        address = trial.email if ON[trial.way] == "email" else trial.phone
        offers = [at for at in called.get(address, []) if at > trial.asked]
        late = [at - trial.promised for at in offers if at > trial.promised]
        if late:
            wrong.append((trial.way, address, late))
        told[f"{trial.way}: {'sent before' if offers else 'not sent'}"] += 1
        told["within 100 ms before"] += any(0 <= trial.promised - at < 0.1 for at in offers)
    print(f"\nseed {seed}: {', '.join(f'{what} {number}' for what, number in sorted(told.items()))}")
    assert wrong == []
    # Where nobody was in time, or everybody, nothing was raced.
    assert sum(number for what, number in told.items() if what.endswith("sent before")) >= len(trials) / 20
    assert sum(number for what, number in told.items() if what.endswith("not sent")) >= len(trials) / 20


_numbers = iter(range(1_000_000))


def _message(kind: str, user: str, **content: object) -> dict[str, object]:
    return {"type": kind, "messageId": f"m-{next(_numbers)}", "userId": user, **content}
