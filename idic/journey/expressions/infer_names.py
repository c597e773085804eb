"""Infer the types of names and of their fields."""

from __future__ import annotations

from idic.journey.expressions.context import InferenceContext
from idic.journey.expressions.tree import Expression, Member, Name, label_of, path_of
from idic.journey.expressions.typed import WRONG, Typed
from idic.journey.vocabulary.types import describe, never_missing
from idic.problems import did_you_mean


class NameInference(InferenceContext):
    """The part of inference for names."""

    def name(self, node: Name | Member, known: frozenset[str]) -> Typed:
        """A name with its type; the name may be followed by fields."""
        path = path_of(node)
        if path is None:
            assert isinstance(node, Member)
            return self.field(node, self.typed(node.of, known))
        root, *rest = path.split(".")
        if root in self.items:
            type_, always_there = self.items[root]
            base = Typed(type_, root, frozenset() if always_there else frozenset({root}))
            if isinstance(node, Name):
                return base
            return self.field(node, self.typed(node.of, known) if len(rest) > 1 else base)
        for depth in range(min(2, len(rest) + 1), 0, -1):
            name = ".".join([root, *rest][:depth])
            attribute = self.names.readable.get(name)
            if attribute is None:
                continue
            self.reads[name] = attribute
            missing = frozenset() if never_missing(attribute) else frozenset({name})
            typed = Typed(attribute.type, name, missing)
            if depth == len(rest) + 1:
                return typed
            assert isinstance(node, Member)
            return self.field(node, typed)
        self.report_unknown(node, root, path)
        return WRONG

    def report_unknown(self, node: Expression, root: str, path: str) -> None:
        """Reports a name that cannot be read here, with the reason or the name that the author may have meant."""
        wrong = ".".join(path.split(".")[:2])
        if wrong in self.names.broken:
            self.failed = True
            return
        absent = next((name for name in (wrong, root) if name in self.names.absent), None)
        if absent is not None:
            self.tell(node, self.names.absent[absent], about=("name", absent))
            return
        inside = [name for name in self.names.readable if name.startswith(f"{root}.")]
        if inside and path == root:
            self.tell(node, f"{root} has several values", f"name one of them, such as {inside[0]}")
        elif inside:
            last = wrong.rpartition(".")[2]
            close = did_you_mean(last, [name.rpartition(".")[2] for name in inside])
            hint = close.replace('"', f'"{root}.', 1) if close else _declare(root)
            start = node.at if isinstance(node, Member) and node.name == last else node.start
            self.tell(node, f"{wrong} does not exist", hint, about=("name", wrong), start=start)
        else:
            self.tell(node, f"{path} does not exist", self.suggestion_for(path), about=("name", path))

    def suggestion_for(self, path: str) -> str:
        """A hint for a name that does not exist: what to write in its place."""
        if path in ("yes", "no"):
            return f"write {'true' if path == 'yes' else 'false'}"
        if path in ("null", "None", "nil", "empty", "missing"):
            return "ask with known(…) whether a value is there"
        if path in ("now", "today"):
            return "write days_since(…) or days_until(…)"
        close = did_you_mean(path, [*self.names.readable, *self.items])
        return close or f'if it is text, write "{path}" in quotes'

    def field(self, node: Member, of: Typed) -> Typed:
        """A field of a thing, with its type."""
        if of.type is None:
            return WRONG
        if of.type.kind == "list":
            hint = f'ask about its items: {label_of(node.of)}.exists(i, i.{node.name} == "…")'
            self.tell(node, f"{label_of(node.of)} is a list", hint, start=node.at)
            return WRONG
        field = of.type.fields.get(node.name)
        if field is None:
            if of.type.kind == "thing" and f"{of.type.thing}.{node.name}" in self.names.broken:
                self.failed = True
                return WRONG
            about = ("field", f"{of.type.thing}.{node.name}") if of.type.kind == "thing" else None
            close = did_you_mean(node.name, of.type.fields)
            self.tell(node, f"{describe(of.type)} has no {node.name}", close, about=about, start=node.at)
            return WRONG
        missing = of.missing
        if node.name not in of.type.required:
            missing = missing | {path_of(node) or node.name}
        return Typed(field, f"{of.cel}.{node.name}", missing)


def _declare(root: str) -> str:
    return "declare it in vocabulary.yaml" if root == "customer" else "declare it for its event in vocabulary.yaml"
