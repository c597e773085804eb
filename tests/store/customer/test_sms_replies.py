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


class Conversation(World):
    """The engine, with the API that providers hand replies to."""

    def __init__(self, store: Store, clock: HandClock, api: httpx.AsyncClient) -> None:
        super().__init__(store, clock)
        self.api = api
        self._number = 0

    async def send_first_sms(self, trip: Program, **traits: Any) -> str:
        """Enroll a customer with this number (Anna's by default) and send the first SMS; returns the id."""
        await self.publish(trip)
        customer = await self.customer(**{"phone": TO, **traits})
        await self.happens(customer, "Signed Up")
        for enrollment in await self.enrollments(customer):
            await self.work(enrollment.id)
        return customer

    async def reply(self, text: str, *, id_: str = "", **more: Any) -> httpx.Response:
        self._number += 1
        return await hand_over(self.api, text, id_ or f"SM{self._number:032x}", **more)

    async def reply_events(self, *names: str) -> list[Row]:
        rows = await self.rows(tables.events)
        return [row for row in rows if row["name"] in (names or ("Replied",))]

    async def replies(self) -> list[dict[str, Any]]:
        return [row["properties"] for row in await self.reply_events()]

    async def suppressed(self, number: str = TO) -> str | None:
        async with self.store.reading() as tx:
            found = await consents.suppression_of(tx, "sms", number)
            return found.reason if found else None

    async def consent_rows(self, customer: str) -> list[tuple[bool, str, str | None, str, bool]]:
        async with self.store.reading() as tx:
            rows = await consents.ledger_of(tx, customer)
        return [(row.given, row.purpose, row.topic, row.act, row.confirmed) for row in rows]


@pytest.fixture
async def conversation(store: Store, clock: HandClock) -> AsyncIterator[Conversation]:
    async with listening(store) as api:
        yield Conversation(store, clock, api)


def journey(name: str = "hello", *, purpose: Literal["marketing", "service"] = "service", **more: Any) -> Program:
    trip = program(send("nudge", to("rest"), channels=("sms",)), wait("rest", 24 * 30))
    return trip.model_copy(update={"journey": name, "purpose": purpose, **more})


CONVERSATION = program(
    send("ask", to("listen"), channels=("sms",)),
    wait_for("listen", 48, arm("Replied", out("answered"), of="ask"), otherwise=out("silence")),
).model_copy(update={"purpose": "service"})


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_a_reply_belongs_to_the_newest_message_and_moves_its_enrollment(conversation: Conversation, by: Provider) -> None:
    anna = await conversation.send_first_sms(CONVERSATION)
    answer = await conversation.reply("Um 18 Uhr bitte 🙂", by=by)
    assert answer.status_code // 100 == 2
    assert answer.content == b"<Response/>" if by == "twilio" else not answer.content
    await conversation.route(anna)
    assert await conversation.ending() == "answered"
    assert await conversation.replies() == [{"channel": "sms", "answered": False, "text": "Um 18 Uhr bitte 🙂", "step": "ask"}]
    assert await conversation.suppressed() is None


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_a_repeated_reply_counts_once(conversation: Conversation, by: Provider) -> None:
    anna = await conversation.send_first_sms(CONVERSATION)
    for _ in range(3):
        await conversation.reply("STOP", by=by, id_="a-1")
    await conversation.reply("START", by=by, id_="a-2")
    await conversation.reply("STOP", by=by, id_="a-1")  # told again, late: it was before the START
    await conversation.route(anna)
    assert [said["keyword"] for said in await conversation.replies()] == ["stop", "start"]
    assert await conversation.suppressed() is None
    assert await conversation.consent_rows(anna) == [
        (False, "marketing", None, "keyword", True),
        (True, "marketing", None, "keyword", True),
    ]


async def test_stop_suppresses_at_once_and_withdraws_every_consent(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey())
    await conversation.happens(anna, "Consent Given", {"channel": "sms", "topic": "offers"}, kind="own")
    await conversation.happens(anna, "Consent Given", {"channel": "sms", "purpose": "surveys"}, kind="own")
    assert (await conversation.reply("  Stopp! ")).status_code == 200
    assert await conversation.suppressed() == "opted_out"
    await conversation.route(anna)
    withdrawn = [entry for entry in await conversation.consent_rows(anna) if not entry[0]]
    assert withdrawn == [(False, purpose, None, "keyword", True) for purpose in ("marketing", "surveys")]
    (row,) = [row for row in await conversation.rows(tables.consents) if row["purpose"] == "marketing" and not row["given"]]
    assert row["proof"] == f"twilio:SM{1:032x}"
    (said,) = await conversation.replies()
    assert (said["keyword"], said["text"], said["step"]) == ("stop", "Stopp!", "nudge")


async def test_text_that_only_contains_a_keyword_is_no_keyword(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey())
    await conversation.reply("stop it, please send help")
    await conversation.reply("Hilfe")
    await conversation.route(anna)
    assert [said.get("keyword") for said in await conversation.replies()] == [None, "help"]
    assert await conversation.suppressed() is None
    assert await conversation.consent_rows(anna) == []


async def test_start_lifts_an_opt_out_and_no_other_suppression(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey())
    await conversation.reply("STOP")
    await conversation.reply("START")
    assert await conversation.suppressed() is None
    await conversation.store.move("dead", lambda tx: consents.suppress(tx, "sms", TO, "landline", tx.now()))
    await conversation.reply("START")
    assert await conversation.suppressed() == "landline"
    await conversation.route(anna)
    assert (await conversation.consent_rows(anna))[-1] == (True, "marketing", None, "keyword", True)


async def test_stop_holds_for_every_customer_with_the_number(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey("one"))
    conversation.clock.advance(minutes=1)
    bert = await conversation.send_first_sms(journey("two"), email="bert@example.com")
    carla = await conversation.customer(email="carla@example.com", phone="+4915199999999")
    await conversation.reply("STOP")
    for one in (anna, bert, carla):
        await conversation.route(one)
    (reply,) = await conversation.reply_events()
    assert reply["customer_id"] == bert
    for one, stopped in ((anna, True), (bert, True), (carla, False)):
        assert bool(await conversation.consent_rows(one)) == stopped


async def test_a_reply_belongs_to_the_message_of_its_sender_number(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey("one"))
    conversation.clock.advance(minutes=1)
    await conversation.publish(journey("two"))
    await conversation.happens(anna, "Signed Up")
    first, second = await conversation.enrollments(anna)
    await conversation.work(second.id)

    async def sent(tx: Tx) -> None:
        for enrollment, sender in ((first, "+4930111"), (second, "+4930222")):
            ours = tables.touches.c.enrollment_id == enrollment.id
            await tx.execute(tables.touches.update().where(ours).values(sender=sender))

    await conversation.store.move("sent", sent)
    for sender in ("+4930111", "+4930222", "+4930333"):
        await conversation.reply("hm", sender=sender)
    assert [row["enrollment_id"] for row in await conversation.reply_events()] == [first.id, second.id, second.id]


async def test_a_customer_without_messages_is_found_by_their_number(conversation: Conversation) -> None:
    shop = httpx.BasicAuth("w", "")
    for user, phone in (("anna", "0151 12345678"), ("bert", "+49 170 1234567")):
        traits = {"phone": phone, "country": "DE"}
        await conversation.api.post("/v1/identify", json={"userId": user, "traits": traits}, auth=shop)
    await conversation.route_all()
    await conversation.reply("START")
    await conversation.api.post("/v1/identify", json={"userId": "anna", "traits": {"phone": "+4915100000001"}}, auth=shop)
    await conversation.route_all()
    await conversation.reply("hello?")
    whose = {row["customer_id"]: row["value"] for row in await conversation.rows(tables.identities) if row["kind"] == "user_id"}
    by = [whose.get(row["customer_id"]) for row in await conversation.reply_events()]
    assert by == ["anna", None]  # the number is not hers any more


async def test_an_unknown_number_creates_one_customer(conversation: Conversation) -> None:
    for text in ("Do you deliver to Graz?", "HELP"):
        await conversation.reply(text, number="+436641234567")
    await conversation.route_all()
    (customer,) = await conversation.rows(tables.customers)
    assert customer["traits"] == {"phone": "+436641234567"}
    (identity,) = await conversation.rows(tables.identities)
    assert (identity["kind"], identity["value"], identity["customer_id"]) == ("phone", "+436641234567", customer["id"])
    assert [said.get("step") for said in await conversation.replies()] == [None, None]


async def test_concurrent_replies_of_an_unknown_number_create_one_customer(conversation: Conversation) -> None:
    ids = [f"SM{number}" for number in range(4)] * 2
    answers = await asyncio.gather(*(conversation.reply("STOP", id_=id_, number="+436641234567") for id_ in ids))
    assert {answer.status_code for answer in answers} == {200}
    (customer,) = await conversation.rows(tables.customers)
    await conversation.route(customer["id"])
    assert len(await conversation.replies()) == len(await conversation.consent_rows(customer["id"])) == 4
    assert await conversation.suppressed("+436641234567") == "opted_out"


@pytest.mark.parametrize("by", ["twilio", "telnyx"])
async def test_a_keyword_that_the_provider_answered_is_recorded_as_answered(conversation: Conversation, by: Provider) -> None:
    await conversation.send_first_sms(journey())
    await conversation.reply("Genug davon", by=by, acted="STOP")
    await conversation.reply("help", by=by, acted="HELP")
    assert [(said["keyword"], said["answered"]) for said in await conversation.replies()] == [("stop", True), ("help", True)]
    assert await conversation.suppressed() == "opted_out"


async def test_yes_confirms_only_the_consent_in_question(conversation: Conversation) -> None:
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
    await conversation.publish(confirm)
    anna = await conversation.customer(phone=TO)
    await conversation.happens(anna, "Consent Given", {"channel": "sms", "topic": "offers", "act": "form", "confirmed": False})
    await conversation.work((await conversation.only()).id)
    await conversation.reply("Ja 👍")
    await conversation.route(anna)
    assert await conversation.consent_rows(anna) == [
        (True, "marketing", "offers", "form", False),
        (True, "marketing", "offers", "double opt-in", True),
    ]
    conversation.clock.advance(minutes=5)
    await conversation.send_first_sms(journey("other"), email="bert@example.com")
    await conversation.reply("yes")
    assert len(await conversation.reply_events("Consent Given")) == 2


@pytest.mark.parametrize("no", ["stop", "page", "week"])
async def test_an_ok_is_no_yes_once_they_have_said_no_or_long_after(conversation: Conversation, no: str) -> None:
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
    await conversation.publish(confirm)
    anna = await conversation.customer(phone=TO)
    await conversation.happens(anna, "Consent Given", {"channel": "sms", "act": "form", "confirmed": False})
    await conversation.work((await conversation.only()).id)
    conversation.clock.advance(minutes=1)
    match no:
        case "stop":
            await conversation.reply("Stop", acted="STOP")  # answered by the provider: the question is still the newest message
        case "page":
            await conversation.happens(anna, "Consent Withdrawn", {"channel": "sms", "act": "preference page"})
        case _:
            conversation.clock.advance(days=8)
    await conversation.reply("Ok")
    await conversation.route(anna)
    assert len(await conversation.reply_events("Consent Given")) == 1
    assert await conversation.suppressed() == ("opted_out" if no == "stop" else None)


async def test_a_repeated_reply_does_not_restore_an_erased_customer(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey())
    await conversation.reply("STOP", id_="SM1")
    await conversation.route(anna)
    await conversation.store.move("erase", lambda tx: erase.forget(tx, anna, tx.now()))
    await conversation.reply("STOP", id_="SM1")
    assert await conversation.rows(tables.numbers) == []
    assert len(await conversation.rows(tables.customers)) == 1
    assert [row.recipient for row in await conversation.touches()] == [None]
    assert await conversation.suppressed() == "opted_out"


@pytest.mark.parametrize("number", ["", "Shop", "12345", "whatsapp:+4915112345678", "+49' OR 1=1"])
async def test_a_reply_without_a_phone_number_is_ignored(conversation: Conversation, number: str) -> None:
    providers: tuple[Provider, ...] = ("twilio", "telnyx")
    for by in providers:
        assert (await conversation.reply("STOP", by=by, number=number)).status_code // 100 == 2
    assert await conversation.rows(tables.events) == []
    assert await conversation.rows(tables.customers) == []


async def test_strange_texts_are_stored_as_far_as_possible(conversation: Conversation) -> None:
    await conversation.send_first_sms(journey())
    for text in ("", "\x00", "a\x00b\nc", "x" * 5000, "\u202eSTOP"):
        assert (await conversation.reply(text)).status_code == 200
    texts = [said.get("text") for said in await conversation.replies()]
    assert texts == [None, None, "a b c", "x" * 1600, "\u202eSTOP"]
    assert (await conversation.replies())[-1]["keyword"] == "stop"


async def test_no_text_and_no_number_is_logged(conversation: Conversation, capsys: pytest.CaptureFixture[str]) -> None:
    await conversation.send_first_sms(journey())
    await conversation.reply("my secret")
    await conversation.reply("my secret", number="+436641234567")
    await conversation.route_all()
    await conversation.reply("my secret", number="whatsapp:+4915112345678")
    said = "".join(capsys.readouterr())
    assert "secret" not in said
    assert "4915112345678" not in said
    assert "436641234567" not in said


# Telnyx's signature and reports.


@pytest.mark.parametrize("body", [b"{}", b"", "{“Grüße”: 1}".encode(), b'{"a": "\xf0\x9f\x91\x8d"}'])
def test_telnyxs_own_library_accepts_the_same_signatures(body: bytes) -> None:
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


async def post(conversation: Conversation, body: bytes, **more: Any) -> int:
    headers = telnyx_headers(body, **more)
    return (await conversation.api.post(f"{TELNYX}?touch=another", content=body, headers=headers)).status_code


async def test_telnyxs_reports_count_once_in_any_order(conversation: Conversation) -> None:
    anna = await conversation.send_first_sms(journey())
    (touch,) = await conversation.touches()
    for name, status in (
        ("message.finalized", "delivered"),
        ("message.sent", "sent"),
        ("message.finalized", "delivered"),
        ("message.tomorrow", "delivered"),
    ):
        assert await post(conversation, outbound(name, touch.id, status)) == 204
    await conversation.route(anna)
    assert [row["name"] for row in await conversation.reply_events("Message Delivered", "Message Bounced", "Message Sent")] == [
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
async def test_telnyxs_permanent_failures_suppress_the_number(
    conversation: Conversation, status: str, code: str, reason: str, dead: str | None
) -> None:
    anna = await conversation.send_first_sms(journey())
    (touch,) = await conversation.touches()
    assert await post(conversation, outbound("message.finalized", touch.id, status, code)) == 204
    await conversation.route(anna)
    (bounced,) = await conversation.reply_events("Message Bounced")
    assert bounced["properties"]["reason"] == reason
    assert await conversation.suppressed() == dead


async def test_telnyxs_report_proves_that_an_uncertain_message_left(conversation: Conversation) -> None:
    conversation.sms.otherwise = Unsure("telnyx_500", "oops")
    anna = await conversation.send_first_sms(journey())
    (touch,) = await conversation.touches()
    assert touch.status == "uncertain"
    await post(conversation, outbound("message.sent", touch.id, "sent"))
    await conversation.route(anna)
    (touch,) = await conversation.touches()
    assert (touch.status, touch.provider_id) == ("sent", "40385f64-5717-4562-b3fc-2c963f66afa6")


async def test_a_reply_does_not_settle_an_uncertain_message(conversation: Conversation) -> None:
    conversation.sms.otherwise = Unsure("telnyx_500", "oops")
    anna = await conversation.send_first_sms(journey())
    await conversation.reply("what?")
    await conversation.route(anna)
    assert [row.status for row in await conversation.touches()] == ["uncertain"]
    assert (await conversation.replies())[0]["step"] == "nudge"


async def test_unsigned_and_old_telnyx_reports_are_refused(conversation: Conversation) -> None:
    await conversation.send_first_sms(journey())
    (touch,) = await conversation.touches()
    body = outbound("message.finalized", touch.id, "delivery_failed", "40001")
    assert await post(conversation, body, at=time.time() - TOLERANCE - 5) == 403
    assert await post(conversation, body, at=time.time() + TOLERANCE + 5) == 403
    assert await post(conversation, body, key=Ed25519PrivateKey.generate()) == 403
    assert (await conversation.api.post(TELNYX, content=body)).status_code == 403
    assert (await conversation.api.post(TELNYX, content=b"x" * 70_000)).status_code == 413
    assert await conversation.reply_events("Message Bounced") == []
    for strange in (b"[]", b"x", b'{"data": 5}', b'{"data": {"payload": []}}'):
        assert await post(conversation, strange) in (204, 400)
    for payload in ({}, {"to": 5, "errors": "x", "webhook_url": 7}, {"to": ["x"], "errors": [5]}):
        assert await post(conversation, telnyx_event("message.finalized", **payload)) == 204
        assert await post(conversation, telnyx_event("message.received", **payload)) == 204


async def test_a_stop_waits_for_messages_on_their_way_to_the_number(conversation: Conversation) -> None:
    await conversation.send_first_sms(program(send("offer", out("went"), channels=("sms",))))
    (touch,) = await conversation.touches()
    await conversation.store.move("again", lambda tx: touches.mark(tx, touch.id, status="attempting"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(nothing_begins_to(conversation.store, "sms", TO), 0.3)
    await asyncio.wait_for(nothing_begins_to(conversation.store, "sms", "+4915199999999"), 0.3)
    await conversation.store.move("left", lambda tx: touches.mark(tx, touch.id, status="sent"))
    await asyncio.wait_for(nothing_begins_to(conversation.store, "sms", TO), 0.3)
