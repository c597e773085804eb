"""Mail by Amazon SES as a row of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.journey.channels import EMAIL
from idic.providers.mail_settings import mail_sender, signer
from idic.providers.provider import Provider
from idic.providers.ses.account import SesSettings, ses_account

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook


def _connect(settings: SesSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.ses.sender import SesChannel

    account = ses_account(settings)
    assert account is not None
    return SesChannel(account, timeout=settings.ses_timeout, connections=connections, signer=signer(settings))


def _webhook(settings: SesSettings, public_url: str) -> Webhook | None:
    from idic.providers.ses.webhook import SesWebhook

    # Mail that was sent by an account which is no longer set up is still reported.
    return SesWebhook(settings.ses_topics, public_url) if settings.ses_topics else None


SES = Provider(
    name="ses",
    channel=EMAIL.name,
    summary="Amazon SES",
    settings=SesSettings,
    is_set_up=lambda settings: ses_account(settings) is not None,
    connect=_connect,
    sends_as=mail_sender,
    webhook=_webhook,
)
