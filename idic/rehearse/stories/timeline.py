"""The timeline of a story: what the people did and what idic did, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.engine.trace import sentence
from idic.rehearse.simulator import SimulatedEnrollment
from idic.rehearse.stories.storybook import CLOCK


class TimelineEntry(NamedTuple):
    """A line of a timeline. ``idic``: idic did it, and not the person. ``times`` is how often in a row, the last time at
    ``until``."""

    at: datetime
    who: str
    text: str
    idic: bool
    times: int = 1
    until: datetime | None = None


class Timeline:
    """The timeline of one person. ``entries`` are in the order in which they were added."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.entries: list[TimelineEntry] = []
        self._added: dict[str, int] = {}

    def add(self, text: str, at: datetime, *, idic: bool = False) -> None:
        """Add an entry."""
        self.entries.append(TimelineEntry(at, self.who, text, idic))

    def add_traces(self, enrollments: Sequence[SimulatedEnrollment], zone: str) -> None:
        """Add the traces of these enrollments that are new since the last call, with times in ``zone`` (IANA)."""
        several = len({enrollment.program.journey for enrollment in enrollments}) > 1
        new: list[tuple[datetime, str]] = []
        for enrollment in enrollments:
            lead = f"{enrollment.program.journey} › " if several else ""
            added = self._added.get(enrollment.state.enrollment, 0)
            for trace in enrollment.trace[added:]:
                why = {key: v.isoformat() if isinstance(v, datetime) else v for key, v in trace.why.items()}
                text = sentence(trace.kind, trace.step, why, clock=CLOCK, zone=ZoneInfo(zone))
                new.append((trace.at, f"{lead}{text}"))
            self._added[enrollment.state.enrollment] = len(enrollment.trace)
        for at, text in sorted(new, key=lambda entry: entry[0]):
            self.add(text, at, idic=True)


def merge_timelines(timelines: Iterable[Timeline]) -> list[TimelineEntry]:
    """The entries of several people by their instants. Equal entries of idic in a row become one."""
    merged: list[TimelineEntry] = []
    for entry in sorted((entry for timeline in timelines for entry in timeline.entries), key=lambda entry: entry.at):
        last = merged[-1] if merged else None
        if last is not None and entry.idic and (last.who, last.text, last.idic) == (entry.who, entry.text, entry.idic):
            merged[-1] = last._replace(times=last.times + 1, until=entry.at)
        else:
            merged.append(entry)
    return merged


def describe_event(name: str, properties: Mapping[str, Any]) -> str:
    """``Cart Updated: cart_id c1, total 80``."""
    values = describe_values({key: value for key, value in properties.items() if key != "channel"})
    return f"{name}{': ' if values else ''}{values}"


def describe_values(values: Mapping[str, Any]) -> str:
    """``orders 3, country DE``."""
    return ", ".join(f"{name} {_brief(value)}" for name, value in values.items())


def _brief(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list() as items:
            plain = all(isinstance(item, str | int | float) for item in items)
            return ", ".join(map(str, items)) if plain and items else f"({len(items)} of them)"
        case dict():
            return "(there)"
        case _:
            return str(value)
