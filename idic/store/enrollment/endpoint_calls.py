"""Calls of endpoints: created in the transaction that reached their step, made and settled afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import JsonValue
from sqlalchemy import ScalarSelect, select, update

from idic.errors import NotFound
from idic.journey.engine.protocol import CallRequest
from idic.store.database import Tx
from idic.store.tables import calls


class EndpointCall(NamedTuple):
    """A row of ``calls``: one call of an endpoint for one enrollment. ``given`` are its parameters by name; ``status`` is
    ``asked``, ``answered`` or ``failed``."""

    id: str
    enrollment_id: str
    customer_id: str
    step: str
    round: int
    endpoint: str
    given: Mapping[str, JsonValue]
    status: str
    reason: str | None
    detail: str | None
    attempts: int
    answer_by: datetime
    asked_at: datetime
    settled_at: datetime | None


def call_id(enrollment_id: str, step: str, round_: int) -> str:
    """The id of a call: a digest of what makes it unique. It is the idempotency key that every try carries."""
    parts = "\x1f".join((enrollment_id, "call", step, str(round_)))
    return hashlib.blake2b(parts.encode(), digest_size=16).hexdigest()


async def ask(tx: Tx, enrollment_id: str, customer_id: str, endpoint: str, request: CallRequest, *, at: datetime) -> None:
    """Create a call. One that is there already stays as it is."""
    await tx.execute(
        tx.insert(calls)
        .values(
            id=call_id(enrollment_id, request.step, request.round),
            enrollment_id=enrollment_id,
            customer_id=customer_id,
            step=request.step,
            round=request.round,
            endpoint=endpoint,
            given=dict(request.given),
            status="asked",
            answer_by=request.answer_by,
            asked_at=at,
        )
        .on_conflict_do_nothing(index_elements=[calls.c.id])
    )


async def get(tx: Tx, call: str) -> EndpointCall:
    """The call with this id. Raises ``NotFound``."""
    row = await tx.row(select(calls).where(calls.c.id == call))
    if row is None:
        raise NotFound(f"there is no call {call}")
    return EndpointCall(**row)


def customer_of(call: str) -> ScalarSelect[str]:
    """A subquery for the call's customer, to be part of the statement that needs it."""
    return select(calls.c.customer_id).where(calls.c.id == call).scalar_subquery()


async def mark(tx: Tx, call: str, **columns: Any) -> None:
    """Write these columns of a call."""
    await tx.execute(update(calls).where(calls.c.id == call).values(**columns))
