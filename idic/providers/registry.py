"""Every provider that messages can leave by: one file and one row each.

A provider needs a folder here, whose ``provider.py`` is its row, and a line in ``PROVIDERS``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from idic.errors import SettingsError
from idic.journey.channels import CHANNELS
from idic.problems import did_you_mean
from idic.providers.outbox.provider import OUTBOX
from idic.providers.provider import Provider
from idic.providers.sendgrid.provider import SENDGRID
from idic.providers.ses.provider import SES
from idic.providers.site.provider import SITE
from idic.providers.smtp.provider import SMTP
from idic.providers.telnyx.provider import TELNYX
from idic.providers.twilio.provider import TWILIO

if TYPE_CHECKING:
    from idic.interact.channels.channel_edge import MessageSender
    from idic.providers.webhook import Webhook

PROVIDERS: dict[str, Provider[Any]] = {
    provider.name: provider for provider in (SMTP, SES, SENDGRID, TWILIO, TELNYX, OUTBOX, SITE)
}
"""Every provider by the name of its account. Where nobody says otherwise, those that are set up are used in this order."""


class ProviderSettings(Protocol):
    """The settings that concern all providers. The object has the fields of each provider's own class of settings, too, and
    ``<channel>_accounts`` for each channel with an address."""

    @property
    def public_url(self) -> str:
        """Where providers report to."""
        ...

    @property
    def deliveries(self) -> int:
        """Deliveries that a worker makes at the same time."""
        ...

    @property
    def rates(self) -> tuple[str, ...]:
        """Limits as ``account=number``."""
        ...


def names_of(channel: str) -> tuple[str, ...]:
    """The accounts that a channel can have."""
    return tuple(name for name, provider in PROVIDERS.items() if provider.channel == channel)


def fallback_accounts() -> dict[str, tuple[str, ...]]:
    """The accounts of each channel where nothing is set up: SMS stay in the outbox."""
    return {channel: tuple(name for name in names_of(channel) if PROVIDERS[name].fallback) for channel in CHANNELS}


def accounts(settings: ProviderSettings) -> dict[str, tuple[str, ...]]:
    """The accounts of each channel: the first is used, the others stand in for it. Raises ``SettingsError``."""
    set_up = {name: provider.is_set_up(settings) for name, provider in PROVIDERS.items() if provider.is_set_up is not None}
    chosen = fallback_accounts()
    for channel in CHANNELS:
        wanted = getattr(settings, f"{channel}_accounts", ())
        if wanted:
            chosen[channel] = _checked(f"IDIC_{channel.upper()}_ACCOUNTS", channel, wanted, set_up)
        elif usual := tuple(name for name in names_of(channel) if set_up.get(name)):
            chosen[channel] = usual
    return chosen


def _checked(variable: str, channel: str, wanted: tuple[str, ...], set_up: Mapping[str, bool]) -> tuple[str, ...]:
    known = names_of(channel)
    for account in wanted:
        if account not in known:
            hint = did_you_mean(account, known) or f"there are {', '.join(known)}"
            raise SettingsError(f'{variable} names "{account}", which is none; {hint}')
        if not set_up.get(account, True):
            raise SettingsError(f"{variable} names {account}, which is not set up: see its settings")
    if len(set(wanted)) < len(wanted):
        raise SettingsError(f"{variable} names an account twice")
    return wanted


def rates(settings: ProviderSettings) -> dict[str, float]:
    """The most messages a second of each account that has a limit. Raises ``SettingsError``."""
    limits = {}
    known = {name for name, provider in PROVIDERS.items() if not CHANNELS[provider.channel].placed}
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


def open_sender(account: str, settings: ProviderSettings) -> MessageSender[Any] | None:
    """The sender of an account that is set up; None where the store takes the messages. Raises ``SettingsError``.

    It may have as many connections as deliver at once: a message that had to wait for one would begin after it was asked
    whether it may. What was on its way by an account that is no longer set up comes by this one, too.
    """
    provider = PROVIDERS[account]
    return provider.connect(settings, settings.public_url, settings.deliveries * len(names_of(provider.channel)))


def webhooks(settings: ProviderSettings) -> list[Webhook]:
    """The webhook of each provider whose reports can be verified. Raises ``SettingsError``."""
    listening = (provider.webhook(settings, settings.public_url) for provider in PROVIDERS.values())
    return [webhook for webhook in listening if webhook is not None]
