"""Enter a customer into a journey because a service asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from idic.errors import StoreUnavailable
from idic.journey.engine.admission import REQUESTED
from idic.router.customer_facts import CustomerFacts
from idic.router.enter_journey import enter
from idic.router.held_customer import HeldCustomer, SetAside
from idic.router.route import catch_up
from idic.router.runtime import Runtime
from idic.store.customer import customers, events
from idic.store.database import Tx


class EnrollResult(NamedTuple):
    """``enrollment_id`` of the open enrollment, new or found; None when the journey does not take the customer now."""

    enrollment_id: str | None
    entered: bool
    reason: str | None


async def enroll(
    runtime: Runtime,
    tx: Tx,
    journey: str,
    customer_id: str,
    properties: Mapping[str, Any],
    *,
    occurred_at: datetime | None,
) -> EnrollResult:
    """Ask the journey for entry now, under its own conditions, with ``properties`` as ``entry.…``; in the caller's
    transaction, which must write.

    Raises ``NotFound`` for a journey that is not published, ``StoreUnavailable`` when something else is happening to this
    customer that must be done first (the router is at it: try again).
    """
    program_id, program = await runtime.programs.of(tx, journey)
    held = HeldCustomer(CustomerFacts(tx, runtime, await customers.lock(tx, customer_id)))
    if held.customer.erased:
        raise StoreUnavailable("the customer was erased just now; try again, and somebody new enters")
    try:
        await catch_up(held)
    except SetAside as other:
        raise StoreUnavailable("the customer's earlier events are being routed; try again in a moment") from other
    event = await events.insert_routed(tx, held.id, REQUESTED, dict(properties), held.now, occurred_at or held.now)
    entered = await enter(held, program_id, program, event)
    refusal = entered.refusal
    return EnrollResult(entered.enrollment_id, refusal is None, refusal.reason if refusal else None)
