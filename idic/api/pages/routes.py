"""The routes of the customers' pages."""

from __future__ import annotations

from fastapi import APIRouter

from idic.api.pages.choices import PublishedShops
from idic.api.pages.confirm import ConfirmPage
from idic.api.pages.page_layout import PageLayout
from idic.api.pages.preferences import PreferencePage
from idic.api.pages.unsubscribe import UnsubscribePage
from idic.api.pages.your_data import DataPage
from idic.interact.tracking.links import CONFIRM_PATH, DATA_PATH, PREFERENCES_PATH, UNSUBSCRIBE_PATH, Links
from idic.router.runtime import Runtime
from idic.store.database import Store


def customer_pages(store: Store, links: Links, runtime: Runtime) -> APIRouter:
    """A router with all pages. ``runtime`` ends enrollments when a customer erases their data."""
    paper, shops = PageLayout(), PublishedShops()
    data = DataPage(store, links, paper, shops, runtime)
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
