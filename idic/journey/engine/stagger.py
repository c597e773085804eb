"""Spread work that is due at once over some time."""

from __future__ import annotations

from datetime import datetime, timedelta

from idic.journey.program.shares import hash_percent


def turn_of(enrollment: str, now: datetime, spread: timedelta) -> datetime:
    """When this enrollment has its turn, within ``spread`` from ``now`` on. It is the same turn every time."""
    return now + spread * (hash_percent(enrollment, "spread") / 100)
