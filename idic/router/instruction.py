"""What an enrollment's workflow is told to do next.

It is ids, labels and times only, because Temporal keeps all of it in histories.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

_SUMMARY = 300
"""Bytes as JSON, in which a letter may take six and an emoji twelve. Temporal refuses a summary of more than 400 with its
wrapping."""


def brief(text: str) -> str:
    """As much of ``text`` as Temporal accepts for a summary."""
    while len(json.dumps(text)) > _SUMMARY:
        text = text[:-1]
    return text


@dataclass(frozen=True)
class Delivery:
    """A touch to deliver, or with ``activity`` "call" a call to make (``touch`` is its id). ``queue`` is the task queue of its
    provider account; ``patience`` is after how many real seconds of silence its worker counts as dead; ``label`` is its text
    in Temporal's UI, such as ``nudge by email``."""

    touch: str
    queue: str
    patience: float
    label: str = ""
    activity: str = "deliver"


@dataclass(frozen=True)
class Instruction:
    """What to do next. With ``deliver``, deliver these; else rest until ``until`` (real time, seconds since 1970) or until
    woken, and then advance; with neither, the journey is over. ``seq`` is the row's: of two instructions the one with the
    higher holds. ``step`` is where the enrollment rests, as Temporal's UI shows it."""

    seq: int
    until: float | None = None
    deliver: list[Delivery] = field(default_factory=list)
    step: str = ""
