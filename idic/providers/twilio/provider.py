"""SMS by Twilio as a row of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.journey.channels import SMS
from idic.providers.provider import Provider
from idic.providers.twilio.account import TwilioSettings, sms_sender, twilio_account

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook


def _connect(settings: TwilioSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.twilio.sender import TwilioChannel

    account = twilio_account(settings)
    assert account is not None
    return TwilioChannel(account, public_url, timeout=settings.twilio_timeout, connections=connections)


def _webhook(settings: TwilioSettings, public_url: str) -> Webhook | None:
    from idic.providers.twilio.webhook import TwilioWebhook

    account = twilio_account(settings)
    return TwilioWebhook(public_url, account.token) if account is not None else None


TWILIO = Provider(
    name="twilio",
    channel=SMS.name,
    summary="Twilio",
    settings=TwilioSettings,
    is_set_up=lambda settings: twilio_account(settings) is not None,
    connect=_connect,
    sends_as=sms_sender,
    webhook=_webhook,
)
