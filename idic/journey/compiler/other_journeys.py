"""Find the journey that a step enters, and refuse journeys that enter each other in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from idic.journey.definition.definition import Definition, EnterDefinition, every_step
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems, did_you_mean

_NAME = re.compile(r"^journey:[ \t]*[\"']?([a-z][a-z0-9_]*)", re.MULTILINE)


class OtherJourneys(NamedTuple):
    """The definitions of all journeys by name. ``unread`` are the names of journeys whose files cannot be read."""

    definitions: Mapping[str, Definition]
    unread: frozenset[str] = frozenset()

    def entered(self, by: Definition, step: EnterDefinition, label: str, problems: Problems) -> Definition | None:
        """The journey that a step enters; None, with a problem reported, if it is missing, the same, or leads back here."""
        other = step.journey
        if other is None:
            return None
        name, own = other.value, by.name.value
        if name == own:
            problems.error(
                other.mark,
                f'{label}: journey "{name}" cannot enter itself',
                "take it out; again: under identify: says when a customer may enter again",
            )
            return None
        definition = self.definitions.get(name)
        if definition is None:
            if name not in self.unread:
                close = did_you_mean(name, [known for known in self.definitions if known != own])
                hint = close or "write the name after journey: in another file"
                problems.error(other.mark, f'journey "{name}" does not exist', hint, about=("journey", name))
            return None
        circle = self._path(name, own)
        if circle:
            around = " → ".join([own, *circle])
            hint = "take one of these steps out; otherwise the journeys never end"
            problems.error(other.mark, f"{label}: journeys enter each other in a circle: {around}", hint)
            return None
        return definition

    def _path(self, start: str, end: str) -> list[str] | None:
        """The journeys from one to another, both included, where each enters the next; None if there is no such path."""
        before: dict[str, str] = {start: ""}
        open_ = [start]
        while open_:
            name = open_.pop(0)
            if name == end:
                path = [name]
                while before[path[0]]:
                    path.insert(0, before[path[0]])
                return path
            for other in self._entered_from(name):
                if other not in before:
                    before[other] = name
                    open_.append(other)
        return None

    def _entered_from(self, name: str) -> Iterable[str]:
        definition = self.definitions.get(name)
        for step in every_step(definition.steps) if definition is not None else ():
            if isinstance(step, EnterDefinition) and step.journey is not None:
                yield step.journey.value


def name_in(text: str) -> str | None:
    """The name of the journey in a text that may have syntax errors; None if there is none."""
    match = _NAME.search(text)
    return match[1] if match else None


def key_of(definition: Definition) -> str | None:
    """The property that tells the entries of this journey apart; None without a key."""
    key: Scalar | None = definition.entry.key
    return key.value.removeprefix("event.") if key is not None else None
