"""The edges of all channels, by name."""

from __future__ import annotations

from idic.interact.channels.channel_edge import ChannelEdge
from idic.interact.channels.email import EmailEdge
from idic.interact.channels.sms import SmsEdge
from idic.interact.channels.web import WebEdge
from idic.journey.channels import EMAIL, SMS, WEB

EDGES: dict[str, ChannelEdge] = {EMAIL.name: EmailEdge(), SMS.name: SmsEdge(), WEB.name: WebEdge()}
"""What each channel of ``CHANNELS`` does."""
