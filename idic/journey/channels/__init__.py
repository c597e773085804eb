"""The channels by which messages reach customers: one file and one row each.

A new channel needs a file here, a row in ``CHANNELS``, and its edge in ``idic.interact.channels``.
"""

from __future__ import annotations

from idic.journey.channels.channel import Channel, Content
from idic.journey.channels.email import EMAIL
from idic.journey.channels.sms import SMS
from idic.journey.channels.web import WEB

__all__ = ["CHANNELS", "EMAIL", "SMS", "WEB", "Channel", "Content", "addressed"]

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (EMAIL, SMS, WEB)}
"""Every channel by its name, in the order in which they are listed everywhere."""


def addressed() -> tuple[Channel, ...]:
    """The channels that write to an address of the customer's own."""
    return tuple(channel for channel in CHANNELS.values() if not channel.placed)
