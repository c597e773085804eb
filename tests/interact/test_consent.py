"""What people said of being written to: who may say what for them, how it is recorded, and how it stands then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idic.interact.consent import GIVEN, WITHDRAWN, ConsentEntry, ConsentStatement, ConsentStatus, all_statuses, read, status_of
from idic.interact.policy.rules import RespectConsent
from idic.interact.policy.touch_request import Consent, TouchRequest
from idic.journey.contact_policy.contact_policy import Level
from idic.journey.vocabulary.built_in import ACTS
from idic.store import tables
from idic.store.customer import consents
from idic.store.database import Store
from tests.api.conftest import app, fake_router, links, service, shop  # noqa: F401
from tests.conftest import START, HandClock
from tests.router.world import World

NEWS = {"channel": "email", "topic": "news"}
PROVEN = {**NEWS, "act": "double opt-in", "confirmed": True, "proof": {"page": "https://shop.example/confirm"}}


@pytest.fixture
def world(store: Store, clock: HandClock) -> World:
    return World(store, clock)


async def ledger(world: World) -> list[ConsentStatement]:
    await world.route_all()
    return [
        ConsentStatement(**{name: row[name] for name in ConsentStatement._fields}) for row in await world.rows(tables.consents)
    ]


def track(name: str, properties: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {"userId": "anna", "event": name, "properties": properties, "messageId": f"m{number}"}


async def test_a_page_may_tell_of_a_form_and_of_nothing_more(shop: httpx.AsyncClient, world: World) -> None:  # noqa: F811
    assert (await shop.post("/v1/track", json=track(GIVEN, PROVEN))).status_code == 200
    batch = [{"type": "track", **track(WITHDRAWN, {**NEWS, "act": "one-click"}, 2)}]
    assert (await shop.post("/v1/batch", json={"batch": batch})).status_code == 200
    proof = {"page": "https://shop.example/confirm"}
    assert await ledger(world) == [
        ConsentStatement("email", "news", "marketing", True, False, "form", proof),
        ConsentStatement("email", "news", "marketing", False, False, "form", None),
    ]


@pytest.mark.parametrize("name", ["Data Requested", "Preferences Changed", "Replied"])
async def test_what_customers_say_to_idic_itself_no_page_says_for_them(
    shop: httpx.AsyncClient,  # noqa: F811
    service: httpx.AsyncClient,  # noqa: F811
    name: str,
) -> None:
    said = track(name, {"keyword": "stop"})
    alone = await shop.post("/v1/track", json=said)
    assert (alone.status_code, name in alone.json()["message"]) == (400, True)
    assert (await shop.post("/v1/batch", json={"batch": [{"type": "track", **said}]})).status_code == 400
    assert (await service.post("/v1/track", json=said)).status_code == 200


async def test_a_service_is_believed(service: httpx.AsyncClient, world: World) -> None:  # noqa: F811
    assert (await service.post("/v1/track", json=track(GIVEN, PROVEN))).status_code == 200
    batch = [{"type": "track", **track(GIVEN, {"channel": "sms", "purpose": "surveys", "act": "import"}, 2)}]
    assert (await service.post("/v1/batch", json={"batch": batch})).status_code == 200
    assert await ledger(world) == [
        ConsentStatement("email", "news", "marketing", True, True, "double opt-in", {"page": "https://shop.example/confirm"}),
        ConsentStatement("sms", None, "surveys", True, False, "import", None),
    ]


async def test_what_cannot_be_recorded_is_told(world: World) -> None:
    anna = await world.customer()
    await world.happens(anna, GIVEN, {"channel": "fax"})
    await world.happens(anna, GIVEN, {"channel": "email", "topic": ["news"]})
    await world.happens(anna, WITHDRAWN, {"channel": "email", "topic": ["news"]})
    told = [(row["outcome"] or {}).get("problem") for row in await world.rows(tables.events)]
    assert told == [
        "Consent Given is for no channel that idic knows: channel must be email, sms or web; nothing was recorded",
        "Consent Given has a topic that is no name: nothing was recorded",
        None,
    ]
    # Whoever withdraws from what nobody understands wants less, not more.
    assert await ledger(world) == [ConsentStatement("email", None, "marketing", False, False, "form")]


async def test_who_is_told_of_over_http(service: httpx.AsyncClient, world: World, clock: HandClock) -> None:  # noqa: F811
    assert (await service.post("/v1/customers/anna/consents", json={**NEWS, "given": True})).status_code == 404
    await service.post("/v1/identify", json={"userId": "anna", "traits": {"email": "anna@example.com"}})
    for _ in range(2):
        said = await service.post(
            "/v1/customers/anna/consents", json={**PROVEN, "given": True}, headers={"Idempotency-Key": "k"}
        )
        assert (said.status_code, said.json()) == (201, {"accepted": True})
    assert len(await ledger(world)) == 1
    clock.advance(days=1)
    assert (await service.post("/v1/customers/anna/consents", json={"channel": "email", "given": False})).status_code == 201
    await world.store.move("bounced", lambda tx: consents.suppress(tx, "email", "anna@example.com", "hard_bounce", tx.now()))
    await world.route_all()
    told = (await service.get("/v1/customers/anna/consents")).json()
    assert told["suppressed"] == {"email": {"reason": "hard_bounce", "at": "2026-03-03T09:00:00Z"}}
    assert [(one["given"], one["confirmed"], one["proof"]) for one in told["said"]] == [
        (True, True, PROVEN["proof"]), (False, False, None),
    ]  # fmt: skip
    assert {(one["channel"], one["topic"], one["state"], one["words"]) for one in told["now"]} == {
        ("email", "news", "withdrawn", "withdrawn"),
        ("email", None, "withdrawn", "withdrawn"),
        ("sms", None, "never", "never asked for"),
        ("web", None, "allowed", "allowed"),
    }


async def test_a_consent_that_comes_late_undoes_no_withdrawal_of_meanwhile(
    service: httpx.AsyncClient,  # noqa: F811
    world: World,
    clock: HandClock,
) -> None:
    async def tells(name: str, properties: dict[str, Any], number: int, **more: Any) -> None:
        answer = await service.post("/v1/track", json=track(name, properties, number) | more)
        assert answer.status_code == 200
        await world.route_all()

    async def stands() -> tuple[str, bool]:
        ledger = (await service.get("/v1/customers/anna/consents")).json()
        return next(one["state"] for one in ledger["now"] if one["topic"] == "news"), bool(ledger["suppressed"])

    await service.post("/v1/identify", json={"userId": "anna", "traits": {"email": "anna@example.com"}})
    said_at = clock.now().isoformat()
    clock.advance(hours=1)
    await tells(WITHDRAWN, {"channel": "email"}, 1)
    await world.store.move("opted out", lambda tx: consents.suppress(tx, "email", "anna@example.com", "opted_out", tx.now()))
    clock.advance(hours=1)
    await tells(GIVEN, PROVEN, 2, timestamp=said_at)
    assert await stands() == ("withdrawn", True)
    # A clock that is an hour slow says so by what it believes to be the time of sending.
    slow = (clock.now() - timedelta(hours=1, minutes=1)).isoformat()
    await tells(GIVEN, PROVEN, 3, timestamp=slow, sentAt=(clock.now() - timedelta(hours=1)).isoformat())
    assert await stands() == ("allowed", False)
    clock.advance(hours=1)
    await tells(WITHDRAWN, {"channel": "email"}, 4, timestamp=said_at)
    assert await stands() == ("withdrawn", False)
    # Whose clock is fast cannot consent for the time to come.
    await tells(GIVEN, PROVEN, 5, timestamp=(clock.now() + timedelta(minutes=30)).isoformat())
    clock.advance(minutes=10)
    await tells(WITHDRAWN, {"channel": "email"}, 6)
    assert await stands() == ("withdrawn", False)


async def test_a_word_that_is_half_understood_is_none(service: httpx.AsyncClient) -> None:  # noqa: F811
    for body, where in (
        ({"given": True}, "channel"),
        ({"channel": "email"}, "given"),
        ({"channel": "email", "given": "yes"}, "given"),
        ({"channel": "email", "given": True, "act": "rumour"}, "act"),
        ({"channel": "email", "given": True, "chanel": "sms"}, "chanel"),
        ({"channel": "email", "given": True, "topic": "x" * 101}, "topic"),
        ({"channel": "email", "given": True, "proof": {"page": "\0"}}, "body.proof.page"),
    ):
        said = await service.post("/v1/customers/anna/consents", json=body)
        assert (said.status_code, said.json()["error"]["where"]) == (400, where)


# How it stands.


def said(given: bool = True, topic: str | None = "news", **more: Any) -> ConsentStatement:
    of = {"channel": "email", "purpose": "marketing", "confirmed": False, "act": "form"}
    return ConsentStatement(**{**of, "given": given, "topic": topic, **more})


def told(*those: ConsentStatement) -> list[ConsentEntry]:
    return [ConsentEntry(one, START + timedelta(days=day)) for day, one in enumerate(those)]


def test_confirmation_comes_after_the_last_withdrawal() -> None:
    entries = told(said(confirmed=True), said(False), said(), said(confirmed=True, act="double opt-in"))

    def after(number: int) -> ConsentStatus:
        return status_of(entries[:number], "email", "news", level="double")

    assert (after(0).state, after(0).since) == ("never", None)
    assert (after(1).state, after(1).since) == ("allowed", START)
    assert (after(2).state, after(2).act) == ("withdrawn", "form")
    assert (after(3).state, after(3).since) == ("waiting", START + timedelta(days=2))
    assert (after(4).state, after(4).act) == ("allowed", "double opt-in")
    assert status_of(entries[:3], "email", "news", level="single").since == START + timedelta(days=2)


def test_all_topics_speak_for_each() -> None:
    entries = told(said(topic=None), said(False, topic="news"))
    stand = all_statuses(entries, {"email": "single"}, topics=("news", "offers"), channels=("email",))
    assert [(one.topic, one.state) for one in stand] == [(None, "allowed"), ("news", "withdrawn"), ("offers", "allowed")]


names = st.sampled_from([None, "news", "offers"])
words = st.builds(
    ConsentStatement,
    channel=st.sampled_from(["email", "sms", "web"]),
    topic=names,
    purpose=st.sampled_from(["marketing", "surveys"]),
    given=st.booleans(),
    confirmed=st.booleans(),
    act=st.sampled_from(ACTS),
    proof=st.none(),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(words, max_size=8),
    st.sampled_from(["email", "sms", "web"]),
    names,
    st.sampled_from(["none", "single", "double"]),
)
def test_what_people_are_told_is_what_the_rule_decides(
    those: list[ConsentStatement], channel: str, topic: str | None, level: Level
) -> None:
    entries = told(*those)
    request = TouchRequest(
        now=START + timedelta(days=30),
        channel=channel,
        purpose="marketing",
        topic=topic,
        address="anna@example.com",
        zone="UTC",
        open=True,
        traits={},
        consents=[Consent(e.said.channel, e.said.topic, e.said.given, e.at, e.said.purpose, e.said.confirmed) for e in entries],
    )
    stands = status_of(entries, channel, topic, level=level)
    assert stands.allowed == (RespectConsent({channel: level})(request) is None)


@given(st.dictionaries(st.sampled_from(["channel", "topic", "purpose", "act", "confirmed", "proof"]), st.one_of(
    st.none(), st.booleans(), st.sampled_from(["email", "sms", "news", "double opt-in"]), st.lists(st.integers(), max_size=1),
)))  # fmt: skip
def test_whatever_an_event_says_it_is_read_or_refused_in_words(properties: dict[str, Any]) -> None:
    for name in (GIVEN, WITHDRAWN):
        try:
            found = read(name, properties)
        except ValueError:
            assert name == GIVEN or properties.get("channel") not in ("email", "sms")
        else:
            assert found.given == (name == GIVEN)
            assert found.act in ACTS
            assert isinstance(found.confirmed, bool)
