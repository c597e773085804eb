"""Read telephone numbers, as people write them, into the international format (ITU-T E.164)."""

from __future__ import annotations

import contextlib
import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}")
"""A sender of an SMS that can be replied to: a number in E.164, or a short code."""
_LETTER = re.compile(r"[^\W\d_]")
_NO_SMS = {
    PhoneNumberType.FIXED_LINE: "is a landline",
    PhoneNumberType.PREMIUM_RATE: "is a premium-rate number",
    PhoneNumberType.TOLL_FREE: "is a toll-free number",
    PhoneNumberType.SHARED_COST: "is a shared-cost number",
    PhoneNumberType.PAGER: "is a pager",
    PhoneNumberType.UAN: "is a company's number",
    PhoneNumberType.VOICEMAIL: "is a voicemail",
}


class PhoneInvalid(ValueError):
    """No SMS can be sent to this number. The text says why, without the number."""


@lru_cache(maxsize=1024)
def e164(raw: str, country: str | None) -> str:
    """``0151 12345678`` of ``DE`` as ``+4915112345678``.

    ``country`` (ISO 3166-1 alpha-2, upper or lower case) is for numbers without a country code. Raises ``PhoneInvalid``.
    """
    region = country.upper() if country else None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        region = None
    written = raw.strip().removeprefix("tel:")
    if _LETTER.search(written):
        # The library would read CALL as 2255. No mobile number is written so, and a stranger would get the message.
        raise PhoneInvalid("the phone number has letters in it")
    try:
        return _read(written, region)
    except PhoneInvalid:
        # Some databases store numbers without their plus sign.
        if region is None or not written.startswith(str(phonenumbers.country_code_for_region(region))):
            raise
        with contextlib.suppress(PhoneInvalid):
            return _read(f"+{written}", None)
        raise


@lru_cache(maxsize=1024)
def region(number: str) -> str | None:
    """The country (ISO 3166-1 alpha-2) of a number in E.164; None for one that belongs to no single country."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except NumberParseException:
        return None


def is_country(code: str) -> bool:
    """Whether ``code`` is the two letters (ISO 3166-1 alpha-2, in capitals) of a country."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _read(written: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(written, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and region is None and "+" not in written:
            raise PhoneInvalid("the phone number has no country code, and the customer's country is unknown") from None
        raise PhoneInvalid("the phone number cannot be read") from None
    if not phonenumbers.is_valid_number(number):
        raise PhoneInvalid("there is no such phone number")
    reason = _NO_SMS.get(phonenumbers.number_type(number))
    if reason is not None:
        raise PhoneInvalid(f"the phone number {reason}")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
