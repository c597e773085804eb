"""What Twilio reports of the SMS that it was given, and hands over of what customers answer: signed by its own rule, in any
order, any number of times.

A report is about the touch that its address names. It may come before our own record that the message left, and is then the
evidence that it did. Whatever is told again changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import Response

from idic.api.problem_details import HttpRefusal
from idic.api.request_bodies import read_body
from idic.api.webhooks.delivery_reports import Report, note
from idic.api.webhooks.inbound_sms import acted_upon, reply
from idic.errors import InvalidInput
from idic.interact.channels.outcomes import DEAD, clean
from idic.providers.twilio.sender import RETRIES, WEBHOOK_PATH, word
from idic.store.customer.sms_replies import Incoming
from idic.store.database import Store

LARGEST = 32_000
"""Bytes of a report that are read; Twilio's have one or two thousand."""
_FIELDS = 200

_NO_ANSWER = b"<Response/>"
"""To Twilio: answer nothing by yourself."""
_DELIVERED = frozenset({"delivered", "read"})
_BOUNCED = frozenset({"undelivered", "failed"})

log = structlog.get_logger("idic.api")


class TwilioReports:
    """``public_url`` is what Twilio was told to report to: it signs that address, whatever proxies make of it on the way."""

    path = WEBHOOK_PATH

    def __init__(self, store: Store, public_url: str, token: str) -> None:
        self._store = store
        self._url = f"{public_url.rstrip('/')}{WEBHOOK_PATH}"
        self._token = token

    async def receive(self, request: Request) -> Response:
        """2xx to whatever is authentic, also where nothing is known of the touch: told again it would be no better. That of an
        answer means that it is kept, and what it asks for holds.

        Raises ``HttpRefusal`` (403 for a report that is not Twilio's, 413) and ``StoreUnavailable``, at which Twilio repeats.
        """
        body = await read_body(request, LARGEST)
        fields = read_form(body)
        query = request.scope.get("query_string", b"").decode("latin-1")
        url = f"{self._url}?{query}" if query else self._url
        if not is_signed(self._token, url, fields, request.headers.get("x-twilio-signature", "")):
            log.warning("a report that is not Twilio's, or signed for another address than the public URL")
            raise HttpRefusal(403, "forged", "the signature is not Twilio's for this address", where="X-Twilio-Signature")
        said = {name.decode("utf-8", "replace"): clean(value.decode("utf-8", "replace")) for name, value in fields}
        if said.get("SmsStatus") == "received" and "MessageStatus" not in said:
            await self._reply(said)
            return Response(_NO_ANSWER, media_type="text/xml")
        await self._note(request.query_params.get("touch", ""), said)
        return Response(status_code=204)

    async def _reply(self, said: Mapping[str, str]) -> None:
        senders = (said.get("To", ""), said.get("MessagingServiceSid", ""))
        incoming = Incoming(
            provider="twilio",
            id=said.get("MessageSid", ""),
            number=said.get("From", ""),
            senders=tuple(sender for sender in senders if sender),
            text=said.get("Body", ""),
        )
        await reply(self._store, incoming, acted_upon=acted_upon(said.get("OptOutType")))

    async def _note(self, touch: str, said: Mapping[str, str]) -> None:
        status, reason = said.get("MessageStatus", ""), word(said.get("ErrorCode", ""))
        report = Report(touch, "taken", provider_id=said.get("MessageSid", ""))
        if status in _DELIVERED:
            report = report._replace(became="delivered")
        elif status in _BOUNCED:
            dead = reason if reason in DEAD else None
            report = report._replace(became="bounced", reason=reason or status, address=said.get("To", ""), dead=dead)
        # Queued, sent or a word that we do not know: Twilio has the message.
        await note(self._store, report)


def read_form(body: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a form, to the byte as they were before they were escaped. Raises ``InvalidInput`` for too many."""
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
    """Whether Twilio signed this. It is not of one mind on whether the port belongs to the address, and does not say
    whether its own words for retries do."""
    addresses = {whole for address in _with_and_without_port(url) for whole in (address, address + RETRIES)}
    given = said.encode("utf-8", "replace")
    return any(hmac.compare_digest(signature(token, address, fields).encode(), given) for address in sorted(addresses))


def _with_and_without_port(url: str) -> tuple[str, str]:
    scheme, rest = url.split("://", 1)
    parts = urlsplit(url)
    host, port = parts.netloc, parts.port
    if port is not None:
        bare = host.removesuffix(f":{port}")
    else:
        bare, port = host, 443 if scheme == "https" else 80
    return f"{scheme}://{bare}{rest[len(host) :]}", f"{scheme}://{bare}:{port}{rest[len(host) :]}"
