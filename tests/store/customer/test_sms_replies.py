"""Replies by SMS: which customer and message they belong to, what a keyword does at once, and journeys that wait for one."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from idic.api.wait_until_settled import nothing_begins_to
from idic.interact.channels.contract import Unsure
from idic.journey.program.program import Program
from idic.providers.telnyx.sender import WEBHOOK_PATH as TELNYX
from idic.providers.telnyx.webhook import TOLERANCE, is_signed
from idic.store import tables
from idic.store.customer import consents, erase
from idic.store.database import Store, Tx
from idic.store.enrollment import touches
from idic.store.tables import Row
from tests.conftest import HandClock
from tests.journey.compiled import written
from tests.journey.programs import arm, out, program, send, to, wait, wait_for
from tests.providers.inbound_sms import PUBLIC_KEY, Provider, hand_over, listening, telnyx_event, telnyx_headers
from tests.providers.twilio.conftest import PUBLIC, TO
from tests.router.world import World


class Talk(World):
    """The engine, and the API that providers hand answers to."""

    def __init__(self, store: Store, clock: HandClock, api: httpx.AsyncClient) -> None:
        super().__init__(store, clock)
        self.api = api
        self._number = 0

    async def written_to(self, trip: Program, **traits: Any) -> str:
        """A customer with this number (Anna's, if none is said) is in, and got the first SMS."""
        await self.publish(trip)
        customer = await self.customer(**{"phone": TO, **traits})
        await self.happens(customer, "Signed Up")
        for enrollment in await self.enrollments(customer):
            await self.work(enrollment.id)
        return customer

    async def answers(self, text: str, *, id_: str = "", **more: Any) -> httpx.Response:
        self._number += 1
        return await hand_over(self.api, text, id_ or f"SM{self._number:032x}", **more)

    async def kept(self, *names: str) -> list[Row]:
        rows = await self.rows(tables.events)
        return [row for row in rows if row["name"] in (names or ("Replied",))]

    async def replies(self) -> list[dict[str, Any]]:
        return [row["properties"] for row in await self.kept()]

    async def suppressed(self, number: str = TO) -> str | None:
        async with self.store.reading() as tx:
            found = await consents.suppression_of(tx, "sms", number)
            return found.reason if found else None

    async def ledger(self, customer: str) -> list[tuple[bool, str, str | None, str, bool]]:
        async with self.store.reading() as tx:
            rows = await consents.ledger_of(tx, customer)
        return [(row.given, row.purpose, row.topic, row.act, row.confirmed) for row in rows]


@pytest.fixture
async def talk(store: Store, clock: HandClock) -> AsyncIterator[Talk]:
    async with listening(store) as api:
        yield Talk(store, clock, api)


def journey(name: str = "hello", *, purpose: Literal["marketing", "service"] = "service", **more: Any) -> Program:
    trip = program(send("nudge", to("rest"), channels=("sms",)), wait("rest", 24 * 30))
    return trip.model_copy(update={"journey": name, "purpose": purpose, **more})


CONVERSATION = program(
    send("ask", to("listen"), channels=("sms",)),
    wait_for("listen", 48, arm("Replied", out("answered"), of="ask"), otherwise=out("silence")),
).model_copy(update={"purpose": "service"})


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_an_answer_is_to_the_newest_message_and_moves_who_waits_for_it(talk: Talk, by: Provider) -> None:
    anna = await talk.written_to(CONVERSATION)
    answer = await talk.answers("Um 18 Uhr bitte 🙂", by=by)
    assert answer.status_code // 100 == 2
    assert answer.content == b"<Response/>" if by == "twilio" else not answer.content
    await talk.route(anna)
    assert await talk.ending() == "answered"
    assert await talk.replies() == [{"channel": "sms", "answered": False, "text": "Um 18 Uhr bitte 🙂", "step": "ask"}]
    assert await talk.suppressed() is None


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_told_twice_it_counts_once(talk: Talk, by: Provider) -> None:
    anna = await talk.written_to(CONVERSATION)
    for _ in range(3):
        await talk.answers("STOP", by=by, id_="a-1")
    await talk.answers("START", by=by, id_="a-2")
    await talk.answers("STOP", by=by, id_="a-1")  # told again, late: it was before the START
    await talk.route(anna)
    assert [said["keyword"] for said in await talk.replies()] == ["stop", "start"]
    assert await talk.suppressed() is None
    assert await talk.ledger(anna) == [(False, "marketing", None, "keyword", True), (True, "marketing", None, "keyword", True)]


async def test_stop_holds_before_it_is_answered_and_for_everything(talk: Talk) -> None:
    anna = await talk.written_to(journey())
    await talk.happens(anna, "Consent Given", {"channel": "sms", "topic": "offers"}, kind="own")
    await talk.happens(anna, "Consent Given", {"channel": "sms", "purpose": "surveys"}, kind="own")
    assert (await talk.answers("  Stopp! ")).status_code == 200
    assert await talk.suppressed() == "opted_out"
    await talk.route(anna)
    withdrawn = [entry for entry in await talk.ledger(anna) if not entry[0]]
    assert withdrawn == [(False, purpose, None, "keyword", True) for purpose in ("marketing", "surveys")]
    (row,) = [row for row in await talk.rows(tables.consents) if row["purpose"] == "marketing" and not row["given"]]
    assert row["proof"] == f"twilio:SM{1:032x}"
    (said,) = await talk.replies()
    assert (said["keyword"], said["text"], said["step"]) == ("stop", "Stopp!", "nudge")


async def test_what_is_only_like_a_keyword_is_for_a_person_to_read(talk: Talk) -> None:
    anna = await talk.written_to(journey())
    await talk.answers("stop it, please send help")
    await talk.answers("Hilfe")
    await talk.route(anna)
    assert [said.get("keyword") for said in await talk.replies()] == [None, "help"]
    assert await talk.suppressed() is None
    assert await talk.ledger(anna) == []


async def test_start_lifts_a_wish_and_nothing_else(talk: Talk) -> None:
    anna = await talk.written_to(journey())
    await talk.answers("STOP")
    await talk.answers("START")
    assert await talk.suppressed() is None
    await talk.store.move("dead", lambda tx: consents.suppress(tx, "sms", TO, "landline", tx.now()))
    await talk.answers("START")
    assert await talk.suppressed() == "landline"
    await talk.route(anna)
    assert (await talk.ledger(anna))[-1] == (True, "marketing", None, "keyword", True)


async def test_everybody_with_the_number_has_stopped_and_the_answer_is_whose_was_written_to_last(talk: Talk) -> None:
    anna = await talk.written_to(journey("one"))
    talk.clock.advance(minutes=1)
    bert = await talk.written_to(journey("two"), email="bert@example.com")
    carla = await talk.customer(email="carla@example.com", phone="+4915199999999")
    await talk.answers("STOP")
    for one in (anna, bert, carla):
        await talk.route(one)
    (reply,) = await talk.kept()
    assert reply["customer_id"] == bert
    for one, stopped in ((anna, True), (bert, True), (carla, False)):
        assert bool(await talk.ledger(one)) == stopped


async def test_of_several_senders_the_conversation_with_the_one_who_is_answered_goes_on(talk: Talk) -> None:
    anna = await talk.written_to(journey("one"))
    talk.clock.advance(minutes=1)
    await talk.publish(journey("two"))
    await talk.happens(anna, "Signed Up")
    first, second = await talk.enrollments(anna)
    await talk.work(second.id)

    async def sent(tx: Tx) -> None:
        for enrollment, sender in ((first, "+4930111"), (second, "+4930222")):
            ours = tables.touches.c.enrollment_id == enrollment.id
            await tx.execute(tables.touches.update().where(ours).values(sender=sender))

    await talk.store.move("sent", sent)
    for sender in ("+4930111", "+4930222", "+4930333"):
        await talk.answers("hm", sender=sender)
    assert [row["enrollment_id"] for row in await talk.kept()] == [first.id, second.id, second.id]


async def test_who_gave_the_number_and_was_never_written_to_is_known_by_it(talk: Talk) -> None:
    shop = httpx.BasicAuth("w", "")
    for user, phone in (("anna", "0151 12345678"), ("bert", "+49 170 1234567")):
        traits = {"phone": phone, "country": "DE"}
        await talk.api.post("/v1/identify", json={"userId": user, "traits": traits}, auth=shop)
    await talk.route_all()
    await talk.answers("START")
    await talk.api.post("/v1/identify", json={"userId": "anna", "traits": {"phone": "+4915100000001"}}, auth=shop)
    await talk.route_all()
    await talk.answers("hello?")
    whose = {row["customer_id"]: row["value"] for row in await talk.rows(tables.identities) if row["kind"] == "user_id"}
    by = [whose.get(row["customer_id"]) for row in await talk.kept()]
    assert by == ["anna", None]  # the number is not hers any more


async def test_an_unknown_number_is_a_new_customer_once(talk: Talk) -> None:
    for text in ("Do you deliver to Graz?", "HELP"):
        await talk.answers(text, number="+436641234567")
    await talk.route_all()
    (customer,) = await talk.rows(tables.customers)
    assert customer["traits"] == {"phone": "+436641234567"}
    (identity,) = await talk.rows(tables.identities)
    assert (identity["kind"], identity["value"], identity["customer_id"]) == ("phone", "+436641234567", customer["id"])
    assert [said.get("step") for said in await talk.replies()] == [None, None]


async def test_many_at_once_from_an_unknown_number_are_one_customers_and_each_counts_once(talk: Talk) -> None:
    ids = [f"SM{number}" for number in range(4)] * 2
    answers = await asyncio.gather(*(talk.answers("STOP", id_=id_, number="+436641234567") for id_ in ids))
    assert {answer.status_code for answer in answers} == {200}
    (customer,) = await talk.rows(tables.customers)
    await talk.route(customer["id"])
    assert len(await talk.replies()) == len(await talk.ledger(customer["id"])) == 4
    assert await talk.suppressed("+436641234567") == "opted_out"


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_what_the_provider_answered_by_itself_is_said(talk: Talk, by: Provider) -> None:
    await talk.written_to(journey())
    await talk.answers("Genug davon", by=by, acted="STOP")
    await talk.answers("help", by=by, acted="HELP")
    assert [(said["keyword"], said["answered"]) for said in await talk.replies()] == [("stop", True), ("help", True)]
    assert await talk.suppressed() == "opted_out"


async def test_yes_confirms_the_consent_that_the_message_asked_about_and_no_other(talk: Talk) -> None:
    (confirm,) = written(
        "events: {Started: {n: number}}\n",
        """
journey: confirm
purpose: service
identify: {on: Consent Given, if: 'event.channel == "sms"', again: always}
interact:
  - {id: ask, send: words, by: sms}
  - {id: rest, wait: 3 days}
customize: {words: {sms: "Say YES"}}
""",
    )
    await talk.publish(confirm)
    anna = await talk.customer(phone=TO)
    await talk.happens(anna, "Consent Given", {"channel": "sms", "topic": "offers", "act": "form", "confirmed": False})
    await talk.work((await talk.only()).id)
    await talk.answers("Ja 👍")
    await talk.route(anna)
    assert await talk.ledger(anna) == [
        (True, "marketing", "offers", "form", False),
        (True, "marketing", "offers", "double opt-in", True),
    ]
    talk.clock.advance(minutes=5)
    await talk.written_to(journey("other"), email="bert@example.com")
    await talk.answers("yes")
    assert len(await talk.kept("Consent Given")) == 2


@pytest.mark.parametrize("no", ["stop", "page", "week"])
async def test_an_ok_is_no_yes_once_they_have_said_no_or_long_after(talk: Talk, no: str) -> None:
    (confirm,) = written(
        "events: {Started: {n: number}}\n",
        """
journey: confirm
purpose: service
identify: {on: Consent Given, if: 'event.channel == "sms"', again: always}
interact:
  - {id: ask, send: words, by: sms}
  - {id: rest, wait: 30 days}
customize: {words: {sms: "Say YES"}}
""",
    )
    await talk.publish(confirm)
    anna = await talk.customer(phone=TO)
    await talk.happens(anna, "Consent Given", {"channel": "sms", "act": "form", "confirmed": False})
    await talk.work((await talk.only()).id)
    talk.clock.advance(minutes=1)
    match no:
        case "stop":
            await talk.answers("Stop", acted="STOP")  # answered by the provider: the question is still the newest message
        case "page":
            await talk.happens(anna, "Consent Withdrawn", {"channel": "sms", "act": "preference page"})
        case _:
            talk.clock.advance(days=8)
    await talk.answers("Ok")
    await talk.route(anna)
    assert len(await talk.kept("Consent Given")) == 1
    assert await talk.suppressed() == ("opted_out" if no == "stop" else None)


async def test_whoever_is_forgotten_is_not_brought_back_by_a_repetition(talk: Talk) -> None:
    anna = await talk.written_to(journey())
    await talk.answers("STOP", id_="SM1")
    await talk.route(anna)
    await talk.store.move("erase", lambda tx: erase.forget(tx, anna, tx.now()))
    await talk.answers("STOP", id_="SM1")
    assert await talk.rows(tables.numbers) == []
    assert len(await talk.rows(tables.customers)) == 1
    assert [row.recipient for row in await talk.touches()] == [None]
    assert await talk.suppressed() == "opted_out"


@pytest.mark.parametrize("number", ["", "Shop", "12345", "whatsapp:+4915112345678", "+49' OR 1=1"])
async def test_what_comes_from_no_telephone_is_nobodys(talk: Talk, number: str) -> None:
    providers: tuple[Provider, ...] = ("twilio", "telnyx")
    for by in providers:
        assert (await talk.answers("STOP", by=by, number=number)).status_code // 100 == 2
    assert await talk.rows(tables.events) == []
    assert await talk.rows(tables.customers) == []


async def test_strange_texts_are_kept_as_far_as_they_can_be(talk: Talk) -> None:
    await talk.written_to(journey())
    for text in ("", "\x00", "a\x00b\nc", "x" * 5000, "\u202eSTOP"):
        assert (await talk.answers(text)).status_code == 200
    texts = [said.get("text") for said in await talk.replies()]
    assert texts == [None, None, "a b c", "x" * 1600, "\u202eSTOP"]
    assert (await talk.replies())[-1]["keyword"] == "stop"


async def test_no_text_and_no_number_is_logged(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    await talk.written_to(journey())
    await talk.answers("my secret")
    await talk.answers("my secret", number="+436641234567")
    await talk.route_all()
    await talk.answers("my secret", number="whatsapp:+4915112345678")
    said = "".join(capsys.readouterr())
    assert "secret" not in said
    assert "4915112345678" not in said
    assert "436641234567" not in said


# Telnyx's signature and reports.


@pytest.mark.parametrize("body", [b"{}", b"", "{“Grüße”: 1}".encode(), b'{"a": "\xf0\x9f\x91\x8d"}'])
def test_what_telnyxs_own_library_believes_we_believe(body: bytes) -> None:
    headers = telnyx_headers(body)
    signature, at = headers["Telnyx-Signature-Ed25519"], headers["Telnyx-Timestamp"]

    def both(signature: str, at: str, body: bytes = body, key: str = PUBLIC_KEY) -> Sequence[bool]:
        given = {"telnyx-signature-ed25519": signature, "telnyx-timestamp": at}
        try:
            verify_webhook_signature(body, given, key)
            theirs = True
        except WebhookVerificationError:
            theirs = False
        return is_signed(key, body, signature, at, time.time()), theirs

    assert both(signature, at) == (True, True)
    other = b64encode(bytes(64)).decode()
    old = telnyx_headers(body, time.time() - TOLERANCE - 5)
    for wrong in (
        both(other, at),
        both("", at),
        both("%%%", at),
        both(signature[:-8], at),
        both(signature, str(int(at) + 1)),
        both(signature, "x"),
        both(signature, ""),
        both(signature, at, body + b" "),
        both(signature, at, body, b64encode(bytes(range(32))).decode()),
        both(old["Telnyx-Signature-Ed25519"], old["Telnyx-Timestamp"]),
    ):
        assert wrong == (False, False)


def outbound(name: str, touch: str, status: str, code: str = "") -> bytes:
    return telnyx_event(
        name,
        direction="outbound",
        id="40385f64-5717-4562-b3fc-2c963f66afa6",
        to=[{"phone_number": TO, "status": status}],
        errors=[{"code": code, "title": "x"}] if code else [],
        webhook_url=f"{PUBLIC}{TELNYX}?touch={touch}",
    )


async def post(talk: Talk, body: bytes, **more: Any) -> int:
    headers = telnyx_headers(body, **more)
    return (await talk.api.post(f"{TELNYX}?touch=another", content=body, headers=headers)).status_code


async def test_telnyxs_reports_count_once_in_any_order(talk: Talk) -> None:
    anna = await talk.written_to(journey())
    (touch,) = await talk.touches()
    for name, status in (
        ("message.finalized", "delivered"),
        ("message.sent", "sent"),
        ("message.finalized", "delivered"),
        ("message.tomorrow", "delivered"),
    ):
        assert await post(talk, outbound(name, touch.id, status)) == 204
    await talk.route(anna)
    assert [row["name"] for row in await talk.kept("Message Delivered", "Message Bounced", "Message Sent")] == [
        "Message Delivered"
    ]


@pytest.mark.parametrize(
    ("status", "code", "reason", "dead"),
    [
        ("delivery_failed", "40001", "landline", "landline"),
        ("sending_failed", "40300", "opted_out", "opted_out"),
        ("delivery_failed", "40008", "unreachable", None),
        ("sending_failed", "", "sending_failed", None),
    ],
)
async def test_a_number_that_telnyx_found_dead_is_not_written_to_again(
    talk: Talk, status: str, code: str, reason: str, dead: str | None
) -> None:
    anna = await talk.written_to(journey())
    (touch,) = await talk.touches()
    assert await post(talk, outbound("message.finalized", touch.id, status, code)) == 204
    await talk.route(anna)
    (bounced,) = await talk.kept("Message Bounced")
    assert bounced["properties"]["reason"] == reason
    assert await talk.suppressed() == dead


async def test_telnyxs_report_proves_that_an_uncertain_message_left(talk: Talk) -> None:
    talk.sms.otherwise = Unsure("telnyx_500", "oops")
    anna = await talk.written_to(journey())
    (touch,) = await talk.touches()
    assert touch.status == "uncertain"
    await post(talk, outbound("message.sent", touch.id, "sent"))
    await talk.route(anna)
    (touch,) = await talk.touches()
    assert (touch.status, touch.provider_id) == ("sent", "40385f64-5717-4562-b3fc-2c963f66afa6")


async def test_an_answer_is_no_evidence_that_an_uncertain_message_left(talk: Talk) -> None:
    talk.sms.otherwise = Unsure("telnyx_500", "oops")
    anna = await talk.written_to(journey())
    await talk.answers("what?")
    await talk.route(anna)
    assert [row.status for row in await talk.touches()] == ["uncertain"]
    assert (await talk.replies())[0]["step"] == "nudge"


async def test_what_telnyx_did_not_sign_or_signed_long_ago_changes_nothing(talk: Talk) -> None:
    await talk.written_to(journey())
    (touch,) = await talk.touches()
    body = outbound("message.finalized", touch.id, "delivery_failed", "40001")
    assert await post(talk, body, at=time.time() - TOLERANCE - 5) == 403
    assert await post(talk, body, at=time.time() + TOLERANCE + 5) == 403
    assert await post(talk, body, key=Ed25519PrivateKey.generate()) == 403
    assert (await talk.api.post(TELNYX, content=body)).status_code == 403
    assert (await talk.api.post(TELNYX, content=b"x" * 70_000)).status_code == 413
    assert await talk.kept("Message Bounced") == []
    for strange in (b"[]", b"x", b'{"data": 5}', b'{"data": {"payload": []}}'):
        assert await post(talk, strange) in (204, 400)
    for payload in ({}, {"to": 5, "errors": "x", "webhook_url": 7}, {"to": ["x"], "errors": [5]}):
        assert await post(talk, telnyx_event("message.finalized", **payload)) == 204
        assert await post(talk, telnyx_event("message.received", **payload)) == 204


async def test_a_stop_waits_for_whatever_is_on_its_way_to_the_number_whoever_it_is_to(talk: Talk) -> None:
    await talk.written_to(program(send("offer", out("went"), channels=("sms",))))
    (touch,) = await talk.touches()
    await talk.store.move("again", lambda tx: touches.mark(tx, touch.id, status="attempting"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(nothing_begins_to(talk.store, "sms", TO), 0.3)
    await asyncio.wait_for(nothing_begins_to(talk.store, "sms", "+4915199999999"), 0.3)
    await talk.store.move("left", lambda tx: touches.mark(tx, touch.id, status="sent"))
    await asyncio.wait_for(nothing_begins_to(talk.store, "sms", TO), 0.3)
