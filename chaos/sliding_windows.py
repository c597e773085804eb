"""Count messages in sliding windows from the sent messages alone, without idic's contact policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Sending(NamedTuple):
    """A marketing message to a customer."""

    at: datetime
    channel: str
    topic: str | None = None


class Limit(NamedTuple):
    """At most so many in any window ``(now - per, now]``; without ``channels`` or ``topic``, all count. A gap of ``per`` is
    ``Limit(1, per)``."""

    at_most: int
    per: timedelta
    channels: tuple[str, ...] = ()
    topic: str | None = None

    def concerns(self, sending: Sending) -> bool:
        """Whether the limit counts this message."""
        return (not self.channels or sending.channel in self.channels) and self.topic in (None, sending.topic)

    def inside(self, sendings: Iterable[Sending], now: datetime) -> list[datetime]:
        """When the messages of the window that ends now were sent, the earliest first."""
        return sorted(one.at for one in sendings if self.concerns(one) and now - self.per < one.at <= now)

    def beyond(self, sendings: Sequence[Sending]) -> list[datetime]:
        """The instants at which one message too many was sent."""
        return [one.at for one in sendings if self.concerns(one) and len(self.inside(sendings, one.at)) > self.at_most]

    def free_at(self, sendings: Iterable[Sending], now: datetime) -> datetime:
        """The first instant from now on with room for one more, if nothing else is sent."""
        inside = self.inside(sendings, now)
        return now if len(inside) < self.at_most else inside[len(inside) - self.at_most] + self.per
