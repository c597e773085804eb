"""Which channel is best for a customer: the seam behind which learning will come, and a first, honest rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from idic.journey.asks import Ranked, Timed
from idic.journey.times import Clock

ANSWERS = ("Link Clicked",)
"""The events by which a customer answers a message. Being shown one, or a mail program's opening it, is no answer."""


def most_recently_answered(channels: Sequence[str], answered: Mapping[str, datetime], now: datetime) -> Ranked:
    """The channel on which the customer answered last goes first; those never answered on follow as they are listed.

    ``answered`` is when each channel was last answered on. Whether a channel reaches the customer at all is the contact
    policy's to say, which is asked of each in this order.
    """
    if not answered:
        return Ranked(tuple(channels), "never answered on any")
    never = datetime.min.replace(tzinfo=now.tzinfo)
    order = sorted(channels, key=lambda channel: answered.get(channel, never), reverse=True)
    said = [f"{channel} {_ago(now - answered[channel])}" for channel in order if channel in answered]
    return Ranked(tuple(order), f"last answered: {', '.join(said)}" if said else "never answered on any")


def usual_hour(answers: Sequence[datetime], earliest: datetime, latest: datetime, zone: str) -> Timed:
    """The next hour, from ``earliest`` to ``latest``, in which the customer has answered most often; of several the one of
    their newest answer. ``answers`` are instants, newest first; hours are those of ``zone`` (IANA). At once for who never
    answered, or whose hour it is, or where none of it lies within."""
    hours = [answer.astimezone(ZoneInfo(zone)).hour for answer in answers]
    if not hours:
        return Timed(earliest, "never answered, so at once")
    often = max(hours.count(hour) for hour in hours)
    usual = next(hour for hour in hours if hours.count(hour) == often)
    because = f"answered {often} of {len(hours)} times between {usual:02}:00 and {(usual + 1) % 24:02}:00"
    if earliest.astimezone(ZoneInfo(zone)).hour == usual:
        return Timed(earliest, because)
    at = Clock(hour=usual).next(earliest, zone)
    return Timed(at, because) if at <= latest else Timed(earliest, f"{because}, which is too late here")


def _ago(span: timedelta) -> str:
    if span < timedelta(hours=1):
        return "within the hour"
    if span < timedelta(hours=2):
        return "an hour ago"
    if span < timedelta(days=2):
        return f"{span // timedelta(hours=1)} hours ago"
    return f"{span.days} days ago"
