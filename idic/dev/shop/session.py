"""A browser's session: all of it in signed cookies, so that the shop can be stopped at any time."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from idic.dev.shop.catalog import EVERYTHING, Basket
from idic.dev.shop.segment_events import Visitor

ANONYMOUS = "ajs_anonymous_id"
"""Segment's cookie, so that its script, idic's script and this server use the same visitor id."""
_SESSION = "kettle_and_crema"
_YEAR = 365 * 86400


class Session(NamedTuple):
    """``owns`` are the skus they ever bought here; ``order`` is the order whose parcel is on its way."""

    visitor: Visitor
    basket: Basket
    name: str = ""
    owns: tuple[str, ...] = ()
    order: str = ""


def new_session() -> Session:
    """A session for a new browser."""
    return Session(Visitor(str(uuid.uuid4())), new_basket())


def new_basket() -> Basket:
    """An empty basket with a new id."""
    return Basket(uuid.uuid4().hex[:12])


class Sessions:
    """Reads and writes sessions."""

    def __init__(self, key: str) -> None:
        self._serializer = URLSafeSerializer(key, salt="idic.dev.shop")

    def read(self, request: Request) -> Session:
        """The browser's session; a new one without a valid cookie."""
        fresh = new_session()
        anonymous_id = request.cookies.get(ANONYMOUS, "").strip("\"'")[:100] or fresh.visitor.anonymous_id
        try:
            said: Any = self._serializer.loads(request.cookies.get(_SESSION, ""))
            return Session(
                Visitor(anonymous_id, said["user"]),
                Basket(said["cart"], {sku: qty for sku, qty in said["items"].items() if sku in EVERYTHING}),
                said["name"],
                tuple(said["owns"]),
                said["order"],
            )
        except (BadData, KeyError, TypeError, AttributeError):
            return fresh._replace(visitor=Visitor(anonymous_id))

    def write(self, response: Response, session: Session) -> None:
        """Set the cookies."""
        visitor, basket = session.visitor, session.basket
        said: dict[str, Any] = {"user": visitor.user_id, "name": session.name, "owns": session.owns, "order": session.order}
        said |= {"cart": basket.cart_id, "items": dict(basket.items)}
        token = self._serializer.dumps(said)
        text = token if isinstance(token, str) else token.decode()
        response.set_cookie(_SESSION, text, max_age=_YEAR, httponly=True, samesite="lax")
        # Scripts read this cookie.
        response.set_cookie(ANONYMOUS, visitor.anonymous_id, max_age=_YEAR, samesite="lax")
