"""What Telnyx reports of the SMS that it was given, and hands over of what customers answer: signed with Ed25519, any number of
times, in any order.

The touch that a report is about stands in the address that the report was asked to be sent to, which the signed body repeats:
the address that it comes in by is not signed, and says nothing.
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
from starlette.requests import Request
from starlette.responses import Response

from idic.api.problem_details import HttpRefusal
from idic.api.request_bodies import read_body, read_json_object
from idic.api.webhooks.delivery_reports import Report, note
from idic.api.webhooks.inbound_sms import acted_upon, reply
from idic.errors import SettingsError
from idic.interact.channels.outcomes import DEAD, clean
from idic.providers.telnyx.sender import WEBHOOK_PATH, read_key, touch_in, word
from idic.store.customer.sms_replies import Incoming
from idic.store.database import Store

LARGEST = 64_000
"""Bytes of a report that are read; Telnyx's have two or three thousand."""
TOLERANCE = 300
"""Real seconds that the hour in a signature may be off: whoever has seen a report cannot say it again for longer."""

_BOUNCED = frozenset({"sending_failed", "delivery_failed", "expired"})

log = structlog.get_logger("idic.api")


class TelnyxReports:
    """``public_key`` (base64) is what Telnyx signs with; ``real`` gives the real time, in seconds since 1970, by which it says
    when."""

    path = WEBHOOK_PATH

    def __init__(self, store: Store, public_key: str, *, real: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key = public_key
        self._real = real
        if read_key(public_key) is None:
            raise SettingsError("IDIC_TELNYX_PUBLIC_KEY is not a key")

    async def receive(self, request: Request) -> Response:
        """204 to whatever is authentic, also where nothing is known of the touch: told again it would be no better. The 204 to
        an answer means that it is kept, and what it asks for holds.

        Raises ``HttpRefusal`` (403 for a report that is not Telnyx's, 413) and ``StoreUnavailable``, at which Telnyx repeats.
        """
        body = await read_body(request, LARGEST)
        signature, at = (request.headers.get(f"telnyx-{name}", "") for name in ("signature-ed25519", "timestamp"))
        if not is_signed(self._key, body, signature, at, self._real()):
            log.warning("a report that is not Telnyx's, or is too old")
            raise HttpRefusal(403, "forged", "the signature is not Telnyx's, or is too old", where="Telnyx-Signature-Ed25519")
        data = _object(read_json_object(body).get("data"))
        payload = _object(data.get("payload"))
        match data.get("event_type"):
            case "message.received":
                await self._reply(payload)
            case "message.sent" | "message.finalized":
                await note(self._store, _report(payload))
        return Response(status_code=204)

    async def _reply(self, payload: Mapping[str, Any]) -> None:
        to = (_text(_object(one).get("phone_number")) for one in _list(payload.get("to")))
        incoming = Incoming(
            provider="telnyx",
            id=_text(payload.get("id")),
            number=_text(_object(payload.get("from")).get("phone_number")),
            senders=tuple(number for number in to if number),
            text=clean(_text(payload.get("text"))),
        )
        await reply(self._store, incoming, acted_upon=acted_upon(payload.get("autoresponse_type")))


def _report(payload: Mapping[str, Any]) -> Report:
    to = _object(next(iter(_list(payload.get("to"))), None))
    status, error = to.get("status"), _object(next(iter(_list(payload.get("errors"))), None))
    report = Report(touch_in(payload.get("webhook_url")), "taken", provider_id=clean(_text(payload.get("id"))))
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
    key = read_key(public_key)
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
