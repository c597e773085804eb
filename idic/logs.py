"""Set up logging: one line per event, for people or as JSON.

Addresses, names and messages are never logged.
"""

from __future__ import annotations

import logging
import sys
from typing import Protocol

import structlog


class LogSettings(Protocol):
    """The settings of logs."""

    @property
    def log_level(self) -> str:
        """The lowest level that is written: debug, info, warning or error."""
        ...

    @property
    def log_format(self) -> str:
        """``text`` or ``json``."""
        ...


def configure(settings: LogSettings) -> None:
    """Send logs to standard error, in the level and format of ``settings``."""
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s %(message)s")
    # Activities log their own failures in one line; Temporal's own log of a failure fills a page.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    colours = sys.stderr.isatty()
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer(colors=colours)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def place(error: BaseException) -> str:
    """Where an error was raised, as ``file.py:12``.

    Log this instead of the error's text where that may hold personal data.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
