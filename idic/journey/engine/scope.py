"""Look up the values of names in conditions and templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from idic.journey.engine.state import Event, State
from idic.journey.program.program import Program

_NOWHERE: Mapping[str, Any] = {}


class Facts(NamedTuple):
    """What is known of a customer now: the attributes as they were sent to us, with the computed ones, and the customer's
    IANA zone."""

    customer: Mapping[str, Any]
    zone: str


class Scope:
    """The names of one enrollment at one moment: ``customer.…``, ``entry.…``, ``event.…`` (while an event is tested),
    ``key``, ``segment``, each captured event and each variable by its name, each split by its step's id."""

    __slots__ = ("_event", "_facts", "_state", "currency", "now", "zone")

    def __init__(
        self, program: Program, facts: Facts, now: datetime, state: State | None = None, event: Event | None = None
    ) -> None:
        self.currency = program.currency
        self.zone = facts.zone
        self.now = now
        self._facts = facts
        self._state = state
        self._event = event

    def raw(self, name: str) -> tuple[object, Mapping[str, object]]:
        """The value of a dotted name as it was sent to us, None where missing, and the mapping it was found in."""
        root, _, attribute = name.partition(".")
        if attribute:
            found = self._mapping(root)
            return found.get(attribute), found
        state = self._state
        if state is None:
            return None, _NOWHERE
        if root == "key":
            return state.key, _NOWHERE
        if root == "segment":
            return state.segment, _NOWHERE
        if root in state.captured:
            return state.captured[root].properties, _NOWHERE
        if root in state.variables:
            return state.variables[root], _NOWHERE
        return state.splits.get(root), _NOWHERE

    def _mapping(self, root: str) -> Mapping[str, Any]:
        if root == "customer":
            return self._facts.customer
        if root == "event":
            return self._event.properties if self._event is not None else _NOWHERE
        if self._state is None:
            return _NOWHERE
        if root == "entry":
            return self._state.entry.properties
        captured = self._state.captured.get(root)
        return captured.properties if captured is not None else _NOWHERE
