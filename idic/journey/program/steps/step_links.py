"""Where a step leads while its journey is compiled."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from idic.journey.program.values import Condition, Target

AGAIN = " again"
"""Appended to the name of a repeat: the place at the end of a round."""


class Transition(NamedTuple):
    """From one step to a step that can follow. ``sets`` are the names that it certainly captures, draws or sets; ``may_set``
    those that it possibly does."""

    origin: str
    target: Target
    sets: frozenset[str] = frozenset()
    may_set: frozenset[str] = frozenset()


class StepTargets(NamedTuple):
    """Where a step can lead: ``then``, ``otherwise``, and its branches in their order."""

    then: Target
    otherwise: Target
    branches: tuple[Target, ...] = ()


class CommonFields(TypedDict):
    """The fields that steps of all kinds have in a program."""

    id: str
    when: Condition | None
    then: Target
    otherwise: Target
