"""What the channel says became of an SMS, in a real conversation with a Telnyx that behaves well, badly, or not at all."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later, Outcome, Refused, Unsure
from idic.interact.channels.outcomes import DEAD
from idic.providers.telnyx.account import TelnyxAccount
from idic.providers.telnyx.sender import TelnyxChannel, touch_in
from tests.providers.twilio.conftest import PUBLIC, TO, sms
from tests.providers.twilio.scripted_twilio import NUMBER, Line, Talk, saying, twilio

KEY = "KEY-that-nobody-may-read"
PUBLIC_KEY = b64encode(bytes(range(32))).decode()
PROFILE = "abc85f64-5717-4562-b3fc-2c9600000000"
ID = "40385f64-5717-4562-b3fc-2c963f66afa6"


def account(url: str = "https://api.telnyx.com/v2", **changes: Any) -> TelnyxAccount:
    return TelnyxAccount(KEY, PUBLIC_KEY, NUMBER, PROFILE, url)._replace(**changes)


def refusing(code: str, status: int = 400, pointer: str = "/x") -> Talk:
    return saying(status, {"errors": [{"code": code, "title": "No", "detail": KEY, "source": {"pointer": pointer}}]})


def taking() -> Talk:
    return saying(200, {"data": {"id": ID, "record_type": "message", "to": [{"phone_number": TO, "status": "queued"}]}})


async def told(*talks: Talk, timeout: float = 2, **changes: Any) -> Outcome:
    async with twilio(*talks) as double:
        channel = TelnyxChannel(account(double.url), PUBLIC, timeout=timeout)
        outcome = await channel.send(sms(**changes))
        await channel.close()
    assert len(double.calls) == 1
    return outcome


async def test_what_telnyx_takes_is_accepted_under_its_id() -> None:
    async with twilio(taking()) as double:
        channel = TelnyxChannel(account(f"{double.url}/v2"), PUBLIC)
        assert await channel.send(sms("0a1b", text="Grüße 👍 \ud83d")) == Accepted(ID)
        await channel.close()
    [call] = double.calls
    assert (call.method, call.path, call.headers["authorization"]) == ("POST", "/v2/messages", f"Bearer {KEY}")
    reports = f"{PUBLIC}/v1/webhooks/telnyx?touch=0a1b"
    assert json.loads(call.body) == {
        "from": NUMBER,
        "to": TO,
        "text": "Grüße 👍 ?",
        "type": "SMS",
        "messaging_profile_id": PROFILE,
        "webhook_url": reports,
        "webhook_failover_url": reports,
        "use_profile_webhooks": False,
    }
    assert touch_in(reports) == "0a1b"


async def test_telnyx_is_not_asked_to_report_to_this_machine() -> None:
    channel = TelnyxChannel(account(profile=None), "http://localhost:8700")
    assert set(json.loads(channel._body(sms()))) == {"from", "to", "text", "type"}
    await channel.close()


@pytest.mark.parametrize("address", ["https://x/?a=b", "", None, 5, "http://[", "touch=1"])
def test_an_address_without_a_touch(address: object) -> None:
    assert touch_in(address) == ""


@pytest.mark.parametrize(
    ("code", "status", "word"),
    [
        ("40300", 400, "opted_out"),
        ("40300", 403, "opted_out"),
        ("40310", 422, "no_such_number"),
        ("40001", 400, "landline"),
        ("40309", 400, "region_not_allowed"),
        ("40302", 400, "too_long"),
        ("40999", 422, "telnyx_40999"),
        ("x", 400, "telnyx_400"),
    ],
)
async def test_telnyxs_refusals_have_a_code(code: str, status: int, word: str) -> None:
    outcome = await told(refusing(code, status))
    assert isinstance(outcome, Refused)
    assert outcome.code == word
    assert KEY not in outcome.detail
    assert (word in DEAD) == (word in ("opted_out", "no_such_number", "landline"))


async def test_a_field_of_the_request_is_whose_it_is() -> None:
    assert isinstance(to := await told(refusing("10016", 422, "/to")), Refused)
    assert to.code == "no_such_number"
    assert isinstance(sender := await told(refusing("10016", 422, "/from")), Later)
    assert sender.down


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "10009"), (403, "10010"), (403, "20012"), (402, "20100"), (404, ""), (400, "40305"), (400, "40313"), (422, "40321")],
)
async def test_what_is_the_operators_to_mend_is_for_later_and_the_account_is_down(
    status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await told(refusing(code, status))
    assert isinstance(outcome, Later)
    assert (outcome.code, outcome.down) == (f"telnyx_{code or status}", True)
    said = "".join(capsys.readouterr())
    assert "check its settings" in said
    assert KEY not in outcome.detail + said


async def test_too_many_at_once_is_for_later_and_the_account_is_not_down() -> None:
    for talk in (saying(429, b"", {"Retry-After": "7"}), saying(429, {"errors": []}, {"Retry-After": "7"})):
        assert await told(talk) == Later("telnyx_busy", "429", 7.0)
    queue = await told(refusing("40318"))
    assert isinstance(queue, Later)
    assert (queue.code, queue.down) == ("telnyx_busy", False)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_internal_error_of_telnyx_is_uncertain(status: int) -> None:
    outcome = await told(refusing("10007", status))
    assert isinstance(outcome, Unsure)
    assert outcome.code == f"telnyx_{status}"


@pytest.mark.parametrize("body", [b"", b"ok", b"{}", b'{"data": 5}', b'{"data": {"id": 5}}', b'{"data": {"id": "../.."}}'])
async def test_an_unreadable_success_is_uncertain(body: bytes) -> None:
    assert await told(saying(200, body)) == Unsure("telnyx_unreadable", "200 without a message's id")


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"errors": {}}', b'{"errors": ["x"]}', b'{"errors": [{"code": {}}]}'])
async def test_a_refusal_without_a_reason_is_one(body: bytes) -> None:
    outcome = await told(saying(400, body))
    assert isinstance(outcome, Refused)
    assert outcome.code == "telnyx_400"


async def test_silence_and_a_reset_after_the_request_leave_us_unsure() -> None:
    async def silent(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async def rude(line: Line) -> None:
        await line.hear()
        line.reset()

    for talk, code in ((silent, "telnyx_timeout"), (rude, "telnyx_connection_lost")):
        outcome = await told(talk, timeout=0.3)
        assert isinstance(outcome, Unsure)
        assert outcome.code == code


@pytest.fixture
async def nobody() -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}"


async def test_nobody_there_is_for_later_and_the_account_is_down(nobody: str) -> None:
    channel = TelnyxChannel(account(nobody), PUBLIC)
    outcome = await channel.send(sms())
    await channel.close()
    assert isinstance(outcome, Later)
    assert (outcome.code, outcome.down) == ("telnyx_unreachable", True)


@pytest.mark.parametrize("changes", [{}, {"profile": None}, {"sender": "Shop"}, {"sender": "12345"}])
def test_accounts(changes: dict[str, Any]) -> None:
    assert account(**changes).checked() == account(**changes)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"public_key": "x"}, "IDIC_TELNYX_PUBLIC_KEY"),
        ({"public_key": b64encode(b"short").decode()}, "IDIC_TELNYX_PUBLIC_KEY"),
        ({"profile": "mine"}, "IDIC_TELNYX_PROFILE"),
        ({"sender": "0151 1"}, "IDIC_TELNYX_FROM"),
        ({"sender": "Shop", "profile": None}, "IDIC_TELNYX_PROFILE"),
        ({"base_url": "api.telnyx.com"}, "IDIC_TELNYX_BASE_URL"),
    ],
)
def test_invalid_settings_are_named(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError, match=name) as error:
        account(**wrong).checked()
    assert KEY not in str(error.value)
