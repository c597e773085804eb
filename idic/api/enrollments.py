"""Enrolling a customer by hand or from a service, and reading where an enrollment is and why."""

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
from idic.api.idempotency import Answer
from idic.api.problem_details import Refusal, problem
from idic.api.request_bodies import read_body, read_json_object
from idic.errors import InvalidInput, NotFound
from idic.identify.messages import read_identifier, read_moment, read_object
from idic.identify.resolution import Person
from idic.journey.engine.trace import sentence
from idic.journey.program.program import Program
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.store.customer.ingest import customer_of
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments as stored
from idic.store.journey import programs
from idic.store.tables import Row, enrollments, journeys


class Admission(Protocol):
    """What became of it: ``enrollment_id`` of the open enrollment, new or found; None when the journey does not take
    this customer now. ``reason`` says why not, in words."""

    @property
    def enrollment_id(self) -> str | None: ...

    @property
    def entered(self) -> bool: ...

    @property
    def reason(self) -> str | None: ...


class Enroll(Protocol):
    """Enters a customer into a published journey, inside the given transaction. The customer's row is not held yet, and
    the customer may have been merged since they were found. ``occurred_at`` is what the caller said, in UTC."""

    async def __call__(
        self, tx: Tx, journey: str, customer_id: str, properties: Mapping[str, Any], *, occurred_at: datetime | None
    ) -> Admission: ...


class EnrollmentRequest(BaseModel):
    """One of ``user_id`` and ``anonymous_id`` is needed. ``properties`` are ``entry.…`` in the journey."""

    user_id: str | None = None
    anonymous_id: str | None = None
    properties: dict[str, JsonValue] = {}
    occurred_at: datetime | None = None


class EnrollmentAnswer(BaseModel):
    """``entered`` is false when the customer was in the journey already or may not enter now; ``reason`` says which."""

    enrollment_id: str | None
    customer_id: str
    entered: bool
    reason: str | None


class TraceEntry(BaseModel):
    """One thing that happened; ``text`` is its plain sentence."""

    at: datetime
    kind: str
    step: str | None
    why: dict[str, JsonValue]
    text: str


class EnrollmentSummary(BaseModel):
    """``ended_at`` is null while the enrollment is open; ``deadline`` is when its step ends by itself."""

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
    trace: list[TraceEntry]


def summary(row: Row) -> EnrollmentSummary:
    """From a row of ``enrollments``."""
    told = {name: row[name] for name in EnrollmentSummary.model_fields if name not in {"key", "segment"}}
    return EnrollmentSummary(**told, key=row["key"] or None, segment=row["state"].get("segment"))


def add_enrollments(router: APIRouter, store: Store, enroll: Enroll, limit: int) -> None:
    """``limit``: bytes of a request's body."""
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

        async def work(tx: Tx) -> Answer:
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
            return Answer(201 if admission.entered else 200, answer.model_dump(mode="json"))

        digest = idempotency.request_digest(request.url.path, body)
        answer = await store.move("enroll", lambda tx: idempotency.once(tx, idempotency_key, digest, lambda: work(tx)))
        # Through the model: PostgreSQL gives the fields back in an order of its own.
        told = EnrollmentAnswer.model_validate(answer.body).model_dump(mode="json")
        return JSONResponse(told, answer.status)

    @router.get(
        "/v1/enrollments/{enrollment_id}",
        tags=["enrollments"],
        summary="Where an enrollment is, and everything that happened to it",
        responses={404: problem()},
    )
    async def get_enrollment(enrollment_id: str) -> EnrollmentDetail:
        if "\0" in enrollment_id:  # no id has one, and PostgreSQL cannot be asked
            raise NotFound("there is no such enrollment")
        async with store.reading() as tx:
            row = await tx.row(select(enrollments).where(enrollments.c.id == enrollment_id))
            if row is None:
                raise NotFound("there is no such enrollment")
            entries = await stored.traced(tx, enrollment_id)
        trace = [
            TraceEntry(
                at=entry["at"],
                kind=entry["kind"],
                step=entry["step"],
                why=entry["why"],
                text=sentence(entry["kind"], entry["step"], entry["why"]),
            )
            for entry in entries
        ]
        return EnrollmentDetail(**dict(summary(row)), trace=trace)


def _person(body: Mapping[str, Any]) -> Person:
    if body.get("user_id") is None and body.get("anonymous_id") is None:
        raise InvalidInput("say who enters: user_id or anonymous_id is required", where="user_id")
    ids = {name: read_identifier(body[name], name) for name in Person._fields if body.get(name) is not None}
    return Person(**ids)


async def _published(tx: Tx, journey: str) -> None:
    """Raises ``NotFound`` with the name that was perhaps meant."""
    names = [row["name"] for row in await tx.rows(select(journeys.c.name))]
    if journey not in names:
        near = difflib.get_close_matches(journey, names, n=1)
        meant = f'; did you mean "{near[0]}"?' if near else ""
        raise NotFound(f'no journey "{journey[:100]}" is published{meant}')


async def _hold_against_vocabulary(tx: Tx, program: Program, properties: Mapping[str, Any]) -> None:
    """A request stands for any of the events that the journey is entered on: it must bring what one of them needs.

    Raises ``Refusal`` with what is missing or of the wrong type.
    """
    document = await programs.vocabulary(tx)
    if document is None:
        return
    vocabulary = Vocabulary.model_validate(document)
    refusals = [vocabulary.refusals(pattern.on, properties) for pattern in program.entry.on]
    if refusals and all(refusals):
        reasons = "; or ".join("; ".join(reasons) for reasons in refusals)
        raise Refusal(422, "properties_refused", reasons, where="properties")


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a request whose body is read here and not by the framework."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
