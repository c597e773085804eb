"""The web channel: the script for customers' sites, the content it asks for, and what it reports.

The caller is a browser and can't be trusted. A user id counts only with its proof; an anonymous id shows only content for
unknown visitors. Ids travel in bodies, never in URLs. Bodies are JSON sent as text/plain, so that browsers need no CORS
preflight.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import Any

import structlog
from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idic.api.keys import ApiKeys
from idic.api.problem_details import HttpRefusal
from idic.api.rates import Rates
from idic.api.request_bodies import read_body
from idic.api.streams import Streams, contents
from idic.api.vocabulary import PublishedVocabulary
from idic.errors import InvalidInput, StoreUnavailable
from idic.identify.messages import read_identifier
from idic.identify.resolution import Identity
from idic.interact.tracking.links import ANSWER_PATH, Links
from idic.interact.tracking.visitors import Proofs
from idic.read_json import read_json_object
from idic.store.customer import visitors
from idic.store.customer.ingest import about_touch, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import touches, web_placements

SCRIPT_PATH = "/idic.js"
PATHS = frozenset({SCRIPT_PATH, "/v1/web/content", "/v1/web/stream", "/v1/web/shown", "/v1/web/clicked"})
"""Paths that pages of any origin may use."""

MOST_SLOTS = 20
"""The most slots of one page."""
LARGEST_ASKED = 256 * 1024
"""The largest request in bytes; large enough to tell a page with far too many slots what is wrong."""
LARGEST_REPORT = 8 * 1024
LATEST_SHOWN = 60.0
"""Real seconds after its end in which content still counts as shown: the page may not know of the end yet."""

_SLOT = re.compile(r"[A-Za-z0-9_-]{1,64}")
log = structlog.get_logger("idic.api")


class WebChannel:
    """The endpoints of the web channel."""

    def __init__(
        self,
        store: Store,
        vocabulary: PublishedVocabulary,
        write_keys: ApiKeys,
        proofs: Proofs,
        links: Links,
        streams: Streams,
        rates: Rates,
    ) -> None:
        self._store = store
        self._vocabulary = vocabulary
        self._keys = write_keys
        self._proofs = proofs
        self._links = links
        self._streams = streams
        self._rates = rates
        self._script = _light(files("idic.api").joinpath("static", "idic.js").read_text("utf-8")).encode()
        self._etag = f'"{hashlib.blake2b(self._script, digest_size=8).hexdigest()}"'

    async def script(self, request: Request) -> Response:
        """The script for customers' sites."""
        headers = {
            "ETag": self._etag,
            "Cache-Control": "public, max-age=300",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
        }
        if self._etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self._script, media_type="text/javascript", headers=headers)

    async def content(self, request: Request) -> Response:
        """The current content of this visitor's slots."""
        visitor, slots, unknown = await self._asked(request)
        async with self._store.reading() as tx:
            visit = (await visitors.visits(tx, [visitor])).get(visitor)
            shows = {slot: row for slot, row in visit.shows.items() if slot in slots} if visit else {}
            html = await web_placements.html(tx, [row.touch_id for row in shows.values()])
        told = {"slots": contents(self._store.clock, self._links, shows, html), **unknown}
        noting = BackgroundTask(self._note, visit.customer) if visit and visit.unnoted else None
        return JSONResponse(told, headers={"Cache-Control": "no-store"}, background=noting)

    async def stream(self, request: Request) -> Response:
        """The current content, and every change of it while the page is open."""
        return self._streams.stream(*await self._asked(request))

    async def shown(self, request: Request) -> Response:
        """Record that the customer saw the content. It counts once; a report long after the content's end is ignored."""
        touch, _ = await self._reported(request)

        async def work(tx: Tx) -> bool:
            row, placement = await touches.get(tx, touch), await web_placements.find(tx, touch)
            if placement is None:
                return False
            ended = min(filter(None, (placement.ended_at, placement.until)))
            if tx.clock.real_seconds(tx.now() - ended) > LATEST_SHOWN:
                return False
            await observe(tx, about_touch(row, "Message Shown", once="shown"))
            return True

        return _recorded(await self._store.move("shown", work))

    async def clicked(self, request: Request) -> Response:
        """Record a click in the content, also after its end. A link that is an answer records itself at its target."""
        touch, report = await self._reported(request)
        url = report.get("url")

        async def work(tx: Tx) -> bool:
            row, placement = await touches.get(tx, touch), await web_placements.find(tx, touch)
            if placement is None or not isinstance(url, str) or url.strip() not in placement.links:
                raise InvalidInput("isn't a link of this content", where="url")
            answers = self._is_answer(url)
            if not answers:
                await observe(tx, about_touch(row, "Link Clicked", {"url": url.strip()}))
            await web_placements.end_clicked(tx, touch, tx.now())
            return not answers

        return _recorded(await self._store.move("click", work))

    async def _asked(self, request: Request) -> tuple[Identity, list[str], dict[str, Any]]:
        """Read the visitor, the slots, and the slots that no vocabulary declares, which are reported in the answer."""
        asked = read_json_object(await read_body(request, LARGEST_ASKED))
        key = asked.get("writeKey")
        if not isinstance(key, str) or key not in self._keys:
            raise HttpRefusal(401, "unauthorized", "a write key is needed, as writeKey in the body", where="writeKey")
        self._rates.check(key)
        self._rates.use(key)
        slots = _slots(asked.get("slots"))
        vocabulary = await self._vocabulary.current()
        declared = vocabulary.slots if vocabulary is not None else None
        unknown = [slot for slot in slots if slot not in declared] if declared is not None else []
        return self._visitor(asked), slots, {"unknown": unknown} if unknown else {}

    def _visitor(self, asked: dict[str, Any]) -> Identity:
        if asked.get("userId") is None:
            return Identity("anonymous_id", read_identifier(asked.get("anonymousId"), "anonymousId"))
        user_id = read_identifier(asked["userId"], "userId")
        if not self._proofs.hold(user_id, asked.get("proof")):
            why = "this is no proof of this userId: the shop's server makes it, HMAC-SHA256 of the userId in hex"
            raise HttpRefusal(403, "proof_wrong", why, where="proof")
        return Identity("user_id", user_id)

    async def _reported(self, request: Request) -> tuple[str, dict[str, Any]]:
        report = read_json_object(await read_body(request, LARGEST_REPORT))
        token = report.get("token")
        return self._links.read_placement(token if isinstance(token, str) else ""), report

    def _is_answer(self, url: str) -> bool:
        before, path, token = url.strip().rpartition(ANSWER_PATH)
        try:
            return bool(before and path and self._links.read_answer(token))
        except InvalidInput:
            return False

    async def _note(self, customer_id: str) -> None:
        """Record in the background that the customer is on the site; the next page repeats it."""
        try:
            await self._store.move("seen", lambda tx: visitors.note_seen(tx, [customer_id]))
        except StoreUnavailable as error:
            log.warning("visit not noted", reason=error.code)


def add_web(router: APIRouter, web: WebChannel) -> None:
    """Add the endpoints of the web channel."""
    router.add_api_route(SCRIPT_PATH, web.script, methods=["GET", "HEAD"], response_model=None)
    for name, endpoint in (("content", web.content), ("stream", web.stream), ("shown", web.shown), ("clicked", web.clicked)):
        router.add_api_route(f"/v1/web/{name}", endpoint, methods=["POST"], response_model=None)


def _light(source: str) -> str:
    """The script without comment lines and indentation."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def _slots(raw: object) -> list[str]:
    if not isinstance(raw, list):
        raise InvalidInput("must be a list of slot names", where="slots")
    if len(raw) > MOST_SLOTS:
        raise InvalidInput(f"names {len(raw)} slots; a page has at most {MOST_SLOTS}", where="slots")
    for index, name in enumerate(raw):
        if not isinstance(name, str) or not _SLOT.fullmatch(name):
            raise InvalidInput("a slot name has at most 64 letters, digits, _ and -", where=f"slots[{index}]")
    return list(dict.fromkeys(raw))


def _recorded(recorded: bool) -> Response:
    return JSONResponse({"recorded": recorded})
