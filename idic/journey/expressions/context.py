"""The shared part of type inference: readable names, names read so far, and reporting problems."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from idic.journey.expressions.tree import Expression, label_of
from idic.journey.expressions.typed import WRONG, Typed
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import NUMERIC, describe

Report = Callable[[str, int, int, str | None, tuple[str, str] | None], None]
"""Called with a message, start and length in the condition's text, a hint, and the subject of the problem."""


class Names(NamedTuple):
    """The names that can be read at one point of a journey, by dotted name. An attribute that is ``required`` or has a default
    is always there; any other may be missing.

    ``absent`` gives the reason why a name, or the names with this first part, cannot be read here. ``captures`` are the events
    that some paths capture: once one value of an event is known, so are all values that the event must have. ``broken`` are
    names with a wrong declaration, which has been reported already. ``zone`` is the zone of moments written without one.
    """

    readable: Mapping[str, Attribute]
    absent: Mapping[str, str] = {}
    captures: Mapping[str, frozenset[str]] = {}
    broken: frozenset[str] = frozenset()
    zone: str = "UTC"

    def plus(self, more: Mapping[str, Attribute]) -> Names:
        """The same names, and ``more``."""
        roots = {name.partition(".")[0] for name in more}
        absent = {name: why for name, why in self.absent.items() if name not in roots}
        return self._replace(readable={**self.readable, **more}, absent=absent)


class InferenceContext(ABC):
    """Types one expression.

    ``reads`` fills with the names that the expression reads; ``items`` are the names that it gives to the items of lists,
    each with its type and whether it always has a value. ``failed`` is true once a problem has been found.
    """

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
        """Reports a problem at a node, or from ``start`` to the node's end."""
        self.failed = True
        begin = node.start if start is None else start
        self.report(message, begin, max(1, node.end - begin), hint, about)

    @abstractmethod
    def typed(self, node: Expression, known: frozenset[str]) -> Typed:
        """A tree with its type, where the names in ``known`` are certain to have a value."""

    def expect(self, node: Expression, known: frozenset[str], kind: str, sign: str) -> Typed:
        """A tree with its type, which must be of this kind as an operand of ``sign``."""
        typed = self.typed(node, known)
        if typed.type is None:
            return typed
        if typed.type.kind == kind or (kind == "number" and typed.type.kind in NUMERIC):
            return typed
        wanted = {"yes/no": "a condition", "number": "numbers", "text": "text"}[kind]
        self.tell(node, f"{sign} takes {wanted}, and {label_of(node)} is {describe(typed.type)}")
        return WRONG

    def refuse_missing(self, node: Expression, typed: Typed, known: frozenset[str], sign: str) -> None:
        """Reports a negation of a value that may be missing."""
        missing = sorted(typed.missing - known)
        if not missing or typed.type is None:
            return
        name = missing[0]
        root = name.partition(".")[0]
        hint = f"write known({name}) and …"
        if root in ("customer", "entry", "event"):
            hint += ", or give it a default in the vocabulary"
        elif name == "segment":
            hint = "add a last segment with otherwise"
        message = f'{name} may be missing, and then "{sign}" does not match either'
        self.tell(node, message, hint, about=("missing", name))
