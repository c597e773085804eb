"""Keep the SMS that customers send us, as providers hand them over."""

from __future__ import annotations

import re

import structlog

from idic.api.wait_until_settled import nothing_begins_to
from idic.api.withdraw_consent import tell
from idic.interact.sms_keywords import keyword_of
from idic.providers.webhook import InboundSms
from idic.store.customer import phone_numbers, sms_replies
from idic.store.customer.sms_replies import Incoming
from idic.store.database import Store

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_ID = re.compile(r"[A-Za-z0-9-]{2,64}")

log = structlog.get_logger("idic.api")


async def take(store: Store, sms: InboundSms) -> None:
    """Keep an SMS and do what its keyword says, before this returns. One that comes from no telephone is dropped.

    Raises ``StoreUnavailable``: the provider then hands it over again.
    """
    if not _NUMBER.fullmatch(sms.number) or not _ID.fullmatch(sms.id):
        log.warning("an SMS that comes from no number, or has no id", provider=sms.provider)
        return
    keyword = sms.acted_upon or keyword_of(sms.text)
    incoming = Incoming(sms.provider, sms.id, sms.number, sms.senders, sms.text, keyword, answered=sms.acted_upon is not None)
    await tell(store, lambda tx: sms_replies.receive(tx, incoming))
    if keyword == "stop":
        # Also to customers of whom we learnt only a moment ago that the number is theirs.
        await nothing_begins_to(store, phone_numbers.CHANNEL, incoming.number)
