"""Where a customer is reached on each channel, and in which country they live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idic.identify.phones import is_country, region
from idic.interact.channels.channel_edge import Reach, text_of
from idic.interact.channels.edges import EDGES

_ALSO = {"UK": "GB", "EL": "GR"}
"""What people and the European Union write for these countries."""


def reach(
    channel: str, customer_id: str, traits: Mapping[str, Any], web_seen_at: datetime | None, now: datetime, country: str | None
) -> Reach:
    """The address on ``channel``: a bare email address, a number in E.164, on the web the customer's own id.

    ``country`` (ISO 3166-1 alpha-2) is where numbers without a country code belong that do not say so.
    """
    edge = EDGES.get(channel)
    if edge is None:
        return Reach(None, f"there is no channel {channel}")
    return edge.reach(customer_id, traits, web_seen_at, now, country)


def country_of(traits: Mapping[str, Any], number: str | None, default: str | None) -> str | None:
    """The country where a customer lives (ISO 3166-1 alpha-2): the attribute ``country``, else that of their number (E.164),
    else ``default``."""
    country = (text_of(traits.get("country")) or "").upper()
    country = _ALSO.get(country, country)
    if is_country(country):
        return country
    return (region(number) if number else None) or default
