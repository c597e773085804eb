"""Enroll a customer on request, and read where an enrollment stands and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, JsonValue
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from idic.api import idempotency
from idic.api.idempotency import StoredAnswer
from idic.api.problem_details import HttpRefusal, problem
from idic.api.request_bodies import read_body
from idic.errors import InvalidInput, NotFound
from idic.identify.messages import read_identifier, read_moment, read_object
from idic.identify.resolution import UserIds
from idic.journey.engine.trace import sentence
from idic.journey.program.program import Program
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.read_json import read_json_object
from idic.store.customer.ingest import customer_of
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments as stored
from idic.store.journey import programs
from idic.store.tables import Row, enrollments, journeys


class EnrollmentResult(Protocol):
    """The result of an enrollment request: ``enrollment_id`` of the open enrollment, new or existing.

    It is None when the journey doesn't admit this customer now; ``reason`` then says why, in words.
    """

    @property
    def enrollment_id(self) -> str | None: ...

    @property
    def entered(self) -> bool: ...

    @property
    def reason(self) -> str | None: ...


class EnterCustomer(Protocol):
    """Enter a customer into a published journey, inside the given transaction.

    The customer's row isn't locked yet, and the customer may have been merged since the lookup. ``occurred_at`` is the
    caller's time of the event, in UTC.
    """

    async def __call__(
        self, tx: Tx, journey: str, customer_id: str, properties: Mapping[str, Any], *, occurred_at: datetime | None
    ) -> EnrollmentResult: ...


class EnrollmentRequest(BaseModel):
    """Give ``user_id`` or ``anonymous_id``. The journey reads ``properties`` as ``entry.…``."""

    user_id: str | None = None
    anonymous_id: str | None = None
    properties: dict[str, JsonValue] = {}
    occurred_at: datetime | None = None


class EnrollmentAnswer(BaseModel):
    """``entered`` is false if the customer is in the journey already or may not enter now; ``reason`` says which."""

    enrollment_id: str | None
    customer_id: str
    entered: bool
    reason: str | None


class TraceEntry(BaseModel):
    """One entry of the trace; ``text`` is its plain sentence."""

    at: datetime
    kind: str
    step: str | None
    why: dict[str, JsonValue]
    text: str


class EnrollmentSummary(BaseModel):
    """``ended_at`` is null while the enrollment is open; ``deadline`` is when the current step ends by itself (UTC)."""

    id: str
    customer_id: str
    journey: str
    program_id: str
    key: str | None
    segment: str | None
    step: str | None
    deadline: datetime | None
    entered_at: datetime
    ended_at: datetime | None
    ending: str | None
    reason: str | None
    goal_at: datetime | None
    goal_value: float | None


class EnrollmentDetail(EnrollmentSummary):
    """An enrollment with its whole trace."""

    trace: list[TraceEntry]


def summary(row: Row) -> EnrollmentSummary:
    """Make a summary from a row of ``enrollments``."""
    fields = {name: row[name] for name in EnrollmentSummary.model_fields if name not in {"key", "segment"}}
    return EnrollmentSummary(**fields, key=row["key"] or None, segment=row["state"].get("segment"))


def add_enrollments(router: APIRouter, store: Store, enroll: EnterCustomer, limit: int) -> None:
    """Add the enrollment endpoints. ``limit`` is the largest request body in bytes."""
    known = programs.Programs()

    @router.post(
        "/v1/journeys/{journey}/enrollments",
        tags=["enrollments"],
        summary="Enroll a customer in a journey",
        status_code=201,
        response_model=EnrollmentAnswer,
        responses={
            200: {"model": EnrollmentAnswer, "description": "Nobody entered: in it already, or not now"},
            404: problem("No such journey is published"),
            409: problem("The journey is stopped: nobody enters until it is published again"),
            422: problem("Required properties are missing or wrong, or the Idempotency-Key was used for another request"),
            503: problem("Nothing was done; try again after Retry-After"),
        },
        openapi_extra=body_of(EnrollmentRequest),
    )
    async def enroll_customer(
        journey: str, request: Request, idempotency_key: str | None = Header(None, max_length=idempotency.LONGEST_KEY)
    ) -> Response:
        """The same Idempotency-Key with the same body gives the same answer again and enrolls once."""
        body = read_json_object(await read_body(request, limit))
        person = _person(body)
        properties = read_object(body.get("properties"), "properties")
        occurred_at = read_moment(body.get("occurred_at"), "occurred_at")

        async def work(tx: Tx) -> StoredAnswer:
            await _published(tx, journey)
            _, program = await known.of(tx, journey)
            await _hold_against_vocabulary(tx, program, properties)
            customer_id = await customer_of(tx, person)
            admission = await enroll(tx, journey, customer_id, properties, occurred_at=occurred_at)
            answer = EnrollmentAnswer(
                enrollment_id=admission.enrollment_id,
                customer_id=customer_id,
                entered=admission.entered,
                reason=admission.reason,
            )
            return StoredAnswer(201 if admission.entered else 200, answer.model_dump(mode="json"))

        digest = idempotency.request_digest(request.url.path, body)
        answer = await store.move("enroll", lambda tx: idempotency.once(tx, idempotency_key, digest, lambda: work(tx)))
        # Through the model, because PostgreSQL returns JSON fields in its own order.
        told = EnrollmentAnswer.model_validate(answer.body).model_dump(mode="json")
        return JSONResponse(told, answer.status)

    @router.get(
        "/v1/enrollments/{enrollment_id}",
        tags=["enrollments"],
        summary="Where an enrollment stands, with its whole trace",
        responses={404: problem()},
    )
    async def get_enrollment(enrollment_id: str) -> EnrollmentDetail:
        if "\0" in enrollment_id:  # no id contains NUL, and PostgreSQL refuses it
            raise NotFound("there is no such enrollment")
        async with store.reading() as tx:
            row = await tx.row(select(enrollments).where(enrollments.c.id == enrollment_id))
            if row is None:
                raise NotFound("there is no such enrollment")
            entries = await stored.traced(tx, enrollment_id)
        trace = [
            TraceEntry(
                at=entry.at,
                kind=entry.kind,
                step=entry.step,
                why=entry.why,
                text=sentence(entry.kind, entry.step, entry.why),
            )
            for entry in entries
        ]
        return EnrollmentDetail(**dict(summary(row)), trace=trace)


def _person(body: Mapping[str, Any]) -> UserIds:
    if body.get("user_id") is None and body.get("anonymous_id") is None:
        raise InvalidInput("user_id or anonymous_id is required", where="user_id")
    ids = {name: read_identifier(body[name], name) for name in UserIds._fields if body.get(name) is not None}
    return UserIds(**ids)


async def _published(tx: Tx, journey: str) -> None:
    """The published program of a journey. Raises ``NotFound`` with the most similar name."""
    names = [row["name"] for row in await tx.rows(select(journeys.c.name))]
    if journey not in names:
        near = difflib.get_close_matches(journey, names, n=1)
        meant = f'; did you mean "{near[0]}"?' if near else ""
        raise NotFound(f'no journey "{journey[:100]}" is published{meant}')


async def _hold_against_vocabulary(tx: Tx, program: Program, properties: Mapping[str, Any]) -> None:
    """Check the properties of a request against the journey's entry events: it must fit at least one of them.

    Raises ``HttpRefusal`` with what is missing or has the wrong type.
    """
    document = await programs.vocabulary(tx)
    if document is None:
        return
    vocabulary = Vocabulary.model_validate(document)
    refusals = [vocabulary.refusals(pattern.on, properties) for pattern in program.entry.on]
    if refusals and all(refusals):
        reasons = "; or ".join("; ".join(reasons) for reasons in refusals)
        raise HttpRefusal(422, "properties_refused", reasons, where="properties")


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI description of a request body that idic reads itself."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
