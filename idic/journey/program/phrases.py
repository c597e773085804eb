"""Events, moments and times in the words of the person who wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from idic.journey.channels import CHANNELS
from idic.journey.program.values import Assignment, Moment, Pattern
from idic.times import WEEKDAYS, Duration, TimeOfDay

_NO_TIME = Duration()
_WORKING_DAYS = re.compile(f" on {' and '.join(WEEKDAYS[:5])}$")


class Description(NamedTuple):
    """``title`` says what is done; ``notes`` say under which limits."""

    title: str
    notes: tuple[str, ...] = ()


def channel(name: str) -> str:
    """The word for a channel; its name if there is no such channel any more."""
    return CHANNELS[name].word if name in CHANNELS else name


def event(pattern: Pattern) -> str:
    """``Link Clicked of nudge if event.value == "yes"``"""
    of = f" of {pattern.of}" if pattern.of else ""
    return f"{pattern.on}{of}{f' if {pattern.when.text}' if pattern.when else ''}"


def events(patterns: Iterable[Pattern]) -> str:
    """``Cart Emptied or Order Returned if …``; a condition that several events share is written once."""
    groups = groupby(patterns, key=lambda pattern: (pattern.when.text if pattern.when else "", pattern.of))
    phrases = []
    for (when, of), group in groups:
        names = " or ".join(pattern.on for pattern in group)
        phrases.append(f"{names}{f' of {of}' if of else ''}{f' if {when}' if when else ''}")
    return ", or ".join(phrases) if any(" if " in phrase for phrase in phrases) else " or ".join(phrases)


def moment(until: Moment) -> str:
    """``3 days before entry.starts_at at 09:00``"""
    offset = f"{until.offset} {'before' if until.before else 'after'} " if until.offset != _NO_TIME else ""
    return f"{offset}{until.name}{f' at {clock(until.at)}' if until.at else ''}"


def clock(at: TimeOfDay) -> str:
    """``09:00 on weekdays``"""
    return _WORKING_DAYS.sub(" on weekdays", str(at))


def assignments(assigned: Iterable[Assignment]) -> tuple[str, ...]:
    """``discount = 20``, one for each."""
    return tuple(f"{assignment.name} = {assignment.value.text}" for assignment in assigned)


def captured(name: str | None) -> tuple[str, ...]:
    """``as answer``, if something is captured."""
    return (f"as {name}",) if name else ()
