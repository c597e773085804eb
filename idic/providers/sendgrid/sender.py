"""Send email by SendGrid's API (version 3).

``mail/send`` has no idempotency key, so that a request that may have arrived is never repeated. An answer of 2xx or 4xx is
certain. After a time-out, a reset or 5xx the outcome is unknown until SendGrid's report, which carries the touch, settles it.

SendGrid writes the MIME message itself and signs it for the domain that is authenticated there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import httpx
import structlog

from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingEmail, Refused, Unsure
from idic.interact.channels.http import Poster, ProviderAnswer, without
from idic.interact.channels.mime import Address, AddressInvalid, further_headers, read_address, read_mailbox
from idic.interact.channels.outcomes import clean
from idic.interact.channels.retry_after import retry_after
from idic.providers.sendgrid.account import SendGridAccount

ARGUMENT = "touch"
"""The custom argument by which SendGrid's reports name the touch."""

_UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
"""Links, the tracking picture and unsubscribing are idic's own: SendGrid must not change the message."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_THE_SENDER = re.compile(r"from|reply_to|sender", re.IGNORECASE)
_OF_THE_RECEIVER = re.compile(r"personalizations\.0\.to")

log = structlog.get_logger()


class _Smtputf8Needed(ValueError): ...


class SendGridChannel:
    """Sends mail by one SendGrid account. ``timeout`` (real seconds) is for one mail."""

    account = "sendgrid"

    def __init__(self, account: SendGridAccount, *, timeout: float = 20, connections: int = 100) -> None:
        self._account = account
        self._url = f"{account.base_url.rstrip('/')}/v3/mail/send"
        headers = {"Authorization": f"Bearer {account.key}", "Accept": "application/json", "User-Agent": "idic"}
        self._poster = Poster("sendgrid", timeout=timeout, connections=connections, headers=headers)

    async def send(self, mail: OutgoingEmail) -> Outcome:
        """Try once, within the time-out. Never raises for what SendGrid or the network does. The outcome can be stored, and
        does not contain the key."""
        return without([self._account.key], await self._try(mail))

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def _try(self, mail: OutgoingEmail) -> Outcome:
        try:
            body = json.dumps(_asked(mail)).encode()
        except _Smtputf8Needed as error:
            return Refused("address_needs_smtputf8", str(error))
        except AddressInvalid as error:
            return Refused("address_invalid", str(error))
        except ValueError as error:
            return Refused("message_invalid", str(error))
        answer = await self._poster.post(self._url, body, {"Content-Type": "application/json"})
        return _answered(answer, mail.touch) if isinstance(answer, ProviderAnswer) else answer


def _asked(mail: OutgoingEmail) -> dict[str, Any]:
    """Raises ``ValueError`` for a mail that cannot be written."""
    if mail.text is None and mail.html is None:
        raise ValueError("a mail has a text or an HTML part")
    body: dict[str, Any] = {
        "personalizations": [
            {"to": [_addressed(read_mailbox(mail.to, mail.to_name))], "custom_args": {ARGUMENT: mail.touch}},
        ],
        "from": _addressed(read_address(mail.sender)),
        # SendGrid refuses empty texts.
        "subject": clean(mail.subject) or " ",
        "content": [
            {"type": kind, "value": text.encode("utf-8", "replace").decode() or " "}
            for kind, text in (("text/plain", mail.text), ("text/html", mail.html))
            if text is not None
        ],
        "headers": {name: value.replace("\r\n", "") for name, value in further_headers(mail).items()},
        "tracking_settings": _UNTRACKED,
    }
    if mail.reply_to:
        body["reply_to"] = _addressed(read_address(mail.reply_to))
    return body


def _addressed(address: Address) -> dict[str, str]:
    if address.needs_smtputf8:
        raise _Smtputf8Needed("SendGrid takes ASCII addresses only")
    return {"email": address.mailbox} | ({"name": address.name} if address.name else {})


def _answered(answer: ProviderAnswer, touch: str) -> Outcome:
    status, errors = answer.status, _errors(answer.document)
    detail = " ".join([str(status), *(f"{field}: {message}" if field else message for field, message in errors)])
    if status // 100 == 2:
        name = answer.headers.get("X-Message-Id", "")
        # A stand-in for SendGrid may give the message no id. It is accepted all the same.
        return Accepted(name if _ID.fullmatch(name) else touch)
    if status // 100 == 5:
        return Unsure(f"sendgrid_{status}", detail)
    if status == 429:
        return Later("sendgrid_busy", detail, retry_after(answer.headers) or _reset(answer.headers))
    ours = any(_OF_THE_SENDER.match(field) for field, _ in errors)
    if status in (401, 403, 404) or status // 100 == 3 or ours:
        log.error("SendGrid refuses idic, not the message: check its settings", status=status)
        return Later(f"sendgrid_{status}", detail, down=True)
    if status == 408:
        return Later("sendgrid_408", detail)  # it waited for the rest of our request
    if any(_OF_THE_RECEIVER.match(field) for field, _ in errors):
        return Refused("address_invalid", detail)
    return Refused("too_large" if status == 413 else f"sendgrid_{status}", detail)


def _errors(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """SendGrid's errors: the field, if it names one, and the message."""
    listed = document.get("errors")
    errors = [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []
    return [(str(error.get("field") or ""), str(error.get("message") or "")) for error in errors]


def _reset(headers: httpx.Headers) -> float | None:
    """Real seconds until the rate limit ends, by SendGrid's own header."""
    reset_at = headers.get("X-RateLimit-Reset", "")
    return max(0.0, float(reset_at) - time.time()) if re.fullmatch(r"[0-9]{10}", reset_at) else None
