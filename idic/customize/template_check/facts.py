"""The facts that hold at one place of a template, and its problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from liquid.builtin.expressions import FilteredExpression
from liquid.expression import Expression

from idic.journey.program.values import Type
from idic.problems import did_you_mean


class LiquidProblem(NamedTuple):
    """A problem of a template. ``line`` and ``column`` count from 1, in the source, or in that of ``block`` if one is named.
    ``mild`` is a warning."""

    line: int
    column: int
    message: str
    block: str | None = None
    mild: bool = False


class TemplateValue(NamedTuple):
    """The facts about a value.

    ``type`` is None if nothing is known, as a problem has been reported. ``missing``: the value may be missing. ``path`` is set
    if an ``{% if %}`` can test the value; ``complete``: the fields of this thing are never missing; ``group`` is set for the
    first part of dotted names; ``may_be_blank``: the value is an empty text if a name is missing.
    """

    type: Type | None
    missing: bool = False
    path: str | None = None
    complete: bool = False
    group: str | None = None
    may_be_blank: bool = False


UNKNOWN = TemplateValue(None)


class TemplateFacts(NamedTuple):
    """The facts at one place: ``local`` are the template's own variables, and ``present`` the paths that certainly have a
    value."""

    local: Mapping[str, TemplateValue]
    present: frozenset[str]

    def bind(self, name: str, value: TemplateValue) -> TemplateFacts:
        """The facts once a variable has this value."""
        return TemplateFacts({**self.local, name: value}, self.present)

    def with_present(self, paths: frozenset[str]) -> TemplateFacts:
        """The facts where these paths have a value, too."""
        return TemplateFacts(self.local, self.present | paths)


class ConditionFacts(NamedTuple):
    """The paths that certainly have a value if a condition holds, and if it does not."""

    if_true: frozenset[str] = frozenset()
    if_false: frozenset[str] = frozenset()


def merge_values(first: TemplateValue, second: TemplateValue) -> TemplateValue:
    """The facts that hold for either of two values."""
    if first == second:
        return first
    return TemplateValue(
        first.type if first.type == second.type else None,
        missing=first.missing or second.missing,
        path=first.path if first.path == second.path else None,
        complete=first.complete and second.complete,
    )


def quoted_text(value: TemplateValue) -> str | None:
    """The text of a quoted literal; None for any other value."""
    return value.path[1:] if value.path and value.path.startswith("'") else None


def known_paths(*values: TemplateValue) -> frozenset[str]:
    """The paths of these values that an ``{% if %}`` can test."""
    return frozenset(value.path for value in values if value.path and not value.path.startswith("'"))


def place_of(expression: Expression) -> int:
    """The index in the source where an expression begins."""
    if isinstance(expression, FilteredExpression):
        return place_of(expression.left)
    return max(expression.token.start_index, 0)


def suggestion(wrong: str, right: Iterable[str]) -> str:
    """``; did you mean "x"?`` with the nearest right name; empty if none is near."""
    hint = did_you_mean(wrong, right)
    return f"; {hint}" if hint else ""
