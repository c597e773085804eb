"""The types of the variables that the steps of a journey set: each follows from all that it is set to."""

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
    """Fills in the types of ``names.variables``, and what is certain where in ``facts_at_step``. ``sets`` are by step."""
    if any(sets.values()):
        _Variables(sets, names, facts_at_step, problems).learn()


class _Variables:
    def __init__(
        self, sets: Mapping[str, Given], names: NamesOfJourney, facts_at_step: FactsAtStep, problems: Problems
    ) -> None:
        self.sets = sets
        self.names = names
        self.facts_at_step = facts_at_step
        self.problems = problems

    def learn(self) -> None:
        """The type of each variable follows from all that it is set to, which may be other variables. What is set on a way
        for certain depends on what was set for certain before it: this starts with all of it, and takes back."""
        unsure: dict[str, frozenset[str]] = {}
        while True:
            expressions = self.expressions()
            found = {
                step: frozenset(
                    target.value
                    for target, text in assigned
                    if (expression := expressions.get(id(text))) is None or not expression.always_known
                )
                for step, assigned in self.sets.items()
            }
            if found == unsure:
                break
            unsure = found
            self.facts_at_step.unsure(unsure)
        self.tell_of_themselves()
        self.tell_of_conflicts(expressions)

    def expressions(self) -> dict[int, ValueExpression]:
        """What each value that a variable is set to comes to; without a word of what is wrong, which is told when its step is
        compiled. Goes round until no type is learnt any more."""
        expressions: dict[int, ValueExpression] = {}
        self.names.variables = dict.fromkeys(self.names.variables)
        while True:
            before = dict(self.names.variables)
            for step, assigned in self.sets.items():
                facts = self.facts_at_step.at(step)
                for target, text in assigned:
                    expression = infer_value(text.value, self.names.at(facts, ""), _say_nothing)
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

    def tell_of_themselves(self) -> None:
        """Variables that nothing but themselves says the type of: nobody begins. Where something else is wrong with what they
        are set to, that is told instead."""
        told: list[str] = []

        def report(message: str, *_: object) -> None:
            told.append(message)

        untyped: list[Scalar] = []
        for step, assigned in self.sets.items():
            for target, text in assigned:
                if self.names.variables[target.value] is None:
                    untyped.append(target)
                    infer_value(text.value, self.names.at(self.facts_at_step.at(step), ""), report)
        if untyped and not told:
            name = untyped[0].value
            message = f"nothing says what {name} is: it is set from itself, and never before"
            self.problems.error(untyped[0].mark, message, f"set {name} to a value first")

    def tell_of_conflicts(self, expressions: Mapping[int, ValueExpression]) -> None:
        """Variables that are set to what does not go together."""
        first: dict[str, tuple[Type, Scalar]] = {}
        for assigned in self.sets.values():
            for target, text in assigned:
                expression, name = expressions.get(id(text)), target.value
                if expression is None or self.names.variables[name] is None:
                    continue
                type_, where = first.setdefault(name, (expression.type, text))
                together = common_type(type_, expression.type)
                if together is not None:
                    first[name] = (together, where)
                    continue
                here, there = (describe(TEXT if one.kind == "one_of" else one) for one in (expression.type, type_))
                told = f"{name} is {here} here, and {there} on line {where.mark.line}"
                self.problems.error(text.mark, told, "set it to values of one type, or use two names", about=("set", name))
                self.names.variables[name] = None


def _say_nothing(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
    pass
