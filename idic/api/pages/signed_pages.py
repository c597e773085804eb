"""What all pages behind signed links share: read the token, and the page for each failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from idic.api.pages.choices import PublishedShops
from idic.api.pages.page_customer import UNAVAILABLE, Forgotten
from idic.api.pages.page_layout import PageLayout, words_for
from idic.errors import InvalidInput, NotFound
from idic.interact.tracking.links import Links
from idic.store.database import Store

T = TypeVar("T")


class SignedPage:
    """Base class of the pages behind signed links."""

    def __init__(self, store: Store, links: Links, paper: PageLayout, shops: PublishedShops) -> None:
        self._store = store
        self._links = links
        self._paper = paper
        self._shops = shops

    async def opened(
        self, request: Request, read: Callable[[str], T], show: Callable[[T], Awaitable[Response]], *, again: bool = False
    ) -> Response:
        """Read the token with ``read`` and answer with ``show``. With ``again``, the page for an unavailable store has a
        button to try again."""
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
