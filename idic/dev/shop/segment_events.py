"""Send the shop's events to idic with Segment's own client."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple, Protocol

import segment.analytics


class Visitor(NamedTuple):
    """``anonymous_id`` is the browser's; ``user_id`` the customer's, when they are signed in."""

    anonymous_id: str
    user_id: str | None = None


class Reports(Protocol):
    """Where the shop sends its events."""

    def identify(self, visitor: Visitor, traits: dict[str, Any]) -> None:
        """Send what is known about a visitor."""

    def track(self, visitor: Visitor, event: str, properties: dict[str, Any]) -> None:
        """Send what a visitor did."""


class SegmentReports:
    """Sends events in the background; the customer doesn't wait."""

    def __init__(self, write_key: str, host: str) -> None:
        self._client = segment.analytics.Client(
            write_key, host=host, upload_interval=0.1, max_total_backoff_duration=60, log_handler=logging.NullHandler()
        )

    def identify(self, visitor: Visitor, traits: dict[str, Any]) -> None:
        """Send traits."""
        self._client.identify(visitor.user_id, traits, anonymous_id=visitor.anonymous_id)

    def track(self, visitor: Visitor, event: str, properties: dict[str, Any]) -> None:
        """Send an event."""
        self._client.track(visitor.user_id, event, properties, anonymous_id=visitor.anonymous_id)

    def close(self) -> None:
        """Send everything still waiting."""
        self._client.shutdown()
