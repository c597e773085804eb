"""Durations as marketers write them, and the instants they lead to.

A day is a day of the calendar where the customer lives: ``1 day`` after Saturday 10:00 is Sunday 10:00, also when the
clocks change in between. Hours, minutes and seconds are elapsed time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

_UNITS = {"second": (0, 1), "minute": (0, 60), "hour": (0, 3600), "day": (1, 0), "week": (7, 0)}
_SHORT = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
_PART = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]+)")


class Duration(BaseModel):
    """``days`` of the calendar and then ``seconds`` elapsed; neither is negative."""

    model_config = ConfigDict(frozen=True)

    days: int = 0
    seconds: float = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``4 hours``, ``1 day``, ``90 minutes``, ``1 day 6 hours``.

        Raises ``ValueError`` whose text says what to write instead.
        """
        rest, days, seconds = text.strip().lower(), 0, 0.0
        if not rest:
            raise ValueError('a duration is a number and a unit, such as "4 hours"')
        while rest:
            part = _PART.match(rest)
            if part is None:
                if re.fullmatch(r"\d+(\.\d+)?", rest):
                    raise ValueError(f'a duration needs a unit: write "{rest} minutes", "{rest} hours" or "{rest} days"')
                raise ValueError(f'"{text}" is not a duration; write a number and a unit, such as "4 hours" or "2 days"')
            unit = part["unit"]
            unit = _SHORT.get(unit, unit.removesuffix("s") if len(unit) > 1 else unit)
            if unit not in _UNITS:
                raise ValueError(f'"{part["unit"]}" is not a unit of time; use seconds, minutes, hours, days or weeks')
            count, (unit_days, unit_seconds) = float(part["count"]), _UNITS[unit]
            if unit_days:
                if not count.is_integer():
                    raise ValueError(f'"{part[0]}": days are whole; write the rest in hours')
                days += int(count) * unit_days
            seconds += count * unit_seconds
            rest = rest[part.end() :].lstrip(" ,").removeprefix("and ").lstrip()
        if days > 3650 or seconds > 3650 * 86400:
            raise ValueError(f'"{text}" is longer than ten years')
        return cls(days=days, seconds=seconds)

    @property
    def longest(self) -> timedelta:
        """The upper bound in elapsed time: a calendar day has at most 25 hours."""
        return timedelta(days=self.days, seconds=self.seconds, hours=1 if self.days else 0)

    def after(self, instant: datetime, zone: str) -> datetime:
        """The instant this long after ``instant`` (aware) for somebody who lives in ``zone`` (IANA name); in UTC."""
        if self.days:
            local = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(days=self.days)
            # A wall time that the spring change skips is read with the offset from before the change: one hour later.
            instant = local.replace(tzinfo=ZoneInfo(zone), fold=instant.astimezone(ZoneInfo(zone)).fold)
        return instant.astimezone(UTC) + timedelta(seconds=self.seconds)

    def before(self, instant: datetime, zone: str) -> datetime:
        """The instant this long before ``instant``; the mirror of ``after``, for windows that look back."""
        instant = instant.astimezone(UTC) - timedelta(seconds=self.seconds)
        if self.days:
            local = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(days=self.days)
            instant = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        return instant

    def __str__(self) -> str:
        parts, seconds = [], self.seconds
        for name, size in (("hour", 3600), ("minute", 60), ("second", 1)):
            count = seconds // size if size > 1 else seconds
            seconds -= count * size
            if count:
                parts.append(f"{count:g} {name}{'' if count == 1 else 's'}")
        if self.days:
            parts.insert(0, f"{self.days} day{'' if self.days == 1 else 's'}")
        return " ".join(parts) or "0 seconds"
