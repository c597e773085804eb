"""The endpoints for services with a secret key: read customers, read enrollments, enroll."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, update

from idic.api.app import create_app
from idic.interact.tracking.links import Links
from idic.journey.vocabulary.read_vocabulary import read_vocabulary
from idic.problems import Problems
from idic.store.database import Store, Tx
from idic.store.journey.programs import publish_vocabulary, stop
from idic.store.tables import consents, customers, enrollments, journeys, programs, touches, trace
from tests.api.conftest import SECRET_KEY, WRITE_KEY, Admission, FakeRouter
from tests.api.store_queries import count_customers, customers_by_identity, identify, track
from tests.conftest import HandClock
from tests.journey.programs import program as program_of
from tests.journey.programs import wait

ENROLLMENT, TOUCH = "a" * 32, "b" * 32


async def add_enrollment(
    store: Store, customer: str, at: datetime, *, topic: str | None = "cart_reminders", journey: str = "abandoned_cart"
) -> None:
    """Make an enrollment that waits, has sent one mail, and has a trace."""

    async def write(tx: Tx) -> None:
        program = {"id": "p" * 32, "journey": journey, "flow": "f", "content": "c", "created_at": at}
        document = program_of(wait("reaction", 48), journey=journey, topic=topic).document()
        await tx.execute(insert(programs), program | {"document": document})
        await tx.execute(insert(journeys), {"name": journey, "program_id": "p" * 32, "published_at": at})
        await tx.execute(
            insert(enrollments),
            {
                "id": ENROLLMENT, "customer_id": customer, "journey": journey, "program_id": "p" * 32, "key": "c1",
                "semantics": 1, "seq": 3, "state": {"segment": "vip"}, "step": "reaction",
                "deadline": at + timedelta(days=2), "entered_at": at,
            },
        )  # fmt: skip
        await tx.execute(
            insert(touches),
            {
                "id": TOUCH, "enrollment_id": ENROLLMENT, "customer_id": customer, "step": "nudge", "round": 1,
                "channel": "email", "message": "cart_reminder", "topic": topic, "account": "smtp", "status": "sent",
                "attempts": 1,
                "detail": "250 queued for anna@example.com", "deliver_by": at, "claimed_at": at,
                "settled_at": at + timedelta(seconds=2),
            },
        )  # fmt: skip
        await tx.execute(
            insert(trace),
            [
                {"enrollment_id": ENROLLMENT, "at": at, "kind": kind, "step": step, "why": why}
                for kind, step, why in (
                    ("entered", None, {"event": "Cart Updated"}),
                    ("sent", "nudge", {"channel": "email"}),
                )
            ],
        )
        for given in (True, False):
            word = {"channel": "email", "topic": None, "given": given, "at": at + timedelta(hours=not given)}
            await tx.execute(insert(consents), word | {"customer_id": customer})

    await store.move("write", write)


async def add_customer(shop: httpx.AsyncClient, store: Store, user: str = "anna") -> str:
    await shop.post("/v1/identify", json=identify(user, anonymousId="phone"))
    return (await customers_by_identity(store))[user]


async def test_a_customer_is_found_by_any_of_their_ids(
    shop: httpx.AsyncClient, service: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    customer = await add_customer(shop, store, "a/b@example.com")
    await add_enrollment(store, customer, clock.now())
    answers = [
        await service.get("/v1/customers/a%2Fb@example.com"),
        await service.get("/v1/customers/phone", params={"kind": "anonymous_id"}),
        await service.get(f"/v1/customers/{customer}"),
        await service.get(f"/v1/customers/{customer}", params={"kind": "id"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    told = answers[0].json()
    assert all(answer.json() == told for answer in answers)
    assert told["id"] == customer
    assert told["identities"] == [
        {"kind": "user_id", "value": "a/b@example.com"},
        {"kind": "anonymous_id", "value": "phone"},
    ]
    assert told["consents"] == [{"channel": "email", "topic": None, "given": False, "at": "2026-03-02T10:00:00Z"}]
    [enrollment] = told["enrollments"]
    assert (enrollment["step"], enrollment["key"], enrollment["segment"]) == ("reaction", "c1", "vip")
    [touch] = told["touches"]
    assert (touch["status"], touch["at"], touch["step"]) == ("sent", "2026-03-02T09:00:02Z", "nudge")
    assert "detail" not in touch


async def test_a_merged_customer_is_shown_as_the_surviving_customer(
    service: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    def person(id: str, merged_into: str | None) -> dict[str, Any]:
        now = clock.now()
        return {"id": id, "traits": {"n": id}, "merged_into": merged_into, "created_at": now, "updated_at": now}

    async def write(tx: Tx) -> None:
        await tx.execute(insert(customers), [person("c1", None), person("c2", "c1"), person("c3", "c2")])

    await store.move("write", write)
    assert (await service.get("/v1/customers/c3")).json()["traits"] == {"n": "c1"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/nobody",
        "/v1/customers/anna?kind=anonymous_id",
        "/v1/enrollments/x",
        "/v1/customers/%00",
        "/v1/customers/a%00?kind=id",
        "/v1/enrollments/%00",
    ],
)
async def test_an_unknown_customer_or_enrollment_is_not_found(
    shop: httpx.AsyncClient, service: httpx.AsyncClient, store: Store, path: str
) -> None:
    await add_customer(shop, store)
    answer = await service.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_an_unknown_kind_of_id_is_refused(service: httpx.AsyncClient) -> None:
    answer = await service.get("/v1/customers/anna", params={"kind": "shoe size"})
    assert (answer.status_code, answer.json()["error"]["where"]) == (400, "query.kind")


async def test_an_enrollment_is_shown_with_its_step_and_trace(
    shop: httpx.AsyncClient, service: httpx.AsyncClient, store: Store, clock: HandClock
) -> None:
    await add_enrollment(store, await add_customer(shop, store), clock.now())
    told = (await service.get(f"/v1/enrollments/{ENROLLMENT}")).json()
    assert (told["journey"], told["step"], told["deadline"]) == ("abandoned_cart", "reaction", "2026-03-04T09:00:00Z")
    assert told["ended_at"] is None
    assert told["trace"][0] == {
        "at": "2026-03-02T09:00:00Z",
        "kind": "entered",
        "step": None,
        "why": {"event": "Cart Updated"},
        "text": "entered: Cart Updated",
    }
    assert told["trace"][1]["text"] == "nudge: sent by email"


async def test_only_secret_keys_read(anyone: httpx.AsyncClient) -> None:
    wrong: tuple[dict[str, str], ...] = ({}, {"Authorization": f"Bearer {WRITE_KEY}"}, {"Authorization": "Bearer "})
    for headers in wrong:
        for path in ("/v1/customers/anna", "/v1/enrollments/x"):
            answer = await anyone.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert (await anyone.post("/v1/journeys/j/enrollments", json={}, headers=headers)).status_code == 401
    as_user = httpx.BasicAuth(SECRET_KEY, "")
    assert (await anyone.get("/v1/customers/anna", auth=as_user)).status_code == 404


async def test_without_configured_keys_every_request_is_unauthorized(
    store: Store, links: Links, fake_router: FakeRouter
) -> None:
    app = create_app(store, write_keys=[], secret_keys=[], links=links, enroll=fake_router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://idic") as client:
        for key in ("", "x"):
            assert (await client.get("/v1/customers/a", headers={"Authorization": f"Bearer {key}"})).status_code == 401
            assert (await client.post("/v1/track", json=track(writeKey=key))).status_code == 401


@pytest.fixture
async def published(shop: httpx.AsyncClient, store: Store, clock: HandClock) -> None:
    await add_enrollment(store, await add_customer(shop, store), clock.now())


@pytest.mark.usefixtures("published")
async def test_enrolling_hands_the_customer_to_the_router(
    service: httpx.AsyncClient, store: Store, fake_router: FakeRouter
) -> None:
    body = {"user_id": "anna", "properties": {"cart_id": "c9"}, "occurred_at": "2026-03-01T10:00:00+01:00"}
    answer = await service.post("/v1/journeys/abandoned_cart/enrollments", json=body)
    anna = (await customers_by_identity(store))["anna"]
    assert (answer.status_code, answer.json()) == (
        201,
        {"enrollment_id": "e" * 32, "customer_id": anna, "entered": True, "reason": None},
    )
    assert fake_router.requests == [
        {
            "journey": "abandoned_cart",
            "customer": anna,
            "properties": {"cart_id": "c9"},
            "occurred_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        }
    ]


@pytest.mark.usefixtures("published")
async def test_a_refused_enrollment_states_the_reason(service: httpx.AsyncClient, fake_router: FakeRouter) -> None:
    fake_router.admission = Admission(None, False, "entered 2 days ago; again after 14 days")
    answer = await service.post("/v1/journeys/abandoned_cart/enrollments", json={"user_id": "anna"})
    assert (answer.status_code, answer.json()["reason"]) == (200, "entered 2 days ago; again after 14 days")


@pytest.mark.usefixtures("published")
async def test_a_stopped_journey_refuses_enrollments(service: httpx.AsyncClient, store: Store, fake_router: FakeRouter) -> None:
    await store.move("stop", lambda tx: stop(tx, "abandoned_cart", tx.now()))
    answer = await service.post("/v1/journeys/abandoned_cart/enrollments", json={"user_id": "anna"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "journey_stopped")
    assert 'journey "abandoned_cart" is stopped' in answer.json()["error"]["message"]
    assert fake_router.requests == []


@pytest.mark.usefixtures("published")
async def test_an_unreadable_program_is_left_to_another_replica(service: httpx.AsyncClient, store: Store) -> None:
    async def spoil(tx: Tx) -> None:
        await tx.execute(update(programs).values(document={"journey": "abandoned_cart", "written": "by another version"}))

    await store.move("write", spoil)
    answer = await service.post("/v1/journeys/abandoned_cart/enrollments", json={"user_id": "anna"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "program_missing")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.usefixtures("published")
async def test_an_enrollment_needs_the_properties_of_the_entry_event(
    service: httpx.AsyncClient, store: Store, fake_router: FakeRouter, clock: HandClock
) -> None:
    words = read_vocabulary(
        "vocabulary.yaml", "events:\n  Signed Up:\n    plan: {type: text, required: true}\n", Problems({})
    ).vocabulary
    await store.move("write", lambda tx: publish_vocabulary(tx, words.model_dump(mode="json"), clock.now()))
    path, headers = "/v1/journeys/abandoned_cart/enrollments", {"Idempotency-Key": "order-17"}
    answer = await service.post(path, json={"user_id": "new"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        {"code": "properties_refused", "message": "Signed Up needs plan (text)", "where": "properties"},
    )
    assert fake_router.requests == []
    assert "new" not in await customers_by_identity(store)
    answer = await service.post(path, json={"user_id": "new", "properties": {"plan": "gold"}}, headers=headers)
    assert answer.status_code == 201


@pytest.mark.usefixtures("published")
async def test_an_idempotency_key_enrolls_once_with_the_same_response(
    service: httpx.AsyncClient, store: Store, fake_router: FakeRouter
) -> None:
    path, headers = "/v1/journeys/abandoned_cart/enrollments", {"Idempotency-Key": "order-17"}
    body = {"user_id": "bert", "properties": {"a": 1}}
    answers = await asyncio.gather(*(service.post(path, json=body, headers=headers) for _ in range(5)))
    fake_router.admission = Admission(None, False, "changed since")
    answers.append(await service.post(path, json=dict(reversed(body.items())), headers=headers))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert len(fake_router.requests) == 1
    other = await service.post(path, json=body | {"user_id": "cleo"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert "cleo" not in await customers_by_identity(store)


@pytest.mark.usefixtures("published")
async def test_enrolling_in_an_unknown_journey_stores_nothing(service: httpx.AsyncClient, store: Store) -> None:
    before = await count_customers(store)
    headers = {"Idempotency-Key": "order-17"}
    answer = await service.post("/v1/journeys/abandoned_card/enrollments", json={"user_id": "new"}, headers=headers)
    assert answer.status_code == 404
    message = 'no journey "abandoned_card" is published; did you mean "abandoned_cart"?'
    assert answer.json()["error"]["message"] == message
    assert await count_customers(store) == before
    again = await service.post("/v1/journeys/abandoned_cart/enrollments", json={"user_id": "new"}, headers=headers)
    assert again.status_code == 201


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "user_id"),
        ({"user_id": " "}, "user_id"),
        ({"user_id": "anna", "properties": []}, "properties"),
        ({"user_id": "anna", "properties": {"a": "\0"}}, "properties.a"),
        ({"anonymous_id": "phone", "occurred_at": "now"}, "occurred_at"),
    ],
)
async def test_an_invalid_enrollment_request_is_refused(
    service: httpx.AsyncClient, fake_router: FakeRouter, body: dict[str, Any], where: str
) -> None:
    answer = await service.post("/v1/journeys/abandoned_cart/enrollments", json=body)
    assert (answer.status_code, answer.json()["error"]["where"]) == (400, where)
    assert fake_router.requests == []
