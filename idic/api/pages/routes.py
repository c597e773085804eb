"""Where the pages are."""

from __future__ import annotations

from fastapi import APIRouter

from idic.api.pages.choices import Shops
from idic.api.pages.confirm import ConfirmPage
from idic.api.pages.page_layout import Paper
from idic.api.pages.preferences import PreferencePage
from idic.api.pages.unsubscribe import UnsubscribePage
from idic.api.pages.your_data import DataPage
from idic.interact.tracking.links import CONFIRM_PATH, DATA_PATH, PREFERENCES_PATH, UNSUBSCRIBE_PATH, Links
from idic.router.runtime import House
from idic.store.database import Store


def customer_pages(store: Store, links: Links, house: House) -> APIRouter:
    """``house`` is what enrollments are moved with when somebody has themselves erased."""
    paper, shops = Paper(), Shops()
    data = DataPage(store, links, paper, shops, house)
    router = APIRouter(include_in_schema=False)
    read, write = ["GET", "HEAD"], ["GET", "HEAD", "POST"]
    for path, page, methods in (
        (UNSUBSCRIBE_PATH + "{token}", UnsubscribePage(store, links, paper, shops).answer, write),
        (PREFERENCES_PATH + "{token}", PreferencePage(store, links, paper, shops).answer, write),
        (CONFIRM_PATH + "{token}", ConfirmPage(store, links, paper, shops).answer, write),
        (DATA_PATH + "{token}", data.answer, read),
        (DATA_PATH + "{token}/file", data.file, read),
        (DATA_PATH + "{token}/erase", data.erasing, write),
    ):
        router.add_api_route(path, page, methods=methods, response_model=None)
    return router
