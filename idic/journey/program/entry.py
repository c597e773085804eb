"""Who enters a journey and when, which segment they are in, and what its goal is."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Literal

from idic.frozen import Frozen
from idic.journey.program.values import Condition, Moment, Pattern
from idic.times import Duration, Every


class Again(Frozen):
    """Whether a customer may enter again, for the same key."""

    kind: Literal["never", "always", "after"] = "never"
    after: Duration | None = None


class Day(Frozen):
    """A day of each customer's own: ``moment`` (always with ``at``); with ``yearly`` every year, and instead of 29 February on
    the 28th in other years."""

    moment: Moment
    yearly: bool = False


class Entry(Frozen):
    """How customers enter: by events (``on``), at times (``every`` or ``once``, in the program's zone), or on a ``day`` of each
    customer's own.

    ``for_each`` is for events about a thing, and says which customers they concern. ``when`` must hold for those who enter at
    a time. Nobody enters before ``starts`` or after ``ends``, at most ``at_most`` a day of the program's zone; with
    ``testers`` only test customers do.
    """

    on: tuple[Pattern, ...] = ()
    for_each: Condition | None = None
    every: Every | None = None
    once: datetime | None = None
    day: Day | None = None
    when: Condition | None = None
    key: str | None = None
    again: Again = Again()
    while_in: Literal["ignore", "restart"] = "ignore"
    starts: datetime | None = None
    ends: datetime | None = None
    at_most: int | None = None
    testers: bool = False

    @cached_property
    def on_events(self) -> tuple[tuple[str, tuple[Condition, ...]], ...]:
        """The events of the entry, each with the conditions that have to hold."""
        conditions = ((pattern.on, (pattern.when, self.for_each)) for pattern in self.on)
        return tuple((name, tuple(when for when in both if when is not None)) for name, both in conditions)


class Segment(Frozen):
    """A segment of the journey; ``when`` is None for ``otherwise``."""

    name: str
    when: Condition | None = None


class Goal(Frozen):
    """The events that make the journey a success. ``within`` is how long after the entry they count, ``value`` what one is
    worth, ``then`` whether the customer leaves."""

    on: tuple[Pattern, ...]
    within: Duration | None = None
    value: Condition | None = None
    then: Literal["leave", "continue"] = "leave"
