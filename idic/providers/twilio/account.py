"""SMS by Twilio: settings and the account."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import BaseModel, Field, SecretStr

from idic.errors import SettingsError
from idic.setting_types import all_or_none, is_url

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
POOL = re.compile(r"MG[0-9a-fA-F]{32}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")


class TwilioSettings(BaseModel):
    """Twilio."""

    twilio_account_sid: str | None = Field(
        None, description="Twilio's account; without an account for SMS, they stay in the outbox"
    )
    twilio_auth_token: SecretStr | None = Field(None, description="The token of that account, which verifies its webhooks, too")
    twilio_base_url: str = Field("https://api.twilio.com", description="Twilio's API, or a stand-in for it")
    twilio_timeout: float = Field(15, gt=0, description="Seconds that Twilio may take for one SMS")
    sms_from: str | None = Field(
        None, description="The sender of SMS by Twilio: a number such as +4915700000000, a name, or a messaging service (MG…)"
    )


class TwilioAccount(NamedTuple):
    """Where SMS are handed over, and the sender: a number in E.164 (or a short code), a name of at most eleven characters, or
    the id of a messaging service, which begins with MG."""

    sid: str
    token: str
    sender: str
    base_url: str = "https://api.twilio.com"

    def checked(self) -> TwilioAccount:
        """The account, if it can be used. Raises ``SettingsError``, which never repeats what is wrong."""
        from idic.identify.phones import SENDER

        if not _ACCOUNT.fullmatch(self.sid):
            raise SettingsError("IDIC_TWILIO_ACCOUNT_SID is not an account: it is AC and 32 hexadecimal digits")
        if not any(pattern.fullmatch(self.sender) for pattern in (POOL, SENDER, _NAME)):
            raise SettingsError(
                "IDIC_SMS_FROM is no sender: write a number such as +4915700000000, a name of at most 11 letters and digits, "
                "or a messaging service (MG and 32 hexadecimal digits)"
            )
        if not is_url(self.base_url):
            raise SettingsError("IDIC_TWILIO_BASE_URL is not an address such as https://api.twilio.com")
        return self


def twilio_account(settings: TwilioSettings) -> TwilioAccount | None:
    """The account; None where there is none. Raises ``SettingsError`` for one that is set by half or cannot be used."""
    values = all_or_none(
        IDIC_TWILIO_ACCOUNT_SID=settings.twilio_account_sid,
        IDIC_TWILIO_AUTH_TOKEN=settings.twilio_auth_token,
        IDIC_SMS_FROM=settings.sms_from,
    )
    if not values:
        return None
    sid, token, sender = values
    return TwilioAccount(sid, token, sender, settings.twilio_base_url).checked()


def sms_sender(settings: TwilioSettings) -> str:
    """The sender of SMS where the contact policy names none; empty where none is set."""
    return settings.sms_from or ""
