"""Read phrases about time: moments, days and dates, daily limits.

Each function raises ``ValueError`` whose text says what to write instead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from idic.journey.definition.definition import MomentDefinition
from idic.journey.yaml_source.nodes import Scalar
from idic.times import Duration, TimeOfDay, names_days

_MOMENT = re.compile(r"(?:(?P<offset>\S.*?)\s+(?P<side>before|after)\s+)?(?P<name>[A-Za-z_][\w.]*)(?:\s+at\s+(?P<at>\S.*))?\s*")
_AT_MOST = re.compile(r"(?P<count>\d{1,9})\s+(?:a|per)\s+day")
_DATE = re.compile(r"(20\d{2})-(\d{1,2})-(\d{1,2})(?: (?P<hour>\d{1,2}):(\d{2}))?")
_DAYS_FIRST = re.compile(r"(?P<days>[a-z][a-z, ]*?)(?:\s+at\s+(?P<time>\d{1,2}:\d{2}))?")
_IS_DURATION = re.compile(r"\d+(\.\d+)?\s*[a-z]*")
_YEARLY = "every year "
DEFAULT_HOUR = TimeOfDay(hour=9)
"""The hour at which customers enter on a ``date:`` of their own, where the journey gives none."""


def until(text: Scalar) -> TimeOfDay | MomentDefinition:
    """Read the time of a ``wait: until …``: ``09:00 on weekdays``, ``3 days before entry.starts_at``."""
    start = len("until")
    rest = text.value[start:]
    start += len(rest) - len(rest.lstrip())
    if re.match(r"\d+:", rest.lstrip()):
        return TimeOfDay.parse(rest)
    if (days := _DAYS_FIRST.fullmatch(rest.strip().lower())) and names_days(days["days"]):
        if days["time"] is None:
            raise ValueError(f'"{rest.strip()}" lacks its time of day; write "until 09:00 on {rest.strip()}"')
        return TimeOfDay.parse(f"{days['time']} on {days['days']}")
    return moment(text, start, 'write "until 09:00", "until 3 days before entry.starts_at" or "until customer.renews_on"')


def lacks_until(text: Scalar) -> bool:
    """Whether this is a time or a moment where only ``until`` is missing: ``3 days before entry.starts_at``."""
    if _IS_DURATION.fullmatch(text.value.strip()):
        return False
    try:
        time = until(Scalar(text.source, f"until {text.value.strip()}", text.start, text.end))
    except ValueError:
        return False
    return isinstance(time, TimeOfDay) or "." in time.name


def moment(text: Scalar, start: int, example: str) -> MomentDefinition:
    """Read ``3 days before entry.starts_at at 09:00``, from the index ``start`` of the text on."""
    match = _MOMENT.fullmatch(text.value, start)
    if match is None or not match["name"].islower():
        raise ValueError(f'"{text.value[start:].strip()}" is not a moment; {example}')
    return MomentDefinition(
        text=text,
        name=match["name"],
        start=match.start("name"),
        offset=Duration.parse(match["offset"]) if match["offset"] else Duration(),
        before=match["side"] != "after",
        at=TimeOfDay.parse(match["at"]) if match["at"] else None,
    )


def day(text: Scalar) -> tuple[MomentDefinition, bool]:
    """Read a day of each customer's own, and whether it recurs every year: ``every year on customer.birthday``."""
    example = 'write "5 days before customer.renews_on" or "every year on customer.birthday"'
    yearly = text.value.startswith(_YEARLY)
    start = len(_YEARLY) if yearly else 0
    if text.value.startswith("on ", start):
        start += len("on ")
    return moment(text, start, example), yearly


def date_and_time(text: str, *, closing: bool = False) -> datetime:
    """Read ``2026-12-01 09:00``, or a day alone, which is its beginning, or with ``closing`` its end.

    The wall time is returned as if it were UTC; a caller that knows the zone converts it.
    """
    stripped = text.strip().removeprefix("at ").strip()
    match = _DATE.fullmatch(stripped)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute = (int(part) for part in match.groups(default="0"))
        at = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        raise ValueError(f'"{text}" is not a date; write it as "2026-12-01" or "2026-12-01 09:00"') from None
    return at + timedelta(days=1) if closing and match["hour"] is None else at


def daily_limit(text: str) -> int:
    """Read a daily limit: ``5000 a day``."""
    match = _AT_MOST.fullmatch(text.strip())
    if match is None or not int(match["count"]):
        raise ValueError(f'"{text}" is not a limit; write "5000 a day"')
    return int(match["count"])
