"""Twilio's signature, held against Twilio's own library in both directions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from idic.providers.twilio.sender import RETRIES
from idic.providers.twilio.webhook import is_signed, read_form, signature
from tests.providers.twilio.scripted_twilio import TOKEN

TWILIO = RequestValidator(TOKEN)
URLS = (
    "https://idic.example/v1/webhooks/twilio?touch=0a1b",
    "https://idic.example:8443/v1/webhooks/twilio?touch=0a1b",
    "https://idic.example:443/v1/webhooks/twilio?touch=0a1b",
    "http://idic.example/base/v1/webhooks/twilio?touch=0a1b&b=%C3%A4+%2B",
    "http://idic.example:80/v1/webhooks/twilio",
    "http://localhost:8700/v1/webhooks/twilio?touch=",
)
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


class Fields:
    """Form fields as web frameworks hand them to Twilio's library."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def __iter__(self) -> Any:
        return iter([name for name, _ in self._fields])

    def __len__(self) -> int:
        return len(self._fields)

    def getall(self, name: str) -> list[str]:
        return [value for known, value in self._fields if known == name]


def received(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """As it comes in over the wire."""
    return read_form(urlencode(fields).encode())


@pytest.mark.parametrize("url", URLS)
@given(fields=st.lists(st.tuples(LETTERS, LETTERS), max_size=6))
def test_what_twilio_signs_is_believed_and_what_we_sign_twilio_believes(url: str, fields: list[tuple[str, str]]) -> None:
    theirs = TWILIO.compute_signature(url, Fields(fields))
    assert is_signed(TOKEN, url, received(fields), theirs)
    assert TWILIO.validate(url, Fields(fields), signature(TOKEN, url, received(fields)))


@pytest.mark.parametrize("url", URLS)
def test_a_port_more_or_less_is_believed_by_both(url: str) -> None:
    fields = [("MessageStatus", "delivered"), ("Body", "Grüße 👍"), ("To", "+4915112345678"), ("To", "+49"), ("Empty", "")]
    for signed in (url, url.replace(":8443", "").replace(":443", "").replace(":80/", "/").replace(":8700", "")):
        theirs = TWILIO.compute_signature(signed, Fields(fields))
        assert TWILIO.validate(url, Fields(fields), theirs)
        assert is_signed(TOKEN, url, received(fields), theirs)


def test_bytes_that_are_no_text_are_taken_as_they_are() -> None:
    assert read_form(b"a=%ff%00&b=\xc3\xa4&c&=d+e") == [(b"a", b"\xff\0"), (b"b", b"\xc3\xa4"), (b"c", b""), (b"", b"d e")]


def test_our_own_words_for_retries_may_be_signed_too() -> None:
    url = URLS[0]
    assert is_signed(TOKEN, url, [], TWILIO.compute_signature(url + RETRIES, {}))


def test_nothing_else_is_believed() -> None:
    url, fields = URLS[0], [("MessageStatus", "delivered"), ("MessageSid", "SM1")]
    good = TWILIO.compute_signature(url, Fields(fields))
    assert is_signed(TOKEN, url, received(fields), good)
    for forged in (
        "",
        "ä",
        good[:-1],
        good.lower(),
        good + "=",
        RequestValidator("another").compute_signature(url, Fields(fields)),
    ):
        assert not is_signed(TOKEN, url, received(fields), forged)
    for other in (url + "x", url.replace("0a1b", "0a1c"), url.replace("idic.", "evil."), url.replace("https", "http")):
        assert not is_signed(TOKEN, other, received(fields), good)
    assert not is_signed(TOKEN, url, received([*fields, ("ErrorCode", "30006")]), good)
    assert not is_signed(TOKEN, url, received([("MessageStatus", "failed"), ("MessageSid", "SM1")]), good)
