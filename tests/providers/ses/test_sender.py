"""What SES said becomes what is certain, over real HTTP; and a server that is not ours checks what we send."""

from __future__ import annotations

import asyncio
import email
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from email import policy
from pathlib import Path

import dkim
import httpx
import pytest
from moto.server import ThreadedMotoServer

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later, Outcome, Refused, Unsure
from idic.interact.channels.dkim import Signer
from idic.providers.ses.account import SesAccount
from idic.providers.ses.sender import SesChannel
from tests.providers import dkim_keys
from tests.providers.conftest import letter
from tests.providers.twilio.scripted_twilio import Line, Talk, saying, twilio

KEY, SECRET = "AKIDEXAMPLE", "a-secret-that-nobody-may-read"
REGION = "eu-central-1"
ID = "010701a2b3c4d5e6-0d1e2f3a-0000-4000-8000-000000000000-000000"
Open = Callable[..., SesChannel]


@pytest.fixture
async def open_ses() -> AsyncIterator[Open]:
    opened: list[SesChannel] = []

    def open_one(url: str, timeout: float = 2, signer: Signer | None = None) -> SesChannel:
        opened.append(SesChannel(SesAccount(REGION, KEY, SECRET, "idic", url), timeout=timeout, signer=signer))
        return opened[-1]

    yield open_one
    for channel in opened:
        await channel.close()


def failing(kind: str, message: str = "no", status: int = 400) -> Talk:
    return saying(status, {"message": message}, {"x-amzn-ErrorType": f"{kind}:http://internal.amazon.com/"})


async def told(open_ses: Open, *talks: Talk, timeout: float = 2) -> Outcome:
    async with twilio(*talks) as double:
        return await open_ses(double.url, timeout).send(letter())


async def test_what_ses_takes_is_accepted_under_its_id_and_says_whose_it_is(open_ses: Open, tmp_path: Path) -> None:
    key = dkim_keys.rsa(1024)
    async with twilio(saying(200, {"MessageId": ID})) as double:
        channel = open_ses(double.url, signer=dkim_keys.signer(key, tmp_path))
        assert await channel.send(letter("0a1b", to="anna@bücher.example")) == Accepted(ID)
    (call,) = double.calls
    assert (call.method, call.path) == ("POST", "/v2/email/outbound-emails")
    asked = httpx.Response(200, content=call.body).json()
    assert asked["ConfigurationSetName"] == "idic"
    assert asked["EmailTags"] == [{"Name": "touch", "Value": "0a1b"}]
    assert asked["Destination"] == {"ToAddresses": ["anna@xn--bcher-kva.example"]}
    raw = b64decode(asked["Content"]["Raw"]["Data"])
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    # SES writes these two itself, after we have signed.
    changed = raw.replace(mail["message-id"].encode(), f"<{ID}@email.amazonses.com>".encode()).replace(
        b"\r\nDate: ", b"\r\nDate:  "
    )
    assert dkim.verify(changed, dnsfunc=dkim_keys.zone(key))
    assert f"{KEY}/" in call.headers["authorization"]
    assert f"/{REGION}/ses/aws4_request" in call.headers["authorization"]
    assert SECRET not in repr(call)


@pytest.mark.parametrize(
    ("talk", "outcome"),
    [
        (failing("BadRequestException"), Refused("ses_BadRequestException", "400 BadRequestException no")),
        (
            failing("MessageRejected", "contains a virus"),
            Refused("ses_MessageRejected", "400 MessageRejected contains a virus"),
        ),
        (saying(413, b"<html>"), Refused("too_large", "413")),
        (
            failing("MessageRejected", "Email address is not verified. hello@shop.example"),
            Later("ses_MessageRejected", "400 MessageRejected Email address is not verified. hello@shop.example", down=True),
        ),
        (
            failing("AccountSuspendedException"),
            Later("ses_AccountSuspendedException", "400 AccountSuspendedException no", down=True),
        ),
        (failing("SendingPausedException"), Later("ses_SendingPausedException", "400 SendingPausedException no", down=True)),
        (failing("NotFoundException", status=404), Later("ses_NotFoundException", "404 NotFoundException no", down=True)),
        (
            failing("AccessDeniedException", status=403),
            Later("ses_AccessDeniedException", "403 AccessDeniedException no", down=True),
        ),
        (
            failing("ExpiredTokenException", status=403),
            Later("ses_ExpiredTokenException", "403 ExpiredTokenException no", down=True),
        ),
        (
            saying(400, {"__type": "com.amazon#UnrecognizedClientException", "Message": "who?"}),
            Later("ses_UnrecognizedClientException", "400 UnrecognizedClientException who?", down=True),
        ),
        (saying(400, {"code": "to \x00 ada@shop.example", "message": "no"}), Refused("ses_400", "400 no")),
        (saying(401, b""), Later("ses_401", "401", down=True)),
        (saying(307, b"", {"Location": "https://evil.example"}), Later("ses_307", "307", down=True)),
        (
            failing("TooManyRequestsException", "Maximum sending rate exceeded.", 429),
            Later("ses_busy", "429 TooManyRequestsException Maximum sending rate exceeded."),
        ),
        (
            failing("TooManyRequestsException", "Daily message quota exceeded.", 429),
            Later("ses_busy", "429 TooManyRequestsException Daily message quota exceeded.", down=True),
        ),
        (failing("ThrottlingException"), Later("ses_busy", "400 ThrottlingException no")),
        (saying(429, {}, {"Retry-After": "7"}), Later("ses_busy", "429", 7)),
        (saying(408, b""), Later("ses_408", "408")),
        (saying(500, {"message": "oh"}), Unsure("ses_500", "500 oh")),
        (failing("ServiceUnavailable", status=503), Unsure("ses_503", "503 ServiceUnavailable no")),
        (saying(200, {}), Unsure("ses_unreadable", "200 without a message's id")),
        (saying(200, b"\xff\x00"), Unsure("ses_unreadable", "200 without a message's id")),
    ],
)
async def test_every_response_has_its_outcome(talk: Talk, outcome: Outcome, open_ses: Open) -> None:
    assert await told(open_ses, talk) == outcome


async def test_failures_are_certain_only_before_the_first_byte(open_ses: Open) -> None:
    async def silent(line: Line) -> None:
        await line.hear()
        await asyncio.sleep(60)

    async def rude(line: Line) -> None:
        await line.hear()
        line.reset()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    unreachable = await open_ses(nobody).send(letter())
    assert isinstance(unreachable, Later)
    assert (unreachable.code, unreachable.down) == ("ses_unreachable", True)
    assert isinstance(await told(open_ses, silent, timeout=0.3), Unsure)
    lost = await told(open_ses, rude)
    assert isinstance(lost, Unsure)
    assert lost.code == "ses_connection_lost"


async def test_an_unwritable_mail_is_refused_unsent(open_ses: Open) -> None:
    channel = open_ses("http://127.0.0.1:1")
    assert isinstance(await channel.send(letter(to="no address")), Refused)
    beyond = await channel.send(letter(to="jürgen@example.com"))
    assert beyond == Refused("address_needs_smtputf8", "SES takes ASCII addresses only")


async def test_no_secret_comes_back_in_what_is_kept(open_ses: Open) -> None:
    outcome = await told(open_ses, failing("BadRequestException", f"{KEY} {SECRET}"))
    assert outcome == Refused("ses_BadRequestException", "400 BadRequestException … …")


@pytest.mark.parametrize(
    "account",
    [
        SesAccount("Frankfurt"),
        SesAccount(REGION, KEY),
        SesAccount(REGION, None, SECRET),
        SesAccount(REGION, KEY, SECRET, "no name"),
        SesAccount(REGION, KEY, SECRET, None, "ses.example"),
    ],
)
def test_invalid_account_settings_are_refused_at_once(account: SesAccount) -> None:
    with pytest.raises(SettingsError, match="IDIC_SES_") as raised:
        account.checked()
    assert SECRET not in str(raised.value)


async def test_a_stand_in_for_ses_that_is_not_ours_takes_it(open_ses: Open) -> None:
    """moto checks that the sender is verified and counts what it takes. It checks no signature, keeps neither tags nor what
    a configuration set would report, and knows no quota."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        unverified = await open_ses(url, 20).send(letter())
        assert isinstance(unverified, Refused)  # in words of its own
        async with httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20260302/{REGION}/ses/aws4_request"}
        ) as amazon:
            verified = await amazon.post("/v2/email/identities", json={"EmailIdentity": "shop.example"})
            assert verified.status_code == 200
            taken = await open_ses(url, 20).send(letter("0a1b"))
            assert isinstance(taken, Accepted)
            (message,) = (await amazon.get("/moto-api/data.json")).json()["ses"]["RawMessage"]
        assert message["id"] == taken.provider_id
        assert message["source"] == "hello@shop.example"
        assert "\r\nX-Idic-Touch: 0a1b\r\n" in message["raw_data"]
    finally:
        server.stop()
