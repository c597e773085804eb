"""How many messages stood in one window of time, counted from what left alone: nothing here knows idic's contact policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Sending(NamedTuple):
    """A message of marketing to one customer."""

    at: datetime
    channel: str
    topic: str | None = None


class Limit(NamedTuple):
    """At most so many in any window ``(now - per, now]``; without ``channels`` or ``topic`` those of all count. At least
    ``per`` between two is ``Limit(1, per)``."""

    at_most: int
    per: timedelta
    channels: tuple[str, ...] = ()
    topic: str | None = None

    def concerns(self, sending: Sending) -> bool:
        return (not self.channels or sending.channel in self.channels) and self.topic in (None, sending.topic)

    def inside(self, sendings: Iterable[Sending], now: datetime) -> list[datetime]:
        """When those that count in the window that ends now were sent, the earliest first."""
        return sorted(one.at for one in sendings if self.concerns(one) and now - self.per < one.at <= now)

    def beyond(self, sendings: Sequence[Sending]) -> list[datetime]:
        """The instants at which one more was sent than may be."""
        return [one.at for one in sendings if self.concerns(one) and len(self.inside(sendings, one.at)) > self.at_most]

    def free_at(self, sendings: Iterable[Sending], now: datetime) -> datetime:
        """The first instant from now on at which there is room for one more, should nothing else be sent."""
        inside = self.inside(sendings, now)
        return now if len(inside) < self.at_most else inside[len(inside) - self.at_most] + self.per
