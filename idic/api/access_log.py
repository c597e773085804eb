"""Log every request, and answer 500 when idic itself fails.

A log line names the route, never the path or the query: both contain ids, addresses and tokens.
"""

from __future__ import annotations

import time
import traceback

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idic.api.problem_details import internal

log = structlog.get_logger("idic.api")


class AccessLog:
    """Middleware that logs requests. ``quiet`` routes are too frequent: they are logged only when they fail."""

    def __init__(self, app: ASGIApp, quiet: frozenset[str]) -> None:
        self._app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            # An error's text may quote what a customer sent, so only its class and its place are logged.
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            log.error("failed", route=_route(scope), error=type(error).__name__, where=where)
            if not status:
                await internal()(scope, receive, noting)
        route = _route(scope)
        if status >= 400 or route not in self._quiet:
            took = round((time.perf_counter() - began) * 1000, 1)
            log.info("request", method=scope["method"], route=route, status=status, ms=took)


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "-")
