"""The demo's screen: a live picture on a terminal, or a few lines now and then without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.control import Control
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.segment import ControlType, Segment, Segments
from rich.table import Table
from rich.text import Text

from idic.dev.demo.watch import CLOCK, DemoState, JourneyCounts, TraceLine

TITLE = "Kettle & Crema, a small shop"
_REPORTS = 12
"""How many progress lines a run without a terminal prints."""

_STYLES = {
    "entered": "cyan",
    "waiting": "dim",
    "starts over": "dim",
    "happened": "cyan",
    "sent": "blue",
    "clicked": "magenta",
    "goal": "bold green",
    "not sent": "yellow",
    "late": "yellow",
    "unsubscribed": "yellow",
    "failed": "bold red",
    "uncertain": "bold red",
}
_HIGHLIGHTS = ("goal", "clicked", "unsubscribed", "sent", "entered")
"""Kinds of which only the newest line is shown if there is little room."""


class Course(NamedTuple):
    """The demo's time on idic's clock, from start to end."""

    begins: datetime
    ends: datetime

    def share(self, now: datetime) -> float:
        """The elapsed share, from 0 to 1."""
        return min(max((now - self.begins) / (self.ends - self.begins), 0.0), 1.0)

    def day(self, now: datetime) -> str:
        """The day's number."""
        days = max((self.ends - self.begins) // timedelta(days=1), 1)
        return f"day {min(max((now - self.begins) // timedelta(days=1) + 1, 1), days)} of {days}"


class Screen:
    """Use as a context manager; ``say`` works before and after, too. ``live``: a terminal that can be redrawn."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self.console = console
        self._live = live
        self._painting = False
        self._said: list[str] = []
        self._told = 0
        self._reports = 1

    def say(self, text: str) -> None:
        """Print a line."""
        if self._painting:
            self._said.append(text)
        else:
            self.console.print(text, markup=False, highlight=False)

    def __enter__(self) -> Screen:
        if self._live:
            self._painting = self.console.set_alt_screen(True)
            self.console.show_cursor(False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self.console.set_alt_screen(False)
            self.console.show_cursor(True)
            self._painting = False
            for text in self._said:
                self.say(text)

    def show(self, course: Course, picture: DemoState, lines: Sequence[TraceLine]) -> None:
        """Show the current state."""
        if self._painting:
            width, height = self.console.size
            width = min(width, 120)
            self._paint(_painted(course, picture, lines, self._said[-2:], width, height), width, height)
        elif course.share(picture.now) * _REPORTS >= self._reports:
            self._reports = int(course.share(picture.now) * _REPORTS) + 1
            for line in _reported(course, picture, lines[self._told :]):
                self.say(line)
            self._told = len(lines)

    def _paint(self, picture: RenderableType, width: int, height: int) -> None:
        """Redraw line by line. Lines aren't padded, because terminals disagree about the width of some scripts, and a line
        that is too wide would run into the next."""
        lines = self.console.render_lines(picture, self.console.options.update(width=width), pad=False)
        clear = Control((ControlType.ERASE_IN_LINE, 0)).segment
        parts = [[*line, clear] for line in lines[:height]] + [[clear]] * (height - len(lines))
        whole = [Control.home().segment]
        for number, part in enumerate(parts):
            whole += [*([Segment.line()] if number else []), *part]
        self.console.print(Segments(whole), end="")


def _painted(
    course: Course, picture: DemoState, lines: Sequence[TraceLine], said: Sequence[str], width: int, height: int
) -> RenderableType:
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    head.add_row(
        Text(TITLE, style="bold"),
        Text.assemble((f"{picture.now:{CLOCK}}", "bold"), f"  {course.day(picture.now)}"),
    )
    events = f"{picture.customers} customers · {picture.accepted} events accepted, {picture.routed} routed"
    bar = Table.grid()
    bar.add_row(ProgressBar(total=1.0, completed=course.share(picture.now), width=width))
    top: list[RenderableType] = [
        head,
        bar,
        Text(events, style="dim"),
        Text(),
        table(picture.standings),
        *(_places(standing) for standing in picture.standings if standing.places),
        *(Text(text, style="bold red", no_wrap=True, overflow="ellipsis") for text in said),
        Rule(style="dim"),
    ]
    room = max(height - len(top) - len(picture.standings), 3)
    return Group(*top, *(_line(line, width) for line in lines[-room:]))


def table(standings: Sequence[JourneyCounts]) -> Table:
    """The enrollments' states, journey by journey."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    grid.add_column("journey", no_wrap=True)
    for name, style in (
        ("entered", "cyan"), ("waiting", ""), ("mail", "blue"), ("sms", "blue"), ("web", "blue"), ("clicks", "magenta"),
        ("goal", "bold green"), ("value", "green"), ("left", "yellow"), ("ended", ""),
    ):  # fmt: skip
        grid.add_column(name, justify="right", style=style, no_wrap=True)
    for one in standings:
        counts = (one.entered, one.waiting, one.email, one.sms, one.web, one.clicks, one.goals)
        value = f"{one.value:,.2f}" if one.value else "–"
        grid.add_row(one.journey, *map(str, counts), value, str(one.left), str(one.ended))
    return grid


def _places(standing: JourneyCounts) -> Text:
    waiting = " · ".join(f"{step} {count}" for step, count in standing.places)
    return Text(f"{standing.journey} waits at  {waiting}", style="dim", no_wrap=True, overflow="ellipsis")


def _line(line: TraceLine, width: int) -> Text:
    # Names are cut by terminal cells: some scripts take two for each character.
    columns = [f"{line.at:{CLOCK}}", set_cell_size(line.who, 20)]
    if width >= 100:
        columns.append(set_cell_size(line.journey, 15))
    told = Text("  ".join(columns) + "  ", no_wrap=True, overflow="ellipsis")
    return told.append(_cut(line.text, width - _widest(told.plain)), style=_STYLES.get(line.kind, ""))


def _cut(text: str, width: int) -> str:
    """Cut a text so that it fits on every terminal: they disagree about the width of vowel signs in Indian and Thai
    scripts."""
    if _widest(text) <= width:
        return text
    while text and _widest(text) >= width:
        text = text[:-1]
    return f"{text}…"


def _widest(text: str) -> int:
    return sum(max(cell_len(character), 1) for character in text)


def _reported(course: Course, picture: DemoState, lines: Sequence[TraceLine]) -> Iterator[str]:
    yield (
        f"{picture.now:{CLOCK}} ({course.day(picture.now)}): {picture.customers} customers, "
        f"{picture.accepted} events accepted, {picture.routed} routed"
    )
    if not lines:
        return
    for one in picture.standings:
        if one.entered:
            yield (
                f"  {one.journey}: {one.entered} entered, {one.waiting} waiting, {one.email} mails, {one.sms} SMS, "
                f"{one.web} on the web, {one.clicks} clicks, "
                f"{one.goals} goals, {one.left} left, {one.ended} ended"
            )
    newest = {line.kind: line for line in lines}
    for kind in _HIGHLIGHTS:
        if kind in newest:
            yield f"  {newest[kind].at:{CLOCK}}  {newest[kind].who}: {newest[kind].text}"
