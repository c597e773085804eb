"""From the name of a provider account, as it is set, to the channel that sends by it."""

from __future__ import annotations

from idic.errors import SettingsError
from idic.interact.channels.contract import EmailChannel, SmsChannel
from idic.providers.outbox.sender import OutboxChannel
from idic.providers.sendgrid.sender import SendGridChannel
from idic.providers.ses.sender import SesChannel
from idic.providers.smtp.sender import Limits, SmtpChannel
from idic.providers.telnyx.sender import TelnyxChannel
from idic.providers.twilio.sender import TwilioChannel
from idic.router.accounts import PROVIDERS, sendgrid_account, ses_account, signer, telnyx_account, twilio_account
from idic.settings import Settings


def email_channel(account: str, settings: Settings) -> EmailChannel:
    """Raises ``SettingsError`` for one that is not set up."""
    most = _at_once("email", settings)
    if account == "ses" and (ses := ses_account(settings)):
        return SesChannel(ses, timeout=settings.ses_timeout, connections=most, signer=signer(settings))
    if account == "sendgrid" and (sendgrid := sendgrid_account(settings)):
        return SendGridChannel(sendgrid, timeout=settings.sendgrid_timeout, connections=most)
    url = settings.smtp_url.get_secret_value() if settings.smtp_url else ""
    if not url:
        raise SettingsError("IDIC_SMTP_URL says where mail goes, such as smtp://localhost:1025")
    limits = Limits(total=settings.smtp_timeout, connections=most)
    return SmtpChannel(url, limits=limits, signer=signer(settings))


def sms_channel(account: str, settings: Settings) -> tuple[SmsChannel, str]:
    """The channel, and as whom it sends where nobody else is named. Where no account is set up, nothing leaves."""
    reports, most = settings.public_url, _at_once("sms", settings)
    if account == "twilio" and (twilio := twilio_account(settings)):
        return TwilioChannel(twilio, reports, timeout=settings.twilio_timeout, connections=most), twilio.sender
    if account == "telnyx" and (telnyx := telnyx_account(settings)):
        return TelnyxChannel(telnyx, reports, timeout=settings.telnyx_timeout, connections=most), telnyx.sender
    return OutboxChannel(), settings.sms_from or ""


def _at_once(channel: str, settings: Settings) -> int:
    """Connections that one account may have: as many as deliver at once, for a message that waited for one would begin after it
    was asked whether it may. What was on its way by an account that is set no more comes by this one, too."""
    return settings.deliveries * len(PROVIDERS[channel])
