"""Read Twilio's reports on SMS and the answers of customers: signed by Twilio's rule, in any order, perhaps repeated.

The touch of a report is in the address that it was sent to.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import structlog

from idic.errors import InvalidInput
from idic.interact.channels.outcomes import DEAD, clean
from idic.providers.twilio.sender import RETRIES, WEBHOOK_PATH, word
from idic.providers.webhook import (
    DeliveryReport,
    InboundSms,
    WebhookContents,
    WebhookForged,
    WebhookRequest,
    keyword_acted_upon,
)

LARGEST = 32_000
"""Bytes of a report that are read; Twilio sends one or two thousand."""
_FIELDS = 200

_NO_ANSWER = b"<Response/>"
"""Tells Twilio to send no answer of its own."""
_DELIVERED = frozenset({"delivered", "read"})
_BOUNCED = frozenset({"undelivered", "failed"})

log = structlog.get_logger("idic.api")


class TwilioWebhook:
    """Twilio's webhook. ``public_url`` is where Twilio was told to report to: it signs that address, whatever proxies make of
    it on the way."""

    path = WEBHOOK_PATH
    largest = LARGEST

    def __init__(self, public_url: str, token: str) -> None:
        self._url = f"{public_url.rstrip('/')}{WEBHOOK_PATH}"
        self._token = token

    async def read(self, request: WebhookRequest) -> WebhookContents:
        """A report or a customer's SMS. Raises ``WebhookForged`` for a request that is not Twilio's, and ``InvalidInput``."""
        fields = read_form(request.body)
        url = f"{self._url}?{request.query_string}" if request.query_string else self._url
        if not is_signed(self._token, url, fields, request.headers.get("x-twilio-signature", "")):
            log.warning("a report that is not Twilio's, or signed for another address than the public URL")
            message = "the signature is not Twilio's for this address"
            raise WebhookForged("forged", message, "X-Twilio-Signature")
        form = {name.decode("utf-8", "replace"): clean(value.decode("utf-8", "replace")) for name, value in fields}
        if form.get("SmsStatus") == "received" and "MessageStatus" not in form:
            return WebhookContents(replies=(_reply(form),), status=200, body=_NO_ANSWER, media_type="text/xml")
        return WebhookContents(reports=(_report(request.query.get("touch", ""), form),))


def _reply(form: Mapping[str, str]) -> InboundSms:
    senders = (form.get("To", ""), form.get("MessagingServiceSid", ""))
    return InboundSms(
        provider="twilio",
        id=form.get("MessageSid", ""),
        number=form.get("From", ""),
        senders=tuple(sender for sender in senders if sender),
        text=form.get("Body", ""),
        acted_upon=keyword_acted_upon(form.get("OptOutType")),
    )


def _report(touch: str, form: Mapping[str, str]) -> DeliveryReport:
    status, reason = form.get("MessageStatus", ""), word(form.get("ErrorCode", ""))
    report = DeliveryReport(touch, "taken", provider_id=form.get("MessageSid", ""))
    if status in _DELIVERED:
        return report._replace(became="delivered")
    if status in _BOUNCED:
        dead = reason if reason in DEAD else None
        return report._replace(became="bounced", reason=reason or status, address=form.get("To", ""), dead=dead)
    # Queued, sent or a word that we do not know: Twilio has the message.
    return report


def read_form(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a form, with their exact bytes before escaping. Raises ``InvalidInput`` for too many."""
    try:
        fields = parse_qsl(
            body.decode("ascii", "surrogateescape"),
            keep_blank_values=True,
            max_num_fields=_FIELDS,
            errors="surrogateescape",
        )
    except ValueError:
        raise InvalidInput(f"a report has at most {_FIELDS} fields", where="body") from None
    return [(name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape")) for name, value in fields]


def signature(token: str, url: str, fields: list[tuple[bytes, bytes]]) -> str:
    """Twilio's rule: HMAC-SHA1, under the account's token, of the address and then each field's name and value, sorted by
    name; of a name that comes several times, each different value, sorted."""
    signed = url.encode() + b"".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(token.encode(), signed, hashlib.sha1)).decode()


def is_signed(token: str, url: str, fields: list[tuple[bytes, bytes]], said: str) -> bool:
    """Whether Twilio signed this. Twilio is inconsistent about the port in the address, and does not document whether its
    syntax for retries is signed."""
    addresses = {whole for address in _with_and_without_port(url) for whole in (address, address + RETRIES)}
    received = said.encode("utf-8", "replace")
    return any(hmac.compare_digest(signature(token, address, fields).encode(), received) for address in sorted(addresses))


def _with_and_without_port(url: str) -> tuple[str, str]:
    scheme, rest = url.split("://", 1)
    parts = urlsplit(url)
    host, port = parts.netloc, parts.port
    if port is not None:
        bare = host.removesuffix(f":{port}")
    else:
        bare, port = host, 443 if scheme == "https" else 80
    return f"{scheme}://{bare}{rest[len(host) :]}", f"{scheme}://{bare}:{port}{rest[len(host) :]}"
