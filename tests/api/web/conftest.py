"""Fixtures of the web channel."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from idic.store.database import Store
from tests.api.web.site import Site
from tests.conftest import HandClock


@pytest.fixture
async def site(store: Store, clock: HandClock) -> AsyncIterator[Site]:
    site = Site(store, clock)
    yield site
    site.streams.close()
    await site.streams.closed()
    await site.browser.aclose()
