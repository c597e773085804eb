"""Read the events that a journey file waits for: the entry's, the goal's, those of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from idic.journey.definition.definition import BranchText, PatternText, UntilText
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems

_OF_LINES = ("on", "if", "key", "of", "since", "as", "then")


class EventReader:
    """Reads event patterns. ``branch`` reads the steps that follow an event."""

    def __init__(self, shapes: Shapes, problems: Problems, branch: Callable[[Node | None], BranchText | None]) -> None:
        self.shapes = shapes
        self.problems = problems
        self.branch = branch

    def patterns(self, node: Node | None, what: str, known: tuple[str, ...] = ("on", "if", "key")) -> tuple[PatternText, ...]:
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        if not items:
            self.problems.error(node.mark, f"{what} names no event", "write one")
        return tuple(pattern for item in items if (pattern := self.pattern(item, what, known)))

    def pattern(self, node: Node, what: str, known: tuple[str, ...]) -> PatternText | None:
        if isinstance(node, Scalar):
            on = self.shapes.text(node, what)
            return PatternText(on) if on else None
        if isinstance(node, Sequence):
            self.problems.error(node.mark, f"{what} is a list in a list", "write one event after each -")
            return None
        patterns = self.of_events(node, what, known)
        return patterns[0] if patterns else None

    def of_events(self, node: Mapping, what: str, known: tuple[str, ...]) -> tuple[PatternText, ...]:
        """A line with its events: in a wait_for, where it may be any of several, ``on`` is a list of them."""
        found = self.shapes.fields(node, what, known, required=("on",))
        listed = found.get("on") if found else None
        if isinstance(listed, Sequence) and "then" not in known:
            self.problems.error(listed.mark, f"{what}: on is one event here", "write a line for each: - {on: …}")
            return ()
        events = self.shapes.texts(listed, f"{what}: on")
        if found is None or not events:
            return ()
        pattern = PatternText(
            on=events[0],
            when=self.shapes.text(found.get("if"), f"{what}: if"),
            any_key=self.shapes.choice(found.get("key"), f"{what}: key", ("any",)) == "any",
            of=self.shapes.text(found.get("of"), f"{what}: of"),
            since=self.shapes.text(found.get("since"), f"{what}: since"),
            capture=self.capture(found.get("as")),
            then=self.branch(found.get("then")),
        )
        return tuple(replace(pattern, on=on) for on in events)

    def arms(self, node: Node | None, what: str) -> tuple[PatternText | UntilText, ...]:
        """The lines of a wait_for: events, and conditions on the customer."""
        found: list[PatternText | UntilText] = []
        for item in node.items if isinstance(node, Sequence) and node.items else () if node is None else (node,):
            if isinstance(item, Mapping) and item.key("until") is not None:
                parts = self.shapes.fields(
                    item, what, ("until", "then"), instead={"on": "it on a line of its own", "if": "the condition after until:"}
                )
                until = self.shapes.text(parts.get("until"), f"{what}: until") if parts else None
                if parts is not None and until is not None:
                    found.append(UntilText(until, self.branch(parts.get("then"))))
            elif isinstance(item, Mapping):
                found += self.of_events(item, what, _OF_LINES)
            else:
                found += self.patterns(item, what, _OF_LINES)
        return tuple(found)

    def capture(self, node: Node | None) -> Scalar | None:
        capture = self.shapes.text(node, "as")
        return capture if capture is not None and self.shapes.name(capture, "as") else None
