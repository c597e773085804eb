"""Who enters a journey and when, which segment they are in, and what its goal is."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Literal

from idic.frozen import Frozen
from idic.journey.program.values import Condition, Moment, Pattern
from idic.times import Duration, Every


class Again(Frozen):
    kind: Literal["never", "always", "after"] = "never"
    after: Duration | None = None


class Day(Frozen):
    """A day of each customer's own: ``moment`` (always with ``at``), every year again if ``yearly`` (29 February: on the 28th
    in other years)."""

    moment: Moment
    yearly: bool = False


class Entry(Frozen):
    """By events (``on``, for those about a thing ``for_each`` says whom they concern), at times for all customers (``every``
    or ``once``, in the program's zone) of whom ``when`` holds, or on a ``day`` of each customer's own.

    ``starts`` and ``ends`` bound when anybody enters, ``at_most`` how many a day of the program's zone, ``testers`` says that
    only test customers do.
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
        """The ways in by events: of each its event, and what has to hold."""
        conditions = ((pattern.on, (pattern.when, self.for_each)) for pattern in self.on)
        return tuple((name, tuple(when for when in both if when is not None)) for name, both in conditions)


class Segment(Frozen):
    """``when`` is None for ``otherwise``."""

    name: str
    when: Condition | None = None


class Goal(Frozen):
    on: tuple[Pattern, ...]
    within: Duration | None = None
    value: Condition | None = None
    then: Literal["leave", "continue"] = "leave"
