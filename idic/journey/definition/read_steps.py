"""Read the steps of a journey file."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import ClassVar, Protocol

from idic.journey.definition.definition import BranchDefinition, Given, StepDefinition
from idic.journey.definition.read_events import EventReader
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Mark, Problems, did_you_mean, one_of

_NOT_IDS = ("entry", "wait")
_ENTRIES = ("if", "then", "otherwise", "within", "do", "by", "at", "without", "as", "with", "times", "until")
"""The entries of steps, besides the id and the kind."""


class ReadableKind(Protocol):
    """A kind of step, as far as reading steps needs it."""

    other_names: ClassVar[AnyMapping[str, str]]
    entries: ClassVar[tuple[str, ...]]

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> StepDefinition:
        """Read a step of this kind."""


class StepReader:
    """Reads steps, and what all kinds of steps have in common. ``kinds`` are by keyword."""

    def __init__(self, problems: Problems, kinds: AnyMapping[str, ReadableKind]) -> None:
        self.problems = problems
        self.kinds = kinds
        self.entries = (*_ENTRIES, *(entry for kind in kinds.values() for entry in kind.entries))
        self.shapes = Shapes(problems)
        self.events = EventReader(self.shapes, problems, self.branch)

    def steps(self, node: Node, what: str) -> tuple[StepDefinition, ...]:
        """Read a list of steps. One step alone counts as a list."""
        if isinstance(node, Mapping):
            node = Sequence(node.source, (node,), node.start)
        if not isinstance(node, Sequence):
            self.problems.error(node.mark, f"{what} is a list of steps", "write each on its own line after a -")
            return ()
        if not node.items:
            self.problems.error(node.mark, f"{what} has no steps", "write one")
        return tuple(step for item in node.items if (step := self.step(item)))

    def step(self, node: Node) -> StepDefinition | None:
        """Read a step; None on an error."""
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "a step consists of entries", "write - {id: pause, wait: 1 day}")
            return None
        kinds = [key for key, _ in node.entries if key.value in self.kinds]
        id_ = self.shapes.text(node.get("id"), "id")
        label = f'step "{id_.value}"' if id_ else "the step"
        if self.shapes.is_missing(node, "id", ("id", *self.kinds, *self.entries)):
            self.problems.error(node.mark, "a step has no id", "give it one, unique in this file: id: first_mail")
        elif id_ is not None and (self.shapes.name(id_, "id", field=node.key("split") is None) and id_.value in _NOT_IDS):
            self.problems.error(id_.mark, f'id "{id_.value}" has a meaning of its own after since', "choose another")
        if len(kinds) > 1:
            words = " and ".join(f"{key.value} (line {key.mark.line})" for key in kinds)
            self.problems.error(kinds[1].mark, f"{label} is two kinds in one: {words}", "make two steps of it")
            return None
        if not kinds:
            self.no_kind(node, label)
            return None
        kind = kinds[0]
        return self.kinds[kind.value].read(self, node, kind, id_, label)

    def no_kind(self, node: Mapping, label: str) -> None:
        """Report a step that has no known kind."""
        names_of_other_tools = {name: hint for kind in self.kinds.values() for name, hint in kind.other_names.items()}
        for key, _ in node.entries:
            if key.value == "id" or key.value in self.entries:
                continue
            translation = names_of_other_tools.get(key.value.lower())
            hint = (
                f"write {translation}"
                if translation
                else did_you_mean(key.value, self.kinds) or f"there are {one_of(self.kinds)}"
            )
            self.problems.error(key.mark, f"{label}: there is no step {key.value}", hint)
            return
        self.problems.error(node.mark, f"{label} does nothing", f"write {one_of(self.kinds)}")

    def parts(self, node: Mapping, label: str, entries: tuple[str, ...], later: tuple[str, ...] = ()) -> dict[str, Node]:
        """The entries of a step, by name."""
        instead = {"then": "if: and otherwise: for who stays; nothing follows an exit"} if "then" not in entries else None
        return self.shapes.fields(node, label, ("id", "if", *entries), later=later, instead=instead) or {}

    def given(self, node: Node, what: str, example: str) -> Given:
        """Read names, each with an expression."""
        if not isinstance(node, Mapping) or not node.entries:
            self.problems.error(node.mark, f"{what} consists of names with their values", example)
            return ()
        return tuple((name, text) for name, value in node.entries if (text := self.shapes.text(value, f"{what}: {name.value}")))

    def common(
        self, fields: dict[str, Node], id_: Scalar | None, kind: Scalar
    ) -> tuple[Scalar | None, Mark, Scalar | None, BranchDefinition | None, BranchDefinition | None]:
        """The common part of all steps: id, place, condition, ``then`` and ``otherwise``."""
        when = self.shapes.text(fields.get("if"), "if")
        return id_, kind.mark, when, self.branch(fields.get("then")), self.branch(fields.get("otherwise"))

    def needs_if(self, fields: dict[str, Node], label: str) -> None:
        """Report an ``otherwise`` without an ``if``."""
        if "otherwise" in fields and "if" not in fields:
            hint = "add if:, or take otherwise out"
            self.problems.error(fields["otherwise"].mark, f"{label}: otherwise is for when its if does not hold", hint)

    def branch(self, node: Node | None) -> BranchDefinition | None:
        """Read a branch: ``continue``, ``exit <reason>``, one step, or a list of steps."""
        if node is None:
            return None
        if not isinstance(node, Scalar):
            return BranchDefinition(node.mark, steps=self.steps(node, "a branch"))
        text = node.value.strip()
        if text == "continue":
            return BranchDefinition(node.mark)
        if text.startswith("exit ") and text.removeprefix("exit ").strip():
            return BranchDefinition(node.mark, reason=text.removeprefix("exit ").strip())
        hint = "write exit and a reason, such as exit not_interested" if text == "exit" else None
        hint = hint or did_you_mean(text, ("continue",)) or "write continue, exit <reason>, or steps"
        self.problems.error(node.mark, f'a branch cannot be "{text}"', hint)
        return None
