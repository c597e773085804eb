"""Infer the types of a journey's variables from the values that steps set them to."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.compiler.facts_at_step import FactsAtStep
from idic.journey.compiler.names_in_scope import NamesOfJourney
from idic.journey.definition.definition import Given
from idic.journey.expressions.infer import ValueExpression, infer_value
from idic.journey.expressions.typed import common_type
from idic.journey.program.values import Type
from idic.journey.vocabulary.types import TEXT, describe
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems


def type_variables(sets: Mapping[str, Given], names: NamesOfJourney, facts_at_step: FactsAtStep, problems: Problems) -> None:
    """Fills in ``names.variables``, and tells ``facts_at_step`` which variables may be missing. ``sets`` is by step."""
    if any(sets.values()):
        _Variables(sets, names, facts_at_step, problems).learn()


class _Variables:
    """The variables of one journey; their types are in ``names``."""

    def __init__(
        self, sets: Mapping[str, Given], names: NamesOfJourney, facts_at_step: FactsAtStep, problems: Problems
    ) -> None:
        self.sets = sets
        self.names = names
        self.facts_at_step = facts_at_step
        self.problems = problems

    def learn(self) -> None:
        """Infers all types, then reports variables without a type.

        A variable's type follows from all its values, which may be other variables. Whether it certainly has a value depends
        on the variables set before it: this starts with all of them certain, and takes back until nothing changes.
        """
        uncertain: dict[str, frozenset[str]] = {}
        while True:
            expressions = self.expressions()
            possibly_set = {
                step: frozenset(
                    target.value
                    for target, text in assigned
                    if (expression := expressions.get(id(text))) is None or not expression.always_known
                )
                for step, assigned in self.sets.items()
            }
            if possibly_set == uncertain:
                break
            uncertain = possibly_set
            self.facts_at_step.set_uncertain(uncertain)
        self.report_untyped()
        self.report_conflicts(expressions)

    def expressions(self) -> dict[int, ValueExpression]:
        """Every value that a variable is set to, by the id of its text. Repeats until no type changes.

        Problems are not reported here, but when the step is compiled.
        """
        expressions: dict[int, ValueExpression] = {}
        self.names.variables = dict.fromkeys(self.names.variables)
        while True:
            before = dict(self.names.variables)
            for step, assigned in self.sets.items():
                facts = self.facts_at_step.at(step)
                for target, text in assigned:
                    expression = infer_value(text.value, self.names.at(facts, ""), _ignore)
                    facts = facts.with_name(target.value, certain=expression is not None and expression.always_known)
                    if expression is None:
                        continue
                    expressions[id(text)] = expression
                    known = self.names.variables[target.value]
                    self.names.variables[target.value] = (
                        common_type(known, expression.type) or known if known else expression.type
                    )
            if self.names.variables == before:
                return expressions

    def report_untyped(self) -> None:
        """Reports variables that are only set from themselves. Another problem with their values is reported instead of
        this one."""
        messages: list[str] = []

        def report(message: str, *_: object) -> None:
            messages.append(message)

        untyped: list[Scalar] = []
        for step, assigned in self.sets.items():
            for target, text in assigned:
                if self.names.variables[target.value] is None:
                    untyped.append(target)
                    infer_value(text.value, self.names.at(self.facts_at_step.at(step), ""), report)
        if untyped and not messages:
            name = untyped[0].value
            message = f"{name} has no type: it is only set from itself"
            self.problems.error(untyped[0].mark, message, f"set {name} to a value first")

    def report_conflicts(self, expressions: Mapping[int, ValueExpression]) -> None:
        """Reports variables that are set to values of different types."""
        first: dict[str, tuple[Type, Scalar]] = {}
        for assigned in self.sets.values():
            for target, text in assigned:
                expression, name = expressions.get(id(text)), target.value
                if expression is None or self.names.variables[name] is None:
                    continue
                type_, where = first.setdefault(name, (expression.type, text))
                common = common_type(type_, expression.type)
                if common is not None:
                    first[name] = (common, where)
                    continue
                here, there = (describe(TEXT if kind.kind == "one_of" else kind) for kind in (expression.type, type_))
                message = f"{name} is {here} here, and {there} on line {where.mark.line}"
                self.problems.error(text.mark, message, "set it to values of one type, or use two names", about=("set", name))
                self.names.variables[name] = None


def _ignore(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
    pass
