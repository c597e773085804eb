"""Fuzz the real API by its OpenAPI document: it never fails, and it answers as the document says.

Set IDIC_FUZZ=5000 to try so many random requests of every operation.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from idic.interact.tracking.links import Links
from idic.journeys_folder import compile_folder
from idic.publish import publish
from idic.store.database import Store
from idic.store.upgrade import migrate
from tests.api.conftest import SECRET_KEY, WRITE_KEY, FakeRouter, app_on
from tests.api.servers import serving

LONG = int(os.environ.get("IDIC_FUZZ", "0"))
LINKS = Links("http://idic", ["a key of our own to sign links with"])
JOURNEYS = Path(__file__).parents[2] / "journeys"


def _document() -> dict[str, Any]:
    store = Store.open("sqlite:///never-opened.db")
    document: dict[str, Any] = app_on(store, LINKS, FakeRouter()).openapi()
    return document


schema = schemathesis.openapi.from_dict(_document())


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Served by a thread of its own, so that the client may block."""
    database = f"sqlite:///{tmp_path_factory.mktemp('openapi')}/idic.db"
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    async def serve() -> None:
        store = Store.open(database)
        await migrate(store)
        await publish(store, compile_folder(JOURNEYS))
        async with serving(lambda _: app_on(store, LINKS, FakeRouter())) as address:
            found.append(address)
            ready.set()
            await asyncio.to_thread(stop.wait)
        await store.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield found[0]
    stop.set()
    thread.join()


@schema.parametrize()
@settings(
    max_examples=LONG or 20,
    derandomize=not LONG,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_response_conforms_to_the_openapi_document(case: schemathesis.Case, address: str) -> None:
    for key in (SECRET_KEY, WRITE_KEY):
        case.call_and_validate(
            base_url=address,
            headers={"Authorization": f"Bearer {key}"},
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_headers_conformance,
                response_schema_conformance,
            ],
        )
