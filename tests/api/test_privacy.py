"""Export and erasure over HTTP."""

from __future__ import annotations

import httpx

from idic.store.database import Store
from tests.api.conftest import app, fake_router, links, service, shop  # noqa: F401
from tests.conftest import HandClock
from tests.router.world import World


async def test_a_customer_is_exported_and_erased(
    service: httpx.AsyncClient,  # noqa: F811
    shop: httpx.AsyncClient,  # noqa: F811
    store: Store,
    clock: HandClock,
) -> None:
    await shop.post("/v1/identify", json={"userId": "a/b", "traits": {"email": "anna@example.com"}})
    await shop.post("/v1/identify", json={"userId": "guest", "traits": {"email": "Anna@example.com"}})
    await World(store, clock).route_all()
    told = await service.get("/v1/customers/a/b/export")
    assert [one["value"] for one in told.json()["identities"]] == ["a/b"]
    guest = (await service.get("/v1/customers/guest")).json()["id"]
    assert (await shop.request("DELETE", "/v1/customers/a/b")).status_code == 401
    gone = await service.delete("/v1/customers/a/b")
    assert gone.status_code == 200
    assert gone.json() == {"id": told.json()["customer"]["id"], "erased": True, "ended": 0, "same_address": [guest]}
    assert (await service.delete("/v1/customers/a/b")).status_code == 404
    left = (await service.get(f"/v1/customers/{gone.json()['id']}")).json()
    assert (left["traits"], left["identities"], left["erased_at"] is not None) == ({}, [], True)
    assert (await service.delete(f"/v1/customers/{gone.json()['id']}")).json()["ended"] == 0
