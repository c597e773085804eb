"""Mails as bytes: right in every script, and safe whatever a name contains."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idic.interact.channels.contract import Accepted, OutgoingEmail, Refused
from idic.interact.channels.mime import AddressInvalid, build, clean, read_address, read_mailbox
from tests.providers.conftest import OpenChannel, OpenMailbox, letter

DATE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def parsed(mail: OutgoingEmail) -> EmailMessage:
    message = email.message_from_bytes(build(mail, DATE), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("name", "subject", "words"),
    [
        ("Jürgen Müller-Lüdenscheidt", "Grüße aus Köln: 10 % für Überraschungen ☕", "Äpfel, Öl & Übermut\n"),
        ("山田 太郎", "カートに商品が残っています。今すぐご確認ください。" * 3, "こんにちは、山田さん。\n" * 9),
        ("محمد علي", "سلة التسوق الخاصة بك لا تزال في انتظارك", "مرحبا بك\n"),
        ('Anna "Ann" O\'Neil, PhD (she) <3', "🎉🎉 50% off 👩‍👩‍👧‍👦 =?utf-8?q?no?=", "🎉\n.\n..\n.dots\n"),
        ("A" * 120, "word " * 60, "x" * 3000 + "\n"),
    ],
    ids=["German", "Japanese", "Arabic", "emoji and quotes", "long"],
)
async def test_every_script_arrives_as_it_was_written(
    name: str, subject: str, words: str, open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox()
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    sender = f'"{quoted}" <hello@shop.example>'
    mail = letter(to_name=name, sender=sender, reply_to=sender, subject=subject, text=words, html=f"<p>{words}</p>")
    assert isinstance(await open_channel(mailbox.url).send(mail), Accepted)
    [message] = mailbox.mails()
    assert message["subject"] == subject.strip()
    for header in ("from", "to", "reply-to"):
        assert message[header].addresses[0].display_name == name
    assert part(message, "plain") == words
    assert part(message, "html") == f"<p>{words}</p>\n"
    raw = build(mail, DATE)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_the_headers_that_mail_programs_and_we_ourselves_look_for() -> None:
    message = parsed(letter("t-1", sender="Shop <hello@shöp.example>", headers={"X-Campaign": "Frühling"}))
    assert message["message-id"] == "<t-1@xn--shp-tna.example>"
    assert message["x-idic-touch"] == "t-1"
    assert message["date"].datetime == DATE
    assert message["list-unsubscribe"] == "<https://shop.example/u/abc>"
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["x-campaign"] == "Frühling"
    assert message.get_content_type() == "multipart/alternative"


def test_a_mail_may_be_text_alone() -> None:
    message = parsed(letter(html=None, unsubscribe_url=None))
    assert message.get_content_type() == "text/plain"
    assert message["list-unsubscribe"] is None


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("anna@example.com", "anna@example.com"),
        ("Anna <anna@EXAMPLE.com>", "anna@example.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("o'neil+shop@sub.example.co", "o'neil+shop@sub.example.co"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    ],
)
def test_addresses_are_read_and_their_domains_made_ascii(text: str, mailbox: str) -> None:
    assert read_address(text).mailbox == mailbox


@pytest.mark.parametrize(
    "text",
    [
        *("", "anna", "@example.com", "anna@", "an na@example.com", "anna@exa mple.com", "a@b@c.example"),
        *(".a@b.example", "a..b@c.example", "a>b@c.example", "anna@-x.example", "Anna <anna@example.com>"),
        *("anna@example.com\r\nRCPT TO:<x@y.example>", "anna@example.com, ben@example.com"),
        *("x" * 65 + "@y.example", "anna@" + "x" * 300 + ".example"),
    ],
)
async def test_what_is_no_address_is_refused_without_a_conversation(text: str, open_channel: OpenChannel) -> None:
    with pytest.raises(AddressInvalid) as raised:
        read_mailbox(text)
    assert not text or text not in str(raised.value)
    outcome = await open_channel("smtp://127.0.0.1:1").send(letter(to=text))
    assert isinstance(outcome, Refused)
    assert outcome.code == "address_invalid"


async def test_an_address_beyond_ascii_goes_where_the_server_takes_it(
    open_mailbox: OpenMailbox, open_channel: OpenChannel
) -> None:
    mailbox = await open_mailbox()
    assert isinstance(await open_channel(mailbox.url).send(letter(to="jürgen@bücher.example", to_name="Jürgen")), Accepted)
    [accept], [message] = mailbox.accepts(), mailbox.mails()
    assert accept.to == ["jürgen@xn--bcher-kva.example"]
    assert str(message["to"]) == "Jürgen <jürgen@xn--bcher-kva.example>"


async def test_and_is_a_clear_refusal_where_it_does_not(open_mailbox: OpenMailbox, open_channel: OpenChannel) -> None:
    mailbox = await open_mailbox(smtputf8=False)
    channel = open_channel(mailbox.url)
    outcome = await channel.send(letter(to="jürgen@example.com"))
    assert outcome == Refused("address_needs_smtputf8", "127.0.0.1 takes ASCII addresses only")
    assert isinstance(await channel.send(letter()), Accepted)


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"Bcc": "x@y.example"}},
        {"headers": {"X-A\r\nBcc": "x@y.example"}},
        {"headers": {"": "x"}},
        {"unsubscribe_url": "https://x.example/\r\nBcc: x@y.example"},
        {"unsubscribe_url": "https://x.example/>, <mailto:x@y.example"},
        {"touch": "t\r\nBcc: x"},
        {"text": None, "html": None},
    ],
)
async def test_a_mail_that_cannot_be_written_is_refused(changes: dict[str, object], open_channel: OpenChannel) -> None:
    outcome = await open_channel("smtp://127.0.0.1:1").send(letter(**{"touch": "t", **changes}))  # type: ignore[arg-type]
    assert isinstance(outcome, Refused)
    assert outcome.code == "message_invalid"


ANYTHING = st.text(st.characters(), max_size=200)
NASTY = st.lists(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\x00", "Bcc: x@y.example", "\u2028", "\x85", '"', "\\", "<", ">", "=?", "?=", ",", " ", "ä"]
    )
    | st.text(max_size=5),
    max_size=20,
).map("".join)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "X-Idic-Touch", "Reply-To", "List-Unsubscribe",
    "List-Unsubscribe-Post", "X-Extra", "Content-Type", "MIME-Version",
}  # fmt: skip


def survives(text: str) -> str:
    """Text without what UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode()


@settings(deadline=None)
@given(subject=ANYTHING | NASTY, name=ANYTHING | NASTY, extra=ANYTHING | NASTY, text=ANYTHING | NASTY)
def test_nothing_a_text_contains_becomes_a_header_and_every_word_comes_back(
    subject: str, name: str, extra: str, text: str
) -> None:
    mail = letter(to_name=name, reply_to=f"{name} <hello@shop.example>", subject=subject, text=text, headers={"X-Extra": extra})
    raw = build(mail, DATE)
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert b"\r" not in head.replace(b"\r\n", b"")
    assert b"\n" not in head.replace(b"\r\n", b"")
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert str(message["subject"]) == clean(subject)
    assert str(message["x-extra"]) == clean(extra)
    [to] = message["to"].addresses
    assert to.addr_spec == "anna@example.com"
    # Python's parser puts its own spaces between the words of a name.
    assert "".join(to.display_name.split()) == "".join(clean(name).split())
    expected = survives(text).replace("\r\n", "\n").replace("\r", "\n")
    assert part(message, "plain") == (expected if expected.endswith("\n") else expected + "\n")
