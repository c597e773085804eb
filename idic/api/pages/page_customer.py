"""Whose page it is: the customer behind a link, with everything taken in that was accepted and is not routed yet, so that
nobody is shown as it was what they have just changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import select

from idic.differentiate.profile import zone_of
from idic.errors import NotFound, StoreUnavailable
from idic.identify.names import attribute_name
from idic.interact import consent, preferences
from idic.interact.consent import Entry
from idic.interact.reach import reach
from idic.interact.tracking.links import Whose
from idic.store.customer import consents, customers, events
from idic.store.database import Tx
from idic.store.enrollment import touches
from idic.store.enrollment.enrollments import StateUnreadable
from idic.store.journey import programs
from idic.store.journey.policies import PolicyUnreadable
from idic.store.journey.programs import ProgramMissing
from idic.store.tables import Row
from idic.store.tables import customers as rows_of_customers

UNAVAILABLE = (StoreUnavailable, ProgramMissing, PolicyUnreadable, StateUnreadable)
"""What keeps a page from being shown, and does not last."""


class Forgotten(NotFound):
    """Of whom everything was erased."""

    code = "erased"


class Person(NamedTuple):
    """``touch`` is the message with whose link they came, if with one's; ``proven`` the channel on which it went to the
    address that they have now."""

    id: str
    traits: Mapping[str, Any]
    entries: list[Entry]
    fewer: bool
    paused_until: datetime | None
    web_seen_at: datetime | None
    now: datetime
    touch: Row | None = None
    proven: str | None = None

    def paused(self) -> datetime | None:
        """Until when they want no advertising, if that is not over."""
        return self.paused_until if self.paused_until and self.paused_until > self.now else None

    def owns(self, channel: str) -> bool:
        """Whether it is certain that who looks at the page owns the address: they have read a message that went to it."""
        return self.proven == channel

    def zone(self, fallback: str) -> str:
        """Where they live (IANA), as far as anybody knows."""
        return zone_of(self.traits, fallback)


async def behind(tx: Tx, whose: Whose) -> Person:
    """Of somebody who was merged, who they became. Raises ``NotFound``, and ``Forgotten`` where all is erased."""
    touch = await touches.get(tx, whose.touch) if whose.touch is not None else None
    customer_id = await customers.root(tx, touch["customer_id"] if touch else whose.customer or "")
    row = await tx.row(select(rows_of_customers).where(rows_of_customers.c.id == customer_id))
    if row is None:
        raise NotFound("there is no such customer")
    if row["erased_at"] is not None:
        raise Forgotten("nothing is known of this customer any more")
    person = Person(
        id=row["id"],
        traits=row["traits"],
        entries=await consents.entries(tx, row["id"]),
        fewer=row["fewer"],
        paused_until=row["paused_until"],
        web_seen_at=row["web_seen_at"],
        now=tx.now(),
        touch=touch,
    )
    for waiting in await events.unrouted(tx, row["id"]):
        person = _after(person, waiting)
    return person._replace(proven=await _proven(tx, person))


async def digest_of(tx: Tx, person: Person, channel: str) -> str | None:
    """Of the address that somebody has on a channel, if they have one."""
    country = (await programs.vocabulary(tx) or {}).get("country")
    address = reach(channel, person.id, person.traits, None, person.now, country).address
    return await consents.digested(tx, channel, address) if address is not None else None


async def _proven(tx: Tx, person: Person) -> str | None:
    """Whoever changes an address shows nothing of the new one by what went to the old one."""
    touch = person.touch
    if touch is None or touch["channel"] == "web":
        return None
    now = await digest_of(tx, person, touch["channel"])
    # Of messages of older versions nobody knows where they went.
    return touch["channel"] if now is not None and touch["recipient"] in (None, now) else None


def _after(person: Person, row: Row) -> Person:
    """As the router will see them once it has seen this event."""
    properties = row["properties"]
    if row["kind"] == "identify":
        told = {**person.traits, **{attribute_name(name): value for name, value in properties.items()}}
        return person._replace(traits={name: value for name, value in told.items() if value is not None})
    if row["name"] in consent.EVENTS:
        try:
            said = consent.read(row["name"], properties)
        except ValueError:
            return person
        entry = Entry(said, consent.since(said, row["accepted_at"], row["occurred_at"]))
        return person._replace(entries=sorted([*person.entries, entry], key=attrgetter("at")))
    if row["kind"] == "own" and row["name"] == preferences.CHANGED:
        return person._replace(**preferences.read(properties)._asdict())
    return person
