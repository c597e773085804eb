"""The channels by which messages reach customers: one file and one row each.

A new channel needs a file here, a row in ``CHANNELS``, and its edge in ``idic.interact.channels``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from idic.journey.channels.channel import Channel, Content
from idic.journey.channels.email import EMAIL, EMAIL_ATTRIBUTE
from idic.journey.channels.sms import PHONE_ATTRIBUTE, SMS
from idic.journey.channels.web import WEB

__all__ = [
    "ADDRESS_ATTRIBUTES",
    "CHANNELS",
    "EMAIL",
    "EMAIL_ATTRIBUTE",
    "PHONE_ATTRIBUTE",
    "SMS",
    "WEB",
    "Channel",
    "ChannelName",
    "Content",
    "addressed",
    "is_placed",
]

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (EMAIL, SMS, WEB)}
"""Every channel by its name, in the order in which they are listed everywhere."""

ADDRESS_ATTRIBUTES = tuple(channel.attribute for channel in CHANNELS.values() if channel.attribute)
"""The customer attributes that hold an address."""

if TYPE_CHECKING:
    ChannelName = str
else:
    ChannelName = Literal[tuple(CHANNELS)]
"""The name of a channel, for pydantic models that check it."""


def addressed() -> tuple[Channel, ...]:
    """The channels that write to an address of the customer's own."""
    return tuple(channel for channel in CHANNELS.values() if not channel.placed)


def is_placed(channel: object) -> bool:
    """Whether this channel's content stands on the shop's own site. False for a channel that there is no longer."""
    return isinstance(channel, str) and channel in CHANNELS and CHANNELS[channel].placed
