"""Fixtures of the customers' pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from idic.store.database import Store
from tests.api.pages.shop import Town
from tests.conftest import HandClock


@pytest.fixture
async def town(store: Store, clock: HandClock) -> AsyncIterator[Town]:
    town = Town(store, clock)
    await town.opens()
    yield town
    await town.browser.aclose()
