"""TLS from the first byte, TLS by STARTTLS, and nothing said where the server cannot prove who it is."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later
from idic.providers.smtp.sender import SmtpChannel, SmtpLimits, SmtpServer
from tests.providers.conftest import OpenChannel, OpenMailbox, letter

CERTIFICATES = Path(__file__).parents[1] / "certificates"  # of a server that lives in these tests alone
PATIENT = SmtpLimits(command=5, answer=5, total=10)


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "cert.pem", CERTIFICATES / "key.pem")
    return context


@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "starttls"])
async def test_mail_goes_through_tls_with_a_login(
    implicit: bool, tls: ssl.SSLContext, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(tls=tls, implicit=implicit, login=("idic", "secret"))
    channel = open_channel(f"{mailbox.url}?ca={CERTIFICATES / 'cert.pem'}", PATIENT)
    big = letter("t1", text="ä" * 300_000)
    assert isinstance(await channel.send(big), Accepted)
    assert isinstance(await channel.send(letter("t2")), Accepted)
    assert [accept.touch for accept in mailbox.accepts()] == ["t1", "t2"]


@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "starttls"])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    implicit: bool, tls: ssl.SSLContext, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox(tls=tls, implicit=implicit)
    outcome = await open_channel(mailbox.url, PATIENT).send(letter())
    assert isinstance(outcome, Later)
    assert outcome.code == "smtp_tls_failed"
    assert mailbox.accepts() == []


async def test_starttls_is_insisted_upon(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox()
    outcome = await open_channel(mailbox.url.replace("smtp://", "smtp+starttls://")).send(letter())
    assert isinstance(outcome, Later)
    assert outcome.code == "smtp_not_offered"


def test_urls_say_everything_and_their_ports_have_defaults() -> None:
    assert SmtpServer.parse("smtp+starttls://me%40x:p%3Aw@mail.example?hello=idic.example") == SmtpServer(
        "smtp+starttls", "mail.example", 587, "me@x", "p:w", None, "idic.example"
    )
    assert SmtpServer.parse("smtps://mail.example").port == 465
    assert SmtpServer.parse("smtp://[::1]:2525") == SmtpServer("smtp", "::1", 2525)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://u:secret@h:x", "smtp://u:secret@h?verify=no"]
)
def test_a_url_that_says_nothing_useful_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        SmtpChannel(url)
    assert "secret" not in str(raised.value)
