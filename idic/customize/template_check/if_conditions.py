"""Check the condition of an ``{% if %}``: its types, and which names have a value if it holds or fails."""

from __future__ import annotations

from liquid.builtin.expressions import BooleanExpression
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, Nil
from liquid.expression import Expression

from idic.customize.template_check.expressions import ExpressionChecker
from idic.customize.template_check.facts import (
    ConditionFacts,
    TemplateFacts,
    TemplateValue,
    known_paths,
    place_of,
    quoted_text,
    suggestion,
)
from idic.journey.vocabulary.types import describe


class ConditionChecker(ExpressionChecker):
    """Checks the conditions of a template."""

    def _condition(self, expression: Expression, known: TemplateFacts) -> ConditionFacts:
        match expression:
            case BooleanExpression(expression=inner):
                return self._condition(inner, known)
            case LogicalAndExpression(left=left, right=right):
                first = self._condition(left, known)
                second = self._condition(right, known.with_present(first.if_true))
                return ConditionFacts(first.if_true | second.if_true, first.if_false & second.if_false)
            case LogicalOrExpression(left=left, right=right):
                first = self._condition(left, known)
                second = self._condition(right, known.with_present(first.if_false))
                return ConditionFacts(first.if_true & second.if_true, first.if_false | second.if_false)
            case LogicalNotExpression(right=right):
                facts = self._condition(right, known)
                return ConditionFacts(facts.if_false, facts.if_true)
            case EqExpression(left=left, right=right):
                return self._equality(left, right, known)
            case NeExpression(left=left, right=right):
                facts = self._equality(left, right, known)
                return ConditionFacts(facts.if_false, facts.if_true)
            case LtExpression() | LeExpression() | GtExpression() | GeExpression():
                lesser, greater = self._value(expression.left, known), self._value(expression.right, known)
                self._check_comparable(lesser, greater, expression.left, equality=False)
                return ConditionFacts(known_paths(lesser, greater))
            case ContainsExpression(left=left, right=right):
                container, part = self._value(left, known), self._value(right, known)
                if container.type and container.type.kind not in ("text", "list", "link"):
                    self._tell(place_of(left), f"contains needs text or a list; {self._described(left, container)}")
                return ConditionFacts(known_paths(container, part))
            case _:
                value = self._value(expression, known)
                if value.group:
                    self._tell(place_of(expression), f'"{value.group}" has several values; name one of them')
                return ConditionFacts(known_paths(value))

    def _equality(self, left: Expression, right: Expression, known: TemplateFacts) -> ConditionFacts:
        left_value, right_value = self._value(left, known), self._value(right, known)
        for side, other in ((left, right), (right, left)):
            if isinstance(side, (Nil, Blank)):
                return ConditionFacts(if_false=known_paths(self._value(other, known)))
            if isinstance(side, Empty):
                return ConditionFacts()
        self._check_comparable(left_value, right_value, left, equality=True)
        # Two missing values are equal; a missing value never equals a present one.
        if not left_value.missing or not right_value.missing:
            return ConditionFacts(known_paths(left_value, right_value))
        return ConditionFacts()

    def _check_comparable(self, left: TemplateValue, right: TemplateValue, place: Expression, *, equality: bool) -> None:
        left_type, right_type = left.type, right.type
        if left_type is None or right_type is None:
            return
        for options, other in ((left_type.options, right), (right_type.options, left)):
            text = quoted_text(other)
            if options and text is not None and text not in options:
                self._tell(place_of(place), f'"{text}" is not one of {", ".join(options)}{suggestion(text, options)}')
                return
        kinds = {_comparison_kind(left_type.kind), _comparison_kind(right_type.kind)}
        if len(kinds) > 1:
            self._tell(place_of(place), f"{describe(left_type)} cannot be compared with {describe(right_type)}")
        elif not equality and not kinds <= {"text", "number"}:
            self._tell(
                place_of(place), f"{describe(left_type)} cannot be ordered here; < and > compare numbers, money and text"
            )


def _comparison_kind(kind: str) -> str:
    return {"money": "number", "days": "number", "one_of": "text", "link": "text", "zone": "text"}.get(kind, kind)
