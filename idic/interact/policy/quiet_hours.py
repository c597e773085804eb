"""Quiet hours by the customer's local time, also on the two nights on which clocks change.

Hours that the change in spring skips do not exist; hours that the change in autumn repeats are quiet twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from idic.times import Hours

_DAY = 24 * 60
_MOST_LEAPS = 50
"""Windows that are not over after so many closings cover the whole day."""


def quiet(windows: Sequence[Hours], instant: datetime, zone: str) -> Hours | None:
    """The window in which it is ``instant`` (aware) in ``zone`` (IANA); a window holds its opening and not its closing."""
    minute = _minute(instant.astimezone(ZoneInfo(zone)))
    return next((window for window in windows if (minute - opens(window)) % _DAY < length(window)), None)


def ends(windows: Sequence[Hours], instant: datetime, zone: str) -> datetime | None:
    """The first instant from ``instant`` on, in UTC, that lies in none of the windows; None where they leave no time of day."""
    now, local_zone = instant.astimezone(UTC), ZoneInfo(zone)
    for _ in range(_MOST_LEAPS):
        window = quiet(windows, now, zone)
        if window is None:
            return now
        local = now.astimezone(local_zone)
        left = timedelta(
            minutes=(closes(window) - _minute(local)) % _DAY, seconds=-local.second, microseconds=-local.microsecond
        )
        changed = _change(now, now + left, local_zone)
        now = changed if changed is not None else now + left
    return None


def opens(window: Hours) -> int:
    """When a window opens, in minutes of the day."""
    return window.opens.hour * 60 + window.opens.minute


def closes(window: Hours) -> int:
    """When a window closes, in minutes of the day."""
    return window.closes.hour * 60 + window.closes.minute


def length(window: Hours) -> int:
    """How long a window is, in minutes of local time."""
    return (closes(window) - opens(window)) % _DAY


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _change(since: datetime, until: datetime, there: ZoneInfo) -> datetime | None:
    """When the clocks are moved after ``since`` and not after ``until``, if they are."""
    before = since.astimezone(there).utcoffset()
    if until.astimezone(there).utcoffset() == before:
        return None
    early, late = since.replace(second=0, microsecond=0), until.replace(second=0, microsecond=0)
    while late - early > timedelta(minutes=1):
        middle = (early + (late - early) / 2).replace(second=0, microsecond=0)
        if middle.astimezone(there).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
