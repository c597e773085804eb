"""Send SMS by Telnyx's Messaging API (version 2).

The published API has no idempotency key for messages, so that a request that may have arrived is never repeated. An answer of
2xx or 4xx is certain. After a time-out, a reset or 5xx the outcome is unknown until Telnyx's report settles it; the report
repeats the address that we gave for it, which contains the touch's id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import structlog

from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingSms, Refused, Unsure
from idic.interact.channels.http import Poster, ProviderAnswer, reachable, without
from idic.interact.channels.retry_after import retry_after
from idic.providers.telnyx.account import TelnyxAccount

WEBHOOK_PATH = "/v1/webhooks/telnyx"

WORDS: Mapping[str, str] = {
    "40001": "landline",
    "40002": "filtered",
    "40003": "filtered",
    "40004": "unreachable",
    "40005": "expired",
    "40006": "unreachable",
    "40008": "unreachable",
    "40012": "no_such_number",
    "40014": "expired",
    "40015": "filtered",
    "40017": "filtered",
    "40300": "opted_out",
    "40302": "too_long",
    "40309": "region_not_allowed",
    "40310": "no_such_number",
    "40316": "empty",
    "40319": "unreachable_from_sender",
    "40322": "filtered",
}
"""Telnyx's error codes, of answers and of reports, as stable words; others are called ``telnyx_<code>``."""

_OPERATORS = frozenset(
    {
        "10001", "10009", "10010", "40013", "40100", "40305", "40306", "40311", "40312", "40313", "40314", "40315", "40320",
        "40321", "40329", "40330",
    }
)  # fmt: skip
"""Codes about our own key, profile or sender: the operator must fix them, the message is not at fault. The same holds for all
codes from 20000 on, which are about the account and its balance."""
_BUSY = frozenset({"10011", "40011", "40318"})
"""Codes for too many messages at once, or waiting: this one was not accepted."""
_OF_A_FIELD = frozenset({"10002", "10004", "10015", "10016"})
"""Codes about a field of the request, which ``source`` names."""

_CODE = re.compile(r"[0-9]{4,6}")
_ID = re.compile(r"[A-Za-z0-9-]{2,64}")

log = structlog.get_logger()


def word(code: object) -> str | None:
    """The stable word for an error code, as Telnyx writes it in an answer or a report; None where there is none."""
    text = str(code)
    return WORDS.get(text, f"telnyx_{text}") if _CODE.fullmatch(text) else None


def touch_in(address: object) -> str:
    """The touch in the address that a report was sent to; empty where there is none."""
    if not isinstance(address, str):
        return ""
    try:
        return parse_qs(urlsplit(address).query).get("touch", [""])[0]
    except ValueError:
        return ""


class TelnyxChannel:
    """Sends SMS by one Telnyx account. Delivery reports go to ``public_url``, where Telnyx can reach it. ``timeout`` (real
    seconds) is for one SMS as a whole."""

    account = "telnyx"

    def __init__(self, account: TelnyxAccount, public_url: str, *, timeout: float = 15, connections: int = 100) -> None:
        self._account = account
        self._url = f"{account.base_url.rstrip('/')}/messages"
        reports_arrive = reachable(public_url, account.base_url, "telnyx.com")
        self._reports = f"{public_url.rstrip('/')}{WEBHOOK_PATH}" if reports_arrive else None
        self._poster = Poster(
            "telnyx",
            timeout=timeout,
            connections=connections,
            headers={"Accept": "application/json", "User-Agent": "idic", "Authorization": f"Bearer {account.key}"},
        )

    async def send(self, sms: OutgoingSms) -> Outcome:
        """Try once, within the time-out. Never raises for what Telnyx or the network does. The outcome can be stored, and does
        not contain the key."""
        answer = await self._poster.post(self._url, self._body(sms), {"Content-Type": "application/json"})
        outcome = _answered(answer) if isinstance(answer, ProviderAnswer) else answer
        return without((self._account.key,), outcome)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    def _body(self, sms: OutgoingSms) -> bytes:
        text = sms.text.encode("utf-8", "replace").decode()
        body: dict[str, Any] = {"from": sms.sender, "to": sms.to, "text": text, "type": "SMS"}
        if self._account.profile is not None:
            body["messaging_profile_id"] = self._account.profile
        if self._reports:
            reports = f"{self._reports}?{urlencode({'touch': sms.touch})}"
            # Telnyx tries three times at each of the two addresses, and at no other.
            body |= {"webhook_url": reports, "webhook_failover_url": reports, "use_profile_webhooks": False}
        return json.dumps(body).encode()


class _Error(NamedTuple):
    """An error that Telnyx reports. ``of`` is the field of the request."""

    code: str
    of: str
    text: str


def _answered(answer: ProviderAnswer) -> Accepted | Refused | Later | Unsure:
    status = answer.status
    if status // 100 == 2:
        data = answer.document.get("data")
        id_ = data.get("id") if isinstance(data, dict) else None
        taken = isinstance(id_, str) and _ID.fullmatch(id_)
        return Accepted(str(id_)) if taken else Unsure("telnyx_unreadable", f"{status} without a message's id")
    error = _error(answer.document)
    code, detail = error.code, " ".join(part for part in (str(status), error.code, error.text) if part)
    if status == 429 or code in _BUSY:
        return Later("telnyx_busy", detail, retry_after(answer.headers))
    if status == 408:
        return Later("telnyx_408", detail)  # it waited for the rest of our request
    if status // 100 == 4 and code in WORDS:
        return Refused(WORDS[code], detail)  # also with 403: a customer who opted out is not our settings' fault
    if status // 100 == 4 and code in _OF_A_FIELD and error.of.endswith("/to"):
        return Refused("no_such_number", detail)
    ours = code in _OPERATORS or code.startswith("2") or (code in _OF_A_FIELD and error.of.endswith(("/from", "_id")))
    if status // 100 == 3 or status in (401, 402, 403, 404) or (status // 100 == 4 and ours):
        log.error("Telnyx refuses idic, not the message: check its settings", status=status, code=code or None)
        return Later(f"telnyx_{code or status}", detail, down=True)
    if status // 100 == 4:
        return Refused(word(code) or f"telnyx_{status}", detail)
    return Unsure(f"telnyx_{status}", detail)


def _error(document: Mapping[str, Any]) -> _Error:
    """The first error that an answer names."""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, source = str(first.get("code", "")), first.get("source")
    of = str(source.get("pointer", "")) if isinstance(source, dict) else ""
    texts = dict.fromkeys(part for part in (first.get("title"), first.get("detail")) if isinstance(part, str))
    return _Error(code if _CODE.fullmatch(code) else "", of, ": ".join(texts))
