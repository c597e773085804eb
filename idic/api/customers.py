"""Read a customer: identities, traits, consents, recent enrollments and touches."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue
from sqlalchemy import select

from idic.api.enrollments import EnrollmentSummary, summary
from idic.api.problem_details import problem
from idic.errors import NotFound
from idic.store.customer import consents, customers
from idic.store.customer.customers import CustomerRow
from idic.store.database import Store, Tx
from idic.store.tables import enrollments, identities, touches

ENROLLMENTS = 100
"""How many of the most recent enrollments are returned."""
TOUCHES = 20
"""How many of the most recent touches are returned."""


class IdentityOut(BaseModel):
    """One identity (kind and value) that points at the customer."""

    kind: str
    value: str


class ConsentOut(BaseModel):
    """The latest consent for a channel and topic; a null topic covers every topic."""

    channel: str
    topic: str | None
    given: bool
    at: datetime


class TouchOut(BaseModel):
    """A message to the customer; ``at`` is when it reached this status (UTC)."""

    id: str
    enrollment_id: str
    step: str
    channel: str
    message: str
    status: str
    reason: str | None
    at: datetime


class CustomerOut(BaseModel):
    """A customer: ``traits`` by attribute name, enrollments and touches newest first."""

    id: str
    traits: dict[str, JsonValue]
    identities: list[IdentityOut]
    enrollments: list[EnrollmentSummary]
    consents: list[ConsentOut]
    touches: list[TouchOut]
    created_at: datetime
    erased_at: datetime | None


Kind = Literal["user_id", "anonymous_id", "id"]
"""The kind of the id in the path."""


def add_customers(router: APIRouter, store: Store) -> None:
    """Add the endpoint that reads a customer."""

    @router.get(
        "/v1/customers/{identifier:path}",
        tags=["customers"],
        summary="Read a customer",
        responses={404: problem()},
    )
    async def get_customer(identifier: str, kind: Kind | None = None) -> CustomerOut:
        """By user id or idic's own id; `kind` says which kind of id is meant. A customer who was merged is shown as the
        one they became."""
        async with store.reading() as tx:
            return await _told(tx, await found(tx, identifier, kind))


async def found(tx: Tx, identifier: str, kind: Kind | None) -> CustomerRow:
    """Find the customer's row; a merged customer's is the row of the customer they became. Raises ``NotFound``."""
    if "\0" in identifier:  # no id contains NUL, and PostgreSQL refuses it
        raise NotFound("there is no such customer")
    customer_id: str | None = None
    if kind != "id":
        customer_id = await tx.scalar(
            select(identities.c.customer_id).where(identities.c.kind == (kind or "user_id"), identities.c.value == identifier)
        )
    if kind in {None, "id"}:
        customer_id = customer_id or identifier
    while customer_id is not None:
        row = await customers.get(tx, customer_id)
        if row is None:
            break
        if row.merged_into is None:
            return row
        customer_id = row.merged_into
    raise NotFound("there is no such customer")


async def _told(tx: Tx, row: CustomerRow) -> CustomerOut:
    customer_id = row.id
    known = await tx.rows(
        select(identities.c.kind, identities.c.value)
        .where(identities.c.customer_id == customer_id)
        .order_by(identities.c.kind.desc(), identities.c.value)
    )
    entered = await tx.rows(
        select(enrollments)
        .where(enrollments.c.customer_id == customer_id)
        .order_by(enrollments.c.entered_at.desc(), enrollments.c.id)
        .limit(ENROLLMENTS)
    )
    touched = await tx.rows(
        select(touches)
        .where(touches.c.customer_id == customer_id)
        .order_by(touches.c.claimed_at.desc(), touches.c.id)
        .limit(TOUCHES)
    )
    latest = {(word.channel, word.topic): word for word in await consents.ledger_of(tx, customer_id)}
    return CustomerOut(
        id=customer_id,
        traits=row.traits,
        identities=[IdentityOut(**identity) for identity in known],
        enrollments=[summary(enrollment) for enrollment in entered],
        consents=[ConsentOut.model_validate(word._asdict(), extra="ignore") for word in latest.values()],
        touches=[
            TouchOut.model_validate(
                {**touch, "at": touch["settled_at"] or touch["attempted_at"] or touch["claimed_at"]}, extra="ignore"
            )
            for touch in touched
        ],
        created_at=row.created_at,
        erased_at=row.erased_at,
    )
