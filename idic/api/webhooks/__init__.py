"""What providers report of the messages that they were given, one module a vendor."""

from __future__ import annotations

from idic.api.webhooks.reports import Webhook
from idic.api.webhooks.twilio import TwilioReports
from idic.router.accounts import twilio_account
from idic.settings import Settings
from idic.store.database import Store


def webhooks(settings: Settings, store: Store) -> list[Webhook]:
    """Where each provider that is set up reports to. Raises ``SettingsError``."""
    listening: list[Webhook] = []
    if account := twilio_account(settings):
        listening.append(TwilioReports(store, settings.public_url, account.token))
    return listening
