"""What SendGrid said becomes what is certain, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later, Outcome, Refused, Unsure
from idic.providers.sendgrid.account import SendGridAccount
from idic.providers.sendgrid.sender import SendGridChannel
from tests.providers.conftest import letter
from tests.providers.twilio.scripted_twilio import Line, Talk, saying, twilio

KEY = "SG.a-key-that-nobody-may-read"
ID = "14c5d75ce93abcdefghijk"
Open = Callable[..., SendGridChannel]


@pytest.fixture
async def open_sendgrid() -> AsyncIterator[Open]:
    opened: list[SendGridChannel] = []

    def open_one(url: str, timeout: float = 2) -> SendGridChannel:
        opened.append(SendGridChannel(SendGridAccount(KEY, url), timeout=timeout))
        return opened[-1]

    yield open_one
    for channel in opened:
        await channel.close()


def complaining(status: int, message: str, field: str | None = None) -> Talk:
    return saying(status, {"errors": [{"message": message, "field": field, "help": None}]})


async def told(open_sendgrid: Open, *talks: Talk, timeout: float = 2) -> Outcome:
    async with twilio(*talks) as double:
        return await open_sendgrid(double.url, timeout).send(letter())


async def test_what_sendgrid_takes_is_accepted_and_left_as_it_is(open_sendgrid: Open) -> None:
    mail = letter(
        "0a1b",
        to="anna@bücher.example",
        to_name="Änne",
        subject="Grüße\r\nBcc: x@y.example",
        reply_to="Hilfe <hilfe@shop.example>",
        headers={"X-Campaign": "Frühling " * 20},
    )
    async with twilio(saying(202, b"", {"X-Message-Id": ID})) as double:
        assert await open_sendgrid(double.url).send(mail) == Accepted(ID)
    (call,) = double.calls
    assert (call.method, call.path, call.headers["authorization"]) == ("POST", "/v3/mail/send", f"Bearer {KEY}")
    asked = json.loads(call.body)
    to = {"email": "anna@xn--bcher-kva.example", "name": "Änne"}
    assert asked["personalizations"] == [{"to": [to], "custom_args": {"touch": "0a1b"}}]
    assert (asked["from"], asked["reply_to"]["email"]) == (
        {"email": "hello@shop.example", "name": "Shop"},
        "hilfe@shop.example",
    )
    assert asked["subject"] == "Grüße Bcc: x@y.example"
    assert [part["type"] for part in asked["content"]] == ["text/plain", "text/html"]
    assert asked["headers"]["List-Unsubscribe"] == "<https://shop.example/u/abc>"
    assert asked["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert all(value.isascii() and value.isprintable() for value in asked["headers"].values())
    assert not any(tracking["enable"] for tracking in asked["tracking_settings"].values())


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        (complaining(400, "bad", "content"), Refused("sendgrid_400", "400 content: bad")),
        (
            complaining(400, "Does not contain a valid address.", "personalizations.0.to.0.email"),
            Refused("address_invalid", "400 personalizations.0.to.0.email: Does not contain a valid address."),
        ),
        (complaining(400, "no", "from.email"), Later("sendgrid_400", "400 from.email: no", down=True)),
        (complaining(401, "Maximum credits exceeded"), Later("sendgrid_401", "401 Maximum credits exceeded", down=True)),
        (complaining(403, "not verified", "from"), Later("sendgrid_403", "403 from: not verified", down=True)),
        (saying(404, b""), Later("sendgrid_404", "404", down=True)),
        (saying(301, b"", {"Location": "https://evil.example"}), Later("sendgrid_301", "301", down=True)),
        (complaining(413, "The JSON payload is too large"), Refused("too_large", "413 The JSON payload is too large")),
        (saying(408, b""), Later("sendgrid_408", "408")),
        (saying(429, {}, {"Retry-After": "9"}), Later("sendgrid_busy", "429", 9)),
        (saying(429, b"[1]"), Later("sendgrid_busy", "429")),
        (saying(500, {}), Unsure("sendgrid_500", "500")),
        (saying(503, b"<html>"), Unsure("sendgrid_503", "503")),
        (saying(202, b""), Accepted("t1")),
        (complaining(400, f"your key {KEY}"), Refused("sendgrid_400", "400 your key …")),
        (saying(400, {"errors": [1, None, {}]}), Refused("sendgrid_400", "400")),
    ],
)
async def test_every_response_has_its_outcome(talk: Talk, outcome: Outcome, open_sendgrid: Open) -> None:
    assert await told(open_sendgrid, talk) == outcome


async def test_when_there_is_room_again_is_read_from_sendgrids_own_header(open_sendgrid: Open) -> None:
    outcome = await told(open_sendgrid, saying(429, {}, {"X-RateLimit-Reset": str(int(time.time()) + 30)}))
    assert isinstance(outcome, Later)
    assert outcome.after is not None
    assert 20 < outcome.after <= 30


async def test_failures_are_certain_only_before_the_first_byte(open_sendgrid: Open) -> None:
    async def silent(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async def rude(line: Line) -> None:
        await line.hear()
        line.reset()

    async def cut(line: Line) -> None:
        await line.hear()
        line.writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\nX-Message-Id: " + ID.encode() + b"\r\n\r\n{")
        await line.writer.drain()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    unreachable = await open_sendgrid(nobody).send(letter())
    assert isinstance(unreachable, Later)
    assert (unreachable.code, unreachable.down) == ("sendgrid_unreachable", True)
    assert isinstance(await told(open_sendgrid, silent, timeout=0.3), Unsure)
    lost = await told(open_sendgrid, rude)
    assert isinstance(lost, Unsure)
    assert lost.code == "sendgrid_connection_lost"
    assert await told(open_sendgrid, cut) == Accepted(ID)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "no address"}, "address_invalid"),
        ({"to": "jürgen@example.com"}, "address_needs_smtputf8"),
        ({"headers": {"Bcc": "x@y.example"}}, "message_invalid"),
        ({"text": None, "html": None}, "message_invalid"),
        ({"touch": "t\r\nBcc: x"}, "message_invalid"),
    ],
)
async def test_an_unwritable_mail_is_refused_unsent(changes: dict[str, object], code: str, open_sendgrid: Open) -> None:
    outcome = await open_sendgrid("http://127.0.0.1:1").send(letter(**{"touch": "t", **changes}))  # type: ignore[arg-type]
    assert isinstance(outcome, Refused)
    assert outcome.code == code


@pytest.mark.parametrize(
    "account", [SendGridAccount("a key"), SendGridAccount("SG.ä"), SendGridAccount(KEY, "sendgrid.example")]
)
def test_invalid_account_settings_are_refused_at_once(account: SendGridAccount) -> None:
    with pytest.raises(SettingsError, match="IDIC_SENDGRID_"):
        account.checked()
