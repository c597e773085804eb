"""Error answers as JSON: ``{"error": {"code", "message", "where"}}``, without stack traces or customers' data."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from idic.errors import Conflict, IdicError, InvalidInput, NotFound, StoreUnavailable
from idic.store.journey.programs import ProgramMissing

RETRY_AFTER = 1
"""Seconds after which a client may try again when the store is unavailable or its content can't be read."""


class HttpRefusal(IdicError):
    """A refused request, with an HTTP status of its own."""

    def __init__(
        self, status: int, code: str, message: str, *, where: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.status, self.code, self.where, self.headers = status, code, where, headers
        super().__init__(message)


_PROBLEM = "Problem"
"""The schema's name in the OpenAPI document."""


class Error(BaseModel):
    """The error in an answer."""

    code: str
    message: str
    where: str | None = None


class ProblemOut(BaseModel):
    """The body of an error answer."""

    model_config = ConfigDict(title=_PROBLEM)

    error: Error


def problem(description: str = "") -> dict[str, Any]:
    """An error answer for the OpenAPI document, by reference: a model would cost a millisecond for each route."""
    schema = {"$ref": f"#/components/schemas/{_PROBLEM}"}
    return {"content": {"application/json": {"schema": schema}}} | ({"description": description} if description else {})


def schemas() -> dict[str, Any]:
    """The schemas that ``problem`` refers to."""
    whole = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**whole.pop("$defs"), _PROBLEM: whole}


def answer(
    status: int,
    code: str,
    message: str,
    /,
    where: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """Build an error answer; ``more`` is added beside ``error``."""
    error = {"code": code, "message": message}
    if where is not None:
        error["where"] = where
    return JSONResponse({"error": error, **more}, status, headers)


def explain(error: IdicError, **more: Any) -> Response:
    """The answer to an error that idic raised on purpose; ``more`` is added to its fields."""
    match error:
        case HttpRefusal():
            return answer(error.status, error.code, str(error), error.where, error.headers, **more)
        case InvalidInput():
            message = str(error)
            return answer(400, error.code, message.removeprefix(f"{error.where}: "), error.where, **more)
        case NotFound():
            return answer(404, error.code, str(error))
        case Conflict():
            return answer(409, error.code, str(error))
        case StoreUnavailable() | ProgramMissing():
            return answer(503, error.code, str(error), headers={"Retry-After": str(RETRY_AFTER)})
        case _:
            return internal()


def internal() -> Response:
    """The answer to an unexpected error."""
    return answer(500, "internal", "idic failed on this request; nothing was kept, and its log says where")


def add_problems(app: FastAPI) -> None:
    """Answer every error of ``app`` in the one form."""

    async def on_purpose(_: Request, error: Exception) -> Response:
        assert isinstance(error, IdicError)
        return explain(error)

    async def by_framework(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = HTTPStatus(error.status_code).name.lower()
        return answer(error.status_code, code, error.detail, headers=dict(error.headers or {}))

    async def by_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        return answer(400, InvalidInput.code, first["msg"], ".".join(str(part) for part in first["loc"]))

    app.add_exception_handler(IdicError, on_purpose)
    app.add_exception_handler(HTTPException, by_framework)
    app.add_exception_handler(RequestValidationError, by_validation)
