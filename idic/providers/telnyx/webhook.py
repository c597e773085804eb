"""Read Telnyx's reports on SMS and the answers of customers: signed with Ed25519, in any order, perhaps repeated.

The touch of a report is in the address that we gave for it, which the signed body repeats. The address of the request itself is
not signed, and is not used.
"""

from __future__ import annotations

import binascii
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from idic.errors import SettingsError
from idic.interact.channels.outcomes import DEAD, clean
from idic.providers.telnyx.account import read_public_key
from idic.providers.telnyx.sender import WEBHOOK_PATH, touch_in, word
from idic.providers.webhook import (
    DeliveryReport,
    InboundSms,
    WebhookContents,
    WebhookForged,
    WebhookRequest,
    keyword_acted_upon,
)
from idic.read_json import read_json_object

LARGEST = 64_000
"""Bytes of a report that are read; Telnyx sends two or three thousand."""
TOLERANCE = 300
"""Real seconds by which the time in a signature may differ: nobody can repeat a report for longer."""

_BOUNCED = frozenset({"sending_failed", "delivery_failed", "expired"})

log = structlog.get_logger("idic.api")


class TelnyxWebhook:
    """Telnyx's webhook. ``public_key`` (base64) is what Telnyx signs with; ``real`` gives the real time, in seconds since 1970,
    to compare with that in the signature. Raises ``SettingsError``."""

    path = WEBHOOK_PATH
    largest = LARGEST

    def __init__(self, public_key: str, *, real: Callable[[], float] = time.time) -> None:
        self._key = public_key
        self._real = real
        if read_public_key(public_key) is None:
            raise SettingsError("IDIC_TELNYX_PUBLIC_KEY is not a key")

    async def read(self, request: WebhookRequest) -> WebhookContents:
        """A report or a customer's SMS. Raises ``WebhookForged`` for a request that is not Telnyx's, and ``InvalidInput``."""
        signature, at = (request.headers.get(f"telnyx-{name}", "") for name in ("signature-ed25519", "timestamp"))
        if not is_signed(self._key, request.body, signature, at, self._real()):
            log.warning("a report that is not Telnyx's, or is too old")
            message = "the signature is not Telnyx's, or is too old"
            raise WebhookForged("forged", message, "Telnyx-Signature-Ed25519")
        data = _object(read_json_object(request.body).get("data"))
        payload = _object(data.get("payload"))
        match data.get("event_type"):
            case "message.received":
                return WebhookContents(replies=(_reply(payload),))
            case "message.sent" | "message.finalized":
                return WebhookContents(reports=(_report(payload),))
        return WebhookContents()


def _reply(payload: Mapping[str, Any]) -> InboundSms:
    to = (_text(_object(receiver).get("phone_number")) for receiver in _list(payload.get("to")))
    return InboundSms(
        provider="telnyx",
        id=_text(payload.get("id")),
        number=_text(_object(payload.get("from")).get("phone_number")),
        senders=tuple(number for number in to if number),
        text=clean(_text(payload.get("text"))),
        acted_upon=keyword_acted_upon(payload.get("autoresponse_type")),
    )


def _report(payload: Mapping[str, Any]) -> DeliveryReport:
    to = _object(next(iter(_list(payload.get("to"))), None))
    status, error = to.get("status"), _object(next(iter(_list(payload.get("errors"))), None))
    report = DeliveryReport(touch_in(payload.get("webhook_url")), "taken", provider_id=clean(_text(payload.get("id"))))
    if status == "delivered":
        return report._replace(became="delivered")
    if status in _BOUNCED:
        reason = word(error.get("code"))
        dead = reason if reason in DEAD else None
        number = clean(_text(to.get("phone_number")))
        return report._replace(became="bounced", reason=reason or str(status), address=number, dead=dead)
    # Queued, sent, not confirmed or a word that we do not know: Telnyx has the message.
    return report


def is_signed(public_key: str, body: bytes, signature: str, at: str, now: float) -> bool:
    """Whether Telnyx signed this body ``at`` a time (seconds since 1970, as it was sent) that is about ``now``."""
    key = read_public_key(public_key)
    if key is None or not (at.isascii() and at.isdigit() and len(at) <= 12) or abs(now - int(at)) > TOLERANCE:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(b64decode(signature, validate=True), at.encode() + b"|" + body)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
