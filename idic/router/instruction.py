"""What an enrollment's workflow is told to do next: ids, labels and times only, for all of it is kept in histories."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

_SUMMARY = 300
"""Bytes as JSON, in which a letter may take six and an emoji twelve: Temporal takes 400 of a summary with what it wraps it
in, and refuses what carries a longer one."""


def brief(text: str) -> str:
    """As much of ``text`` as Temporal takes to show to people."""
    while len(json.dumps(text)) > _SUMMARY:
        text = text[:-1]
    return text


@dataclass(frozen=True)
class Delivery:
    """A touch to be delivered, or with ``activity`` "call" a call to be made (``touch`` is its id). ``queue`` is the task
    queue of its provider's account; ``patience`` is after how many real seconds of silence the worker that has it counts as
    dead; ``label`` is what people read of it in Temporal's UI, such as ``nudge by email``."""

    touch: str
    queue: str
    patience: float
    label: str = ""
    activity: str = "deliver"


@dataclass(frozen=True)
class Instruction:
    """``seq`` of the row that said so: of two, the higher one holds. With ``deliver``, deliver these; else rest until
    ``until`` (real time, seconds since 1970) or until woken, and then advance; with neither, the journey is over.
    ``step`` is where the enrollment rests, for people who read Temporal's UI."""

    seq: int
    until: float | None = None
    deliver: list[Delivery] = field(default_factory=list)
    step: str = ""
