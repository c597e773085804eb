"""Send SMS by Twilio's REST API.

Twilio's Messages have no idempotency key, so that a request that may have arrived is never repeated. Before the first byte of a
request nothing was sent, whatever goes wrong. After it an answer of 2xx or 4xx is certain; after a time-out, a reset or 5xx the
outcome is unknown until Twilio's report, which carries the touch's id, settles it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import structlog

from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingSms, Refused, Unsure
from idic.interact.channels.http import Poster, ProviderAnswer, reachable, without
from idic.interact.channels.retry_after import retry_after
from idic.providers.twilio.account import POOL, TwilioAccount

WEBHOOK_PATH = "/v1/webhooks/twilio"

RETRIES = "#rc=5&rp=ct,rt,5xx"
"""Twilio's syntax, in the address for its reports, for: repeat five times (within 15 seconds, the most) after a time-out or an
answer of 5xx. Without it Twilio repeats once, and only where it could not connect."""

WORDS: Mapping[int, str] = {
    21211: "no_such_number",
    21217: "no_such_number",
    21214: "unreachable",
    21408: "region_not_allowed",
    21602: "empty",
    21610: "opted_out",
    21612: "unreachable_from_sender",
    21614: "not_a_mobile",
    21617: "too_long",
    30003: "unreachable",
    30004: "blocked",
    30005: "no_such_number",
    30006: "landline",
    30007: "filtered",
}
"""Twilio's error codes, of answers and of reports, as stable words; others are called ``twilio_<code>``."""

_OPERATORS = frozenset({20003, 20404, 21212, 21603, 21606, 21609, 21659, 21660, 21701, 21703})
"""Codes about our own account, sender or report address: the operator must fix them, the message is not at fault."""
_BUSY = frozenset({14107, 20429, 21611})
"""Codes for too many messages at once, or waiting: this one was not accepted."""

_SID = re.compile(r"[A-Za-z0-9]{2,64}")

log = structlog.get_logger()


def word(code: object) -> str | None:
    """The stable word for an error code, as Twilio writes it in an answer or a report; None where there is none."""
    try:
        number = int(str(code))
    except ValueError:
        return None
    return WORDS.get(number, f"twilio_{number}") if 0 < number < 1_000_000 else None


class TwilioChannel:
    """Sends SMS by one Twilio account. Delivery reports go to ``public_url``, where Twilio can reach it. ``timeout`` (real
    seconds) is for one SMS as a whole."""

    account = "twilio"

    def __init__(self, account: TwilioAccount, public_url: str, *, timeout: float = 15, connections: int = 100) -> None:
        self._account = account
        self._url = f"{account.base_url.rstrip('/')}/2010-04-01/Accounts/{account.sid}/Messages.json"
        self._reports = (
            f"{public_url.rstrip('/')}{WEBHOOK_PATH}" if reachable(public_url, account.base_url, "twilio.com") else None
        )
        self._poster = Poster(
            "twilio",
            timeout=timeout,
            connections=connections,
            auth=(account.sid, account.token),
            headers={"Accept": "application/json", "User-Agent": "idic"},
        )

    async def send(self, sms: OutgoingSms) -> Outcome:
        """Try once, within the time-out. Never raises for what Twilio or the network does. The outcome can be stored, and
        contains neither the account nor its token."""
        answer = await self._poster.post(self._url, self._form(sms), {"Content-Type": "application/x-www-form-urlencoded"})
        outcome = _answered(answer) if isinstance(answer, ProviderAnswer) else answer
        return without((self._account.sid, self._account.token), outcome)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    def _form(self, sms: OutgoingSms) -> bytes:
        sender = "MessagingServiceSid" if POOL.fullmatch(sms.sender) else "From"
        form = {"To": sms.to, sender: sms.sender, "Body": sms.text}
        if self._reports:
            form["StatusCallback"] = f"{self._reports}?{urlencode({'touch': sms.touch})}{RETRIES}"
        return urlencode(form, errors="replace").encode()


def _answered(answer: ProviderAnswer) -> Outcome:
    status, document = answer.status, answer.document
    code = document.get("code")
    number = code if isinstance(code, int) else None
    detail = " ".join(str(part) for part in (status, number, document.get("message")) if part is not None)
    if status // 100 == 2:
        sid = document.get("sid")
        taken = isinstance(sid, str) and _SID.fullmatch(sid)
        return Accepted(str(sid)) if taken else Unsure("twilio_unreadable", f"{status} without a message's id")
    if status == 429 or number in _BUSY:
        return Later("twilio_busy", detail, retry_after(answer.headers))
    if status // 100 == 4 and number is not None and number in WORDS:
        return Refused(WORDS[number], detail)  # also with 403: a number that cannot be reached is not our settings' fault
    if status in (401, 403, 404) or status // 100 == 3 or number in _OPERATORS:
        log.error("Twilio refuses idic, not the message: check its settings", status=status, code=number)
        return Later(f"twilio_{number or status}", detail, down=True)
    if status == 408:
        return Later("twilio_408", detail)  # it waited for the rest of our request
    if status // 100 == 4:
        return Refused(word(number) or f"twilio_{status}", detail)
    return Unsure(f"twilio_{status}", detail)
