"""Mail by SendGrid as a row of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.journey.channels import EMAIL
from idic.providers.mail_settings import mail_sender
from idic.providers.provider import Provider
from idic.providers.sendgrid.account import SendGridSettings, sendgrid_account

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook


def _connect(settings: SendGridSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.sendgrid.sender import SendGridChannel

    account = sendgrid_account(settings)
    assert account is not None
    return SendGridChannel(account, timeout=settings.sendgrid_timeout, connections=connections)


def _webhook(settings: SendGridSettings, public_url: str) -> Webhook | None:
    from idic.providers.sendgrid.webhook import SendGridWebhook

    # Mail that was sent by an account which is no longer set up is still reported.
    return SendGridWebhook(settings.sendgrid_webhook_key, public_url) if settings.sendgrid_webhook_key else None


SENDGRID = Provider(
    name="sendgrid",
    channel=EMAIL.name,
    summary="Twilio SendGrid",
    settings=SendGridSettings,
    is_set_up=lambda settings: sendgrid_account(settings) is not None,
    connect=_connect,
    sends_as=mail_sender,
    webhook=_webhook,
)
