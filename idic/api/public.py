"""The pages behind links in messages: a click that is recorded and led on, and unsubscribing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from html import escape

import structlog
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from idic.errors import IdicError, InvalidInput, NotFound, StoreUnavailable
from idic.interact.links import Links
from idic.store import touches
from idic.store.database import Store, Tx
from idic.store.ingest import Observation, about, observe
from idic.store.tables import enrollments, programs

CLICK_PATIENCE = 2.0
"""Real seconds for which a customer who clicked waits for the click to be recorded, at most."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": ("default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"),
}
_BROKEN = ("This link does not work", "Perhaps it was cut off. Please open it from the message again.")
_NO_MORE = "You will not get messages of this kind any more."
log = structlog.get_logger("idic.api")


class PublicPages:
    def __init__(self, store: Store, links: Links, *, click_patience: float = CLICK_PATIENCE) -> None:
        self._store = store
        self._links = links
        self._click_patience = click_patience
        self._recording: set[asyncio.Task[None]] = set()

    async def click(self, request: Request) -> Response:
        """Lead on to where the link goes, whatever happens to the record of it. HEAD, of link checkers, is no click."""
        try:
            click = self._links.read_click(request.path_params["token"])
        except InvalidInput:
            return _page(404, *_BROKEN)
        if request.method == "GET":
            await self._patiently(self._record_click(click.touch, click.url))
        return RedirectResponse(click.url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    async def unsubscribe(self, request: Request) -> Response:
        """GET shows the page with the button, POST does it: the button's, or a mail program's one click (RFC 8058)."""
        try:
            touch = self._links.read_unsubscribe(request.path_params["token"])
        except InvalidInput:
            return _page(404, *_BROKEN)
        if request.method != "POST":
            return _page(200, "Unsubscribe?", _NO_MORE, button="Unsubscribe")
        try:
            await self._store.move("unsubscribe", lambda tx: self._withdraw(tx, touch))
        except StoreUnavailable:
            later = {"Retry-After": "60"}
            return _page(503, "That did not work", "Please try again in a minute.", button="Try again", headers=later)
        except NotFound:
            log.warning("unsubscribe of a touch that is not there")
            return _page(404, "This link is too old", "Nothing is known of this message any more.")
        return _page(200, "You are unsubscribed", _NO_MORE)

    async def _record_click(self, touch: str, url: str) -> None:
        try:
            await self._store.move("click", lambda tx: self._clicked(tx, touch, url))
        except IdicError as error:
            log.warning("click not recorded", reason=error.code)
        except Exception as error:
            log.error("click not recorded", reason=type(error).__name__)

    async def _patiently(self, recording: Awaitable[None]) -> None:
        """Wait for the record, but not for long; it goes on by itself."""
        task = asyncio.ensure_future(recording)
        assert isinstance(task, asyncio.Task)
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)
        await asyncio.wait({task}, timeout=self._click_patience)

    async def _clicked(self, tx: Tx, touch: str, url: str) -> None:
        row = await touches.get(tx, touch)
        await observe(tx, about(row, "Link Clicked", {"url": url}))

    async def _withdraw(self, tx: Tx, touch: str) -> None:
        row = await touches.get(tx, touch)
        topic = await tx.scalar(
            select(programs.c.document["topic"].as_string())
            .join(enrollments, enrollments.c.program_id == programs.c.id)
            .where(enrollments.c.id == row["enrollment_id"])
        )
        properties = {"channel": row["channel"]} | ({"topic": topic} if topic is not None else {})
        await observe(tx, Observation("Consent Withdrawn", row["customer_id"], row["enrollment_id"], row["step"], properties))


def _page(status: int, title: str, text: str, *, button: str | None = None, headers: dict[str, str] | None = None) -> Response:
    form = f'<form method="post"><button>{escape(button)}</button></form>' if button else ""
    return HTMLResponse(_PAGE.format(title=escape(title), text=escape(text), form=form), status, _HEADERS | (headers or {}))


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1.125rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 15vh auto 0; padding: 0 1.25rem; }}
  h1 {{ font-size: 1.5rem; line-height: 1.25; }}
  button {{ font: inherit; width: 100%; padding: .875rem; border: 0; border-radius: .5rem; }}
  button {{ background: #1f4fd8; color: #fff; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
{form}
</main>
</body>
</html>
"""
