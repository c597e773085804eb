"""Export and erase a customer's data (GDPR articles 15, 17 and 20)."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, JsonValue

from idic.api.customers import Kind, found
from idic.api.problem_details import problem
from idic.api.wait_until_settled import nothing_begins
from idic.router.erase import erase
from idic.router.runtime import Runtime
from idic.store.customer.export import customer_export
from idic.store.database import Store


class ErasedOut(BaseModel):
    """``ended`` counts the enrollments that were open. ``same_address`` lists other customers with the same email address
    or phone number: they may be the same person, who then has to be erased there, too."""

    id: str
    erased: bool
    ended: int
    same_address: list[str]


def add_rights(router: APIRouter, store: Store, runtime: Runtime) -> None:
    """Add the export and erase endpoints."""

    @router.get(
        "/v1/customers/{identifier:path}/export",
        tags=["customers"],
        summary="Export everything known about a customer",
        responses={404: problem()},
    )
    async def export_customer(identifier: str, kind: Kind | None = None) -> dict[str, JsonValue]:
        """Attributes, identities, what they did, what they said of being written to and what shows it, their journeys step by
        step, and every message with why they got it; with its text where copies are kept."""
        async with store.reading() as tx:
            return await customer_export(tx, await found(tx, identifier, kind))

    @router.delete(
        "/v1/customers/{identifier:path}",
        tags=["customers"],
        summary="Erase a customer",
        responses={
            404: problem("No customer has this id"),
            503: problem("Nothing was erased; try again after Retry-After"),
        },
    )
    async def erase_customer(identifier: str, kind: Kind | None = None) -> ErasedOut:
        """For good, everywhere, in one transaction: their journeys end, what was to be sent is not. What remains are random
        ids, counts and times, and salted digests of their addresses, so that they are not written to by mistake."""
        async with store.reading() as tx:
            row = await found(tx, identifier, kind)
        done = await erase(store, runtime, row.id)
        await nothing_begins(store, done.customer_id)
        return ErasedOut(id=done.customer_id, erased=True, ended=done.ended, same_address=list(done.same_address))
