"""The settings that all mail accounts share: the sender, and the DKIM key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from idic.setting_types import all_or_none

if TYPE_CHECKING:
    from idic.interact.channels.dkim import Signer


class MailSettings(BaseModel):
    """The sender of mail, and how it is signed."""

    email_from: str = Field("Shop <hello@shop.example>", description="The sender of mail where the policy names no other")
    email_reply_to: str | None = Field(None, description="The address for answers to mail")
    dkim_domain: str | None = Field(None, description="The domain that signs mail by SMTP and SES with DKIM; unset: unsigned")
    dkim_selector: str | None = Field(None, description="The name of the key in the domain's DNS: NAME._domainkey")
    dkim_key_file: str | None = Field(None, description="File with the private DKIM key, RSA or Ed25519, as PEM")


def signer(settings: MailSettings) -> Signer | None:
    """The DKIM key that signs mail; None where mail goes unsigned. Raises ``SettingsError``."""
    from idic.interact.channels.dkim import Signer

    values = all_or_none(
        IDIC_DKIM_DOMAIN=settings.dkim_domain,
        IDIC_DKIM_SELECTOR=settings.dkim_selector,
        IDIC_DKIM_KEY_FILE=settings.dkim_key_file,
    )
    if not values:
        return None
    domain, selector, file = values
    return Signer.read(domain, selector, Path(file))


def mail_sender(settings: MailSettings) -> str:
    """The sender of mail where the contact policy names none."""
    return settings.email_from
