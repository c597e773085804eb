"""The shop Kettle & Crema: products, a basket, an account, and slots that idic fills.

Everything but the slots works without JavaScript.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from idic.dev.shop.catalog import BEANS, EVERYTHING, GUIDES, SHELF
from idic.dev.shop.people import PEOPLE
from idic.dev.shop.segment_events import Reports, Visitor
from idic.dev.shop.session import Session, Sessions, new_basket, new_session
from idic.interact.tracking.visitors import Proofs

_LARGEST_FORM = 20_000
_REGULARS = {person.address: person for person in PEOPLE[:12]}
"""The customers that anyone may sign in as."""
_COUNTRIES = {
    "DE": "Germany",
    "AT": "Austria",
    "CH": "Switzerland",
    "FR": "France",
    "GB": "United Kingdom",
    "US": "United States",
}
_SAID = {
    "added": "It is in your basket.",
    "emptied": "Your basket is empty again.",
    "bought": "Thank you! Your order is on its way.",
    "delivered": "Good: it has arrived.",
    "returned": "We are sorry. It is taken back.",
    "welcome": "Welcome! Your account is ready.",
    "hello": "You are signed in.",
    "bye": "You are signed out, and nobody we know.",
}
Work = Callable[[Session, dict[str, str]], tuple[Session, str]]


def create_shop(api: str, address: str, *, write_key: str, proof_key: str, cookie_key: str, reports: Reports) -> Starlette:
    """Build the shop. ``api`` is where browsers reach idic, ``address`` where they reach the shop.

    The proof key stays here: the page gets only the proof for the signed-in customer.
    """
    shop = _Shop(api.rstrip("/"), address, write_key, Proofs([proof_key]), Sessions(cookie_key), reports)
    return Starlette(
        routes=[
            Route("/", shop.home),
            Route("/product/{sku}", shop.product),
            Route("/basket", shop.basket),
            # The targets of the example journeys' links.
            Route("/cart/{cart_id}", RedirectResponse("/basket", 303)),
            Route("/beans", RedirectResponse(f"/product/{BEANS.sku}", 303)),
            Route("/guides/{guide}", shop.guide),
            Route("/signup", shop.sign_up_page),
            Route("/signin", shop.sign_in_page),
            Route("/add", shop.doing(shop.add), methods=["POST"]),
            Route("/remove", shop.doing(shop.remove), methods=["POST"]),
            Route("/empty", shop.doing(shop.empty), methods=["POST"]),
            Route("/buy", shop.doing(shop.buy), methods=["POST"]),
            Route("/delivered", shop.doing(shop.delivered), methods=["POST"]),
            Route("/returned", shop.doing(shop.returned), methods=["POST"]),
            Route("/signup", shop.doing(shop.sign_up), methods=["POST"]),
            Route("/signin", shop.doing(shop.sign_in), methods=["POST"]),
            Route("/signout", shop.doing(shop.sign_out), methods=["POST"]),
            Route("/shop.css", shop.style),
            Route("/healthz", shop.health),
        ],
        # Refuse other host names: a foreign page could point its name here to read the basket (DNS rebinding).
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"])],
    )


class _Shop:
    def __init__(self, api: str, address: str, write_key: str, proofs: Proofs, sessions: Sessions, reports: Reports) -> None:
        self._address = address
        self._proofs = proofs
        self._sessions = sessions
        self._reports = reports
        self._pages = Environment(
            loader=PackageLoader("idic.dev.shop"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._pages.globals.update(api=api, write_key=write_key, everything=EVERYTHING)
        self._css = files("idic.dev.shop").joinpath("shop.css").read_text(encoding="utf-8")
        self._headers = {
            "Cache-Control": "no-store",
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": (
                f"default-src 'none'; script-src {api}; connect-src {api}; style-src 'self' 'unsafe-inline'; "
                "img-src 'self' data: https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
        }

    # Pages.

    async def home(self, request: Request) -> Response:
        return self._page(request, "home.html", shelf=[*SHELF, *(i for i in EVERYTHING.values() if i not in SHELF)])

    async def product(self, request: Request) -> Response:
        item = EVERYTHING.get(request.path_params["sku"])
        if item is None:
            return self._page(request, "nothing.html", status=404)
        visitor = self._sessions.read(request).visitor
        if request.method == "GET":
            self._reports.track(visitor, "Product Viewed", {"sku": item.sku, "name": item.name})
        return self._page(request, "product.html", item=item)

    async def guide(self, request: Request) -> Response:
        guide = GUIDES.get(request.path_params["guide"])
        return self._page(request, "guide.html", guide=guide) if guide else self._page(request, "nothing.html", status=404)

    async def basket(self, request: Request) -> Response:
        return self._page(request, "basket.html")

    async def sign_up_page(self, request: Request) -> Response:
        return self._page(request, "signup.html", countries=_COUNTRIES)

    async def sign_in_page(self, request: Request) -> Response:
        return self._page(request, "signin.html", regulars=_REGULARS)

    async def style(self, _: Request) -> Response:
        return Response(self._css, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    async def health(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    # Actions: each returns the new session and where to go.

    def add(self, session: Session, form: dict[str, str]) -> tuple[Session, str]:
        if form.get("sku") not in EVERYTHING:
            return session, "/"
        return self._carry(session, form["sku"], 1), "/basket?said=added"

    def remove(self, session: Session, form: dict[str, str]) -> tuple[Session, str]:
        if form.get("sku") not in session.basket.items:
            return session, "/basket"
        if session.basket.items == {form["sku"]: 1}:
            return self.empty(session, form)
        return self._carry(session, form["sku"], -1), "/basket"

    def empty(self, session: Session, _: dict[str, str]) -> tuple[Session, str]:
        if session.basket.items:
            self._reports.track(session.visitor, "Cart Emptied", {"cart_id": session.basket.cart_id})
        return session._replace(basket=new_basket()), "/basket?said=emptied"

    def buy(self, session: Session, _: dict[str, str]) -> tuple[Session, str]:
        if not session.basket.items:
            return session, "/basket"
        visitor, basket = session.visitor, session.basket
        owns = tuple(sorted({*session.owns, *basket.items}))
        order = basket.order(self._address)
        if visitor.user_id is not None:
            # First what they now own: a journey that starts with the order reads it.
            self._reports.identify(visitor, {"owns": list(owns)})
        self._reports.track(visitor, "Order Completed", order)
        return session._replace(basket=new_basket(), owns=owns, order=order["order_id"]), "/basket?said=bought"

    def delivered(self, session: Session, _: dict[str, str]) -> tuple[Session, str]:
        return self._parcel(session, "Parcel Delivered"), "/basket?said=delivered"

    def returned(self, session: Session, _: dict[str, str]) -> tuple[Session, str]:
        return self._parcel(session, "Order Returned"), "/basket?said=returned"

    def _parcel(self, session: Session, event: str) -> Session:
        """An event of the parcel, which a real carrier would send."""
        if session.order:
            self._reports.track(session.visitor, event, {"order_id": session.order})
        return session._replace(order="")

    def sign_up(self, session: Session, form: dict[str, str]) -> tuple[Session, str]:
        name, email, phone = (form.get(field, "").strip()[:200] for field in ("name", "email", "phone"))
        if not (email or phone):
            return session, "/signup"
        # The same person if they sign up again.
        user_id = "kc-" + hashlib.sha256((email.lower() or phone).encode()).hexdigest()[:12]
        visitor = session.visitor._replace(user_id=user_id)
        traits = {"firstName": name.partition(" ")[0], "lastName": name.partition(" ")[2], "email": email, "phone": phone}
        traits |= {"country": form["country"] if form.get("country") in _COUNTRIES else ""}
        self._reports.identify(visitor, {trait: value for trait, value in traits.items() if value})
        for channel in ("email", "sms"):
            if form.get(f"consent_{channel}"):
                self._reports.track(visitor, "Consent Given", {"channel": channel})
        brews = form.get("brews")
        self._reports.track(visitor, "Signed Up", {"brews": brews} if brews in ("espresso", "filter") else {})
        return session._replace(visitor=visitor, name=name or "Friend"), "/?said=welcome"

    def sign_in(self, session: Session, form: dict[str, str]) -> tuple[Session, str]:
        person = _REGULARS.get(form.get("who", ""))
        if person is None:
            return session, "/signin"
        visitor = session.visitor._replace(user_id=person.address)
        self._reports.identify(visitor, person.traits())
        return session._replace(visitor=visitor, name=person.name), "/?said=hello"

    def sign_out(self, _: Session, __: dict[str, str]) -> tuple[Session, str]:
        return new_session(), "/?said=bye"

    def _carry(self, session: Session, sku: str, more: int) -> Session:
        session = session._replace(basket=session.basket.having(sku, more))
        self._reports.track(session.visitor, "Cart Updated", session.basket.as_properties())
        return session

    def doing(self, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a form: act, save the session, and redirect to a page that can be reloaded."""

        async def endpoint(request: Request) -> Response:
            form: dict[str, str] = {}
            if int(request.headers.get("content-length", "0")) <= _LARGEST_FORM:
                form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            session, then = work(self._sessions.read(request), form)
            answer = RedirectResponse(then, 303, self._headers)
            self._sessions.write(answer, session)
            return answer

        return endpoint

    def _page(self, request: Request, template: str, *, status: int = 200, **said: Any) -> Response:
        session = self._sessions.read(request)
        html = self._pages.get_template(template).render(
            session=session, said=_SAID.get(request.query_params.get("said", "")), **self._signed_in(session.visitor), **said
        )
        answer = HTMLResponse(html, status, self._headers)
        self._sessions.write(answer, session)
        return answer

    def _signed_in(self, visitor: Visitor) -> dict[str, str | None]:
        user_id = visitor.user_id
        return {"user_id": user_id, "proof": self._proofs.prove(user_id) if user_id else None}
