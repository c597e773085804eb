"""Where a customer is reached on each channel, and why not where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from idic.identify.phones import PhoneInvalid, e164, is_country, region

WEB_MEMORY = timedelta(days=30)
"""For how long somebody counts as a visitor of the site after a browser of theirs asked what to show."""


_ALSO = {"UK": "GB", "EL": "GR"}
"""What people and the European Union write for these countries."""


class Reach(NamedTuple):
    """``address`` is None where there is none, and ``problem`` then says why, in words."""

    address: str | None
    problem: str = ""


def reach(
    channel: str, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
) -> Reach:
    """The address on ``channel``: a bare email address, a number in E.164, on the web the customer's own id.

    ``country`` (ISO 3166-1 alpha-2) is where numbers without a country code belong that do not say so.
    """
    match channel:
        case "email":
            address = _text(traits.get("email"))
            return Reach(address) if address else Reach(None, "the customer has no email address")
        case "sms":
            phone = traits.get("phone")
            number = str(phone) if isinstance(phone, int) else _text(phone)
            if not number:
                return Reach(None, "the customer has no phone number")
            try:
                return Reach(e164(number, _text(traits.get("country")) or country))
            except PhoneInvalid as problem:
                return Reach(None, str(problem))
        case "web":
            if web_seen_at is None:
                return Reach(None, "the customer has never been seen on the web")
            if now - web_seen_at > WEB_MEMORY:
                return Reach(None, f"the customer was not seen on the web for {(now - web_seen_at).days} days")
            return Reach(customer_id)
        case _:
            return Reach(None, f"there is no channel {channel}")


def country_of(traits: Mapping[str, Any], number: str | None, default: str | None) -> str | None:
    """Where a customer lives, as far as it is known (ISO 3166-1 alpha-2): as they were told to us, else where their number
    (E.164) is from."""
    told = (_text(traits.get("country")) or "").upper()
    told = _ALSO.get(told, told)
    if is_country(told):
        return told
    return (region(number) if number else None) or default


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
