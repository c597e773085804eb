"""Numbers as people and databases write them; and whom no SMS reaches, with the reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idic.identify.phones import PhoneInvalid, e164
from idic.interact.reach import reach

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("0151 12345678", "DE", "+4915112345678"),
        ("0151/123 456-78", "de", "+4915112345678"),
        ("+49 (0)151 12345678", None, "+4915112345678"),
        ("0049 151 12345678", "DE", "+4915112345678"),
        ("4915112345678", "DE", "+4915112345678"),
        ("+49 151 12345678", "US", "+4915112345678"),
        ("tel:+49-151-12345678", None, "+4915112345678"),
        ("\u202a+49 151 12345678\u202c", None, "+4915112345678"),
        ("٠١٥١١٢٣٤٥٦٧٨", "DE", "+4915112345678"),
        ("07400 123456", "GB", "+447400123456"),
        ("+44 7400 123456", None, "+447400123456"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("1 415 555 2671", "US", "+14155552671"),
    ],
)
def test_one_form_for_every_way_to_write_a_number(written: str, country: str | None, number: str) -> None:
    assert e164(written, country) == number


@pytest.mark.parametrize(
    ("written", "country", "why"),
    [
        ("0151 12345678", None, "the phone number has no country code, and the customer's country is unknown"),
        ("0151 12345678", "Germany", "the phone number has no country code, and the customer's country is unknown"),
        ("030 901820", "DE", "the phone number is a landline"),
        ("020 7946 0018", "GB", "the phone number is a landline"),
        ("0800 1234567", "DE", "the phone number is a toll-free number"),
        ("0900 1 123456", "DE", "the phone number is a premium-rate number"),
        ("415-555-CALL", "US", "the phone number has letters in it"),
        ("please do not", "DE", "the phone number has letters in it"),
        ("112", "DE", "there is no such phone number"),
        ("+49 151 1", None, "there is no such phone number"),
        ("+999 123456789", None, "the phone number cannot be read"),
        ("+", "DE", "the phone number cannot be read"),
        ("", "DE", "the phone number cannot be read"),
        ("0151 12345678 / 0170 1234567", "DE", "the phone number cannot be read"),
        ("1" * 5000, "DE", "the phone number cannot be read"),
    ],
)
def test_why_no_sms_can_go_there(written: str, country: str | None, why: str) -> None:
    with pytest.raises(PhoneInvalid) as error:
        e164(written, country)
    assert str(error.value) == why


@pytest.mark.parametrize(
    ("traits", "country", "address"),
    [
        ({"phone": "0151 12345678", "country": "DE"}, None, "+4915112345678"),
        ({"phone": "0151 12345678"}, "DE", "+4915112345678"),
        ({"phone": "07400 123456", "country": "GB"}, "DE", "+447400123456"),
        ({"phone": 4915112345678}, "DE", "+4915112345678"),
        ({"phone": "030 901820"}, "DE", None),
        ({"phone": "  "}, "DE", None),
        ({"phone": ["+4915112345678"]}, "DE", None),
        ({"phone": True}, "DE", None),
        ({}, "DE", None),
    ],
)
def test_where_a_customer_is_reached_by_sms(traits: dict[str, Any], country: str | None, address: str | None) -> None:
    found = reach("sms", "anna", traits, None, NOW, country)
    assert found.address == address
    assert bool(found.problem) == (address is None)


def test_whoever_was_not_on_the_site_for_a_month_is_not_reached_there() -> None:
    assert reach("web", "anna", {}, NOW - timedelta(days=29), NOW, None).address == "anna"
    assert "31 days" in reach("web", "anna", {}, NOW - timedelta(days=31), NOW, None).problem
    assert "never" in reach("web", "anna", {}, None, NOW, None).problem
