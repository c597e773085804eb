"""Put the HTTP API together."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBearer
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from idic.api import ingestion, reference, web
from idic.api.access_log import AccessLog
from idic.api.consents import add_consents
from idic.api.console.console_pages import ConsoleSettings as ConsoleSettings
from idic.api.console.console_pages import add_console
from idic.api.customer_links import add_customer_links
from idic.api.customers import add_customers
from idic.api.enrollments import EnterCustomer, add_enrollments
from idic.api.group_commit import GroupCommit
from idic.api.health import add_health
from idic.api.ingestion import BodyLimits, Ingestion
from idic.api.keys import ApiKeys, presented, refused
from idic.api.pages.routes import customer_pages
from idic.api.privacy import add_rights
from idic.api.problem_details import add_problems, problem, schemas
from idic.api.rates import Pages, Rates
from idic.api.streams import Streams
from idic.api.tracked_links import PublicPages
from idic.api.vocabulary import PublishedVocabulary
from idic.api.web import WebChannel, add_web
from idic.api.webhooks.receive import WebhookRoute
from idic.errors import IdicError
from idic.identify.messages import KINDS
from idic.interact.tracking.links import (
    ANSWER_PATH,
    CLICK_PATH,
    CONFIRM_PATH,
    DATA_PATH,
    OPEN_PATH,
    PREFERENCES_PATH,
    SHORT_PATH,
    UNSUBSCRIBE_PATH,
    Links,
)
from idic.interact.tracking.visitors import Proofs
from idic.providers.webhook import Webhook
from idic.router.runtime import Runtime
from idic.store.database import Store

DESCRIPTION = """\
Send events with a write key, in the format of Segment's HTTP API; read customers and enroll them with a secret key.

A 200 to an event means that it is committed. Every message may be sent again: a known messageId changes nothing.
"""


def create_app(
    store: Store,
    *,
    write_keys: Iterable[str],
    secret_keys: Iterable[str],
    links: Links,
    enroll: EnterCustomer,
    runtime: Runtime | None = None,
    limits: BodyLimits | None = None,
    webhooks: Iterable[Webhook] = (),
    console: ConsoleSettings | None = None,
    proof_keys: Iterable[str] = (),
    streams: Streams | None = None,
    rates: Rates | None = None,
) -> FastAPI:
    """Build the API on ``store``, which the caller closes.

    ``enroll`` enters a customer for ``POST …/enrollments``; ``runtime`` moves enrollments; ``webhooks`` receive the
    providers' reports. The console is added if the settings ask for it. The server closes ``streams`` before it stops,
    because an open page keeps its connection open.
    """
    limits, rates = limits or BodyLimits(), rates or Rates()
    app = FastAPI(title="idic", version=version("idic"), description=DESCRIPTION, docs_url=None, redoc_url=None)
    add_problems(app)
    vocabulary, keys = PublishedVocabulary(store), ApiKeys(write_keys)
    secrets = ApiKeys(secret_keys)
    events = Ingestion(GroupCommit(store), vocabulary, keys, secrets, store.clock, limits, rates, public_url=links.base_url)
    _add_ingestion(app, events)
    secret = APIRouter(
        dependencies=[Depends(_secret(secrets, rates)), Depends(_BEARER), Depends(_BASIC)],
        responses={
            400: problem("Something in it is not as it must be: where says what"),
            401: problem("No secret key, or a wrong one"),
            429: problem("More than the key may ask for: again after Retry-After"),
        },
    )
    # Longer paths first: an id may have slashes in it.
    add_consents(secret, store, limits.message)
    add_rights(secret, store, runtime or Runtime())
    add_customers(secret, store)
    add_customer_links(secret, store, links)
    add_enrollments(secret, store, enroll, limits.message)
    app.include_router(secret)
    health = APIRouter()
    add_health(health, store)
    app.include_router(health)
    app.include_router(_public(PublicPages(store, links)))
    app.include_router(customer_pages(store, links, runtime or Runtime()))
    for webhook in webhooks:
        app.add_api_route(
            webhook.path, WebhookRoute(store, webhook).receive, methods=["POST"], include_in_schema=False, response_model=None
        )
    sites = APIRouter(include_in_schema=False)
    add_web(sites, WebChannel(store, vocabulary, keys, Proofs(proof_keys), links, streams or Streams(store, links), rates))
    app.include_router(sites)
    add_console(app, store, secrets, console or ConsoleSettings())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(reference.render(app.openapi()))

    _describe(app)
    app.add_middleware(Pages, prefixes=PAGES, guessable=(SHORT_PATH,), now=rates.now)
    app.add_middleware(_Browsers)
    app.add_middleware(AccessLog, quiet=_OPEN | {*ingestion.SETTINGS_PATHS, "/healthz", "/readyz"})
    return app


def _describe(app: FastAPI) -> None:
    """The OpenAPI document without FastAPI's own 422: here a wrong argument is a 400, in the one form of all problems."""
    whole = app.openapi

    def ours() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = whole()
            operations = [one for methods in document["paths"].values() for one in methods.values()]
            for responses in (operation["responses"] for operation in operations):
                if "HTTPValidationError" in str(responses.get("422")):
                    del responses["422"]
            for name in ("HTTPValidationError", "ValidationError"):
                document["components"]["schemas"].pop(name, None)
            document["components"]["schemas"] |= schemas()
        return whole()

    app.openapi = ours  # type: ignore[method-assign]


_BEARER = HTTPBearer(auto_error=False, scheme_name="SecretKeyBearer")
_BASIC = HTTPBasic(auto_error=False, scheme_name="SecretKeyBasic")


def _secret(keys: ApiKeys, rates: Rates) -> Any:
    async def needs_secret_key(request: Request) -> None:
        key = presented(request)
        if key is None or key not in keys:
            raise refused("a secret key is needed: as Bearer token, or as the user name of Basic authentication")
        rates.check(key)
        rates.use(key)

    return needs_secret_key


def _add_ingestion(app: FastAPI, events: Ingestion) -> None:
    single = events.single
    described = {
        "/v1/batch": (events.batch, "Many messages at once", _BATCH),
        "/v1/track": (single("track"), "An event of a customer", _TRACK),
        "/v1/identify": (single("identify"), "A customer's traits", _IDENTIFY),
        "/v1/page": (single("page"), "A page of a website that a customer looked at: the event Page Viewed", _VIEW),
        "/v1/screen": (single("screen"), "A screen of an app that a customer looked at: the event Screen Viewed", _VIEW),
        "/v1/group": (single("group"), "A group that a customer belongs to, such as a company: the event Group Joined", _GROUP),
        "/v1/alias": (single("alias"), "Another id of the same customer", _ALIAS),
        ingestion.METRICS: (events.metrics, "A client's own metrics, which are ignored", {"type": "object"}),
    }
    short = {path: described[long] for path, long in ingestion.SHORT.items()}
    for path, (endpoint, summary, shape) in (described | short).items():
        # Added to the application itself: a router of its own would be searched at every event.
        app.router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            include_in_schema=path in described,
            route_class_override=_Raw,
            tags=["events"],
            summary=summary,
            response_model=None,
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": shape}}}},
            responses={
                200: {"content": {"application/json": {"schema": _ACCEPTED}}, "description": "Committed"},
                400: problem("Nothing in it can be accepted"),
                401: problem("No write key, or a wrong one"),
                413: problem("Too large"),
                415: problem("Packed in a way that is not understood"),
                429: problem("More than the key may send: send it again after Retry-After"),
                503: problem("The store does not answer; nothing was kept: send it again"),
            },
        )
    for path in ingestion.SETTINGS_PATHS:
        app.router.add_api_route(
            path,
            events.settings,
            methods=["GET"],
            route_class_override=_Raw,
            tags=["events"],
            summary="The settings that Segment's browser client loads from its cdnURL",
            response_model=None,
            openapi_extra={"parameters": [_PATH_KEY]},
            responses={404: problem("No such write key")},
        )


def _public(pages: PublicPages) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    for path, page in (
        (CLICK_PATH + "{token}", pages.click),
        (SHORT_PATH + "{code}", pages.short_link),
        (OPEN_PATH + "{token}", pages.opened),
        (ANSWER_PATH + "{token}", pages.answer),
    ):
        router.add_api_route(path, page, methods=["GET", "HEAD"], response_model=None)
    return router


class _Raw(APIRoute):
    """A route whose endpoint handles request and response itself: FastAPI's own handling costs more than reading a message."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Call the endpoint with the plain request."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint

        async def handle(request: Request) -> Response:
            try:
                return await endpoint(request)
            except IdicError as error:
                return ingestion.tell(error)

        return handle


_OPEN = ingestion.PATHS | web.PATHS
PAGES = (
    CLICK_PATH, UNSUBSCRIBE_PATH, OPEN_PATH, ANSWER_PATH, SHORT_PATH, PREFERENCES_PATH, CONFIRM_PATH, DATA_PATH,
)  # fmt: skip
"""Path prefixes of the pages behind links."""


class _Browsers:
    """CORS for web pages of any origin: they may send events and fill their slots, and nothing else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
            max_age=86400,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = scope["type"] == "http" and (scope["path"] in _OPEN or ingestion.is_settings(scope["path"]))
        await (self._open if is_open else self._app)(scope, receive, send)


_COMMON = {
    "userId": {
        "type": "string",
        "description": "the shop's id of the customer; this or anonymousId is required, except with a secret key for an event "
        "that the vocabulary says is about a thing",
    },
    "anonymousId": {"type": "string", "description": "the id of a device or browser whose owner is not known yet"},
    "messageId": {"type": "string", "description": "unique for ever; a message id seen before changes nothing"},
    "timestamp": {"type": "string", "format": "date-time", "description": "when it happened"},
    "sentAt": {"type": "string", "format": "date-time", "description": "when it was sent, by the same clock"},
}
_WRITE_KEY = {"writeKey": {"type": "string", "description": "the write key, where it is not in Authorization"}}
_TRACK = {
    "type": "object",
    "required": ["event"],
    "properties": _COMMON | {"event": {"type": "string"}, "properties": {"type": "object"}} | _WRITE_KEY,
}
_IDENTIFY = {"type": "object", "properties": _COMMON | {"traits": {"type": "object"}} | _WRITE_KEY}
_VIEW = {
    "type": "object",
    "properties": _COMMON
    | {"name": {"type": "string"}, "category": {"type": "string"}, "properties": {"type": "object"}}
    | _WRITE_KEY,
}
_GROUP = {
    "type": "object",
    "required": ["groupId"],
    "properties": _COMMON | {"groupId": {"type": "string"}, "traits": {"type": "object"}} | _WRITE_KEY,
}
_ALIAS = {
    "type": "object",
    "required": ["userId", "previousId"],
    "properties": _COMMON
    | {
        "userId": {"type": "string", "description": "the shop's id of the customer"},
        "previousId": {
            "type": "string",
            "description": "what the customer was known by: an anonymous id, or one that is new. Another user's is not taken",
        },
    }
    | _WRITE_KEY,
}
_PATH_KEY = {"name": "write_key", "in": "path", "required": True, "schema": {"type": "string"}}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "items": {"type": "object"},
            "description": f'messages as those below, each with a "type": {", ".join(KINDS)}',
        },
        "sentAt": _COMMON["sentAt"],
    }
    | _WRITE_KEY,
}
_REFUSED = {
    "type": "object",
    "properties": {
        "index": {"type": "integer"},
        "messageId": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "error": {"type": "string"},
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": {"type": "boolean"},
        "refused": {"type": "array", "items": _REFUSED, "description": "messages of the batch that were not kept"},
        "warnings": {"type": "array", "items": {"type": "string"}},
    },
}
