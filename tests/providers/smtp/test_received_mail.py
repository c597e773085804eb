"""A mail as it arrives: signed for its domain, readable in both of its parts, and left by one click."""

from __future__ import annotations

import email
import re
from email import policy
from email.message import EmailMessage
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as curve
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from idic.dev.mailbox import Mailbox
from idic.errors import SettingsError
from idic.interact.channels.dkim import Signer
from idic.interact.channels.email import EmailCourier
from idic.interact.channels.mime import build
from idic.interact.tracking.links import Links
from idic.journey.channels.email import EmailContent
from idic.journey.program.content import Message
from idic.providers.smtp.sender import SmtpChannel
from idic.store.customer import consents
from idic.store.database import Store
from tests.api.conftest import FakeRouter, app_on, browser
from tests.conftest import HandClock
from tests.interact.channels.test_mime import DATE
from tests.journey.programs import program, send, to, wait
from tests.providers import dkim_keys
from tests.providers.conftest import letter
from tests.router.world import World

LINKS = Links("http://idic", ["a key of our own to sign links with"])
BODY = """
<h1>Still thinking it over, Änne?</h1>
<p>Your kettle is here: <a href="https://shop.example/kettle">look</a>. Grüße!</p>
"""


async def test_a_mail_is_signed_readable_and_left_by_one_click(store: Store, clock: HandClock, tmp_path: Path) -> None:
    key = dkim_keys.rsa()
    world = World(store, clock)
    contents = {"email": EmailContent(subject="Ihr Wasserkocher wartet – noch 2 Tage", body=BODY)}
    steps = send("nudge", to("rest")), wait("rest", 1)
    trip = program(*steps, purpose="marketing", topic="offers").model_copy(
        update={"messages": {"hello": Message(id="hello", contents=contents)}}
    )
    await world.publish(trip)
    anna = await world.customer()
    await world.happens(anna, "Consent Given", {"channel": "email"})
    async with Mailbox(tmp_path / "mails") as mailbox:
        channel = SmtpChannel(mailbox.url, signer=dkim_keys.signer(key, tmp_path))
        courier = EmailCourier(channel, LINKS, "Der Shop <hallo@shop.example>")
        world.delivers_by({"smtp": courier})
        await world.happens(anna, "Signed Up")
        (touch,) = await world.touches()
        await world.deliver(touch.id)
        await channel.close()

    (accept,), (mail,) = mailbox.accepts(), mailbox.mails()
    raw = (tmp_path / "mails" / accept.file).read_bytes()
    assert dkim.verify(raw, dnsfunc=dkim_keys.zone(key))
    assert mail["from"].addresses[0].addr_spec == "hallo@shop.example"
    assert mail["subject"] == "Ihr Wasserkocher wartet – noch 2 Tage"
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "Still thinking it over, Änne?" in text.get_content()
    assert "<h1" in html.get_content()
    assert "Grüße!" in html.get_content()

    one_click = re.fullmatch(r"<(http://idic/u/[^>]+)>", mail["list-unsubscribe"])
    assert one_click is not None
    (post,) = mail["list-unsubscribe-post"].split()
    async with browser(app_on(store, LINKS, FakeRouter())) as anyone:
        answer = await anyone.post(one_click[1], content=post, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 200
    await world.route(anna)
    async with store.reading() as tx:
        said = await consents.consents_of(tx, anna)
    assert [(one.given, one.channel, one.topic) for one in said] == [(True, "email", None), (False, "email", "offers")]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_what_is_changed_on_the_way_breaks_the_signature_and_what_mail_servers_add_does_not(kind: str, tmp_path: Path) -> None:
    key = dkim_keys.rsa() if kind == "rsa" else Ed25519PrivateKey.generate()
    mail = dkim_keys.signer(key, tmp_path).sign(build(letter(sender="Shöp <hello@shop.example>"), DATE))
    parsed = email.message_from_bytes(mail, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    signature = " ".join(parsed["dkim-signature"].split())
    assert f"a={kind}-sha256" in signature
    named = re.search(r"\bh=([^;]+);", signature)
    assert named is not None
    signed = [name.strip() for name in named[1].split(":")]
    assert {name: signed.count(name) for name in ("from", "subject", "list-unsubscribe", "list-unsubscribe-post", "cc")} == {
        **dict.fromkeys(("from", "subject", "list-unsubscribe", "list-unsubscribe-post"), 2),
        "cc": 1,
    }
    verified = dkim_keys.zone(key)
    assert dkim.verify(mail, dnsfunc=verified)
    assert dkim.verify(b"Received: from a by b\r\nX-Spam: no\r\n" + mail, dnsfunc=verified)
    for more in (b"From: Bank <bank@bank.example>", b"Subject: Win", b"List-Unsubscribe: <https://evil.example>", b"Cc: x@y.z"):
        assert not dkim.verify(more + b"\r\n" + mail, dnsfunc=verified)
    for old, new in ((b"One-Click", b"Two-Click"), (b"/u/abc", b"/u/abd"), (b"basket", b"casket")):
        assert old in mail
        assert not dkim.verify(mail.replace(old, new), dnsfunc=verified)
    assert not dkim.verify(mail, dnsfunc=dkim_keys.zone(dkim_keys.rsa()))


def test_a_key_that_cannot_sign_is_said_at_once_and_not_shown(tmp_path: Path) -> None:
    good = dkim_keys.keep(dkim_keys.rsa(1024), tmp_path / "good")
    assert Signer.read("shop.example", "a.b", good)
    wrong = tmp_path / "wrong"
    wrong.write_text("-----BEGIN PRIVATE KEY-----\nsecretsecret\n-----END PRIVATE KEY-----\n")
    curved = dkim_keys.keep(curve(SECP256R1()), tmp_path / "curved")  # type: ignore[arg-type]
    for domain, selector, file, told in (
        ("shop.example", "idic1", wrong, "no private key"),
        ("shop.example", "idic1", curved, "neither an RSA key"),
        ("shop.example", "idic1", tmp_path / "none", "No such file"),
        ("shop.example; k=", "idic1", good, "IDIC_DKIM_DOMAIN"),
        ("shop.example", "", good, "IDIC_DKIM_SELECTOR"),
    ):
        with pytest.raises(SettingsError, match=told) as raised:
            Signer.read(domain, selector, file)
        assert "secret" not in str(raised.value)
