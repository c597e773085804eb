"""Customer attributes that idic computes by counting or summing events."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from idic.journey.program.values import Attribute
from idic.journey.vocabulary.types import read


class CountedEvent(NamedTuple):
    """An event, reduced to what counting it needs."""

    accepted_at: datetime
    properties: Mapping[str, Any]


def tally(attribute: Attribute, events: Iterable[CountedEvent], upto: datetime, zone: str, currency: str) -> float:
    """The value of ``attribute`` at ``upto`` (inclusive). ``events`` are all of the event that it counts, in any order."""
    since = attribute.window.before(upto, zone) if attribute.window else None
    within = (event for event in events if event.accepted_at <= upto and (since is None or event.accepted_at > since))
    return total(attribute, (event.properties for event in within), currency)


class DecliningTotal:
    """A windowed attribute's value over time while no further event happens: it can only decline."""

    def __init__(self, attribute: Attribute, events: Iterable[CountedEvent], zone: str, currency: str) -> None:
        self._attribute, self._zone = attribute, zone
        ordered = sorted(events, key=lambda event: event.accepted_at)
        self._accepted = [event.accepted_at for event in ordered]
        amounts = [total(attribute, [event.properties], currency) for event in ordered]
        # At index n: the total without the n oldest events.
        self._remaining = [*itertools.accumulate(reversed(amounts), initial=0.0)][::-1]

    def at(self, instant: datetime) -> float:
        """The value at ``instant``, which must not be before the newest event."""
        assert self._attribute.window is not None
        return self._remaining[bisect.bisect_right(self._accepted, self._attribute.window.before(instant, self._zone))]


def total(attribute: Attribute, properties: Iterable[Mapping[str, Any]], currency: str) -> float:
    """The number of these events, or the sum of their property. A value that cannot be read adds nothing."""
    if attribute.sums is None:
        return sum(1 for _ in properties)
    name = attribute.sums[1]
    return sum(float(read(attribute.type, event.get(name), siblings=event, currency=currency) or 0) for event in properties)
