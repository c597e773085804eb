"""Read a customer's consents; record a consent given or withdrawn outside idic, with its proof."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, JsonValue

from idic.api import idempotency
from idic.api.customers import Kind, found
from idic.api.enrollments import body_of
from idic.api.problem_details import problem
from idic.api.request_bodies import read_body
from idic.api.withdraw_consent import withdraw
from idic.errors import InvalidInput
from idic.identify.messages import read_object
from idic.interact import consent
from idic.journey.channels import CHANNELS, ChannelName
from idic.journey.vocabulary.built_in import ACTS
from idic.problems import did_you_mean, one_of
from idic.read_json import read_json_object
from idic.store.customer.export import export_consents
from idic.store.customer.ingest import Observation, observe
from idic.store.database import Store, Tx

_FIELDS = ("channel", "given", "topic", "purpose", "act", "confirmed", "proof")


class ConsentSaid(BaseModel):
    """A consent given or withdrawn elsewhere.

    Without ``topic`` it covers every topic. ``confirmed`` says whether the owner of the address gave it (by default only
    true for ``double opt-in``). ``proof`` is any evidence: a form's address and text, a document's number.
    """

    channel: ChannelName
    given: bool
    topic: str | None = None
    purpose: str = consent.MARKETING
    act: str = consent.FORM
    confirmed: bool | None = None
    proof: JsonValue = None


class ConsentStanding(BaseModel):
    """The consent for a channel and topic today.

    ``state`` is ``allowed``, ``waiting`` (for confirmation), ``withdrawn`` or ``never``; ``words`` says the same for
    people; ``since`` and ``act`` say when and how it came about. A null ``topic`` covers every topic without an entry of
    its own.
    """

    channel: str
    topic: str | None
    purpose: str
    state: Literal["allowed", "waiting", "withdrawn", "never"]
    words: str
    since: datetime | None
    act: str | None


class LedgerEntry(BaseModel):
    """One entry of the consent ledger, as it was recorded."""

    channel: str
    topic: str | None
    purpose: str
    given: bool
    confirmed: bool
    act: str
    proof: JsonValue
    at: datetime


class SuppressedOut(BaseModel):
    """Why idic never writes to an address, and since when."""

    reason: str
    at: datetime


class Consents(BaseModel):
    """All consents of a customer: ``said`` is the ledger, oldest first; ``suppressed`` lists the channels whose address
    idic never writes to."""

    now: list[ConsentStanding]
    said: list[LedgerEntry]
    suppressed: dict[str, SuppressedOut]


class Kept(BaseModel):
    """The consent is recorded and applies from now on; the ledger shows it once a router has read it."""

    accepted: bool


def add_consents(router: APIRouter, store: Store, limit: int) -> None:
    """Add the consent endpoints. ``limit`` is the largest request body in bytes."""

    @router.get(
        "/v1/customers/{identifier:path}/consents",
        tags=["consents"],
        summary="A customer's consents, and the ledger behind them",
        responses={404: problem()},
    )
    async def get_consents(identifier: str, kind: Kind | None = None) -> Consents:
        """Computed from the ledger and the current contact policy."""
        async with store.reading() as tx:
            return Consents.model_validate(await export_consents(tx, await found(tx, identifier, kind)))

    @router.post(
        "/v1/customers/{identifier:path}/consents",
        tags=["consents"],
        summary="Record that a customer gave or withdrew consent",
        status_code=201,
        responses={400: problem(), 404: problem(), 422: problem()},
        openapi_extra=body_of(ConsentSaid),
    )
    async def post_consent(
        identifier: str,
        request: Request,
        kind: Kind | None = None,
        idempotency_key: str | None = Header(None, max_length=idempotency.LONGEST_KEY),
    ) -> Kept:
        """Records the event Consent Given or Consent Withdrawn. Once this is answered, no message that it forbids begins to
        be sent, and journeys that wait for it continue. Import old consents with `idic consents import` instead: they start
        no journeys. With an Idempotency-Key it is recorded once."""
        name, properties = _read(read_json_object(await read_body(request, limit)))

        async def seen(tx: Tx) -> Observation:
            row = await found(tx, identifier, kind)
            # The same key may be used for two customers.
            once = idempotency_key and hashlib.sha256(f"{row.id}:{idempotency_key}".encode()).hexdigest()
            return Observation(name, row.id, None, None, properties, f"consent:{once}" if once else None)

        async def keep(tx: Tx) -> None:
            await observe(tx, await seen(tx))

        if name == consent.WITHDRAWN:
            await withdraw(store, seen)
        else:
            await store.move("consent", keep)
        return Kept(accepted=True)


def _read(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Read the event and its properties from a request. Raises ``InvalidInput``."""
    for name in body:
        if name not in _FIELDS:
            hint = did_you_mean(name[:100], _FIELDS) or f"there is {one_of(_FIELDS, 'and')}"
            raise InvalidInput(f"isn't a known field; {hint}", where=name[:100])
    properties = {name: value for name, value in read_object(body, "body").items() if value is not None}
    if properties.get("channel") not in tuple(CHANNELS):
        raise InvalidInput(f"must be {one_of(CHANNELS)}", where="channel")
    for name, kind in (("given", bool), ("confirmed", bool), ("topic", str), ("purpose", str)):
        if (name == "given" or name in properties) and not isinstance(properties.get(name), kind):
            raise InvalidInput("must be true or false" if kind is bool else "must be text", where=name)
    if properties.get("act", consent.FORM) not in ACTS:
        raise InvalidInput(f"must be {one_of(ACTS)}", where="act")
    name = consent.GIVEN if properties.pop("given") else consent.WITHDRAWN
    for long in ("topic", "purpose"):
        if len(properties.get(long, "")) > consent.LONGEST_NAME:
            raise InvalidInput(f"has more than {consent.LONGEST_NAME} characters", where=long)
    return name, properties
