"""The customer behind a link, with their accepted but unrouted events applied.

A customer must see their last change at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from idic.differentiate.profile import zone_of
from idic.errors import NotFound, StoreUnavailable
from idic.identify.names import attribute_name
from idic.interact import consent, preferences
from idic.interact.consent import ConsentEntry
from idic.interact.reach import reach
from idic.interact.tracking.links import PageOwner
from idic.journey.channels import is_placed
from idic.store.customer import consents, customers, events
from idic.store.customer.events import StoredEvent
from idic.store.database import Tx
from idic.store.enrollment import touches
from idic.store.enrollment.enrollments import StateUnreadable
from idic.store.enrollment.touches import Touch
from idic.store.journey import programs
from idic.store.journey.policies import PolicyUnreadable
from idic.store.journey.programs import ProgramMissing

UNAVAILABLE = (StoreUnavailable, ProgramMissing, PolicyUnreadable, StateUnreadable)
"""Temporary errors that keep a page from being shown."""


class Forgotten(NotFound):
    """The customer's data was erased."""

    code = "erased"


class PageCustomer(NamedTuple):
    """The customer of a page. ``touch`` is the message whose link was opened, if any; ``proven`` is the channel on which
    that message went to the customer's current address."""

    id: str
    traits: Mapping[str, Any]
    entries: list[ConsentEntry]
    fewer: bool
    paused_until: datetime | None
    web_seen_at: datetime | None
    now: datetime
    touch: Touch | None = None
    proven: str | None = None

    def paused(self) -> datetime | None:
        """Until when the customer's break lasts; None if there is none."""
        return self.paused_until if self.paused_until and self.paused_until > self.now else None

    def owns(self, channel: str) -> bool:
        """Whether the visitor certainly owns the address: they opened a link from a message that was sent to it."""
        return self.proven == channel

    def zone(self, fallback: str) -> str:
        """The customer's time zone (IANA), or ``fallback``."""
        return zone_of(self.traits, fallback)


async def behind(tx: Tx, whose: PageOwner) -> PageCustomer:
    """Read the customer behind a link; a merged customer becomes the surviving one. Raises ``NotFound``, or ``Forgotten``
    after erasure."""
    touch = await touches.get(tx, whose.touch) if whose.touch is not None else None
    customer_id = await customers.current_id(tx, touch.customer_id if touch else whose.customer or "")
    row = await customers.get(tx, customer_id)
    if row is None:
        raise NotFound("there is no such customer")
    if row.erased_at is not None:
        raise Forgotten("this customer's data was erased")
    person = PageCustomer(
        id=row.id,
        traits=row.traits,
        entries=await consents.entries(tx, row.id),
        fewer=row.fewer,
        paused_until=row.paused_until,
        web_seen_at=row.web_seen_at,
        now=tx.now(),
        touch=touch,
    )
    for waiting in await events.unrouted(tx, row.id):
        person = _after(person, waiting)
    return person._replace(proven=await _proven(tx, person))


async def digest_of(tx: Tx, person: PageCustomer, channel: str) -> str | None:
    """The digest of the customer's address on a channel, or None."""
    country = (await programs.vocabulary(tx) or {}).get("country")
    address = reach(channel, person.id, person.traits, None, person.now, country).address
    return await consents.address_digest(tx, channel, address) if address is not None else None


async def _proven(tx: Tx, person: PageCustomer) -> str | None:
    """The channel whose current address got this message. A customer who changed the address proves nothing about the new
    one."""
    touch = person.touch
    if touch is None or is_placed(touch.channel):
        return None
    now = await digest_of(tx, person, touch.channel)
    # Older versions didn't record the recipient.
    return touch.channel if now is not None and touch.recipient in (None, now) else None


def _after(person: PageCustomer, row: StoredEvent) -> PageCustomer:
    """The person as the router will see them after this event."""
    properties = row.properties
    if row.kind == "identify":
        traits = {**person.traits, **{attribute_name(name): value for name, value in properties.items()}}
        return person._replace(traits={name: value for name, value in traits.items() if value is not None})
    if row.name in consent.EVENTS:
        try:
            statement = consent.read(row.name, properties)
        except ValueError:
            return person
        entry = ConsentEntry(statement, consent.since(statement, row.accepted_at, row.occurred_at))
        return person._replace(entries=sorted([*person.entries, entry], key=attrgetter("at")))
    if row.kind == "own" and row.name == preferences.CHANGED:
        return person._replace(**preferences.read(properties)._asdict())
    return person
