"""What providers report of the messages that they were given, one module a vendor."""

from __future__ import annotations

from idic.api.webhooks.delivery_reports import Webhook
from idic.api.webhooks.sendgrid import SendGridReports
from idic.api.webhooks.ses import SesReports
from idic.api.webhooks.telnyx import TelnyxReports
from idic.api.webhooks.twilio import TwilioReports
from idic.router.accounts import telnyx_account, twilio_account
from idic.settings import Settings
from idic.store.database import Store


def webhooks(settings: Settings, store: Store) -> list[Webhook]:
    """Where each provider that is set up reports to. Raises ``SettingsError``."""
    listening: list[Webhook] = []
    if twilio := twilio_account(settings):
        listening.append(TwilioReports(store, settings.public_url, twilio.token))
    if telnyx := telnyx_account(settings):
        listening.append(TelnyxReports(store, telnyx.public_key))
    # What was sent by an account that is set no more is still reported.
    if settings.ses_topics:
        listening.append(SesReports(store, settings.ses_topics, settings.public_url))
    if settings.sendgrid_webhook_key:
        listening.append(SendGridReports(store, settings.sendgrid_webhook_key, settings.public_url))
    return listening
