"""Merge another customer, found to be the same person, into a held customer."""

from __future__ import annotations

from idic.journey.engine.state import Ending, Place
from idic.router.customer_facts import CustomerFacts
from idic.router.held_customer import HeldCustomer, NeedsLockTogether
from idic.router.schedule import days_merged
from idic.store import temporal_outbox
from idic.store.customer import customers, phone_numbers
from idic.store.customer.customers import CustomerRow
from idic.store.enrollment import enrollments


async def hold_other(held: HeldCustomer, customer_id: str) -> HeldCustomer | None:
    """Hold the customer to be merged into ``held``. None where there is nothing to merge.

    Raises ``NeedsLockTogether`` where the two are not locked in the order of their ids yet.
    """
    if customer_id == held.id:
        return None
    if not {customer_id, held.id} <= held.together:
        raise NeedsLockTogether(customer_id, held.id)
    other = await customers.lock(held.tx, customer_id)
    if other.erased_at is not None:
        return None  # erased meanwhile: nothing is left to take over
    if other.id == held.id or await customers.has_identity(held.tx, other.id, ["user_id"]):
        return None  # merged already, or has a user id of their own by now
    return HeldCustomer(CustomerFacts(held.tx, held.runtime, other), held.poison, held.together)


async def absorb(held: HeldCustomer, other: HeldCustomer, locked: CustomerRow, at: Place) -> None:
    """Take over everything of ``other``, whose events before the place ``at`` are routed. ``locked`` is their row as it was
    locked."""
    absorbed = locked._replace(traits=other.customer.traits)
    # What was due before the merge was due while they were two customers.
    theirs = [
        await other.advance_before(enrollment, at.accepted_at)
        for enrollment in await enrollments.affected(held.tx, absorbed.id, held.now)
    ]
    ours = [
        await held.advance_before(enrollment, at.accepted_at)
        for enrollment in await enrollments.affected(held.tx, held.id, held.now)
    ]
    inside = {(enrollment.journey, enrollment.key): enrollment for enrollment in ours if enrollment.open}
    for enrollment in theirs:
        if enrollment.open and (enrollment.journey, enrollment.key) in inside:
            # One person is in the same journey twice: the earlier enrollment goes on.
            both = sorted((enrollment, inside[enrollment.journey, enrollment.key]), key=lambda e: (e.state.entered_at, e.id))
            await held.close(both[1], Ending(kind="closed", reason="merged", at=held.now))
    customer = held.customer
    before = customer.traits, absorbed.traits
    customer.row = await customers.merge(held.tx, absorbed, customer.row._replace(traits=customer.traits), held.now)
    customer.traits = customer.row.traits
    customer.consents_changed()
    await phone_numbers.note_number(held.tx, absorbed.id, {}, held.now)
    await phone_numbers.note_number(held.tx, held.id, customer.traits, held.now)
    await days_merged(held.tx, held.runtime.programs, absorbed.id, customer.row, at.accepted_at)
    for moved, traits in zip((ours, theirs), before, strict=True):
        new = {name for name in {*traits, *customer.traits} if traits.get(name) != customer.traits.get(name)}
        now = [await enrollments.get(held.tx, enrollment.id) for enrollment in moved if enrollment.open]
        programs = [await held.runtime.programs.get(held.tx, enrollment.program_id) for enrollment in now]
        counted = {name for program in programs for name, _, _ in program.computed}
        after = await held.attributes_changed(now, {*new, *counted}, at.accepted_at)
        await temporal_outbox.put(held.tx, "wake", [a.id for b, a in zip(now, after, strict=True) if a.seq > b.seq])
