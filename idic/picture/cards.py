"""The cards and labels of the picture, measured before they are placed.

Lengths are CSS pixels.
"""

from __future__ import annotations

from typing import NamedTuple

from idic.journey.program import phrases
from idic.journey.program.entry import Goal
from idic.journey.program.program import Program
from idic.journey.program.steps import STEP_KINDS, AnyStep
from idic.journey.program.values import Pattern
from idic.picture import describe
from idic.picture.text_width import width, wrap

CARD = 252.0
EXIT = 192.0
_EDGE = 14.0
_ICON = 34.0

_PARTS = {
    "entry": ("#047857", "#ecfdf5"),
    "goal": ("#a16207", "#fefce8"),
    "leave": ("#b91c1c", "#fef2f2"),
    "end": ("#334155", "#f1f5f9"),
}


def colors() -> dict[str, tuple[str, str]]:
    """The strong and the light colour of every look. Dark text on the light one is easy to read, in print too."""
    looks = {name: look.colors for kind in STEP_KINDS.values() for name, look in kind.looks().items()}
    return looks | _PARTS


INK, MUTED = "#0f172a", "#475569"


class TextLine(NamedTuple):
    """``y`` is the base line, from the top of the card."""

    text: str
    y: float
    size: float = 12
    bold: bool = False
    color: str = INK
    italic: bool = False


class Card(NamedTuple):
    """``name`` is the id of a step, or empty. ``icons`` are names of icons; ``full`` is the text for screen
    readers."""

    kind: str
    name: str
    w: float
    h: float
    lines: tuple[TextLine, ...]
    icons: tuple[str, ...]
    full: str


class Chip(NamedTuple):
    """The words on a line: when it is taken."""

    w: float
    h: float
    lines: tuple[TextLine, ...]


def step_card(program: Program, step: AnyStep, *, told: bool = False) -> Card:
    """The card of a step. ``told``: the ways on are drawn beside or below it, each with its words."""
    described = step.describe()
    notes = list(described.notes)
    lines = step.lines()
    if lines and not told and (len(lines) > 1 or lines[0] not in described.title):
        notes[:0] = [f"· {line}" for line in lines]
    # The channels stand in the title, and as icons.
    icons = step.sent_channels() or (step.kind,)
    return card(icons[0], step.id, described.title, notes, quote=describe.opening(program, step), icons=icons)


def card(
    kind: str,
    name: str,
    title: str,
    notes: list[str],
    *,
    quote: str | None = None,
    icons: tuple[str, ...] = (),
    w: float = CARD,
) -> Card:
    """A card with a title and notes. ``kind`` chooses its colours; ``quote`` is the beginning of a message."""
    strong = colors()[kind][0]
    room = w - _ICON - 2 * _EDGE + 8
    lines: list[TextLine] = []
    y = _EDGE + 8
    icons = icons or (kind,)
    head = room - 18 * (len(icons) - 1)
    if name:
        for text in wrap(name, head, 11, True, 2):
            lines.append(TextLine(text, y, 11, True, strong))
            y += 15
        y += 3
    for text in wrap(title, room, 13.5, True):
        lines.append(TextLine(text, y, 13.5, True))
        y += 18
    if quote:
        for text in wrap(f"“{quote}”", room, 12, most=2):
            lines.append(TextLine(text, y, 12, color=MUTED, italic=True))
            y += 16
    for note in notes:
        for text in wrap(note, room, 12):
            lines.append(TextLine(text, y, 12, color=MUTED))
            y += 16
    full = ". ".join(filter(None, (name, title, *notes)))
    return Card(kind, name, w, max(lines[-1].y + 15, 44), tuple(lines), icons, full)


def exit_card(labels: tuple[str, ...], reason: str, name: str = "") -> Card:
    """The card of an exit, with the reasons for which it is taken."""
    strong = colors()["exit"][0]
    room = EXIT - 2 * 10
    lines: list[TextLine] = []
    y = 18.0
    for label in labels:
        for text in wrap(label, room, 11.5):
            lines.append(TextLine(text, y, 11.5, color=MUTED))
            y += 15
    for text in wrap(f"exit {reason}", room - 20, 12, True):
        lines.append(TextLine(text, y + 1, 12, True, strong))
        y += 16
    full = ". ".join(filter(None, (name, *labels, f"exit {reason}")))
    return Card("exit", name, EXIT, y - 4, tuple(lines), (), full)


def end_card(text: str) -> Card:
    """A small card with one line."""
    w = width(text, 12, True) + 36
    return Card("end", "", w, 30, (TextLine(text, 20, 12, True, colors()["end"][0]),), (), text)


def chip(labels: tuple[str, ...], most: float = CARD) -> Chip:
    """The label of a line."""
    lines: list[TextLine] = []
    y = 15.0
    for number, label in enumerate(labels):
        for text in wrap(label if not number else f"or {label}", most - 20, 11.5, True):
            lines.append(TextLine(text, y, 11.5, True, "#1e293b"))
            y += 15
    return Chip(max(width(line.text, 11.5, True) for line in lines) + 20, y - 15 + 21 - 14 + 1, tuple(lines))


def entry_card(program: Program) -> Card:
    """The card of the entry."""
    title, notes = describe.entry(program.entry, program.zone)
    return card("entry", "enters", title, list(notes), w=300)


def segments_card(program: Program) -> Card | None:
    """The card of values and segments; None if there are none."""
    if not program.segments and not program.values:
        return None
    notes = [*phrases.assignments(program.values)]
    notes += [f"{one.name}: {one.when.text if one.when else 'otherwise'}" for one in program.segments]
    title = "who is who" if program.segments else "decided at entry"
    return card("differentiate", "differentiate", title, notes, w=300)


def goal_card(goal: Goal) -> Card:
    """The card of the goal."""
    title, notes = describe.goal(goal)
    return card("goal", "goal", title, list(notes), w=300)


def leave_card(patterns: tuple[Pattern, ...]) -> Card:
    """The card of the events that end the journey."""
    return card("leave", "leave, at any step", phrases.events(patterns), [], w=300)
