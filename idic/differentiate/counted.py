"""Attributes that idic counts and sums by itself, from the customer's events."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from idic.journey.program.values import Attribute
from idic.journey.vocabulary.types import read


class CountedEvent(NamedTuple):
    """An event as far as it counts."""

    accepted_at: datetime
    properties: Mapping[str, Any]


def tally(attribute: Attribute, events: Iterable[CountedEvent], upto: datetime, zone: str, currency: str) -> float:
    """What ``attribute`` came to at ``upto``, inclusive. ``events`` are those of the name that it counts, in any order."""
    since = attribute.window.before(upto, zone) if attribute.window else None
    within = (event for event in events if event.accepted_at <= upto and (since is None or event.accepted_at > since))
    return total(attribute, (event.properties for event in within), currency)


class DecliningTotal:
    """What a windowed attribute comes to as time passes and nothing happens: it only loses."""

    def __init__(self, attribute: Attribute, events: Iterable[CountedEvent], zone: str, currency: str) -> None:
        self._attribute, self._zone = attribute, zone
        ordered = sorted(events, key=lambda event: event.accepted_at)
        self._accepted = [event.accepted_at for event in ordered]
        worth = [total(attribute, [event.properties], currency) for event in ordered]
        # What is left when so many of the oldest have gone.
        self._left = [*itertools.accumulate(reversed(worth), initial=0.0)][::-1]

    def at(self, instant: datetime) -> float:
        """At or after the newest of the events."""
        assert self._attribute.window is not None
        return self._left[bisect.bisect_right(self._accepted, self._attribute.window.before(instant, self._zone))]


def total(attribute: Attribute, properties: Iterable[Mapping[str, Any]], currency: str) -> float:
    """How many events these are, or the sum of what they have; what cannot be read adds nothing."""
    if attribute.sums is None:
        return sum(1 for _ in properties)
    name = attribute.sums[1]
    return sum(float(read(attribute.type, one.get(name), siblings=one, currency=currency) or 0) for one in properties)
