"""Mail by SMTP: settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from idic.providers.mail_settings import MailSettings


class SmtpSettings(MailSettings):
    """The mail server."""

    smtp_url: SecretStr | None = Field(
        None, description="The mail server: smtp://user:password@host:587, smtps://host:465, smtp+starttls://host"
    )
    smtp_timeout: float = Field(20, gt=0, description="Seconds that the mail server may take for one mail")
