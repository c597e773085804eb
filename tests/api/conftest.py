"""Fixtures: the API on a real store, a shop that sends events, and a service that calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI

from idic.api.app import create_app
from idic.interact.tracking.links import Links
from idic.store.database import Store, Tx

WRITE_KEY = "shop-write-key"
SECRET_KEY = "back-office-secret-key"


class Admission(NamedTuple):
    enrollment_id: str | None = "e" * 32
    entered: bool = True
    reason: str | None = None


class FakeRouter:
    """A router that admits every customer and records the requests."""

    def __init__(self) -> None:
        self.admission = Admission()
        self.requests: list[dict[str, Any]] = []

    async def __call__(
        self, tx: Tx, journey: str, customer_id: str, properties: Mapping[str, Any], *, occurred_at: datetime | None
    ) -> Admission:
        self.requests.append(
            {"journey": journey, "customer": customer_id, "properties": properties, "occurred_at": occurred_at}
        )
        return self.admission


@pytest.fixture
def fake_router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def links() -> Links:
    return Links("http://idic", ["a key of our own to sign links with"])


@pytest.fixture
def app(store: Store, links: Links, fake_router: FakeRouter) -> FastAPI:
    return app_on(store, links, fake_router)


def app_on(store: Store, links: Links, fake_router: FakeRouter) -> FastAPI:
    return create_app(store, write_keys=["another-key", WRITE_KEY], secret_keys=[SECRET_KEY], links=links, enroll=fake_router)


def browser(app: FastAPI) -> httpx.AsyncClient:
    """A client without a key."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://idic")


@pytest.fixture
async def anyone(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        yield client


@pytest.fixture
async def shop(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        client.auth = httpx.BasicAuth(WRITE_KEY, "")
        yield client


@pytest.fixture
async def service(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as client:
        client.headers["Authorization"] = f"Bearer {SECRET_KEY}"
        yield client
