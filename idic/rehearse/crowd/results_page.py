"""Render a rehearsal as one self-contained HTML page: no script, no external files, readable on a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from idic.journey.channels import CHANNELS

_MOST_COLUMNS = 92
_HOURS = (1, 2, 3, 6, 12, 24, 48, 96, 168, 336)
_TALLEST = 100.0


class PlotBlock(NamedTuple):
    """A part of a column; ``foot`` and ``height`` are percentages of the plot's height."""

    kind: str
    foot: float
    height: float


class PlotColumn(NamedTuple):
    """A column of a plot; ``said`` is its tooltip."""

    label: str
    said: str
    blocks: tuple[PlotBlock, ...]


class Plot(NamedTuple):
    """Columns side by side. ``top`` is the value at the top of the plot; ``marks`` are the labels of the first, middle and last
    column."""

    columns: tuple[PlotColumn, ...]
    top: int
    marks: tuple[str, ...]


def results_page(result: Mapping[str, Any]) -> str:
    """The HTML page for the data that ``idic simulate --format json`` prints."""
    journeys = [_journey(journey, result) for journey in result["journeys"]]
    return _template().render(
        result=result, journeys=journeys, spread=_spread(result), CHANNELS=CHANNELS, totals=_totals(result)
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("idic.rehearse.crowd", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["moment"] = lambda text, zone: (
        f"{datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%d %B %Y %H:%M}"
    )
    environment.globals["share"] = lambda part, whole: f"{part / whole:.1%}" if whole else "–"
    environment.globals["width"] = lambda part, whole: f"{100 * part / whole:.2f}" if whole else "0"
    return environment.get_template("results_page.html.jinja")


def _totals(result: Mapping[str, Any]) -> dict[str, Any]:
    goals = [journey["goal"] for journey in result["journeys"] if journey["goal"]]
    values = [goal for goal in goals if goal["valued"]]
    currencies = {goal["currency"] for goal in values}
    return {
        "entered": sum(journey["entered"] for journey in result["journeys"]),
        "sent": result["messages_per_customer"]["total"],
        "goals": sum(goal["reached"] for goal in goals) if goals else None,
        "value": f"{sum(goal['value'] for goal in values):,.0f} {currencies.pop()}" if len(currencies) == 1 else None,
    }


def _journey(journey: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    days = _days(result)
    by_day = {day["day"]: day for day in journey["days"]}
    names = [f"{day:%d %b}" for day in days]
    counts = [by_day.get(day.isoformat(), {"entered": 0, "goals": 0, "sent": {}}) for day in days]
    goal = journey["goal"]
    refused = [{**one, "step": step["step"]} for step in journey["steps"] for one in step["not_sent"]]
    return {
        **journey,
        "messages": sum(journey["sent"].values()),
        "sent_plot": _plot(names, [{channel: one["sent"].get(channel, 0) for channel in CHANNELS} for one in counts]),
        "entered_plot": _plot(names, [{"entered": one["entered"]} for one in counts]),
        "goals_plot": _plot(names, [{"goals": one["goals"]} for one in counts]) if goal and goal["reached"] else None,
        "hours_plot": _hours(goal["hours"]) if goal and goal["reached"] else None,
        "refused": sorted(refused, key=lambda one: -one["count"]),
    }


def _days(result: Mapping[str, Any]) -> list[date]:
    zone = ZoneInfo(result["zone"])
    first = datetime.fromisoformat(result["start"]).astimezone(zone).date()
    last = (datetime.fromisoformat(result["end"]) - timedelta(microseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _plot(names: Sequence[str], values: Sequence[Mapping[str, int]]) -> Plot:
    size = -(-len(names) // _MOST_COLUMNS)  # over a long time, a column stands for several days
    if size > 1:
        starts = range(0, len(names), size)
        values = [{kind: sum(one[kind] for one in values[start : start + size]) for kind in values[start]} for start in starts]
        names = [f"{names[start]} to {names[min(start + size, len(names)) - 1]}" for start in starts]
    top = _round_up(max((sum(one.values()) for one in values), default=0))
    columns = []
    for name, one in zip(names, values, strict=True):
        foot, blocks = 0.0, []
        for kind, count in one.items():
            height = _TALLEST * count / top
            blocks.append(PlotBlock(kind, foot, height))
            foot += height
        tooltip = ", ".join(f"{kind} {count:,}" for kind, count in one.items() if count) or "none"
        columns.append(PlotColumn(name, f"{name}: {tooltip}", tuple(block for block in blocks if block.height)))
    middle = (names[len(names) // 2],) if len(names) > 2 else ()
    marks = (names[0], *middle, names[-1]) if len(names) > 1 else tuple(names)
    return Plot(tuple(columns), top, marks)


def _hours(hours: Mapping[str, int]) -> Plot:
    """How many customers reached the goal, by the time it took."""
    bounds = [*_HOURS, *range(672, 8760, 336)]
    counts = [0] * len(bounds)
    for hour, count in hours.items():
        counts[next((index for index, bound in enumerate(bounds) if int(hour) < bound), len(bounds) - 1)] += count
    last = max(index for index, count in enumerate(counts) if count)
    names = [_span(bound) for bound in bounds[: last + 1]]
    plot = _plot(names, [{"goals": count} for count in counts[: last + 1]])
    return plot._replace(columns=tuple(column._replace(said=f"within {column.said}") for column in plot.columns))


def _span(hours: int) -> str:
    if hours < 48:
        return f"{hours} h"
    return f"{hours // 24} days" if hours < 336 else f"{hours // 168} weeks"


def _spread(result: Mapping[str, Any]) -> Plot:
    distribution = result["messages_per_customer"]["distribution"]
    most = max(map(int, distribution), default=0)
    counts = [distribution.get(str(number), 0) for number in range(most + 1)]
    return _plot([str(number) for number in range(most + 1)], [{"customers": count} for count in counts])


def _round_up(value: int) -> int:
    """The next round number, for the top of a plot."""
    if value < 10:
        return max(value, 1)
    size: int = 10 ** (len(str(value)) - 1)
    return next(size * step // 10 for step in (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100) if size * step // 10 >= value)
