"""Erase a customer: all their data, and everything under way for them, in one transaction."""

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
"""The reason of an enrollment that ended because its customer was erased."""


class Erasure(NamedTuple):
    """What was erased. ``ended`` is how many enrollments were open. ``same_address`` are other customers with the same email
    address or phone number: perhaps the same person under another id. ``already``: they were erased before."""

    customer_id: str
    ended: int
    same_address: tuple[str, ...]
    already: bool = False


async def erase(store: Store, runtime: Runtime, customer_id: str | ScalarSelect[str]) -> Erasure:
    """Erase a customer for good. Their enrollments end, touches claimed for them will not leave, and nothing is recorded of
    a message that is leaving. The salted digests of their addresses stay, so that nobody writes to them by mistake.

    Raises ``NotFound``, ``StoreUnavailable``, and ``StateUnreadable`` if a newer version wrote an enrollment of theirs.
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
        # They are about to be merged into another customer: do that first, or half of their data would stay.
        await hold_customer(store, runtime, "route", others[0]["customer_id"], _nothing)


async def _nothing(_: HeldCustomer) -> None: ...


async def _forget(held: HeldCustomer) -> Erasure:
    tx = held.tx
    if held.customer.erased:
        return Erasure(held.id, 0, (), already=True)
    affected = await enrollments.affected(tx, held.id, held.now)
    open_ = [enrollment for enrollment in affected if enrollment.open]
    for enrollment in open_:
        await held.close(enrollment, Ending(kind="closed", reason=REASON, at=held.now))
    written = await _suppress_addresses(held)
    same = await stored.others_with_address(tx, held.id, written)
    await stored.forget(tx, held.id, held.now)
    return Erasure(held.id, len(open_), tuple(same))


async def _suppress_addresses(held: HeldCustomer) -> list[str]:
    """Suppress their addresses, which keeps only digests of them. Returns the addresses as they were written."""
    country = (await vocabulary(held.tx) or {}).get("country")
    known = await held.tx.rows(
        select(identities.c.kind, identities.c.value).where(
            identities.c.customer_id == held.id, identities.c.kind.in_(ADDRESS_ATTRIBUTES)
        )
    )
    traits = held.customer.traits
    addresses = [{name: traits.get(name)} for name in ADDRESS_ATTRIBUTES] + [{row["kind"]: row["value"]} for row in known]
    written = []
    for known_address in addresses:
        for channel, name in ((channel.name, channel.attribute) for channel in addressed()):
            if name is not None and known_address.get(name):
                written.append(str(known_address[name]))
                whole = {"country": traits.get("country"), **known_address}
                if address := reach(channel, held.id, whole, None, held.now, country).address:
                    await consents.suppress(held.tx, channel, address, consents.ERASED, held.now)
    return written
