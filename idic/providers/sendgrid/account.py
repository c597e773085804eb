"""Mail by SendGrid: settings and the account."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field, SecretStr

from idic.errors import SettingsError
from idic.providers.mail_settings import MailSettings
from idic.setting_types import is_url, plain_text


class SendGridSettings(MailSettings):
    """SendGrid."""

    sendgrid_api_key: SecretStr | None = Field(None, description="SendGrid's API key; unset: SendGrid is not used")
    sendgrid_webhook_key: str | None = Field(
        None, description="The public key that verifies SendGrid's reports; unset: they are not received"
    )
    sendgrid_base_url: str = Field(
        "https://api.sendgrid.com", description="SendGrid's API; the EU's is https://api.eu.sendgrid.com"
    )
    sendgrid_timeout: float = Field(20, gt=0, description="Seconds that SendGrid may take for one mail")


class SendGridAccount(NamedTuple):
    """Where mail is handed over; EU accounts have a ``base_url`` of their own, https://api.eu.sendgrid.com."""

    key: str
    base_url: str = "https://api.sendgrid.com"

    def checked(self) -> SendGridAccount:
        """The account, if it can be used. Raises ``SettingsError``, which never repeats what is wrong."""
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise SettingsError("IDIC_SENDGRID_API_KEY is not a key: it begins with SG.")
        if not is_url(self.base_url):
            raise SettingsError("IDIC_SENDGRID_BASE_URL is not an address such as https://api.sendgrid.com")
        return self


def sendgrid_account(settings: SendGridSettings) -> SendGridAccount | None:
    """The account, which is set up by its key; None where there is none. Raises ``SettingsError``."""
    key = plain_text(settings.sendgrid_api_key)
    return SendGridAccount(key, settings.sendgrid_base_url).checked() if key else None
