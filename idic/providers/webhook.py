"""What a provider's webhook is: it verifies a request and reads what it says, and records nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from idic.interact.sms_keywords import Keyword
from idic.interact.tracking.bots import LinkRequest

Became = Literal["taken", "delivered", "bounced", "opened", "clicked", "complained", "unsubscribed"]
"""What became of a message. ``taken``: the provider has it, which is all that we may have been unsure of."""

HARD_BOUNCE, COMPLAINT = "hard_bounce", "complaint"
"""Why an address is not written to again: the mailbox does not exist, or its owner calls the mail spam."""


class DeliveryReport(NamedTuple):
    """What a provider says became of one touch.

    ``provider_id`` is what the provider knows the message by; ``reason`` a stable word for why it did not arrive; ``address``
    where it went, which is not written to again if ``dead`` says why. ``url`` is where a click led, ``asked`` who opened or
    clicked, as far as the provider says, and ``telling`` the provider's id of the report, by which a click that it reports
    twice counts once.
    """

    touch: str
    became: Became
    provider_id: str = ""
    reason: str | None = None
    address: str = ""
    dead: str | None = None
    url: str | None = None
    telling: str | None = None
    asked: LinkRequest | None = None


class InboundSms(NamedTuple):
    """An SMS of a customer. ``id`` is the provider's and unique for ever; ``number`` (E.164) is the customer's; ``senders`` are
    the names that we may have written from, most often one number. ``acted_upon`` is the keyword that the provider found in it
    and answered by itself."""

    provider: str
    id: str
    number: str
    senders: tuple[str, ...]
    text: str
    acted_upon: Keyword | None = None


class WebhookRequest(NamedTuple):
    """One request as it came in. ``headers`` are found in any case; ``query_string`` is as it stands in the address, ``query``
    the same as names and values."""

    headers: Mapping[str, str]
    query_string: str
    query: Mapping[str, str]
    body: bytes


class WebhookContents(NamedTuple):
    """What an authentic request says, and the answer to give once that is recorded."""

    reports: tuple[DeliveryReport, ...] = ()
    replies: tuple[InboundSms, ...] = ()
    status: int = 204
    body: bytes | None = None
    media_type: str | None = None


class WebhookForged(Exception):
    """The request is not the provider's, or is too old. ``where`` names the header that shows it."""

    def __init__(self, code: str, message: str, where: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.where = where


class Webhook(Protocol):
    """One provider's webhook: ``path`` of the API, and the most bytes that are read of a request."""

    @property
    def path(self) -> str:
        """Where the provider reports to."""
        ...

    @property
    def largest(self) -> int:
        """Bytes of a body that are read."""
        ...

    async def read(self, request: WebhookRequest) -> WebhookContents:
        """Verify, then read. Raises ``WebhookForged``, ``InvalidInput``, and ``StoreUnavailable`` where the provider cannot be
        asked now, so that it reports again."""
        ...


_ACTED: Mapping[str, Keyword] = {"STOP": "stop", "START": "start", "HELP": "help"}


def keyword_acted_upon(word: object) -> Keyword | None:
    """The keyword that a provider acted upon by itself, as Twilio and Telnyx both write it."""
    return _ACTED.get(word.upper()) if isinstance(word, str) else None
