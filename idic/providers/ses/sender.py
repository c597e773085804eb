"""Send email by Amazon SES (version 2 of its API, as raw messages).

``SendEmail`` has no idempotency key, so that a request that may have arrived is never repeated. An answer of 2xx or 4xx is
certain. After a time-out, a reset or 5xx the outcome is unknown until SES's report, which carries the touch as a tag, settles
it.

Needs the extra ``idic[ses]``: AWS's own library signs the requests, and finds the credentials of a machine at AWS.
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
"""Headers that SES replaces."""

_ID = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_SIGNED_WITHIN = 2.0
"""Real seconds."""
_KIND = re.compile(r"[A-Za-z]{1,64}")
_OPERATORS = re.compile(
    r"AccountSuspended|SendingPaused|MailFromDomainNotVerified|NotFound|LimitExceeded|UnrecognizedClient|InvalidClientToken"
    r"|MissingAuthentication|IncompleteSignature|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|AccessDenied|OptInRequired"
)
"""Errors about our own account, identity or clock: the operator must fix them, the message is not at fault."""
_BUSY = re.compile(r"TooManyRequests|Throttling|RequestLimitExceeded")
_OF_TODAY = re.compile(r"daily", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified", re.IGNORECASE)

log = structlog.get_logger()


class SesChannel:
    """Sends mail by one SES account. ``signer`` signs each message in addition to SES itself; ``now`` gives its Date.
    ``timeout`` (real seconds) is for one mail as a whole."""

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
        """Try once, within the time-out. Never raises for what SES or the network does. The outcome can be stored, and does not
        contain a key."""
        secrets = [part for part in (self._account.key, self._account.secret) if part]
        return without(secrets, await self._try(mail))

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def _try(self, mail: OutgoingEmail) -> Outcome:
        written = write(mail, self._now())
        if isinstance(written, Refused):
            return written
        if written.utf8:
            return Refused("address_needs_smtputf8", "SES takes ASCII addresses only")
        data = self._signer.sign(written.data, but=REWRITTEN) if self._signer else written.data
        request: dict[str, Any] = {
            "Destination": {"ToAddresses": [written.to.mailbox]},
            "Content": {"Raw": {"Data": b64encode(data).decode()}},
            "EmailTags": [{"Name": TAG, "Value": mail.touch}],
        }
        if self._account.configuration:
            request["ConfigurationSetName"] = self._account.configuration
        body = json.dumps(request).encode()
        try:
            # In a thread, because the library may fetch new credentials and wait for the network. Withdrawing consent does not
            # wait for that: if it takes longer, the next try uses the new credentials.
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
    # It becomes a part of the code, which goes to places where other words of a provider do not.
    kind = kind if _KIND.fullmatch(kind) else ""
    message = str(document.get("message") or document.get("Message") or "")
    detail = " ".join(part for part in (str(status), kind, message) if part)
    if status // 100 == 2:
        name = document.get("MessageId")
        taken = isinstance(name, str) and _ID.fullmatch(name)
        return Accepted(str(name)) if taken else Unsure("ses_unreadable", f"{status} without a message's id")
    if status // 100 == 5:
        return Unsure(f"ses_{status}", detail)
    if status == 429 or _BUSY.match(kind):
        # The daily quota refills slowly; another account has a quota of its own.
        return Later("ses_busy", detail, retry_after(answer.headers), down=bool(_OF_TODAY.search(message)))
    unverified = kind.startswith("MessageRejected") and _UNVERIFIED.search(message)
    if status in (401, 403, 404) or status // 100 == 3 or _OPERATORS.match(kind) or unverified:
        log.error("SES refuses idic, not the message: check its settings", status=status, kind=kind)
        return Later(f"ses_{kind or status}", detail, down=True)
    if status == 408:
        return Later("ses_408", detail)  # it waited for the rest of our request
    return Refused("too_large" if status == 413 else f"ses_{kind or status}", detail)


def _signing(account: SesAccount) -> Callable[[bytes], dict[str, str]]:
    """A function that gives the headers for a body, signed by AWS's rules (version 4)."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        from botocore.session import get_session
    except ImportError:
        raise SettingsError("mail by SES needs AWS's library: pip install 'idic[ses]'") from None
    session = None if account.key else get_session()

    def sign(body: bytes) -> dict[str, str]:
        credentials = session.get_credentials() if session else Credentials(account.key, account.secret)
        if credentials is None:
            raise LookupError("no credentials")
        request = AWSRequest("POST", account.url, {"Content-Type": "application/json"}, body)
        SigV4Auth(credentials.get_frozen_credentials(), "ses", account.region).add_auth(request)
        return dict(request.headers)

    return sign
