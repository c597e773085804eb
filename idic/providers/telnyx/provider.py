"""SMS by Telnyx as a row of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.journey.channels import SMS
from idic.providers.provider import Provider
from idic.providers.telnyx.account import TelnyxSettings, telnyx_account

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook


def _connect(settings: TelnyxSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.telnyx.sender import TelnyxChannel

    account = telnyx_account(settings)
    assert account is not None
    return TelnyxChannel(account, public_url, timeout=settings.telnyx_timeout, connections=connections)


def _webhook(settings: TelnyxSettings, public_url: str) -> Webhook | None:
    from idic.providers.telnyx.webhook import TelnyxWebhook

    account = telnyx_account(settings)
    return TelnyxWebhook(account.public_key) if account is not None else None


TELNYX = Provider(
    name="telnyx",
    channel=SMS.name,
    summary="Telnyx",
    settings=TelnyxSettings,
    is_set_up=lambda settings: telnyx_account(settings) is not None,
    connect=_connect,
    sends_as=lambda settings: settings.telnyx_from or "",
    webhook=_webhook,
)
