from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from idic.store.database import Store
from tests.conftest import HandClock
from tests.web.site import Site


@pytest.fixture
async def site(store: Store, clock: HandClock) -> AsyncIterator[Site]:
    site = Site(store, clock)
    yield site
    site.streams.close()
    await site.streams.closed()
    await site.browser.aclose()
