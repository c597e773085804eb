"""Fixtures of the customers' pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from idic.store.database import Store
from tests.api.pages.shop import ExampleShop
from tests.conftest import HandClock


@pytest.fixture
async def example(store: Store, clock: HandClock) -> AsyncIterator[ExampleShop]:
    example = ExampleShop(store, clock)
    await example.publish_journeys()
    yield example
    await example.browser.aclose()
