"""Mail by Amazon SES: settings and the account."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import Field, SecretStr

from idic.errors import SettingsError
from idic.providers.mail_settings import MailSettings
from idic.setting_types import Listed, is_url, plain_text

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SesSettings(MailSettings):
    """Amazon SES."""

    ses_region: str | None = Field(None, description="Amazon SES's region, such as eu-central-1; unset: SES is not used")
    ses_access_key_id: str | None = Field(
        None, description="AWS's access key; unset: AWS's usual places are searched, the machine's role among them"
    )
    ses_secret_access_key: SecretStr | None = Field(None, description="The secret of that access key")
    ses_configuration_set: str | None = Field(None, description="The configuration set that makes SES report on messages")
    ses_topics: Listed = Field((), description="ARNs of the SNS topics whose reports on mail by SES are accepted")
    ses_base_url: str | None = Field(None, description="A stand-in for SES's API")
    ses_timeout: float = Field(20, gt=0, description="Seconds that SES may take for one mail")


class SesAccount(NamedTuple):
    """Where mail is handed over. Without a ``key`` and its ``secret``, AWS's usual places are searched for credentials: the
    environment, its files, the machine's own role. ``configuration`` is the configuration set that makes SES report."""

    region: str
    key: str | None = None
    secret: str | None = None
    configuration: str | None = None
    base_url: str | None = None

    @property
    def url(self) -> str:
        """The address that mail is posted to."""
        return f"{(self.base_url or f'https://email.{self.region}.amazonaws.com').rstrip('/')}/v2/email/outbound-emails"

    def checked(self) -> SesAccount:
        """The account, if it can be used. Raises ``SettingsError``, which never repeats what is wrong."""
        if not _REGION.fullmatch(self.region):
            raise SettingsError("IDIC_SES_REGION is no region of AWS, such as eu-central-1")
        if (self.key is None) != (self.secret is None):
            raise SettingsError("IDIC_SES_ACCESS_KEY_ID and IDIC_SES_SECRET_ACCESS_KEY go together; set both or none")
        if self.configuration is not None and not _NAME.fullmatch(self.configuration):
            raise SettingsError("IDIC_SES_CONFIGURATION_SET is no name of a configuration set")
        if self.base_url is not None and not is_url(self.base_url):
            raise SettingsError("IDIC_SES_BASE_URL is not an address such as https://email.eu-central-1.amazonaws.com")
        return self


def ses_account(settings: SesSettings) -> SesAccount | None:
    """The account, which is set up by its region; None where there is none. Raises ``SettingsError``."""
    if not settings.ses_region:
        if settings.ses_access_key_id or plain_text(settings.ses_secret_access_key) or settings.ses_configuration_set:
            raise SettingsError("IDIC_SES_REGION is missing: without it nothing goes by SES; it is such as eu-central-1")
        return None
    return SesAccount(
        settings.ses_region,
        settings.ses_access_key_id or None,
        plain_text(settings.ses_secret_access_key) or None,
        settings.ses_configuration_set or None,
        settings.ses_base_url,
    ).checked()
