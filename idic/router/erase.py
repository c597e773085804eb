"""Erasing a customer: everything that is known of them, and whatever is under way for them, in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ScalarSelect, select

from idic.interact.reach import reach
from idic.journey.channels import ADDRESS_ATTRIBUTES, addressed
from idic.journey.engine.state import Ending
from idic.router.held_customer import Hold, holding
from idic.router.runtime import Runtime
from idic.store.customer import consents
from idic.store.customer import erase as stored
from idic.store.database import Store
from idic.store.enrollment import enrollments
from idic.store.journey.programs import vocabulary
from idic.store.tables import events, identities

REASON = "erased"
"""Why an enrollment ends whose customer is erased."""


class Erased(NamedTuple):
    """``ended`` is how many enrollments were open. ``same_address`` are other customers who have the same email address or
    telephone number: perhaps the same person, of whom more is known under another id. ``already``: nothing was left."""

    customer_id: str
    ended: int
    same_address: tuple[str, ...]
    already: bool = False


async def erase(store: Store, runtime: Runtime, customer_id: str | ScalarSelect[str]) -> Erased:
    """Forget a customer for good. Their enrollments end, what is claimed for them will not leave, and of what is leaving
    nothing is written down. The salted digests of their addresses stay, so that nobody writes to them by mistake.

    Raises ``NotFound``, ``StoreUnavailable``, and where a newer version wrote an enrollment of theirs ``StateUnreadable``.
    """

    async def work(hold: Hold) -> Erased:
        return await _forget(hold)

    while True:
        async with store.reading() as tx:
            others = await tx.rows(
                select(events.c.customer_id)
                .where(events.c.merges == customer_id, events.c.routed_at.is_(None))
                .limit(1)
            )  # fmt: skip
        if not others:
            return await holding(store, runtime, "erase", customer_id, work)
        # They have just turned out to be somebody: first that, or half of them would be left.
        await holding(store, runtime, "route", others[0]["customer_id"], _nothing)


async def _nothing(_: Hold) -> None: ...


async def _forget(hold: Hold) -> Erased:
    tx = hold.tx
    if hold.erased:
        return Erased(hold.id, 0, (), already=True)
    open_ = [one for one in await enrollments.concerned(tx, hold.id, hold.now) if one.open]
    for enrollment in open_:
        await hold.close(enrollment, Ending(kind="closed", reason=REASON, at=hold.now))
    written = await _not_to_be_written_to(hold)
    same = await stored.others_with_address(tx, hold.id, written)
    await stored.forget(tx, hold.id, hold.now)
    return Erased(hold.id, len(open_), tuple(same))


async def _not_to_be_written_to(hold: Hold) -> list[str]:
    """Keep the digests of where they were reached. Returns these addresses as they were written."""
    country = (await vocabulary(hold.tx) or {}).get("country")
    known = await hold.tx.rows(
        select(identities.c.kind, identities.c.value).where(
            identities.c.customer_id == hold.id, identities.c.kind.in_(ADDRESS_ATTRIBUTES)
        )
    )
    told = [{name: hold.traits.get(name)} for name in ADDRESS_ATTRIBUTES] + [{row["kind"]: row["value"]} for row in known]
    written = []
    for one in told:
        for channel, name in ((channel.name, channel.attribute) for channel in addressed()):
            if name is not None and one.get(name):
                written.append(str(one[name]))
                whole = {"country": hold.traits.get("country"), **one}
                if address := reach(channel, hold.id, whole, None, hold.now, country).address:
                    await consents.suppress(hold.tx, channel, address, consents.ERASED, hold.now)
    return written
