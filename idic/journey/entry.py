"""Who enters a journey, and when. Pure: the router and the simulator ask the same question."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never

from idic.journey.conditions import explain, holds
from idic.journey.interpreter import key_of
from idic.journey.program import Program
from idic.journey.scope import Facts, Scope
from idic.journey.state import Event

REQUESTED = "Enrollment Requested"
"""The event that a request through the API is recorded as. It concerns the journey that was asked for and no other."""


class Enter(NamedTuple):
    """``restart``: the open enrollment of this key ends first."""

    key: str | None
    restart: bool = False


class StayOut(NamedTuple):
    """``code``: ``condition``, ``no key``, ``already in`` or ``again``; ``reason`` in plain words."""

    code: str
    reason: str


class Applies(NamedTuple):
    """The event is one on which this journey is entered, for this key: what happened to the key before decides."""

    key: str | None


def applies(program: Program, event: Event, facts: Facts) -> Applies | StayOut | None:
    """Whether ``event`` asks for entry into ``program``; None if the journey is not entered on it at all.

    A request through the API stands for any of the journey's events, and is held to the same conditions.
    """
    requested = event.name == REQUESTED
    patterns = [pattern for pattern in program.entry.on if requested or pattern.on == event.name]
    if not patterns:
        return None
    scope = Scope(program, facts, event.accepted_at, event=event)
    unmet = [pattern.when for pattern in patterns if pattern.when is not None and not holds(pattern.when, scope)]
    if len(unmet) == len(patterns):
        return StayOut("condition", "; ".join(explain(when, scope) for when in unmet))
    if program.entry.key is None:
        return Applies(None)
    key = key_of(event, program.entry.key)
    if key is None:
        return StayOut("no key", f"the event has no {program.entry.key}")
    return Applies(key)


def admit(
    program: Program, key: str | None, at: datetime, zone: str, *, is_in: bool, last_entered_at: datetime | None
) -> Enter | StayOut:
    """Whether a customer who asks for entry at ``at`` gets it: ``is_in`` this journey under this key, and last entered it
    at ``last_entered_at`` (None: never)."""
    entry = program.entry
    if is_in:
        if entry.while_in == "restart":
            return Enter(key, restart=True)
        return StayOut("already in", "is in this journey already")
    if last_entered_at is None:
        return Enter(key)
    match entry.again.kind:
        case "always":
            return Enter(key)
        case "never":
            return StayOut("again", "has been in this journey before, and it says again: never")
        case "after":
            assert entry.again.after is not None
            due = entry.again.after.after(last_entered_at, zone)
            if at >= due:
                return Enter(key)
            return StayOut(
                "again", f"entered at {last_entered_at:%Y-%m-%d %H:%M}, and it says again: after {entry.again.after}"
            )
        case kind:
            assert_never(kind)
