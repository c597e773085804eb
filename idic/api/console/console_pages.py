"""The console's pages: overview, outbox, enrollments and customers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import APIRouter, FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from idic.api.console import describe_rows
from idic.api.console.access import STYLE, AccessDenied, ConsoleAccess, Mode, page_headers, preview_headers
from idic.api.keys import ApiKeys
from idic.differentiate.profile import zone_of
from idic.errors import StoreUnavailable
from idic.journey.channels import is_placed
from idic.store.customer import consents
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.reports import console
from idic.store.reports.console import PAGE, ConsoleFilter, MessageRow
from idic.store.tables import identities

_LONGEST_QUESTION = 200
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_IN_TABS = '<base target="_blank">'


class ConsoleSettings(NamedTuple):
    """``temporal_ui`` is the address of Temporal's own pages, if any; ``namespace`` is where the workflows run."""

    mode: Mode = "off"
    temporal_ui: str | None = None
    namespace: str = "default"


class _NotThere(Exception):
    """The requested item doesn't exist; the text names it."""


def add_console(app: FastAPI, store: Store, secret_keys: ApiKeys, settings: ConsoleSettings) -> None:
    """Add the console's pages, unless the console is off."""
    if settings.mode == "off":
        return
    console = _Console(store, ConsoleAccess(settings.mode, secret_keys), settings)
    router = APIRouter(include_in_schema=False)
    for path, page in (
        ("/console", console.home),
        ("/console/outbox", console.outbox),
        ("/console/outbox/{touch}", console.message),
        ("/console/outbox/{touch}/preview", console.preview),
        ("/console/enrollments", console.enrollments),
        ("/console/enrollments/{enrollment}", console.enrollment),
        ("/console/customers/{customer}", console.customer),
        ("/console.css", console.style),
    ):
        router.add_api_route(path, console.guarded(page), methods=["GET", "HEAD"], response_model=None)
    app.include_router(router)


class _Console:
    def __init__(self, store: Store, door: ConsoleAccess, settings: ConsoleSettings) -> None:
        self._store = store
        self._door = door
        self._settings = settings
        self._pages = Environment(
            loader=PackageLoader("idic.api.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.globals.update(words=describe_rows, link=_link)
        self._css = files("idic.api.console").joinpath("console.css").read_text(encoding="utf-8")

    def guarded(self, page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            closed = self._door.closed(request)
            if closed is not None:
                return self._refuse(request, closed)
            try:
                return await page(request)
            except _NotThere as nothing:
                return self._refuse(request, AccessDenied(404, "Not found", str(nothing)))
            except StoreUnavailable:
                later = AccessDenied(
                    503, "The store does not answer", "Nothing is lost. Reload in a moment.", {"Retry-After": "1"}
                )
                return self._refuse(request, later)

        return answer

    async def home(self, request: Request) -> Response:
        async with self._store.reading() as tx:
            journeys = await console.journey_figures(tx)
            latest = await console.list_messages(tx, ConsoleFilter(), 8)
            return self._page(request, tx, "home.html", journeys=journeys, latest=latest)

    async def outbox(self, request: Request) -> Response:
        wanted = _wanted(request)
        if wanted.channel not in describe_rows.CHANNELS:
            wanted = wanted._replace(channel=None)
        async with self._store.reading() as tx:
            rows = await console.list_messages(tx, wanted, PAGE + 1)
            journeys = await console.journey_titles(tx)
            more = _older(request, [row.touch_id for row in rows])
            return self._page(
                request, tx, "outbox.html", rows=rows[:PAGE], older=more, wanted=wanted, journeys=journeys,
                live="live" in request.query_params,
            )  # fmt: skip

    async def message(self, request: Request) -> Response:
        async with self._store.reading() as tx:
            row = await self._found(tx, request)
            return self._page(request, tx, "message.html", row=row, links=self._door.mode == "open")

    async def preview(self, request: Request) -> Response:
        """The message alone, for a frame. In development its links work, as if the customer clicked them."""
        async with self._store.reading() as tx:
            row = await self._found(tx, request)
        links = self._door.mode == "open"
        html = row.html or row.placed_html
        if html is None:
            html = self._pages.get_template("plain.html").render(text=row.text)
        elif is_placed(row.channel):
            html = self._pages.get_template("slot.html").render(html=html)
        # A click in a frame must not navigate the frame.
        head = _HEAD.search(html)
        at = head.end() if head else 0
        return HTMLResponse(f"{html[:at]}{_IN_TABS}{html[at:]}", headers=preview_headers(links=links))

    async def enrollments(self, request: Request) -> Response:
        wanted = _wanted(request)
        if wanted.standing not in describe_rows.STANDINGS:
            wanted = wanted._replace(standing=None)
        async with self._store.reading() as tx:
            rows = await console.list_enrollments(tx, wanted, PAGE + 1)
            journeys = await console.journey_titles(tx)
            more = _older(request, [row.id for row in rows])
            return self._page(request, tx, "enrollments.html", rows=rows[:PAGE], older=more, wanted=wanted, journeys=journeys)

    async def enrollment(self, request: Request) -> Response:
        async with self._store.reading() as tx:
            row = await console.get_enrollment(tx, _plain(request.path_params["enrollment"]))
            if row is None:
                raise _NotThere("This enrollment doesn't exist.")
            trace = await enrollments.traced(tx, row.id)
            kept = await console.touches_of(tx, row.id)
            return self._page(request, tx, "enrollment.html", row=row, trace=trace, kept=kept, workflow=self._workflow(row.id))

    async def customer(self, request: Request) -> Response:
        async with self._store.reading() as tx:
            row = await console.find_customer(tx, _plain(request.path_params["customer"]))
            if row is None:
                raise _NotThere("This customer doesn't exist.")
            zone = zone_of(row.traits, await console.vocabulary_zone(tx) or "UTC")
            whose = ConsoleFilter(customer=row.id)
            known = await tx.rows(
                identities.select()
                .where(identities.c.customer_id == row.id)
                .order_by(identities.c.kind.desc(), identities.c.value)
            )
            said = {(one.channel, one.topic): one for one in await consents.ledger_of(tx, row.id)}
            return self._page(
                request, tx, "customer.html", row=row, zone=zone, identities=known, consents=list(said.values()),
                events=await console.latest_events(tx, row.id), enrolled=await console.list_enrollments(tx, whose),
                messages=await console.list_messages(tx, whose),
            )  # fmt: skip

    async def style(self, _: Request) -> Response:
        return Response(self._css, media_type="text/css", headers=STYLE)

    async def _found(self, tx: Tx, request: Request) -> MessageRow:
        row = await console.get_message(tx, _plain(request.path_params["touch"]))
        if row is None:
            raise _NotThere("There is no copy of this message.")
        return row

    def _workflow(self, enrollment: str) -> str | None:
        ui = self._settings.temporal_ui
        return f"{ui.rstrip('/')}/namespaces/{quote(self._settings.namespace)}/workflows/{enrollment}" if ui else None

    def _page(self, request: Request, tx: Tx, template: str, **said: Any) -> Response:
        here = {"now": tx.now(), "temporal_ui": self._settings.temporal_ui, "path": request.url.path}
        html = self._pages.get_template(template).render(**here, **said)
        return HTMLResponse(html, headers=page_headers(request))

    def _refuse(self, request: Request, closed: AccessDenied) -> Response:
        html = self._pages.get_template("closed.html").render(closed=closed)
        return HTMLResponse(html, closed.status, page_headers(request) | closed.headers)


def _wanted(request: Request) -> ConsoleFilter:
    asked = {
        name: _plain(request.query_params.get(name, "")).strip()[:_LONGEST_QUESTION] or None for name in ConsoleFilter._fields
    }
    return ConsoleFilter(**asked)


def _plain(text: str) -> str:
    """The text without NUL, which PostgreSQL refuses."""
    return text.replace("\0", "")


def _older(request: Request, ids: list[str]) -> str | None:
    """The link to the next page, if there is one: ``ids`` has one more than a page shows."""
    return _link(request.url.path, {**request.query_params, "after": ids[PAGE - 1]}) if len(ids) > PAGE else None


def _link(path: str, query: dict[str, Any]) -> str:
    parameters = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(parameters)}" if parameters else path
