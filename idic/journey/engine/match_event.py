"""Decide what an event means to an enrollment, before it moves. The router asks this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Ending, Event, State
from idic.journey.expressions.evaluate import amount, depends_on_today, holds
from idic.journey.program.program import Program
from idic.journey.program.values import Condition, Pattern


class Ends(NamedTuple):
    """The goal is reached or the customer leaves. The enrollment ends at once."""

    ending: Ending
    value: float | None


class ReachesGoal(NamedTuple):
    """The goal is reached, and the journey goes on."""

    value: float | None


class Wakes(NamedTuple):
    """The step where the enrollment stands may take the event."""


class Late(NamedTuple):
    """The step waited for this event, but not so long."""

    step: str


Meaning = Ends | ReachesGoal | Wakes | Late | None


def meet(program: Program, state: State, event: Event, facts: Facts) -> Meaning:
    """What ``event`` means to this enrollment. Goal before leave before the waiting step."""
    if state.ended is not None or event.place <= state.entry.place:
        return None
    scope = Scope(program, facts, event.accepted_at, state, event)
    goal = program.goal
    if goal and (goal.then == "leave" or state.goal_at is None) and _any_matches(goal.on, state, event, scope):
        value = amount(goal.value, scope) if goal.value else None
        if goal.then == "continue":
            return ReachesGoal(value)
        return Ends(Ending.made(kind="goal", reason=event.name, at=event.accepted_at), value)
    if _any_matches(program.leave, state, event, scope):
        return Ends(Ending.made(kind="leave", reason=event.name, at=event.accepted_at), None)
    if state.step is not None and _awaits(program, state.step, state, event):
        until = state.ends or state.deadline
        if until is None or event.accepted_at <= until:
            return Wakes()
        return Late(state.step)
    if changes(program, state, event):
        return Wakes()
    for expired in state.expired:
        if _awaits(program, expired, state, event):
            return Late(expired)
    return None


_ZONE = ("zone", "timezone")
"""The attributes with the customer's zone, and so with the beginning of days."""


def watches(program: Program, state: State) -> frozenset[str]:
    """The customer attributes that the current step depends on: a change of one advances the enrollment."""
    if state.ended is not None or state.step is None:
        return frozenset()
    step = program.steps[state.step]
    conditions = [condition for _, condition in step.untils]
    read = [name for condition in conditions for name in attributes_read(condition)]
    moments = [name for moment in step.moments() for name in attribute_named(moment.name)]
    days = _ZONE if moments or any(depends_on_today(condition) for condition in conditions) else ()
    return frozenset((*days, *read, *moments))


def changes(program: Program, state: State, event: Event) -> bool:
    """Whether the event counts in an attribute that the present step watches."""
    counting = [name for name, _, counted in program.computed if counted == event.name]
    return bool(counting) and not watches(program, state).isdisjoint(counting)


def attribute_named(name: str) -> tuple[str, ...]:
    """The customer attribute of a name, in a tuple; empty if the name is something else."""
    root, _, attribute = name.partition(".")
    return (attribute,) if root == "customer" else ()


def attributes_read(condition: Condition) -> Iterator[str]:
    """The customer's attributes that a condition reads."""
    for name in condition.reads:
        yield from attribute_named(name)


def takes_back(program: Program, state: State, event: Event, facts: Facts) -> str | None:
    """Whether ``event`` would have ended this enrollment, which has ended already: ``goal`` or ``leave``. Its content on
    the site is then removed."""
    scope = Scope(program, facts, event.accepted_at, state, event)
    if program.goal and state.goal_at is None and _any_matches(program.goal.on, state, event, scope):
        return "goal"
    return "leave" if _any_matches(program.leave, state, event, scope) else None


def attributes(program: Program, state: State, event: Event, facts: Facts) -> tuple[bool, float | None]:
    """Whether ``event`` still counts as the goal of an enrollment that has ended without it, and its value."""
    if program.goal is None or all(pattern.on != event.name for pattern in program.goal.on):
        return False, None
    until = attributed_until(program, state)
    if until is None or event.accepted_at > until:
        return False, None
    scope = Scope(program, facts, event.accepted_at, state, event)
    if not _any_matches(program.goal.on, state, event, scope):
        return False, None
    return True, amount(program.goal.value, scope) if program.goal.value else None


def attributed_until(program: Program, state: State) -> datetime | None:
    """Until when a goal after the end counts for the journey; None if not at all. Days are those of the program's zone."""
    if state.ended is None or state.goal_at is not None or program.goal is None or program.goal.within is None:
        return None
    if state.ended.kind == "closed":
        return None  # another enrollment took its place, and the goal counts there
    return program.goal.within.after(state.ended.at, program.zone)


def _any_matches(patterns: Sequence[Pattern], state: State, event: Event, scope: Scope) -> bool:
    return any(concerns(pattern, state, event) and (pattern.when is None or holds(pattern.when, scope)) for pattern in patterns)


def concerns(pattern: Pattern, state: State, event: Event) -> bool:
    """Whether name, key and message of the event match. Its condition isn't checked here.

    If a message is sent again in every round, only events about the newest count, because an earlier bounce says nothing
    about the new message. A click counts for any of them: it shows that the customer reacts.
    """
    if pattern.on != event.name:
        return False
    if pattern.key is not None and key_of(event, pattern.key) != state.key:
        return False
    if pattern.of is None:
        return True
    if event.enrollment != state.enrollment or state.formerly.get(event.step or "", event.step) != pattern.of:
        return False
    return event.name == "Link Clicked" or event.properties.get("round", 1) == state.rounds.get(pattern.of, 1)


def _awaits(program: Program, step_id: str, state: State, event: Event) -> bool:
    step = program.steps[step_id]
    return event.name in step.listens and any(concerns(pattern, state, event) for pattern in step.awaits)


LONGEST_KEY = 255


def key_of(event: Event, name: str) -> str | None:
    """The event's key as text, None where it has none."""
    value = event.properties.get(name)
    if value is None or isinstance(value, (dict, list)):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        key = str(value)
    except ValueError:  # a number of thousands of digits
        return None
    return key if 0 < len(key) <= LONGEST_KEY else None
