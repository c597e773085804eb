"""The house as it is set: one reading of the settings for every process, so that who claims a touch and who delivers it
mean the same account."""

from __future__ import annotations

from idic.errors import SettingsError
from idic.interact.channels.twilio import Account
from idic.router.hold import ACCOUNTS, OUTBOX, House
from idic.settings import Settings

TWILIO = "twilio"
SMS_ACCOUNTS = frozenset({OUTBOX, TWILIO})


def house(settings: Settings) -> House:
    """Raises ``SettingsError``."""
    accounts = dict(ACCOUNTS)
    if twilio_account(settings) is not None:
        accounts["sms"] = TWILIO
    return House(accounts=accounts, patience=settings.delivery_timeout, keep_copies=settings.keep_copies)


def twilio_account(settings: Settings) -> Account | None:
    """None where no account is set: SMS then stay in the outbox. Raises ``SettingsError`` for one that is set by half or
    cannot be used."""
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else None
    needed = {
        "IDIC_TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "IDIC_TWILIO_AUTH_TOKEN": token,
        "IDIC_SMS_FROM": settings.sms_from,
    }
    missing = [name for name, value in needed.items() if not value]
    if len(missing) == len(needed):
        return None
    if missing:
        raise SettingsError(f"SMS are set up by half: {' and '.join(missing)} missing; set all three, or none for the outbox")
    sid, token, sender = (str(value) for value in needed.values())
    return Account(sid, token, sender, settings.twilio_base_url).checked()
