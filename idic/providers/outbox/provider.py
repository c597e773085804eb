"""The outbox as a row of the registry: SMS stay there where no provider is set up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.journey.channels import SMS
from idic.providers.provider import Provider
from idic.providers.twilio.account import TwilioSettings, sms_sender

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender


def _connect(settings: TwilioSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.outbox.sender import OutboxChannel

    return OutboxChannel()


OUTBOX = Provider(
    name="outbox",
    channel=SMS.name,
    summary="No provider: nothing leaves, and a copy of each message is kept",
    settings=TwilioSettings,
    connect=_connect,
    sends_as=sms_sender,
    fallback=True,
    in_store=True,
    keeps_copies=True,
)
