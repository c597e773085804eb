"""What all of an inference shares: the names it may use, what it has read, and how it says what is wrong."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from idic.journey.expressions.tree import Expression, label_of
from idic.journey.expressions.typed import WRONG, Typed
from idic.journey.program.program import Attribute, Type
from idic.journey.vocabulary.types import NUMERIC, describe

Report = Callable[[str, int, int, str | None, tuple[str, str] | None], None]
"""Takes message, start and length in the condition's text, hint, and what the problem is about."""


class Names(NamedTuple):
    """What can be read at one point of a journey, by dotted name. An attribute that is ``required`` or has a default is
    always there; any other may be missing.

    ``absent`` says of a name or of a first part of names why it cannot be read here. ``captures`` are the events that
    some paths capture: once one of its values is known, so are those that the event must have. ``broken`` are names
    that are declared wrongly, of which the vocabulary has been told. ``zone`` is where a moment written without one is
    meant.
    """

    readable: Mapping[str, Attribute]
    absent: Mapping[str, str] = {}
    captures: Mapping[str, frozenset[str]] = {}
    broken: frozenset[str] = frozenset()
    zone: str = "UTC"

    def plus(self, more: Mapping[str, Attribute]) -> Names:
        absent = {name: why for name, why in self.absent.items() if not any(n.partition(".")[0] == name for n in more)}
        return self._replace(readable={**self.readable, **more}, absent=absent)


class InferenceContext(ABC):
    """``items`` are the names given to the items of lists, each with its type and whether it is always there."""

    def __init__(self, names: Names, report: Report) -> None:
        self.names = names
        self.report = report
        self.reads: dict[str, Attribute] = {}
        self.items: dict[str, tuple[Type, bool]] = {}
        self.failed = False

    def tell(
        self,
        node: Expression,
        message: str,
        hint: str | None = None,
        *,
        about: tuple[str, str] | None = None,
        start: int | None = None,
    ) -> None:
        self.failed = True
        begin = node.start if start is None else start
        self.report(message, begin, max(1, node.end - begin), hint, about)

    @abstractmethod
    def of(self, node: Expression, known: frozenset[str]) -> Typed:
        """The type of a tree where the names in ``known`` are certain to have a value."""

    def expect(self, node: Expression, known: frozenset[str], kind: str, sign: str) -> Typed:
        typed = self.of(node, known)
        if typed.type is None:
            return typed
        if typed.type.kind == kind or (kind == "number" and typed.type.kind in NUMERIC):
            return typed
        wanted = {"yes/no": "something that is true or not", "number": "numbers", "text": "text"}[kind]
        self.tell(node, f"{sign} takes {wanted}, and {label_of(node)} is {describe(typed.type)}")
        return WRONG

    def certain(self, node: Expression, typed: Typed, known: frozenset[str], sign: str) -> None:
        """Complains about a negation of what may be missing."""
        missing = sorted(typed.missing - known)
        if not missing or typed.type is None:
            return
        name = missing[0]
        root = name.partition(".")[0]
        hint = f"write known({name}) and …"
        if root in ("customer", "entry", "event"):
            hint += ", or give it a default in the vocabulary"
        elif name == "segment":
            hint = "give differentiate an otherwise"
        message = f'{name} may be missing, and where it is, "{sign}" does not match either'
        self.tell(node, message, hint, about=("missing", name))
