"""The journeys that a journey's customers may walk: itself, and those that it has them enter."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.program.program import Program
from idic.journey.program.steps import Enter


def together(programs: Mapping[str, Program], journey: str) -> tuple[Program, ...]:
    """``journey`` first, then every other that it leads into, in the order in which they are met."""
    found: dict[str, Program] = {}
    names = [journey]
    while names:
        name = names.pop(0)
        if name in found or name not in programs:
            continue
        found[name] = programs[name]
        names += [step.journey for step in programs[name].steps.values() if isinstance(step, Enter)]
    return tuple(found.values())
