"""What customers answer by SMS, as providers hand it over."""

from __future__ import annotations

import re

import structlog

from idic.api.wait_until_settled import nothing_begins_to
from idic.api.withdraw_consent import tell
from idic.interact.sms_keywords import Keyword, keyword_of
from idic.store.customer import phone_numbers, sms_replies
from idic.store.customer.sms_replies import Incoming
from idic.store.database import Store

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_ID = re.compile(r"[A-Za-z0-9-]{2,64}")

log = structlog.get_logger("idic.api")


async def reply(store: Store, incoming: Incoming, *, acted_upon: Keyword | None = None) -> None:
    """Keep an answer, and do what its keyword says, before this returns. ``acted_upon`` is the keyword that the provider has
    found in it and answered by itself. What comes from no telephone is nobody's answer.

    Raises ``StoreUnavailable``: told again it is kept then.
    """
    if not _NUMBER.fullmatch(incoming.number) or not _ID.fullmatch(incoming.id):
        log.warning("an SMS that comes from no number, or has no id", provider=incoming.provider)
        return
    keyword = acted_upon or keyword_of(incoming.text)
    answer = incoming._replace(keyword=keyword, answered=acted_upon is not None)
    await tell(store, lambda tx: sms_replies.receive(tx, answer))
    if keyword == "stop":
        # Also to somebody of whom it was learnt a moment ago that the number is theirs.
        await nothing_begins_to(store, phone_numbers.CHANNEL, answer.number)


_ACTED: dict[str, Keyword] = {"STOP": "stop", "START": "start", "HELP": "help"}


def acted_upon(word: object) -> Keyword | None:
    """The keyword that a provider acted upon by itself, as Twilio and Telnyx both write it."""
    return _ACTED.get(word.upper()) if isinstance(word, str) else None
