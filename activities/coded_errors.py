"""Reduce errors to codes, which are all that may stand in Temporal's histories.

A failure's message and cause stay in a workflow's history even when the retry succeeds, and an exception's text may name a
customer. So an activity raises a stable code; the text is logged here or kept in the store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from temporalio.exceptions import ApplicationError

from idic.errors import IdicError
from idic.logs import place

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
log = structlog.get_logger()


def coded(function: F) -> F:
    """Have an activity raise codes only. Every such failure is retried."""

    @wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except ApplicationError:
            raise
        except IdicError as error:
            log.warning("activity failed", activity=function.__name__, code=error.code)
            code = error.code
        except Exception as error:
            # The text of an unexpected error may hold data: only its kind and place are logged.
            code = type(error).__name__
            log.error("activity failed", activity=function.__name__, code=code, at=place(error))
        raise ApplicationError(code, type=code) from None

    return wrapped  # type: ignore[return-value]
