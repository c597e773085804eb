"""Health and readiness: is the API up, and can it serve?"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from idic.api.problem_details import HttpRefusal, problem
from idic.store.database import Store
from idic.store.upgrade import is_current


def add_health(router: APIRouter, store: Store) -> None:
    """Add ``/healthz`` and ``/readyz``."""

    @router.get("/healthz", tags=["health"], summary="Whether the process is up")
    async def healthz() -> Response:
        return JSONResponse({"status": "up"})

    @router.get(
        "/readyz",
        tags=["health"],
        summary="Whether the store is available and its tables are current",
        responses={503: problem()},
    )
    async def readyz() -> Response:
        if not await is_current(store):
            raise HttpRefusal(503, "schema", "the store's tables don't match this version of idic: run idic migrate")
        return JSONResponse({"status": "ready"})
