"""Make links to a customer's preferences page and data page, for services that know their customer."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from idic.api.customers import Kind, found
from idic.api.pages.your_data import GOOD_FOR
from idic.api.problem_details import problem
from idic.errors import NotFound
from idic.interact.tracking.links import Links
from idic.store.database import Store


class LinksOut(BaseModel):
    """``data_url`` opens all data of the customer until ``data_until``; ``preferences_url`` never expires."""

    preferences_url: str
    data_url: str
    data_until: datetime


def add_customer_links(router: APIRouter, store: Store, links: Links) -> None:
    """Add the endpoint that makes a customer's links."""

    @router.post(
        "/v1/customers/{identifier:path}/links",
        tags=["customers"],
        summary="Links to a customer's own pages",
        responses={404: problem("No customer has this id")},
    )
    async def make_links(identifier: str, kind: Kind | None = None) -> LinksOut:
        """Links to the customer's preferences page and data page, for example for a customer who is signed in to the shop. Give
        them to nobody else: a link gives access without a login."""
        async with store.reading() as tx:
            row = await found(tx, identifier, kind)
            if row.erased_at is not None:
                raise NotFound("there is no such customer")
            until = (tx.now() + GOOD_FOR).replace(microsecond=0)
        return LinksOut(preferences_url=links.preferences_of(row.id), data_url=links.data_of(row.id, until), data_until=until)
