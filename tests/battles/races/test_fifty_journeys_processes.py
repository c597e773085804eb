"""Fifty journeys reach for each of a few customers at the same instant, among two routers and two workers that are processes
of their own: each cap of the policy holds exactly."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from chaos.deployment import PROOF_KEY, WORKERS, WRITE_KEY, Deployment, running
from chaos.limits import policy_of
from chaos.shop_client import CarefulClient
from chaos.sliding_windows import Limit, Sending
from idic.store.journey import policies
from idic.store.tables import enrollments, events, touches
from tests.conftest import new_database

pytestmark = pytest.mark.kill

JOURNEYS = 50
CUSTOMERS = int(os.environ.get("IDIC_RACE_CUSTOMERS", "4"))
TOPICS = ("offers", "news")
LIMITS = (
    Limit(9, timedelta(days=7)),
    Limit(5, timedelta(days=1), channels=("email",)),
    Limit(2, timedelta(days=1), channels=("sms",)),
    Limit(4, timedelta(days=3), topic="offers"),
)
EXACTLY = 7
"""Whatever comes first, five mails and two SMS find room: of the two topics, only one has a cap, and it has room for half."""

_VOCABULARY = """
currency: EUR
languages: [en]
zone: Europe/Berlin
country: DE
customer: {first_name: text}
events: {Sale Begun: {}}
links: {shop: "https://shop.example/"}
"""
_JOURNEY = """
journey: j{number:02}
title: One of fifty
purpose: marketing
topic: {topic}
identify:
  on: Sale Begun
interact:
{rest}  - {{id: ask, send: hello, by: {channel}, within: 2 days}}
customize:
  hello:
    email: {{subject: Hello, body: '<p>Hello. <a href="{{{{ links.unsubscribe }}}}">Stop</a></p>'}}
    sms: "Hello. Stop: {{{{ links.unsubscribe }}}}"
"""


class Calm(Deployment):
    carrier_options = ("--calm",)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_each_cap_holds_exactly(tmp_path: Path, database: str, seed: int, request: pytest.FixtureRequest) -> None:
    url = new_database(request.getfixturevalue("postgres")) if database == "postgresql" else None
    rng = Random(seed)
    folder = tmp_path / "journeys"
    _write(folder)
    async with running(tmp_path, url, site=Calm, journeys=folder) as site:
        await site.store.move("policy", lambda tx: policies.publish(tx, policy_of(LIMITS), tx.now()))
        client = CarefulClient(site.api, WRITE_KEY, PROOF_KEY, rng)
        try:
            for number in range(CUSTOMERS):
                await client.send(*_messages(number))
        finally:
            await client.close()
        killing = asyncio.create_task(_kill_now_and_then(site, rng))
        await _all_asked(site)
        killing.cancel()
        async with site.store.reading() as tx:
            rows = await tx.rows(select(touches))
        arrived = Counter(one.touch for one in (*site.accepts(), *site.sms()))
    assert max(arrived.values()) == 1
    counting = [row for row in rows if row["status"] in ("claimed", "attempting", "sent", "uncertain")]
    assert set(arrived) <= {row["id"] for row in counting}
    theirs = defaultdict(list)
    for row in counting:
        theirs[row["customer_id"]].append(Sending(row["attempted_at"], row["channel"], row["topic"]))
    assert len(theirs) == CUSTOMERS
    for sendings in theirs.values():
        assert [limit for limit in LIMITS if limit.beyond(sendings)] == []
        assert len(sendings) == EXACTLY, sendings


def _write(folder: Path) -> None:
    """Half of them ask as soon as they are entered, the others all at one instant a little later."""
    folder.mkdir()
    (folder / "vocabulary.yaml").write_text(_VOCABULARY)
    for number in range(JOURNEYS):
        rest = "  - {id: rest, wait: 3 seconds}\n" if number % 2 else ""
        channel = "sms" if number % 3 == 0 else "email"
        text = _JOURNEY.format(number=number, topic=TOPICS[number // 3 % 2], rest=rest, channel=channel)
        (folder / f"j{number:02}.yaml").write_text(text)


def _messages(number: int) -> list[dict[str, object]]:
    def message(kind: str, count: int, **content: object) -> dict[str, object]:
        return {"type": kind, "messageId": f"m-{number}-{count}", "userId": f"customer-{number}", **content}

    traits = {"email": f"customer-{number}@example.com", "phone": f"+49151{34560000 + number}"}
    consents = [
        message("track", count, event="Consent Given", properties={"channel": channel})
        for count, channel in enumerate(("email", "sms"), start=2)
    ]
    return [message("identify", 1, traits=traits), *consents, message("track", 4, event="Sale Begun", properties={})]


async def _kill_now_and_then(site: Deployment, rng: Random) -> None:
    for _ in range(2):
        await asyncio.sleep(rng.uniform(1, 4))
        site.kill(rng.choice(WORKERS))


async def _all_asked(site: Deployment) -> None:
    """Wait until everybody was entered, and has sent or been put off."""
    deadline = time.monotonic() + 90 + 30 * CUSTOMERS
    while True:
        async with site.store.reading() as tx:
            entered = await tx.scalar(select(func.count()).select_from(enrollments))
            unrouted = await tx.scalar(select(func.count()).where(events.c.routed_at.is_(None)))
            under_way = select(func.count()).where(touches.c.status.in_(("claimed", "attempting")))
            busy = await tx.scalar(under_way)
            due = select(func.count()).where(enrollments.c.ended_at.is_(None), enrollments.c.deadline <= tx.now())
            due_ = await tx.scalar(due)
        if entered == JOURNEYS * CUSTOMERS and not unrouted and not busy and not due_:
            return
        assert time.monotonic() < deadline, (
            f"{entered} entered, {unrouted} unrouted, {busy} busy, {due_} due\n{site.last_words()}"
        )
        await asyncio.sleep(0.3)
