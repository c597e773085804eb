"""From the journey's step to the number and back: what is sent, what Twilio reports of it, and what that settles."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from idic.api.app import create_app
from idic.errors import StoreUnavailable
from idic.interact.channels.contract import Later, Refused
from idic.interact.channels.sms import SmsCourier
from idic.interact.tracking.links import Links
from idic.journey.channels.sms import SmsContent
from idic.journey.program.content import Message
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep
from idic.providers.twilio.sender import WEBHOOK_PATH
from idic.providers.twilio.webhook import LARGEST, TwilioWebhook
from idic.store.customer import consents
from idic.store.database import Store
from idic.store.enrollment import short_links
from idic.store.enrollment.touches import Touch
from idic.store.tables import copies
from idic.store.tables import short_links as short_links_table
from tests.api.conftest import FakeRouter, browser
from tests.api.store_queries import stored_events
from tests.conftest import HandClock
from tests.journey.programs import arm, out, program, send, to, wait, wait_for
from tests.providers.twilio.conftest import PUBLIC, TO, OpenChannel, sms
from tests.providers.twilio.scripted_twilio import NUMBER, TOKEN, Line, Talk, refusing, saying, taking, twilio
from tests.router.world import World

LINKS = Links(PUBLIC, ["a key of our own to sign links with"], "https://s.example")
SHOP = "https://shop.example/cart/c1?utm=sms"
SID = "SM" + "f" * 32
CLICKED = wait_for("reaction", 48, arm("Link Clicked", out("clicked"), of="nudge"), otherwise=out("silence"))


def journey(*steps: AnyStep, text: str = f"Still here: {SHOP}.") -> Program:
    messages = {"hello": Message(id="hello", contents={"sms": SmsContent(text=text)})}
    return program(send("nudge", to(steps[0].id), channels=("sms",)), *steps).model_copy(update={"messages": messages})


class Story(World):
    """The engine with SMS that really leave, and the API that Twilio reports to."""

    def __init__(self, store: Store, clock: HandClock, open_channel: OpenChannel, api: httpx.AsyncClient) -> None:
        super().__init__(store, clock)
        self.open_channel = open_channel
        self.api = api

    def reach(self, url: str) -> None:
        courier = SmsCourier(self.open_channel(url, timeout=10), LINKS, NUMBER, self.remember)
        self.delivers_by({"twilio": courier})

    async def remember(self, touch: str, links: Mapping[str, str]) -> bool:
        return await self.store.move("short links", lambda tx: short_links.keep(tx, touch, links, tx.now()))

    async def claimed(self, trip: Program) -> tuple[str, str]:
        """Anna is in, and her SMS is claimed: her customer's id and the touch's."""
        await self.publish(trip)
        anna = await self.customer(phone="0151 12345678", country="DE")
        await self.happens(anna, "Signed Up")
        (touch,) = await self.touches()
        return anna, touch.id

    async def sent(self, trip: Program, *talks: Talk) -> tuple[str, str]:
        anna, touch = await self.claimed(trip)
        async with twilio(*talks) as double:
            self.reach(double.url)
            await self.deliver(touch)
        return anna, touch

    async def report(self, touch: str, status: str, **fields: str) -> int:
        said = {"MessageSid": SID, "MessageStatus": status, "To": TO, "From": NUMBER, **fields}
        path = f"{WEBHOOK_PATH}?touch={touch}"
        signed = RequestValidator(TOKEN).compute_signature(PUBLIC + path, said)
        return (await self.api.post(path, data=said, headers={"X-Twilio-Signature": signed})).status_code

    async def touch(self) -> Touch:
        (touch,) = await self.touches()
        return touch

    async def own(self) -> list[tuple[str, Any]]:
        return [(e["name"], e["properties"].get("reason")) for e in await stored_events(self.store) if e["kind"] == "own"]

    async def suppressed(self, number: str = TO) -> str | None:
        async with self.store.reading() as tx:
            found = await consents.suppression_of(tx, "sms", number)
            return found.reason if found else None


def api_on(store: Store, *, reports: bool = True) -> httpx.AsyncClient:
    return browser(
        create_app(
            store,
            write_keys=["a-write-key"],
            secret_keys=["a-secret-key"],
            links=LINKS,
            enroll=FakeRouter(),
            webhooks=[TwilioWebhook(PUBLIC, TOKEN)] if reports else [],
        )
    )


@pytest.fixture
async def story(store: Store, clock: HandClock, open_channel: OpenChannel) -> AsyncIterator[Story]:
    async with api_on(store) as api:
        yield Story(store, clock, open_channel, api)


async def test_an_sms_leaves_with_a_short_link_and_its_reports_count_once(story: Story) -> None:
    anna, touch = await story.claimed(journey(wait("rest", 1)))
    async with twilio(taking()) as double:
        story.reach(double.url)
        await story.deliver(touch)
    code = LINKS.short_code(touch, SHOP)
    (call,) = double.calls
    assert (call.form["To"], call.form["Body"]) == (TO, f"Still here: https://s.example/s/{code}.")
    row = await story.touch()
    assert (row.status, row.provider_id, row.segments) == ("sent", SID, 1)

    for status in ("queued", "sending", "sent", "delivered", "sent", "delivered", "read"):
        assert await story.report(touch, status) == 204
    await story.route(anna)
    assert await story.own() == [("Message Delivered", None)]
    assert (await story.touch()).delivered_at is not None

    story.clock.advance(minutes=11)  # so soon after it left, it takes a moment to know who follows it
    answer = await story.api.get(f"/s/{code}")
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    await story.route(anna)
    assert (await story.own())[1:] == [("Link Clicked", None)]


async def test_only_links_that_are_in_the_text_are_kept_and_answers_are_short_too(story: Story) -> None:
    text = "{{ 'yes' | answer }} {{ 'no' | answer: 'https://shop.example/no' }}"
    anna, _ = await story.sent(journey(wait("rest", 1), text=text), taking())
    async with story.store.reading() as tx:
        links = {row["code"]: row["url"] for row in await tx.rows(select(short_links_table))}
        (copy,) = await tx.rows(select(copies))
    assert sorted(copy["text"].split()) == sorted(f"https://s.example/s/{code}" for code in links)
    assert len(copy["text"]) <= 160
    for code, url in links.items():
        story.clock.advance(minutes=11)
        lead_on = await story.api.get(f"/s/{code}")
        assert lead_on.headers["location"] == url
        await story.api.get(url)
    await story.route(anna)
    answered = [event["properties"] for event in await stored_events(story.store) if event["name"] == "Link Clicked"]
    assert sorted((said["value"], said.get("url")) for said in answered) == [("no", "https://shop.example/no"), ("yes", None)]


async def test_what_a_short_link_stands_for_is_kept_before_the_message_leaves(story: Story) -> None:
    _, touch = await story.claimed(journey(wait("rest", 1)))
    found = []

    async def curious(line: Line) -> None:
        await line.hear()
        async with story.store.reading() as tx:
            found.append(await short_links.find(tx, LINKS.short_code(touch, SHOP)))
        await line.say(201, {"sid": SID})

    async with twilio(curious) as double:
        story.reach(double.url)
        await story.deliver(touch)
    assert found == [(touch, SHOP)]


async def test_without_the_store_a_message_with_a_link_does_not_leave(open_channel: OpenChannel) -> None:
    async def away(touch: str, links: Mapping[str, str]) -> bool:
        raise StoreUnavailable("the database does not answer")

    async def taken(touch: str, links: Mapping[str, str]) -> bool:
        return False

    linked = sms(short_links={"abc": SHOP})
    async with twilio(taking()) as double:
        channel = open_channel(double.url)
        outcome = await SmsCourier(channel, LINKS, NUMBER, away).ready(linked)
        assert outcome == Later("store_unavailable", "the database does not answer")
        assert isinstance(await SmsCourier(channel, LINKS, NUMBER, taken).ready(linked), Refused)
        assert double.calls == []
        assert await SmsCourier(channel, LINKS, NUMBER, away).ready(sms()) is None


async def test_a_code_stands_for_one_address_for_ever(story: Story) -> None:
    _, touch = await story.claimed(journey(wait("rest", 1)))
    assert await story.remember(touch, {"abc": SHOP})
    assert await story.remember(touch, {"abc": SHOP})
    assert not await story.remember(touch, {"abc": "https://elsewhere.example"})


async def test_a_report_before_our_own_record_is_the_evidence_and_our_record_adds_to_it(story: Story) -> None:
    anna, touch = await story.claimed(journey(CLICKED))

    async def hasty(line: Line) -> None:
        await line.hear()
        assert await story.report(touch, "delivered") == 204
        assert await story.report(touch, "sent") == 204
        await story.route(anna)
        await line.say(201, {"sid": SID})

    async with twilio(hasty) as double:
        story.reach(double.url)
        await story.deliver(touch)
    row = await story.touch()
    assert (row.status, row.provider_id, row.segments, row.reason) == ("sent", SID, 1, None)
    trace = await story.trace((await story.only()).id)
    assert trace.count("sent") == 1
    assert "uncertain" not in trace


@pytest.mark.parametrize("status", ["queued", "sent", "delivered", "undelivered", "a word of tomorrow"])
async def test_any_report_proves_that_an_uncertain_message_left(story: Story, status: str) -> None:
    anna, touch = await story.sent(journey(CLICKED), saying(500, {"message": "oops"}))
    row = await story.touch()
    assert (row.status, row.reason, row.provider_id) == ("uncertain", "twilio_500", None)
    for _ in range(2):
        assert await story.report(touch, status) == 204
    await story.route(anna)
    row = await story.touch()
    assert (row.status, row.reason, row.provider_id) == ("sent", None, SID)
    assert len(await story.own()) == 1
    assert await story.report(touch, status) == 204
    assert len(await story.own()) == 1


async def test_reports_that_all_come_at_once_are_as_good_as_in_order(story: Story) -> None:
    anna, touch = await story.sent(journey(CLICKED), saying(500, {"message": "oops"}))

    async def reported(status: str) -> None:
        for _ in range(3):
            assert await story.report(touch, status) == 204

    words = ("sent", "delivered", "undelivered", "queued", "delivered")
    await asyncio.gather(*(reported(word) for word in words), *(story.route(anna) for _ in range(3)))
    await story.route(anna)
    told = Counter(name for name, _ in await story.own())
    assert (told["Message Delivered"], told["Message Bounced"]) == (1, 1)
    trace = Counter(await story.trace((await story.only()).id))
    assert (trace["sent"], trace["delivered"], trace["bounced"]) == (1, 1, 1)
    assert (await story.touch()).status == "sent"
    assert await story.ending() is None

    story.clock.advance(minutes=11)  # so soon after it left, it takes a moment to know who follows it
    await story.api.get(f"/s/{LINKS.short_code(touch, SHOP)}")
    await story.route(anna)
    assert await story.ending() == "clicked"


async def test_a_late_landline_report_bounces_once_and_suppresses_the_number(story: Story) -> None:
    anna, touch = await story.sent(journey(wait("rest", 1)), taking())
    for status in ("undelivered", "sent", "failed", "undelivered"):
        assert await story.report(touch, status, ErrorCode="30006") == 204
    await story.route(anna)
    assert await story.own() == [("Message Bounced", "landline")]
    row = await story.touch()
    assert (row.status, row.bounced_at is not None, row.delivered_at) == ("sent", True, None)
    assert await story.suppressed() == "landline"

    story.clock.advance(hours=2)
    await story.work((await story.only()).id)
    await story.happens(anna, "Signed Up")
    assert len(await story.touches()) == 1
    assert "not sent" in await story.trace((await story.enrollments())[1].id)


@pytest.mark.parametrize(
    ("code", "reason"), [("30003", "unreachable"), ("30008", "twilio_30008"), ("", "undelivered"), ("x", "undelivered")]
)
async def test_a_temporary_failure_bounces_without_suppression(story: Story, code: str, reason: str) -> None:
    _, touch = await story.sent(journey(wait("rest", 1)), taking())
    await story.report(touch, "undelivered", ErrorCode=code)
    assert await story.own() == [("Message Bounced", reason)]
    assert await story.suppressed() is None


async def test_a_number_that_twilio_will_not_take_is_not_written_to_again(story: Story) -> None:
    await story.sent(journey(wait("rest", 1)), refusing(21610, "has replied STOP"))
    row = await story.touch()
    assert (row.status, row.reason) == ("failed", "opted_out")
    assert await story.suppressed() == "opted_out"


async def test_forged_and_malformed_reports_change_nothing(story: Story) -> None:
    _, touch = await story.sent(journey(wait("rest", 1)), taking())
    path = f"{WEBHOOK_PATH}?touch={touch}"
    said = {"MessageSid": SID, "MessageStatus": "undelivered", "ErrorCode": "30006", "To": TO}
    signed = RequestValidator(TOKEN).compute_signature(PUBLIC + path, said)
    other = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{WEBHOOK_PATH}?touch=another", said)

    async def post(path: str, signature: str | None, **more: Any) -> int:
        headers = {"X-Twilio-Signature": signature} if signature is not None else {}
        return (await story.api.post(path, headers=headers, **(more or {"data": said}))).status_code

    for signature in (None, "", "x", other, RequestValidator("guess").compute_signature(PUBLIC + path, said)):
        assert await post(path, signature) == 403
    assert await post(path, signed, data=said | {"To": "+4915100000000"}) == 403
    assert await post(path + "&x=1", signed) == 403
    assert await post(path, signed, content=b"x" * (LARGEST + 1)) == 413
    assert await post(path, signed, content=b"&".join([b"a=b"] * 300)) == 400
    assert (await story.api.get(path)).status_code == 405
    assert await story.own() == []
    assert await story.suppressed() is None


@pytest.mark.parametrize("touch", ["f" * 32, "", "%00", "x" * 2000, "'; DROP TABLE touches", "%ff"])
async def test_a_report_of_an_unknown_message_is_accepted_and_ignored(story: Story, touch: str) -> None:
    assert await story.report(touch.replace(" ", "%20"), "delivered") == 204
    assert await story.own() == []


async def test_without_an_account_there_is_no_webhook(store: Store) -> None:
    async with api_on(store, reports=False) as api:
        assert (await api.post(f"{WEBHOOK_PATH}?touch=x")).status_code == 404


async def test_twilio_is_asked_to_retry_while_the_store_is_down(clock: HandClock, open_channel: OpenChannel) -> None:
    gone = Store.open("postgresql://postgres@localhost:1/nothing")
    async with api_on(gone) as api:
        assert await Story(gone, clock, open_channel, api).report("f" * 32, "delivered") == 503
    await gone.close()
