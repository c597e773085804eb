"""Durations, times of day and schedules, as marketers write them.

A day is a calendar day where the customer lives: ``1 day`` after Saturday 10:00 is Sunday 10:00, also when the clocks
change in between. Hours, minutes and seconds are elapsed time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

_UNITS = {"second": (0, 1), "minute": (0, 60), "hour": (0, 3600), "day": (1, 0), "week": (7, 0)}
_SHORT = {"s": "second", "min": "minute", "h": "hour", "d": "day"}
_PART = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]+)")


class Duration(BaseModel):
    """A span of ``days`` of the calendar, then ``seconds`` of elapsed time. Neither is negative."""

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

    # Cached, because they are slow to make and every wait reads them.

    @cached_property
    def _calendar(self) -> timedelta:
        return timedelta(days=self.days)

    @cached_property
    def _elapsed(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def longest(self) -> timedelta:
        """The most elapsed time that it can take: a calendar day has at most 25 hours."""
        return timedelta(days=self.days, seconds=self.seconds, hours=1 if self.days else 0)

    def after(self, instant: datetime, zone: str) -> datetime:
        """The instant this long after ``instant`` (aware) for a customer who lives in ``zone`` (IANA name); in UTC."""
        if self.days:
            customer_zone = ZoneInfo(zone)
            # A wall time that the spring change skips keeps the offset from before the change, so it becomes one hour
            # later.
            local = instant.astimezone(customer_zone)
            instant = (local + self._calendar).replace(fold=local.fold)
        return instant.astimezone(UTC) + self._elapsed

    def before(self, instant: datetime, zone: str) -> datetime:
        """The instant this long before ``instant``, in UTC; the mirror of ``after``, for windows that look back."""
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


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"weekdays": (0, 1, 2, 3, 4), "weekday": (0, 1, 2, 3, 4), "weekends": (5, 6), "weekend": (5, 6)}
_TIME = re.compile(r"(\d{1,2}):(\d{2})")


def local(day: date, at: time, zone: str) -> datetime:
    """Convert a wall time in ``zone`` to UTC.

    A wall time that the spring change skips becomes one hour later. Of one that the autumn change brings twice, the first
    is taken.
    """
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


class TimeOfDay(BaseModel):
    """A time of day, on ``days`` of the week (0 is Monday; empty: every day)."""

    model_config = ConfigDict(frozen=True)

    hour: int
    minute: int = 0
    days: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> TimeOfDay:
        """Read ``09:00``, ``09:00 on weekdays``, ``18:30 on monday and thursday``.

        Raises ``ValueError`` whose text says what to write instead.
        """
        at, _, on = text.strip().lower().partition(" on ")
        return cls(**_time(at), days=_days(on) if on else ())

    @property
    def time(self) -> time:
        return time(self.hour, self.minute)

    def next(self, instant: datetime, zone: str) -> datetime:
        """The first such time at or after ``instant``, for a customer who lives in ``zone``; in UTC."""
        return next(at for at in self.from_day(instant, zone) if at >= instant)

    def from_day(self, instant: datetime, zone: str) -> Iterator[datetime]:
        """Every such time, from the local day before that of ``instant`` on."""
        day = instant.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        while True:
            if not self.days or day.weekday() in self.days:
                yield local(day, self.time, zone)
            day += timedelta(days=1)

    def __str__(self) -> str:
        on = " on " + " and ".join(WEEKDAYS[day] for day in self.days) if self.days else ""
        return f"{self.hour:02}:{self.minute:02}{on}"


class Hours(BaseModel):
    """A window of the day. It crosses midnight where ``closes`` is not after ``opens``."""

    model_config = ConfigDict(frozen=True)

    opens: TimeOfDay
    closes: TimeOfDay

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Read ``09:00 to 20:30``. Raises ``ValueError`` whose text says what to write instead."""
        opens, to, closes = text.strip().lower().partition(" to ")
        if not to:
            raise ValueError(f'"{text}" is not a window of time; write two times, such as "09:00 to 20:30"')
        hours = cls(opens=TimeOfDay(**_time(opens)), closes=TimeOfDay(**_time(closes)))
        if hours.opens == hours.closes:
            raise ValueError(f'"{text}" opens and closes at the same time; take it out for the whole day')
        return hours

    def next(self, instant: datetime, zone: str) -> datetime:
        """``instant`` if it lies within, else the next opening, for a customer who lives in ``zone``; in UTC.

        The window includes its opening and excludes its closing.
        """
        for opening in self.opens.from_day(instant, zone):
            if opening >= instant:
                return opening
            if instant < next(closing for closing in self.closes.from_day(opening, zone) if closing > opening):
                return instant
        raise AssertionError("days do not end")

    def __str__(self) -> str:
        return f"{self.opens} to {self.closes}"


class Every(BaseModel):
    """A recurring time: on days of the week, or on one day of every month (``month_day``).

    In a month that is shorter than ``month_day`` it is the month's last day.
    """

    model_config = ConfigDict(frozen=True)

    clock: TimeOfDay
    month_day: int | None = None

    @classmethod
    def parse(cls, text: str) -> Every:
        """Read ``day at 06:00``, ``weekday at 06:00``, ``monday and friday at 06:00``, ``month on 1 at 06:00``.

        Raises ``ValueError`` whose text says what to write instead.
        """
        what, at, clock = text.strip().lower().partition(" at ")
        if not at:
            days, _, last = text.strip().rpartition(" ")
            if days and _TIME.fullmatch(last):
                raise ValueError(f'"{text}": write "{days.removeprefix("every ")} at {last}"')
            raise ValueError(f'"{text}" lacks its time of day; write "day at 06:00"')
        if what == "day":
            return cls(clock=TimeOfDay(**_time(clock)))
        if what.startswith("month"):
            day = re.fullmatch(r"month on (?:the )?(\d{1,2})(?:st|nd|rd|th)?", what)
            if day is None or not 1 <= int(day[1]) <= 31:
                raise ValueError(f'"{text}": write the day of the month, such as "month on 1 at 06:00"')
            return cls(clock=TimeOfDay(**_time(clock)), month_day=int(day[1]))
        return cls(clock=TimeOfDay(**_time(clock), days=_days(what)))

    def next(self, instant: datetime, zone: str) -> datetime:
        """The first such time after ``instant``, in ``zone``; in UTC."""
        for at in self.clock.from_day(instant, zone):
            if at > instant and (self.month_day is None or self._is_the_day(at.astimezone(ZoneInfo(zone)).date())):
                return at
        raise AssertionError("days do not end")

    def _is_the_day(self, day: date) -> bool:
        last = (day + timedelta(days=1)).month != day.month
        return day.day == self.month_day or (last and day.day < (self.month_day or 0))

    def __str__(self) -> str:
        at = f"{self.clock.hour:02}:{self.clock.minute:02}"
        if self.month_day is not None:
            return f"month on {self.month_day} at {at}"
        return f"{' and '.join(WEEKDAYS[day] for day in self.clock.days) or 'day'} at {at}"


def _time(text: str) -> dict[str, int]:
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f'"{text.strip()}" is not a time of day; write it as "09:00"')
    return {"hour": int(match[1]), "minute": int(match[2])}


def names_days(text: str) -> bool:
    """Whether ``text`` names days of the week: ``monday``, ``weekdays``, ``saturday and sunday``."""
    try:
        return bool(_days(text))
    except ValueError:
        return False


def _days(text: str) -> tuple[int, ...]:
    days: set[int] = set()
    for word in re.split(r"\s*,\s*|\s+and\s+", text.strip().removeprefix("every ")):
        name = word.strip()
        name = name if name in _GROUPS else name.removesuffix("s")
        if name in _GROUPS:
            days.update(_GROUPS[name])
        elif (
            len(name) >= 3 and (day := next((n for n, full in enumerate(WEEKDAYS) if full.startswith(name)), None)) is not None
        ):
            days.add(day)
        else:
            raise ValueError(f'"{word}" is not a day of the week; write "monday", "weekdays" or "saturday and sunday"')
    return tuple(sorted(days))
