"""Provider accounts as they are set: which each channel has, in which order, and how much each may send."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from idic.errors import SettingsError
from idic.interact.channels.dkim import Signer
from idic.problems import did_you_mean
from idic.providers.sendgrid import sender as sendgrid
from idic.providers.ses import sender as ses
from idic.providers.telnyx import sender as telnyx
from idic.providers.twilio import sender as twilio
from idic.settings import Settings

OUTBOX = "outbox"
"""The account that sends nothing: its messages are kept, to be looked at."""
ACCOUNTS: Mapping[str, tuple[str, ...]] = {"email": ("smtp",), "sms": (OUTBOX,), "web": ("web",)}
"""The provider accounts of each channel where nothing else is set: SMS stay in the outbox."""
PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "email": ("smtp", "ses", "sendgrid"),
    "sms": ("twilio", "telnyx", OUTBOX),
    "web": ("web",),
}
"""The accounts that each channel can have. Without a word on their order, those that are set up are used in this one."""


def accounts(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The accounts of each channel: the first is the one that is used, the others stand in for it. Raises ``SettingsError``."""
    set_up = {
        "smtp": bool(_shown(settings.smtp_url)),
        "ses": ses_account(settings) is not None,
        "sendgrid": sendgrid_account(settings) is not None,
        "twilio": twilio_account(settings) is not None,
        "telnyx": telnyx_account(settings) is not None,
    }
    found = dict(ACCOUNTS)
    for channel, wanted in (("email", settings.email_accounts), ("sms", settings.sms_accounts)):
        if wanted:
            found[channel] = _chosen(f"IDIC_{channel.upper()}_ACCOUNTS", channel, wanted, set_up)
        elif usual := tuple(account for account in PROVIDERS[channel] if set_up.get(account)):
            found[channel] = usual
    return found


def rates(settings: Settings) -> dict[str, float]:
    """Messages a second, at most, of each account that has a limit. Raises ``SettingsError``."""
    limits = {}
    known = {account for channel, accounts in PROVIDERS.items() if channel != "web" for account in accounts}
    for text in settings.rates:
        account, equals, number = (part.strip() for part in text.partition("="))
        if not equals or account not in known:
            hint = did_you_mean(account, known) or f"there are {', '.join(sorted(known))}"
            raise SettingsError(f'IDIC_RATES: "{text}" names no account, as smtp=50 does; {hint}')
        try:
            limits[account] = float(number)
        except ValueError:
            limits[account] = math.nan
        if not 0 < limits[account] < math.inf:
            raise SettingsError(f'IDIC_RATES: "{text}" says no number of messages a second, as smtp=50 does')
    return limits


def _chosen(variable: str, channel: str, wanted: tuple[str, ...], set_up: Mapping[str, bool]) -> tuple[str, ...]:
    for account in wanted:
        if account not in PROVIDERS[channel]:
            hint = did_you_mean(account, PROVIDERS[channel]) or f"there are {', '.join(PROVIDERS[channel])}"
            raise SettingsError(f'{variable} names "{account}", which is none; {hint}')
        if not set_up.get(account, True):
            raise SettingsError(f"{variable} names {account}, which is not set up: see its settings")
    if len(set(wanted)) < len(wanted):
        raise SettingsError(f"{variable} names an account twice")
    return wanted


def twilio_account(settings: Settings) -> twilio.Account | None:
    """None where no account is set. Raises ``SettingsError`` for one that is set by half or cannot be used."""
    given = _all_or_none(
        IDIC_TWILIO_ACCOUNT_SID=settings.twilio_account_sid,
        IDIC_TWILIO_AUTH_TOKEN=settings.twilio_auth_token,
        IDIC_SMS_FROM=settings.sms_from,
    )
    if not given:
        return None
    sid, token, sender = given
    return twilio.Account(sid, token, sender, settings.twilio_base_url).checked()


def telnyx_account(settings: Settings) -> telnyx.Account | None:
    """As ``twilio_account``."""
    given = _all_or_none(
        IDIC_TELNYX_API_KEY=settings.telnyx_api_key,
        IDIC_TELNYX_PUBLIC_KEY=settings.telnyx_public_key,
        IDIC_TELNYX_FROM=settings.telnyx_from,
    )
    if not given:
        return None
    key, public_key, sender = given
    return telnyx.Account(key, public_key, sender, settings.telnyx_profile, settings.telnyx_base_url).checked()


def ses_account(settings: Settings) -> ses.Account | None:
    """As ``twilio_account``: it is set up by its region."""
    if not settings.ses_region:
        if settings.ses_access_key_id or _shown(settings.ses_secret_access_key) or settings.ses_configuration_set:
            raise SettingsError("IDIC_SES_REGION is missing: without it nothing goes by SES; it is such as eu-central-1")
        return None
    return ses.Account(
        settings.ses_region,
        settings.ses_access_key_id or None,
        _shown(settings.ses_secret_access_key) or None,
        settings.ses_configuration_set or None,
        settings.ses_base_url,
    ).checked()


def sendgrid_account(settings: Settings) -> sendgrid.Account | None:
    """As ``twilio_account``: it is set up by its key."""
    key = _shown(settings.sendgrid_api_key)
    return sendgrid.Account(key, settings.sendgrid_base_url).checked() if key else None


def signer(settings: Settings) -> Signer | None:
    """Who signs mail, None where nobody does. Raises ``SettingsError``."""
    given = _all_or_none(
        IDIC_DKIM_DOMAIN=settings.dkim_domain,
        IDIC_DKIM_SELECTOR=settings.dkim_selector,
        IDIC_DKIM_KEY_FILE=settings.dkim_key_file,
    )
    if not given:
        return None
    domain, selector, file = given
    return Signer.read(domain, selector, Path(file))


def _all_or_none(**needed: str | SecretStr | None) -> tuple[str, ...]:
    """What is set, in this order; nothing where nothing is. Raises ``SettingsError`` where only a part is."""
    found = {variable: _shown(value) for variable, value in needed.items()}
    missing = [variable for variable, value in found.items() if not value]
    if len(missing) == len(found):
        return ()
    if missing:
        these = " and ".join(missing)
        raise SettingsError(f"{these} missing: {', '.join(found)} are set all together, or none of them")
    return tuple(found.values())


def _shown(value: str | SecretStr | None) -> str:
    return (value.get_secret_value() if isinstance(value, SecretStr) else value) or ""
