"""Email by Amazon SES (its API of version 2, with the message as it is), certain of what became of each.

``SendEmail`` knows no idempotency key, so a request that may have arrived is never repeated. An answer of 2xx or 4xx is the
truth; silence, a reset and 5xx leave us unsure, until SES's own report, which carries the touch as a tag, settles it.

Needs the extra ``idic[ses]``: AWS's own library signs the requests, and finds the credentials that a machine of AWS has.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog

from idic.errors import SettingsError
from idic.interact.channels.contract import Accepted, Later, Outcome, OutgoingEmail, Refused, Unsure
from idic.interact.channels.dkim import Signer
from idic.interact.channels.http import Poster, ProviderAnswer, without
from idic.interact.channels.mime import write
from idic.interact.channels.retry_after import retry_after
from idic.providers.ses.account import SesAccount

TAG = "touch"
"""The tag by which SES's reports name the touch."""

REWRITTEN = ("Date", "Message-ID")
"""Headers that SES writes itself, over ours."""

_ID = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_SIGNED_WITHIN = 2.0
"""Real seconds."""
_KIND = re.compile(r"[A-Za-z]{1,64}")
_OPERATORS = re.compile(
    r"AccountSuspended|SendingPaused|MailFromDomainNotVerified|NotFound|LimitExceeded|UnrecognizedClient|InvalidClientToken"
    r"|MissingAuthentication|IncompleteSignature|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|AccessDenied|OptInRequired"
)
"""Kinds of errors about our own account, identity or clock: the operator's to mend, not this message's fault."""
_BUSY = re.compile(r"TooManyRequests|Throttling|RequestLimitExceeded")
_OF_TODAY = re.compile(r"daily", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified", re.IGNORECASE)

log = structlog.get_logger()


class SesChannel:
    """The channel ``email`` over one account of SES. ``signer`` signs each message beside SES itself; ``now`` gives its Date.
    ``timeout`` is in real seconds and holds for one sending as a whole."""

    name = "email"
    account = "ses"

    def __init__(
        self,
        account: SesAccount,
        *,
        timeout: float = 20,
        connections: int = 100,
        signer: Signer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Raises ``SettingsError`` where the extra is not installed."""
        self._account = account
        self._sign_request = _signing(account)
        self._poster = Poster("ses", timeout=timeout, connections=connections)
        self._signer = signer
        self._now = now

    async def send(self, mail: OutgoingEmail) -> Outcome:
        """Try once, within the time-out. Never raises for what SES or the network does; what it tells of that can be stored,
        and names no key."""
        secrets = [part for part in (self._account.key, self._account.secret) if part]
        return without(secrets, await self._try(mail))

    async def close(self) -> None:
        await self._poster.close()

    async def _try(self, mail: OutgoingEmail) -> Outcome:
        written = write(mail, self._now())
        if isinstance(written, Refused):
            return written
        if written.utf8:
            return Refused("address_needs_smtputf8", "SES takes ASCII addresses only")
        data = self._signer.sign(written.data, but=REWRITTEN) if self._signer else written.data
        asked: dict[str, Any] = {
            "Destination": {"ToAddresses": [written.to.mailbox]},
            "Content": {"Raw": {"Data": b64encode(data).decode()}},
            "EmailTags": [{"Name": TAG, "Value": mail.touch}],
        }
        if self._account.configuration:
            asked["ConfigurationSetName"] = self._account.configuration
        body = json.dumps(asked).encode()
        try:
            # In a thread: credentials that run out are fetched anew, by a library that waits for the network. Whoever withdraws
            # does not wait for that: what takes longer serves the next try.
            headers = await asyncio.wait_for(asyncio.to_thread(self._sign_request, body), _SIGNED_WITHIN)
        except Exception as error:
            log.error("no credentials for SES: check its settings", error=type(error).__name__)
            return Later("ses_no_credentials", type(error).__name__, down=True)
        answer = await self._poster.post(self._account.url, body, headers)
        return _answered(answer) if isinstance(answer, ProviderAnswer) else answer


def _answered(answer: ProviderAnswer) -> Outcome:
    status, document = answer.status, answer.document
    kind = str(answer.headers.get("x-amzn-errortype") or document.get("__type") or document.get("code") or "")
    kind = kind.partition(":")[0].rpartition("#")[2]
    # It becomes a code, which goes where no other word of a provider does.
    kind = kind if _KIND.fullmatch(kind) else ""
    told = str(document.get("message") or document.get("Message") or "")
    detail = " ".join(part for part in (str(status), kind, told) if part)
    if status // 100 == 2:
        name = document.get("MessageId")
        taken = isinstance(name, str) and _ID.fullmatch(name)
        return Accepted(str(name)) if taken else Unsure("ses_unreadable", f"{status} without a message's id")
    if status // 100 == 5:
        return Unsure(f"ses_{status}", detail)
    if status == 429 or _BUSY.match(kind):
        # What may be sent in a day comes back by and by; another account has a day of its own.
        return Later("ses_busy", detail, retry_after(answer.headers), down=bool(_OF_TODAY.search(told)))
    unverified = kind.startswith("MessageRejected") and _UNVERIFIED.search(told)
    if status in (401, 403, 404) or status // 100 == 3 or _OPERATORS.match(kind) or unverified:
        log.error("SES refuses idic, not the message: check its settings", status=status, kind=kind)
        return Later(f"ses_{kind or status}", detail, down=True)
    if status == 408:
        return Later("ses_408", detail)  # it waited for the rest of our request
    return Refused("too_large" if status == 413 else f"ses_{kind or status}", detail)


def _signing(account: SesAccount) -> Callable[[bytes], dict[str, str]]:
    """What gives the headers with which a body is posted, signed by AWS's rules (version 4)."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.session import get_session
    except ImportError:
        raise SettingsError("mail by SES needs AWS's library: pip install 'idic[ses]'") from None
    session = None if account.key else get_session()

    def sign(body: bytes) -> dict[str, str]:
        found = session.get_credentials() if session else Credentials(account.key, account.secret)
        if found is None:
            raise LookupError("no credentials")
        request = AWSRequest("POST", account.url, {"Content-Type": "application/json"}, body)
        SigV4Auth(found.get_frozen_credentials(), "ses", account.region).add_auth(request)
        return dict(request.headers)

    return sign
