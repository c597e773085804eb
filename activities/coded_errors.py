"""Errors as they may travel into histories: a code and nothing else.

A failure's message and its cause stay in a workflow's history even when the retry succeeds, and an exception's text may
name a customer. So what leaves an activity is a stable word; the text is logged here or kept in the store.
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
    """Let only codes out of an activity; every such failure is retried."""

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
            # The text of an unforeseen error may hold what it was working on: only its kind and place are logged.
            code = type(error).__name__
            log.error("activity failed", activity=function.__name__, code=code, at=place(error))
        raise ApplicationError(code, type=code) from None

    return wrapped  # type: ignore[return-value]
