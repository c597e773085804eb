"""Mail by SMTP: settings, and the row in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, SecretStr

from idic.errors import SettingsError
from idic.journey.channels import EMAIL
from idic.providers.mail_settings import MailSettings, mail_sender, signer
from idic.providers.provider import Provider
from idic.setting_types import plain_text

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender


class SmtpSettings(MailSettings):
    """The mail server."""

    smtp_url: SecretStr | None = Field(
        None, description="Where mail goes: smtp://user:password@host:587, smtps://host:465, smtp+starttls://host"
    )
    smtp_timeout: float = Field(20, gt=0, description="Seconds a mail server may take for one mail")


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
