"""Many at once, one after the other: when it is whose turn."""

from __future__ import annotations

from datetime import datetime, timedelta

from idic.journey.program.shares import hash_percent


def turn_of(enrollment: str, now: datetime, spread: timedelta) -> datetime:
    """When it is this enrollment's turn, of many that are all due ``now``, within ``spread``: at the same place every time."""
    return now + spread * (hash_percent(enrollment, "spread") / 100)
