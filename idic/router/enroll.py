"""Enroll a customer in a journey because a service asked for it."""

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
    """The answer to a service. ``enrollment_id`` is the open enrollment, new or existing; None if the journey does not take
    the customer now."""

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
    """Ask the journey for entry now, under its own conditions, with ``properties`` as ``entry.…``. It happens in the caller's
    transaction, which must be one that writes.

    Raises ``NotFound`` for a journey that is not published, ``StoreUnavailable`` if the customer's earlier events must be
    routed first (the router is at it: try again).
    """
    program_id, program = await runtime.programs.of(tx, journey)
    held = HeldCustomer(CustomerFacts(tx, runtime, await customers.lock(tx, customer_id)))
    if held.customer.erased:
        raise StoreUnavailable("the customer was erased just now; try again, and a new customer enters")
    try:
        await catch_up(held)
    except SetAside as error:
        raise StoreUnavailable("the customer's earlier events are being routed; try again in a moment") from error
    event = await events.insert_routed(tx, held.id, REQUESTED, dict(properties), held.now, occurred_at or held.now)
    result = await enter(held, program_id, program, event)
    refusal = result.refusal
    return EnrollResult(result.enrollment_id, refusal is None, refusal.reason if refusal else None)
