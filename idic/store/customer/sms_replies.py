"""Take in an SMS from a customer: find the customer and the message it answers, and obey its keyword.

All in one transaction. A STOP holds from then on: the number is suppressed and every customer who has it has withdrawn,
whatever becomes of the events later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from idic.interact import consent
from idic.interact.sms_keywords import Keyword
from idic.store.customer import consents, phone_numbers
from idic.store.customer.ingest import Observation, is_recorded
from idic.store.customer.phone_numbers import CHANNEL
from idic.store.database import Tx
from idic.store.enrollment import enrollments
from idic.store.tables import consents as ledger

LONGEST_TEXT = 1600
"""How many characters of a reply are stored: as many as carriers join into one message."""


class Incoming(NamedTuple):
    """An SMS from a provider. ``id`` is the provider's, and unique; ``number`` (E.164) is the customer's; ``senders`` are the
    names under which we may have sent to it, most often one number. ``answered``: the provider has replied by itself."""

    provider: str
    id: str
    number: str
    senders: tuple[str, ...]
    text: str
    keyword: Keyword | None = None
    answered: bool = False

    @property
    def name(self) -> str:
        """The id with its provider."""
        return f"{self.provider}:{self.id}"


async def receive(tx: Tx, incoming: Incoming) -> Sequence[Observation]:
    """Obey the keyword, and return the observations to store: consents come first, so that a journey entered by the reply sees
    them. The same SMS again has no further effect."""
    again = await is_recorded(tx, _once(incoming))
    holders = await phone_numbers.find_holders(tx, incoming.number, incoming.senders)
    if holders is None and again:
        return []  # erased since
    if holders is None:
        id_ = await phone_numbers.customer_by_number(tx, incoming.number)
        holders = phone_numbers.NumberHolders((id_,), id_, None)
    observations = []
    match incoming.keyword:
        case "stop":
            if not again:
                await consents.suppress(tx, CHANNEL, incoming.number, consents.OPTED_OUT, tx.now())
            for customer in holders.customers:
                observations += [_withdrawn(incoming, customer, purpose) for purpose in await _purposes(tx, customer)]
        case "start":
            if not again:
                await consents.lift(tx, CHANNEL, incoming.number, {consents.OPTED_OUT})
            observations.append(_given(incoming, holders.answering, {"act": "keyword"}))
        case "yes" if asked := await _asked_to_confirm(tx, incoming, holders):
            observations.append(_given(incoming, holders.answering, {**asked, "act": consent.DOUBLE_OPT_IN}))
    return [*observations, _replied(incoming, holders)]


def _once(incoming: Incoming) -> str:
    return f"replied:{incoming.name}"


def _replied(incoming: Incoming, holders: phone_numbers.NumberHolders) -> Observation:
    touch = holders.touch
    properties: dict[str, Any] = {"channel": CHANNEL, "answered": incoming.answered}
    if text := incoming.text[:LONGEST_TEXT]:
        properties["text"] = text
    if incoming.keyword is not None:
        properties["keyword"] = incoming.keyword
    if touch is None:
        return Observation("Replied", holders.answering, None, None, properties, _once(incoming))
    if touch.round > 1:
        properties["round"] = touch.round
    properties["step"] = touch.step
    return Observation("Replied", holders.answering, touch.enrollment_id, touch.step, properties, _once(incoming))


def _withdrawn(incoming: Incoming, customer: str, purpose: str) -> Observation:
    properties = {"channel": CHANNEL, "purpose": purpose, "act": "keyword", "confirmed": True, "proof": incoming.name}
    return Observation(consent.WITHDRAWN, customer, None, None, properties, f"withdrawn:{incoming.name}:{customer}:{purpose}")


def _given(incoming: Incoming, customer: str, more: dict[str, Any]) -> Observation:
    properties = {"channel": CHANNEL, "confirmed": True, "proof": incoming.name, **more}
    return Observation(consent.GIVEN, customer, None, None, properties, f"given:{incoming.name}")


async def _purposes(tx: Tx, customer: str) -> list[str]:
    """Every purpose that a customer's ledger has for this channel: STOP withdraws them all."""
    spoken = select(ledger.c.purpose).where(ledger.c.customer_id == customer, ledger.c.channel == CHANNEL).distinct()
    return sorted({consent.MARKETING, *(row["purpose"] for row in await tx.rows(spoken))})


async def _asked_to_confirm(tx: Tx, incoming: Incoming, holders: phone_numbers.NumberHolders) -> dict[str, Any] | None:
    """The consent that the answered message asks to confirm: its journey was entered by that consent, which is unconfirmed. To
    any other message "yes" is an ordinary reply; so is "ok" after a STOP, which only START takes back."""
    touch = holders.touch
    if touch is None or touch.attempted_at is None or tx.now() > touch.attempted_at + consent.CONFIRMED_WITHIN:
        return None
    suppressed = await consents.suppression_of(tx, CHANNEL, incoming.number)
    if suppressed is not None and suppressed.reason == consents.OPTED_OUT:
        return None
    entry = (await enrollments.get(tx, touch.enrollment_id)).state.entry
    if entry.name != consent.GIVEN:
        return None
    try:
        statement = consent.read(entry.name, entry.properties)
    except ValueError:
        return None
    if statement.channel != CHANNEL or statement.confirmed:
        return None
    if consent.was_withdrawn(await consents.entries(tx, holders.answering), statement, entry.accepted_at):
        return None
    return {"purpose": statement.purpose, **({"topic": statement.topic} if statement.topic else {})}
