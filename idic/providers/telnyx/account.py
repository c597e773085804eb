"""SMS by Telnyx: settings and the account."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import NamedTuple

from pydantic import BaseModel, Field, SecretStr

from idic.errors import SettingsError
from idic.setting_types import all_or_none, is_url

_KEY_BYTES = 32
_PROFILE = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


class TelnyxSettings(BaseModel):
    """Telnyx."""

    telnyx_api_key: SecretStr | None = Field(None, description="Telnyx's API key; unset: Telnyx is not used")
    telnyx_public_key: str | None = Field(None, description="Telnyx's public key, which verifies its webhooks")
    telnyx_from: str | None = Field(None, description="The sender of SMS by Telnyx: a number, or a name")
    telnyx_profile: str | None = Field(None, description="Telnyx's messaging profile, which a name as the sender needs")
    telnyx_base_url: str = Field("https://api.telnyx.com/v2", description="Telnyx's API, or a stand-in for it")
    telnyx_timeout: float = Field(15, gt=0, description="Seconds that Telnyx may take for one SMS")


class TelnyxAccount(NamedTuple):
    """Where SMS are handed over, and the sender: a number in E.164 (or a short code), or a name of at most eleven characters,
    which needs a messaging ``profile``. ``public_key`` (base64) is what Telnyx signs its webhooks under."""

    key: str
    public_key: str
    sender: str
    profile: str | None = None
    base_url: str = "https://api.telnyx.com/v2"

    def checked(self) -> TelnyxAccount:
        """The account, if it can be used. Raises ``SettingsError``, which never repeats what is wrong."""
        from idic.identify.phones import SENDER

        if read_public_key(self.public_key) is None:
            raise SettingsError("IDIC_TELNYX_PUBLIC_KEY is not a key: copy it from Telnyx's portal, 44 characters of base64")
        if self.profile is not None and not _PROFILE.fullmatch(self.profile):
            raise SettingsError("IDIC_TELNYX_PROFILE is not a messaging profile: it is a UUID")
        if not any(pattern.fullmatch(self.sender) for pattern in (SENDER, _NAME)):
            raise SettingsError(
                "IDIC_TELNYX_FROM is no sender: write a number such as +4915700000000, or a name of at most 11 characters"
            )
        if self.profile is None and not SENDER.fullmatch(self.sender):
            raise SettingsError("IDIC_TELNYX_PROFILE is missing: Telnyx sends as a name by a messaging profile only")
        if not is_url(self.base_url):
            raise SettingsError("IDIC_TELNYX_BASE_URL is not an address such as https://api.telnyx.com/v2")
        return self


def read_public_key(public_key: str) -> bytes | None:
    """The public key's bytes; None for a text that is no key."""
    try:
        key = b64decode(public_key, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


def telnyx_account(settings: TelnyxSettings) -> TelnyxAccount | None:
    """The account; None where there is none. Raises ``SettingsError`` for one that is set by half or cannot be used."""
    values = all_or_none(
        IDIC_TELNYX_API_KEY=settings.telnyx_api_key,
        IDIC_TELNYX_PUBLIC_KEY=settings.telnyx_public_key,
        IDIC_TELNYX_FROM=settings.telnyx_from,
    )
    if not values:
        return None
    key, public_key, sender = values
    return TelnyxAccount(key, public_key, sender, settings.telnyx_profile, settings.telnyx_base_url).checked()
