"""Read the events that a journey file waits for: those of its entry, its goal and its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from idic.journey.definition.definition import BranchDefinition, PatternDefinition, UntilDefinition
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems

_OF_LINES = ("on", "if", "key", "of", "since", "as", "then")


class EventReader:
    """Reads event patterns. ``branch`` reads the steps that follow an event."""

    def __init__(self, shapes: Shapes, problems: Problems, branch: Callable[[Node | None], BranchDefinition | None]) -> None:
        self.shapes = shapes
        self.problems = problems
        self.branch = branch

    def patterns(
        self, node: Node | None, what: str, entries: tuple[str, ...] = ("on", "if", "key")
    ) -> tuple[PatternDefinition, ...]:
        """One event or a list of events."""
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.problems.error(node.mark, f"{what} names no event", "write one")
        return tuple(pattern for item in items if (pattern := self.pattern(item, what, entries)))

    def pattern(self, node: Node, what: str, entries: tuple[str, ...]) -> PatternDefinition | None:
        """One event, or None on an error."""
        if isinstance(node, Scalar):
            on = self.shapes.text(node, what)
            return PatternDefinition(on) if on else None
        if isinstance(node, Sequence):
            self.problems.error(node.mark, f"{what} is a list in a list", "write one event after each -")
            return None
        patterns = self.of_events(node, what, entries)
        return patterns[0] if patterns else None

    def of_events(self, node: Mapping, what: str, entries: tuple[str, ...]) -> tuple[PatternDefinition, ...]:
        """The events of one line. In a wait_for, ``on`` may be a list: any of them counts."""
        fields = self.shapes.fields(node, what, entries, required=("on",))
        on_node = fields.get("on") if fields else None
        if isinstance(on_node, Sequence) and "then" not in entries:
            self.problems.error(on_node.mark, f"{what}: on is one event here", "write a line for each: - {on: …}")
            return ()
        events = self.shapes.texts(on_node, f"{what}: on")
        if fields is None or not events:
            return ()
        pattern = PatternDefinition(
            on=events[0],
            when=self.shapes.text(fields.get("if"), f"{what}: if"),
            any_key=self.shapes.choice(fields.get("key"), f"{what}: key", ("any",)) == "any",
            of=self.shapes.text(fields.get("of"), f"{what}: of"),
            since=self.shapes.text(fields.get("since"), f"{what}: since"),
            capture=self.capture(fields.get("as")),
            then=self.branch(fields.get("then")),
        )
        return tuple(replace(pattern, on=on) for on in events)

    def arms(self, node: Node | None, what: str) -> tuple[PatternDefinition | UntilDefinition, ...]:
        """The lines of a wait_for: events, and conditions on the customer."""
        arms: list[PatternDefinition | UntilDefinition] = []
        for item in node.items if isinstance(node, Sequence) and node.items else () if node is None else (node,):
            if isinstance(item, Mapping) and item.key("until") is not None:
                fields = self.shapes.fields(
                    item, what, ("until", "then"), instead={"on": "it on a line of its own", "if": "the condition after until:"}
                )
                until = self.shapes.text(fields.get("until"), f"{what}: until") if fields else None
                if fields is not None and until is not None:
                    arms.append(UntilDefinition(until, self.branch(fields.get("then"))))
            elif isinstance(item, Mapping):
                arms += self.of_events(item, what, _OF_LINES)
            else:
                arms += self.patterns(item, what, _OF_LINES)
        return tuple(arms)

    def capture(self, node: Node | None) -> Scalar | None:
        """The name given by ``as:``."""
        capture = self.shapes.text(node, "as")
        return capture if capture is not None and self.shapes.name(capture, "as") else None
