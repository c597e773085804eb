"""Read Amazon SES's reports on mail, which come through SNS: in any order, perhaps repeated.

The touch of a report is the tag that the mail was sent with; without a configuration set it is the mail's own header, if SES is
set up to repeat headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from idic.interact.channels.outcomes import clean
from idic.interact.tracking.bots import EngagementKind, LinkRequest
from idic.providers.ses.sender import TAG
from idic.providers.ses.sns import Fetch, SnsTopics, fetch
from idic.providers.webhook import COMPLAINT, HARD_BOUNCE, DeliveryReport, WebhookContents, WebhookRequest
from idic.read_json import read_json_object

WEBHOOK_PATH = "/v1/webhooks/ses"

LARGEST = 400_000
"""Bytes of a notification that are read; SNS sends at most 256 kB, before wrapping."""


class SesWebhook:
    """SES's webhook. ``topics`` are the ARNs of the SNS topics that are believed; ``own`` is where our own links begin, whose
    clicks we see ourselves. Raises ``SettingsError``."""

    path = WEBHOOK_PATH
    largest = LARGEST

    def __init__(self, topics: Iterable[str], own: str, fetch: Fetch = fetch) -> None:
        self._sns = SnsTopics(topics, fetch)
        self._own = own

    async def read(self, request: WebhookRequest) -> WebhookContents:
        """The reports of a notification. Raises ``WebhookForged``, ``InvalidInput`` and ``StoreUnavailable``, at which SNS
        repeats."""
        notification = read_json_object(request.body)
        message = await self._sns.message(notification)
        if message is None:
            return WebhookContents()
        all_reports = reports(_document(message), str(notification.get("MessageId", "")))
        return WebhookContents(tuple(report for report in all_reports if not (report.url or "").startswith(self._own)))


def reports(event: Mapping[str, Any], telling: str) -> Iterator[DeliveryReport]:
    """The reports in one message: an event of a configuration set, or feedback on an identity."""
    mail = _part(event, "mail")
    touch, name = _touch(mail), _text(mail.get("messageId"))
    if not touch:
        return
    report = DeliveryReport(touch, "taken", provider_id=name, telling=telling)
    match event.get("eventType") or event.get("notificationType"):
        case "Delivery":
            yield report._replace(became="delivered")
        case "Bounce":
            bounce = _part(event, "bounce")
            hard = bounce.get("bounceType") == "Permanent"
            address = _receiver(bounce.get("bouncedRecipients"))
            reason = HARD_BOUNCE if hard else "soft_bounce"
            yield report._replace(became="bounced", reason=reason, address=address, dead=HARD_BOUNCE if hard else None)
        case "Complaint":
            complaint = _part(event, "complaint")
            if complaint.get("complaintFeedbackType") != "not-spam":
                address = _receiver(complaint.get("complainedRecipients"))
                yield report._replace(became="complained", address=address, dead=COMPLAINT)
        case "Reject" | "Rendering Failure":
            yield report._replace(became="bounced", reason="rejected")
        case "Open":
            yield report._replace(became="opened", asked=_asked("opened", _part(event, "open")))
        case "Click":
            click = _part(event, "click")
            yield report._replace(became="clicked", url=_text(click.get("link")) or None, asked=_asked("clicked", click))
        case "Subscription":
            yield report._replace(became="unsubscribed")
        case "Send" | "DeliveryDelay":
            yield report


def _asked(what: EngagementKind, event: Mapping[str, Any]) -> LinkRequest:
    return LinkRequest(what, _text(event.get("userAgent")), address=_text(event.get("ipAddress")) or None)


def _touch(mail: Mapping[str, Any]) -> str:
    tagged = _part(mail, "tags").get(TAG)
    if isinstance(tagged, list) and tagged:
        return _text(tagged[0])
    headers = mail.get("headers")
    for header in headers if isinstance(headers, list) else []:
        if isinstance(header, dict) and str(header.get("name")).lower() == "x-idic-touch":
            return _text(header.get("value"))
    return ""


def _receiver(listed: object) -> str:
    """The address; every mail goes to one."""
    first = listed[0] if isinstance(listed, list) and listed else None
    return _text(first.get("emailAddress")) if isinstance(first, dict) else ""


def _document(message: str) -> dict[str, Any]:
    """The JSON of a message; empty for others, such as the text that SNS sends when a topic is set up."""
    try:
        document = from_json(message)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: object) -> str:
    return clean(value)[:2000] if isinstance(value, str) else ""
