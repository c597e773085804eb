"""What the channel says became of an SMS, in a real conversation with a Twilio that behaves well, badly, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later, Refused, Unsure
from idic.interact.channels.outcomes import DEAD
from idic.providers.outbox.sender import OutboxChannel
from idic.providers.registry import PROVIDERS
from idic.providers.twilio.account import TwilioAccount
from idic.providers.twilio.sender import TwilioChannel
from tests.providers.twilio.conftest import TO, OpenChannel, sms
from tests.providers.twilio.scripted_twilio import NUMBER, SID, TOKEN, Line, refusing, saying, taking, twilio

TEXT = "Grüße & 100 % + mehr: „ja“ 👍 https://idic.example/s/abc\nTschüß"


async def test_what_twilio_takes_is_accepted_under_its_id(open_channel: OpenChannel) -> None:
    async with twilio(taking()) as double:
        assert await open_channel(double.url).send(sms("0a1b", text=TEXT)) == Accepted("SM" + "f" * 32)
    [call] = double.calls
    assert (call.method, call.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert call.login == f"{SID}:{TOKEN}"
    assert call.form == {
        "To": TO,
        "From": NUMBER,
        "Body": TEXT,
        "StatusCallback": "https://idic.example/v1/webhooks/twilio?touch=0a1b#rc=5&rp=ct,rt,5xx",
    }


async def test_a_pool_of_senders_is_named_as_one(open_channel: OpenChannel) -> None:
    pool = "MG" + "0" * 32
    async with twilio(taking()) as double:
        await open_channel(double.url).send(sms(sender=pool))
    assert double.calls[0].form["MessagingServiceSid"] == pool
    assert "From" not in double.calls[0].form


async def test_twilio_is_not_asked_to_report_to_this_machine() -> None:
    channel = TwilioChannel(TwilioAccount(SID, TOKEN, NUMBER), "http://localhost:8700")
    assert b"StatusCallback" not in channel._form(sms())
    await channel.close()


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (21211, "no_such_number"),
        (21614, "not_a_mobile"),
        (30006, "landline"),
        (21610, "opted_out"),
        (30005, "no_such_number"),
        (21612, "unreachable_from_sender"),
        (21408, "region_not_allowed"),
        (30003, "unreachable"),
        (21617, "too_long"),
        (21999, "twilio_21999"),
    ],
)
async def test_twilios_refusals_have_a_code(code: int, word: str, open_channel: OpenChannel) -> None:
    async with twilio(refusing(code, f"The 'To' number {TO} is not good.")) as double:
        outcome = await open_channel(double.url).send(sms())
    assert outcome == Refused(word, f"400 {code} The 'To' number {TO} is not good.")
    # Only what says that this number will never do is a reason not to write to it again.
    assert (word in DEAD) == (code in {21211, 21614, 30006, 21610, 30005})


async def test_a_number_that_cannot_be_written_to_is_no_fault_of_the_account_by_whatever_status(
    open_channel: OpenChannel,
) -> None:
    async with twilio(refusing(21408, status=403)) as double:
        assert await open_channel(double.url).send(sms()) == Refused("region_not_allowed", "403 21408 no")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"code": "x"}', b"\xff\x00", b"9" * 100_000])
async def test_a_refusal_without_a_reason_is_one(body: bytes, open_channel: OpenChannel) -> None:
    async with twilio(saying(400, body)) as double:
        outcome = await open_channel(double.url).send(sms())
    assert isinstance(outcome, Refused)
    assert outcome.code == "twilio_400"


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (403, None), (404, 20404), (400, 21606), (400, 21659)])
async def test_what_is_the_operators_to_mend_is_for_later_and_nobody_reads_the_account(
    status: int, code: int | None, open_channel: OpenChannel, capsys: pytest.CaptureFixture[str]
) -> None:
    message = f"The requested resource /2010-04-01/Accounts/{SID}/Messages.json was not found, {TOKEN}"
    async with twilio(saying(status, {"code": code, "message": message})) as double:
        outcome = await open_channel(double.url).send(sms())
    assert isinstance(outcome, Later)
    assert outcome.code == f"twilio_{code or status}"
    said = "".join(capsys.readouterr())
    assert "check its settings" in said
    for secret in (SID, TOKEN):
        assert secret not in outcome.detail + said


async def test_too_many_at_once_is_for_later_and_when_is_said(open_channel: OpenChannel) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    no_date = "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"
    for said, after in (("7", 7.0), (soon, 40.0), ("soon", None), ("-7", None), (no_date, None), ("", None)):
        async with twilio(saying(429, {"code": 20429, "message": "Too Many Requests"}, {"Retry-After": said})) as double:
            outcome = await open_channel(double.url).send(sms())
        assert isinstance(outcome, Later)
        assert outcome.code == "twilio_busy"
        assert outcome.after == pytest.approx(after, abs=3)


async def test_a_full_queue_is_for_later(open_channel: OpenChannel) -> None:
    async with twilio(refusing(21611)) as double:
        assert await open_channel(double.url).send(sms()) == Later("twilio_busy", "400 21611 no")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_internal_error_of_twilio_is_uncertain(status: int, open_channel: OpenChannel) -> None:
    async with twilio(saying(status, {"code": 20500, "message": "Internal"}, {"Retry-After": "3"})) as double:
        assert await open_channel(double.url).send(sms()) == Unsure(f"twilio_{status}", f"{status} 20500 Internal")


async def test_silence_after_the_request_leaves_us_unsure(open_channel: OpenChannel) -> None:
    async def silent(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async with twilio(silent) as double:
        outcome = await open_channel(double.url, timeout=0.3).send(sms())
    assert isinstance(outcome, Unsure)
    assert outcome.code == "twilio_timeout"
    assert len(double.calls) == 1


async def test_a_reset_after_the_request_leaves_us_unsure_and_it_is_not_repeated(open_channel: OpenChannel) -> None:
    async def rude(line: Line) -> None:
        await line.hear()
        line.reset()

    async with twilio(rude, taking()) as double:
        outcome = await open_channel(double.url).send(sms())
    assert isinstance(outcome, Unsure)
    assert outcome.code == "twilio_connection_lost"
    assert len(double.calls) == 1


async def test_an_answer_cut_off_after_its_first_line_is_still_an_answer(open_channel: OpenChannel) -> None:
    async def cut(line: Line) -> None:
        await line.hear()
        line.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{")
        await line.writer.drain()

    async with twilio(cut) as double:
        assert await open_channel(double.url).send(sms()) == Refused("twilio_400", "400")


@pytest.mark.parametrize("body", [b"", b"ok", b"{}", b'{"sid": 5}', b'{"sid": "../.."}', b'["SM1"]'])
async def test_an_unreadable_success_is_uncertain(body: bytes, open_channel: OpenChannel) -> None:
    async with twilio(saying(200, body)) as double:
        assert await open_channel(double.url).send(sms()) == Unsure("twilio_unreadable", "200 without a message's id")


async def test_nonsense_instead_of_http_is_uncertain(open_channel: OpenChannel) -> None:
    async def strange(line: Line) -> None:
        await line.hear()
        line.writer.write(b"550 no such mailbox\r\n\r\n")
        await line.writer.drain()

    async with twilio(strange) as double:
        assert isinstance(await open_channel(double.url).send(sms()), Unsure)


async def test_an_unreachable_twilio_is_retried_later(open_channel: OpenChannel) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    for url in (closed, "http://nowhere.invalid"):
        outcome = await open_channel(url).send(sms())
        assert isinstance(outcome, Later)
        assert outcome.code in ("twilio_unreachable", "twilio_timeout")


async def test_a_time_out_before_there_is_a_connection_is_certain(open_channel: OpenChannel) -> None:
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # nobody takes these, and then there is no room for more
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        outcome = await open_channel(f"http://127.0.0.1:{full.getsockname()[1]}", timeout=0.3).send(sms())
    assert isinstance(outcome, Later)
    assert outcome.code == "twilio_timeout"


async def test_a_redirect_is_not_followed(open_channel: OpenChannel) -> None:
    async with twilio(taking()) as elsewhere, twilio(saying(307, b"", {"Location": f"{elsewhere.url}/x"})) as double:
        outcome = await open_channel(double.url).send(sms())
    assert isinstance(outcome, Later)
    assert elsewhere.calls == []


async def test_a_connection_that_was_closed_while_idle_is_replaced(open_channel: OpenChannel) -> None:
    async def once(line: Line) -> None:
        await line.hear()
        await line.say(201, {"sid": "SM1"})

    async with twilio(once, once) as double:
        channel = open_channel(double.url)
        assert await channel.send(sms("a")) == Accepted("SM1")
        await asyncio.sleep(0.05)
        assert await channel.send(sms("b")) == Accepted("SM1")


async def test_letters_that_cannot_be_written_are_no_reason_to_raise(open_channel: OpenChannel) -> None:
    async with twilio(taking()) as double:
        assert isinstance(await open_channel(double.url).send(sms(text="half \ud83d of one")), Accepted)


async def test_cancelling_cancels(open_channel: OpenChannel) -> None:
    async def silent(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async with twilio(silent) as double:
        sending = asyncio.create_task(open_channel(double.url).send(sms()))
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_the_outbox_sends_nothing_and_says_yes() -> None:
    channel = OutboxChannel()
    assert await channel.send(sms("0a")) == Accepted("outbox:0a")
    assert (PROVIDERS[channel.account].channel, channel.account) == ("sms", "outbox")
    await channel.close()


@pytest.mark.parametrize("sender", [NUMBER, "12345", "Shop & Co", "MG" + "a" * 32])
def test_senders(sender: str) -> None:
    assert TwilioAccount(SID, TOKEN, sender).checked().sender == sender


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"sender": "0151 1234"}, "IDIC_SMS_FROM"),
        ({"sender": "A name too long"}, "IDIC_SMS_FROM"),
        ({"sender": "+49"}, "IDIC_SMS_FROM"),
        ({"sender": "MG123 456 789"}, "IDIC_SMS_FROM"),
        ({"sid": "me@shop.example"}, "IDIC_TWILIO_ACCOUNT_SID"),
        ({"base_url": "api.twilio.com"}, "IDIC_TWILIO_BASE_URL"),
        ({"base_url": "http://x:y"}, "IDIC_TWILIO_BASE_URL"),
    ],
)
def test_invalid_settings_are_named(wrong: dict[str, str], name: str) -> None:
    account = TwilioAccount(SID, TOKEN, NUMBER)._replace(**wrong)
    with pytest.raises(SettingsError, match=name) as error:
        account.checked()
    assert TOKEN not in str(error.value)
