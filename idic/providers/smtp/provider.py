"""Mail by SMTP as a row of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idic.errors import SettingsError
from idic.journey.channels import EMAIL
from idic.providers.mail_settings import mail_sender, signer
from idic.providers.provider import Provider
from idic.providers.smtp.account import SmtpSettings
from idic.setting_types import plain_text

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender


def _connect(settings: SmtpSettings, public_url: str, connections: int) -> MessageSender[Any]:
    from idic.providers.smtp.sender import SmtpChannel, SmtpLimits

    url = plain_text(settings.smtp_url)
    if not url:
        raise SettingsError("IDIC_SMTP_URL says where mail goes, such as smtp://localhost:1025")
    limits = SmtpLimits(total=settings.smtp_timeout, connections=connections)
    return SmtpChannel(url, limits=limits, signer=signer(settings))


SMTP = Provider(
    name="smtp",
    channel=EMAIL.name,
    summary="Any mail server",
    settings=SmtpSettings,
    is_set_up=lambda settings: bool(plain_text(settings.smtp_url)),
    connect=_connect,
    sends_as=mail_sender,
    fallback=True,
)
