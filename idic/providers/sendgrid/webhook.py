"""Read SendGrid's reports on mail: many signed events at once, in any order, perhaps repeated.

The touch of an event is the custom argument that the mail was sent with.
"""

from __future__ import annotations

import binascii
import re
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from idic.errors import InvalidInput, SettingsError
from idic.interact.channels.outcomes import clean
from idic.interact.tracking.bots import EngagementKind, LinkRequest
from idic.providers.sendgrid.sender import ARGUMENT
from idic.providers.webhook import COMPLAINT, HARD_BOUNCE, DeliveryReport, WebhookContents, WebhookForged, WebhookRequest
from idic.read_json import read_json

WEBHOOK_PATH = "/v1/webhooks/sendgrid"
SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"

LARGEST = 1_000_000
"""Bytes of a report that are read; SendGrid sends at most 768 kB."""
WINDOW = 25 * 3600.0
"""Real seconds for which a signed report is accepted: SendGrid repeats one for a day. Within this time anybody who has seen it
can repeat it, which changes nothing."""
_AHEAD = 300.0
_STAMP = re.compile(r"[0-9]{1,12}")
_SOFT = re.compile(r"4\.|5\.2\.2|5\.3\.4|5\.7\.")
"""Enhanced status codes that do not mean a bad address: a full mailbox, a mail that is too large, a server that refuses us."""
_NEVER_LEFT = {
    "bounced address": HARD_BOUNCE,
    "invalid": HARD_BOUNCE,
    "spam reporting address": COMPLAINT,
}
"""SendGrid's reasons for dropping a mail that it accepted, and what they mean for the address."""

log = structlog.get_logger("idic.api")


class SendGridWebhook:
    """SendGrid's Signed Event Webhook. ``public_key`` (base64, as SendGrid shows it) is what reports are signed with; ``own``
    is where our own links begin, whose clicks we see ourselves; ``real`` gives the real time in seconds since 1970. Raises
    ``SettingsError``."""

    path = WEBHOOK_PATH
    largest = LARGEST

    def __init__(self, public_key: str, own: str, *, real: Callable[[], float] = time.time) -> None:
        self._key = read_key(public_key)
        self._own = own
        self._real = real

    async def read(self, request: WebhookRequest) -> WebhookContents:
        """The reports of a request. Raises ``WebhookForged`` for one that is not SendGrid's, or too old, and
        ``InvalidInput``."""
        stamp = request.headers.get(TIMESTAMP, "")
        if not is_signed(self._key, stamp, request.body, request.headers.get(SIGNATURE, "")):
            log.warning("a report that is not SendGrid's")
            raise WebhookForged("forged", "the signature is not SendGrid's", SIGNATURE)
        if not _STAMP.fullmatch(stamp) or not -_AHEAD <= self._real() - float(stamp) <= WINDOW:
            message = "the report was signed too long ago, or by a clock that is wrong"
            raise WebhookForged("too_old", message, TIMESTAMP)
        events = read_json(request.body)
        if not isinstance(events, list):
            raise InvalidInput("a report is a list of events", where="body")
        reports = (read_event(event) for event in events if isinstance(event, dict))
        return WebhookContents(
            tuple(report for report in reports if report is not None and not (report.url or "").startswith(self._own))
        )


def read_key(public_key: str) -> EllipticCurvePublicKey:
    """Read the public key. Raises ``SettingsError``."""
    try:
        key = load_der_public_key(b64decode(public_key, validate=True))
    except (binascii.Error, ValueError):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise SettingsError("IDIC_SENDGRID_WEBHOOK_KEY is no key for verifying: copy it from SendGrid's Signed Event Webhook")
    return key


def is_signed(key: EllipticCurvePublicKey, stamp: str, body: bytes, signature: str) -> bool:
    """SendGrid's rule: ECDSA of SHA-256 over the timestamp as it stands in its header, and the body to the byte."""
    try:
        signed = stamp.encode("latin-1") + body
        key.verify(b64decode(signature, validate=True), signed, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def read_event(event: Mapping[str, Any]) -> DeliveryReport | None:
    """The report in one event; None for an event that is not about a touch."""
    touch = _text(event.get(ARGUMENT))
    if not touch:
        return None
    report = DeliveryReport(
        touch,
        "taken",
        # As the answer to the sending named it; the event adds by which way it went.
        provider_id=_text(event.get("sg_message_id")).partition(".")[0],
        address=_text(event.get("email")),
        telling=_text(event.get("sg_event_id")) or None,
    )
    match event.get("event"):
        case "delivered":
            return report._replace(became="delivered")
        case "bounce":
            # "blocked" and "expired" (three days of "not now") are of type bounce for SendGrid too, and say nothing of the
            # address.
            hard = event.get("type", "bounce") == "bounce" and not _SOFT.match(_text(event.get("status")))
            reason = HARD_BOUNCE if hard else "soft_bounce"
            return report._replace(became="bounced", reason=reason, dead=HARD_BOUNCE if hard else None)
        case "dropped":
            dead = _NEVER_LEFT.get(_text(event.get("reason")).lower())
            return report._replace(became="bounced", reason=dead or "dropped", dead=dead)
        case "spamreport":
            return report._replace(became="complained", dead=COMPLAINT)
        case "unsubscribe" | "group_unsubscribe":
            return report._replace(became="unsubscribed")
        case "open":
            flagged = event.get("sg_machine_open") is True
            return report._replace(became="opened", asked=_asked("opened", event)._replace(flagged=flagged))
        case "click":
            url = _text(event.get("url")) or None
            return report._replace(became="clicked", url=url, asked=_asked("clicked", event))
        case "processed" | "deferred":
            return report
    return None


def _asked(what: EngagementKind, event: Mapping[str, Any]) -> LinkRequest:
    return LinkRequest(what, _text(event.get("useragent")), address=_text(event.get("ip")) or None)


def _text(value: object) -> str:
    return clean(value)[:2000] if isinstance(value, str) else ""
