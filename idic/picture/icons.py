"""The icons of steps and of the other parts of a journey, each drawn with lines on a square of 16."""

from __future__ import annotations

from idic.journey.program.steps import STEP_KINDS

_PARTS = {
    "entry": '<path d="M7 2h6v12H7M1.5 8h7.5M6.2 5 9.2 8l-3 3"/>',
    "leave": '<path d="M9 2H3v12h6M6.5 8h8M11.5 5l3 3-3 3"/>',
    "goal": '<path d="M3 15V1.5M3 2.5h9.5L10.5 5.5l2 3H3"/>',
}


def icons() -> dict[str, str]:
    """The SVG of every icon by its name."""
    looks = {name: look.icon for kind in STEP_KINDS.values() for name, look in kind.looks().items()}
    return looks | _PARTS
