"""Which channel is best for a customer: the seam behind which learning will come, and a first, honest rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from idic.journey.interpreter import Ranked

ANSWERS = ("Link Clicked",)
"""The events by which a customer answers a message. Being shown one, or a mail program's opening it, is no answer."""


def most_recently_answered(channels: Sequence[str], answered: Mapping[str, datetime], now: datetime) -> Ranked:
    """The channel on which the customer answered last goes first; those never answered on follow as they are listed.

    ``answered`` is when each channel was last answered on. Whether a channel reaches the customer at all is the contact
    policy's to say, which is asked of each in this order.
    """
    never = datetime.min.replace(tzinfo=now.tzinfo)
    order = sorted(channels, key=lambda channel: answered.get(channel, never), reverse=True)
    said = [f"{channel} {_ago(now - answered[channel])}" for channel in order if channel in answered]
    return Ranked(tuple(order), f"last answered: {', '.join(said)}" if said else "never answered on any")


def _ago(span: timedelta) -> str:
    if span < timedelta(hours=1):
        return "within the hour"
    if span < timedelta(hours=2):
        return "an hour ago"
    if span < timedelta(days=2):
        return f"{span // timedelta(hours=1)} hours ago"
    return f"{span.days} days ago"
