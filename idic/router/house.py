"""The house as it is set: one reading of the settings for every process, so that who claims a touch and who delivers it
mean the same account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idic.errors import SettingsError
from idic.interact.asking import Rules
from idic.interact.channels.twilio import Account
from idic.interact.policy import rules
from idic.settings import Settings
from idic.store.policies import Policies
from idic.store.programs import Programs

WORK = "work"
"""The task queue of what is neither a decision nor a delivery."""
OUTBOX = "outbox"
"""The account that sends nothing: its messages are kept, to be looked at."""
ACCOUNTS: Mapping[str, tuple[str, ...]] = {"email": ("smtp",), "sms": (OUTBOX,), "web": ("web",)}
"""The provider accounts of each channel where nothing else is set: SMS stay in the outbox."""


@dataclass(frozen=True)
class House:
    """What a process moves enrollments with: what decides by the contact policy, the provider accounts of each channel (the
    first is the one that is used, the others stand in for it), after how many real seconds of silence a delivery counts as
    dead, whether copies of all messages are kept, and the programs and the policy read so far."""

    rules: Rules = rules
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(ACCOUNTS))
    patience: float = 30
    keep_copies: bool = False
    programs: Programs = field(default_factory=Programs)
    policies: Policies = field(default_factory=Policies)


TWILIO = "twilio"
SMS_ACCOUNTS = frozenset({OUTBOX, TWILIO})


def house(settings: Settings) -> House:
    """Raises ``SettingsError``."""
    accounts = dict(ACCOUNTS)
    if twilio_account(settings) is not None:
        accounts["sms"] = (TWILIO,)
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
