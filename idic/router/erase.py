"""Erasing a customer: everything that is known of them, and whatever is under way for them, in one transaction."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ScalarSelect, select

from idic.interact.reach import reach
from idic.journey.channels import ADDRESS_ATTRIBUTES, addressed
from idic.journey.engine.state import Ending
from idic.router.held_customer import HeldCustomer
from idic.router.hold import hold_customer
from idic.router.runtime import Runtime
from idic.store.customer import consents
from idic.store.customer import erase as stored
from idic.store.database import Store
from idic.store.enrollment import enrollments
from idic.store.journey.programs import vocabulary
from idic.store.tables import events, identities

REASON = "erased"
"""Why an enrollment ends whose customer is erased."""


class Erasure(NamedTuple):
    """``ended`` is how many enrollments were open. ``same_address`` are other customers who have the same email address or
    telephone number: perhaps the same person, of whom more is known under another id. ``already``: nothing was left."""

    customer_id: str
    ended: int
    same_address: tuple[str, ...]
    already: bool = False


async def erase(store: Store, runtime: Runtime, customer_id: str | ScalarSelect[str]) -> Erasure:
    """Forget a customer for good. Their enrollments end, what is claimed for them will not leave, and of what is leaving
    nothing is written down. The salted digests of their addresses stay, so that nobody writes to them by mistake.

    Raises ``NotFound``, ``StoreUnavailable``, and where a newer version wrote an enrollment of theirs ``StateUnreadable``.
    """

    async def work(held: HeldCustomer) -> Erasure:
        return await _forget(held)

    while True:
        async with store.reading() as tx:
            others = await tx.rows(
                select(events.c.customer_id)
                .where(events.c.merges == customer_id, events.c.routed_at.is_(None))
                .limit(1)
            )  # fmt: skip
        if not others:
            return await hold_customer(store, runtime, "erase", customer_id, work)
        # They have just turned out to be somebody: first that, or half of them would be left.
        await hold_customer(store, runtime, "route", others[0]["customer_id"], _nothing)


async def _nothing(_: HeldCustomer) -> None: ...


async def _forget(held: HeldCustomer) -> Erasure:
    tx = held.tx
    if held.customer.erased:
        return Erasure(held.id, 0, (), already=True)
    open_ = [one for one in await enrollments.affected(tx, held.id, held.now) if one.open]
    for enrollment in open_:
        await held.close(enrollment, Ending(kind="closed", reason=REASON, at=held.now))
    written = await _not_to_be_written_to(held)
    same = await stored.others_with_address(tx, held.id, written)
    await stored.forget(tx, held.id, held.now)
    return Erasure(held.id, len(open_), tuple(same))


async def _not_to_be_written_to(held: HeldCustomer) -> list[str]:
    """Keep the digests of where they were reached. Returns these addresses as they were written."""
    country = (await vocabulary(held.tx) or {}).get("country")
    known = await held.tx.rows(
        select(identities.c.kind, identities.c.value).where(
            identities.c.customer_id == held.id, identities.c.kind.in_(ADDRESS_ATTRIBUTES)
        )
    )
    traits = held.customer.traits
    told = [{name: traits.get(name)} for name in ADDRESS_ATTRIBUTES] + [{row["kind"]: row["value"]} for row in known]
    written = []
    for one in told:
        for channel, name in ((channel.name, channel.attribute) for channel in addressed()):
            if name is not None and one.get(name):
                written.append(str(one[name]))
                whole = {"country": traits.get("country"), **one}
                if address := reach(channel, held.id, whole, None, held.now, country).address:
                    await consents.suppress(held.tx, channel, address, consents.ERASED, held.now)
    return written
