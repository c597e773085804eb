"""The program that a journey compiles to: frozen, self-contained, content-addressed.

A program holds everything that an enrollment needs until its end: the steps, each with the steps that follow; every condition,
with the types of the names it reads; and every word that a customer will see. It needs neither the YAML, the vocabulary nor
the templates any more.

Programs are stored as JSON. A field added later needs a default, so that yesterday's programs still read; an unknown field
is ignored, so that yesterday's code reads today's.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Any, Literal

from idic.frozen import Frozen
from idic.journey.contact_policy.contact_policy import StricterPolicy
from idic.journey.program.content import Message
from idic.journey.program.entry import Entry, Goal, Segment
from idic.journey.program.steps import AnyStep
from idic.journey.program.values import Assignment, Attribute, Pattern, Target

_CONTENT = {"messages", "links", "title"}

SEMANTICS = 1
"""The number that an enrollment's row gets at entry. Code branches on it until no open row has an older number."""


class Program(Frozen):
    """``values`` are decided at entry, before the segment, and are read by their names. ``late`` says what becomes of
    messages that came due while the journey was paused. ``stricter`` is what it adds to the contact policy, ``sender`` the one
    of the policy's senders as whom it writes, if not the default one. ``customer`` is every customer attribute read anywhere
    in the program. ``zone`` (IANA) and ``language`` (BCP 47) serve customers of whom we know neither, and so does ``country``
    (ISO 3166-1 alpha-2) for telephone numbers without a country code; ``currency`` is ISO 4217. ``links`` are Liquid sources
    of URLs."""

    journey: str
    title: str
    purpose: Literal["marketing", "service"] = "marketing"
    topic: str | None = None
    entry: Entry
    values: tuple[Assignment, ...] = ()
    segments: tuple[Segment, ...] = ()
    late: Literal["send", "skip"] = "send"
    stricter: StricterPolicy | None = None
    sender: str | None = None
    first: Target
    steps: dict[str, AnyStep]
    goal: Goal | None = None
    leave: tuple[Pattern, ...] = ()
    messages: dict[str, Message] = {}
    links: dict[str, str] = {}
    customer: dict[str, Attribute] = {}
    currency: str = "EUR"
    zone: str = "UTC"
    country: str | None = None
    language: str = "en"
    languages: tuple[str, ...] = ("en",)

    def document(self, **chosen: set[str]) -> dict[str, Any]:
        """The program as JSON, without fields that have their default."""
        return self.model_dump(mode="json", exclude_defaults=True, **chosen)  # type: ignore[arg-type]

    @cached_property
    def begun_by(self) -> frozenset[str]:
        """The events on which it is entered."""
        return frozenset(pattern.on for pattern in self.entry.on)

    @cached_property
    def hears(self) -> frozenset[str]:
        """Every event that matters to it: those of its entry, its waits, its goal and leave, and those that it counts."""
        patterns = [*self.entry.on, *(self.goal.on if self.goal else ()), *self.leave]
        patterns += [pattern for step in self.steps.values() for pattern in step.awaits]
        return frozenset((*(pattern.on for pattern in patterns), *(event for _, _, event in self.computed)))

    @cached_property
    def computed(self) -> tuple[tuple[str, Attribute, str], ...]:
        """The customer's attributes that idic counts or sums by itself, each with the event that it counts."""
        return tuple(
            (name, attribute, event) for name, attribute in self.customer.items() if (event := attribute.counted_event)
        )

    @cached_property
    def windowed(self) -> bool:
        """Whether time alone changes one of the computed attributes."""
        return any(attribute.window is not None for _, attribute, _ in self.computed)

    @cached_property
    def id(self) -> str:
        """The address of this program: a digest of its flow and its content."""
        return _digest(self.document())

    @cached_property
    def flow(self) -> str:
        """The digest of everything but the words customers read: two programs with the same flow differ in content only."""
        return _digest(self.document(exclude=_CONTENT))

    @cached_property
    def content(self) -> str:
        """The digest of the words that customers read."""
        return _digest(self.document(include=_CONTENT))


def _digest(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
