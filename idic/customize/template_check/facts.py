"""What the walk through a template knows at each point, and the words it has for what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from liquid.builtin.expressions import FilteredExpression
from liquid.expression import Expression

from idic.journey.program.values import Type
from idic.problems import did_you_mean


class LiquidProblem(NamedTuple):
    """``line`` and ``column`` from 1, in the source, or in that of ``block`` when one is named. ``mild``: a warning."""

    line: int
    column: int
    message: str
    block: str | None = None
    mild: bool = False


class TemplateValue(NamedTuple):
    """What is known of a value. ``type`` None: nothing (a problem was already told). ``path`` is set for what an
    ``{% if %}`` can ask about; ``solid`` for things whose fields are always there; ``group`` for a bare prefix; ``silent`` for
    what comes to an empty text where a name is missing."""

    type: Type | None
    missing: bool = False
    path: str | None = None
    solid: bool = False
    group: str | None = None
    silent: bool = False


UNKNOWN = TemplateValue(None)


class TemplateFacts(NamedTuple):
    """``local`` are the template's own variables; ``there`` the paths that are certain to have a value."""

    local: Mapping[str, TemplateValue]
    there: frozenset[str]

    def bind(self, name: str, value: TemplateValue) -> TemplateFacts:
        return TemplateFacts({**self.local, name: value}, self.there)

    def and_there(self, paths: frozenset[str]) -> TemplateFacts:
        return TemplateFacts(self.local, self.there | paths)


class ConditionFacts(NamedTuple):
    """The paths that have a value if a condition holds, and if it does not."""

    if_true: frozenset[str] = frozenset()
    if_false: frozenset[str] = frozenset()


def merge_values(one: TemplateValue, two: TemplateValue) -> TemplateValue:
    if one == two:
        return one
    same = one.type if one.type == two.type else None
    return TemplateValue(same, one.missing or two.missing, one.path if one.path == two.path else None, one.solid and two.solid)


def quoted_text(value: TemplateValue) -> str | None:
    """The text that an author wrote in quotes; None where the value is none."""
    return value.path[1:] if value.path and value.path.startswith("'") else None


def known_paths(*values: TemplateValue) -> frozenset[str]:
    return frozenset(value.path for value in values if value.path and not value.path.startswith("'"))


def place_of(expression: Expression) -> int:
    if isinstance(expression, FilteredExpression):
        return place_of(expression.left)
    return max(expression.token.start_index, 0)


def suggestion(wrong: str, right: Iterable[str]) -> str:
    hint = did_you_mean(wrong, right)
    return f"; {hint}" if hint else ""
