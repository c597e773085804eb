"""Describe rows of the store for the console's pages: names, local times, and a message's status."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from idic.customize.sms_segments import segments
from idic.differentiate.profile import zone_of
from idic.journey import channels
from idic.journey.channels import ADDRESS_ATTRIBUTES, is_placed
from idic.journey.engine.state import Trace
from idic.journey.engine.trace import sentence
from idic.store.reports.console import EnrollmentRow, MessageRow, TouchRow

CHANNELS = {name: channel.label for name, channel in channels.CHANNELS.items()}
"""The label of each channel."""
STANDINGS = {"open": "Open", "ended": "Ended"}

_LONGEST = 120

_TIMES = (
    ("delivered_at", "delivered", "good"),
    ("shown_at", "shown", "good"),
    ("opened_at", "opened", "good"),
    ("clicked_at", "clicked", "strong"),
    ("bounced_at", "bounced", "bad"),
)
_STATUS = {
    "claimed": ("on its way", "calm"),
    "attempting": ("being sent", "calm"),
    "deferred": ("deferred", "calm"),
    "sent": ("sent", "calm"),
    "failed": ("not sent", "bad"),
    "uncertain": ("uncertain", "warn"),
}


def is_text(channel: str) -> bool:
    """Whether messages of this channel are short texts, shown as on a telephone."""
    return channel in channels.CHANNELS and channels.CHANNELS[channel].form == "short_text"


class StatusLabel(NamedTuple):
    """A short label, its look (``calm``, ``good``, ``strong``, ``warn``, ``bad``), and a tooltip."""

    text: str
    tone: str
    more: str = ""


class LocalTime(NamedTuple):
    """An instant in the customer's zone: a short text, and the exact time."""

    day: str
    time: str
    exact: str
    iso: str


def moment(instant: datetime, zone: str) -> LocalTime:
    """Describe an instant in a zone."""
    local = instant.astimezone(ZoneInfo(zone))
    return LocalTime(
        f"{local:%a} {local.day} {local:%b}",
        f"{local:%H:%M}",
        f"{local:%Y-%m-%d %H:%M:%S} {zone} ({instant.astimezone(UTC):%H:%M} UTC)",
        instant.isoformat(),
    )


def zone(row: MessageRow | EnrollmentRow) -> str:
    """The zone of the customer in this row."""
    return zone_of(row.traits, row.program_zone or "UTC")


def name(traits: Mapping[str, Any], customer_id: str) -> str:
    """The customer's display name: their name, else an address, else a text for unknown customers."""
    known = {
        key: str(traits[key]).strip() for key in ("name", "first_name", "last_name", *ADDRESS_ATTRIBUTES) if traits.get(key)
    }
    full = known.get("name") or " ".join(filter(None, (known.get("first_name"), known.get("last_name"))))
    address = next(filter(None, map(known.get, ADDRESS_ATTRIBUTES)), None)
    return full or address or f"Visitor {customer_id[:6]}"


def became(row: MessageRow | TouchRow, where: str) -> list[StatusLabel]:
    """Labels for a touch's status; ``where`` is the zone for its times."""
    text, tone = _STATUS.get(row.status, (row.status, "calm"))
    if is_placed(row.channel) and row.status == "sent":
        text = "placed"
    chips = [StatusLabel(text, tone, row.reason or _at(row.settled_at, where))]
    chips += [
        StatusLabel(said, tone, _at(at, where)) for column, said, tone in _TIMES if (at := getattr(row, column)) is not None
    ]
    return chips


def shown(row: MessageRow, now: datetime) -> str:
    """Until when a web message shows, or why it no longer does."""
    if row.until is None:
        return ""
    if row.ended_at is not None:
        why = {"click": "was clicked", "goal": "reached the goal", "leave": "left the journey", "closed": "was closed"}
        at = moment(row.ended_at, zone(row))
        return f"ended {at.day} {at.time}: {why.get(row.ended or '', row.ended)}"
    at = moment(row.until, zone(row))
    return f"{'shows until' if row.until > now else 'was shown until'} {at.day} {at.time}"


def parts(row: MessageRow) -> str:
    """In how many billed parts an SMS is sent."""
    length = segments(row.text)
    count = row.segments or length.count
    return f"{count} part{'' if count == 1 else 's'}, {length.encoding}"


def brief(value: object) -> str:
    """A value, shortened to fit into a line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case [*items] if any(isinstance(item, (dict, list)) for item in items):
            return f"{len(items)} of them"
        case [*items]:
            text = ", ".join(map(str, items))
        case dict():
            text = ", ".join(map(str, value))
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def told(entry: Trace, where: str) -> str:
    """A trace entry as a sentence; ``where`` is the zone for its times."""
    return sentence(entry.kind, entry.step, entry.why, clock="%a %d %b %H:%M", zone=ZoneInfo(where))


def _at(instant: datetime | None, where: str) -> str:
    return moment(instant, where).exact if instant else ""
