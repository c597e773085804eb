"""What the pages behind signed links have in common: whose the link is, and what is said when there is nothing to show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from idic.api.pages.choices import Shops
from idic.api.pages.page_customer import UNAVAILABLE, Forgotten
from idic.api.pages.page_layout import Paper, words_for
from idic.errors import InvalidInput, NotFound
from idic.interact.tracking.links import Links
from idic.store.database import Store

T = TypeVar("T")


class SignedPage:
    def __init__(self, store: Store, links: Links, paper: Paper, shops: Shops) -> None:
        self._store = store
        self._links = links
        self._paper = paper
        self._shops = shops

    async def opened(
        self, request: Request, read: Callable[[str], T], show: Callable[[T], Awaitable[Response]], *, again: bool = False
    ) -> Response:
        """What ``show`` makes of what ``read`` reads out of the link's token. ``again``: where the store does not answer, it is
        to be tried once more at the press of a button."""
        words = words_for(request)
        try:
            behind = read(request.path_params["token"])
        except InvalidInput:
            return self._paper.broken(words)
        try:
            return await show(behind)
        except Forgotten:
            return self._paper.gone(words)
        except NotFound:
            return self._paper.old(words)
        except UNAVAILABLE:
            return self._paper.later(words, again=again)
