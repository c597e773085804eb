"""Infer the type of a condition from the names it may use, and write it as CEL.

Inference makes three things certain. Every name exists, and both sides of a comparison can be compared. Every number is a
double, and so are dates. And no value that may be missing is negated: ``not customer.vip`` says nothing about a customer
without that attribute, so the author must say what is meant, with ``known()`` or with a default.
"""

from __future__ import annotations

from typing import NamedTuple

from idic.journey.expressions import parser
from idic.journey.expressions.context import Names, Report
from idic.journey.expressions.evaluate import compile_cel
from idic.journey.expressions.infer_comparisons import ComparisonInference
from idic.journey.expressions.infer_functions import FunctionInference
from idic.journey.expressions.infer_names import NameInference
from idic.journey.expressions.parser import ExpressionError
from idic.journey.expressions.tree import (
    And,
    Arithmetic,
    Compare,
    Conditional,
    Expression,
    FunctionCall,
    Index,
    ListOf,
    Literal,
    Member,
    Minus,
    Name,
    Not,
    Or,
    label_of,
    may_fail,
    path_of,
    texts_of,
)
from idic.journey.expressions.typed import WRONG, Typed, assignable, comparable, typed_literal
from idic.journey.program.values import Condition, Type
from idic.journey.vocabulary.types import NUMBER, NUMERIC, TEXTUAL, YES_NO, describe
from idic.problems import did_you_mean, one_of


def infer(text: str, names: Names, report: Report, *, number: bool = False) -> Condition | None:
    """The compiled condition; None if it is wrong, which has been reported. With ``number`` it must result in a number."""
    tree = _parsed(text, report)
    if tree is None:
        return None
    inference = _Inference(names, report)
    typed = inference.typed(tree, frozenset())
    if typed.type is not None and number and typed.type.kind not in NUMERIC:
        inference.tell(tree, f"this is {describe(typed.type)}, and a number is needed here")
    elif typed.type is not None and not number and typed.type.kind != "yes/no":
        hint = "compare it with something" if typed.type.kind != "thing" else None
        inference.tell(tree, f"this is {describe(typed.type)}, and a condition must be true or false", hint)
    if inference.failed or typed.type is None:
        return None
    return inference.condition(tree, text, typed.cel)


class ValueExpression(NamedTuple):
    """An expression of any type. ``always_known``: it has a value for every customer."""

    condition: Condition
    type: Type
    always_known: bool


def infer_value(
    text: str, names: Names, report: Report, *, wanted: Type | None = None, label: str = ""
) -> ValueExpression | None:
    """The compiled expression; None if it is wrong, which has been reported.

    It is the value of the name ``label``, of the type ``wanted`` if that is given. A text that can only be one of several
    literals has the type ``one_of`` them.
    """
    tree = _parsed(text, report)
    if tree is None:
        return None
    inference = _Inference(names, report)
    typed = inference.typed(tree, frozenset())
    if typed.type is None:
        return None
    options = texts_of(tree)
    if wanted is not None:
        typed = inference.as_date(tree, typed, Typed(wanted))
        if typed.type is not None and not assignable(typed.type, wanted):
            hint = _value_hint(tree, wanted)
            inference.tell(tree, f"{label} is {describe(wanted)}, and {label_of(tree)} is {describe(typed.type)}", hint)
        elif wanted.kind == "one_of" and (wrong := [option for option in options or () if option not in wanted.options]):
            hint = did_you_mean(wrong[0], wanted.options) or f"it is {one_of(wanted.options)}"
            inference.tell(tree, f'{label} is never "{wrong[0]}"', hint, about=("option", f"{label} {wrong[0]}"))
    if inference.failed or typed.type is None:
        return None
    always_known = not typed.missing and not may_fail(tree)
    if options and typed.type.kind == "text":
        always_known = always_known and all(option.strip() for option in options)
        typed = typed._replace(type=Type(kind="one_of", options=options)) if always_known else typed
    type_ = wanted or typed.type
    condition = inference.condition(tree, text, typed.cel)
    return ValueExpression(condition, type_, always_known) if condition is not None and type_ is not None else None


def _parsed(text: str, report: Report) -> Expression | None:
    try:
        return parser.parse(text)
    except ExpressionError as error:
        report(error.message, error.start, error.length, error.hint, None)
        return None


def _value_hint(tree: Expression, wanted: Type) -> str | None:
    match tree:
        case Literal(value=str() as text) if wanted.kind in NUMERIC and text.replace(".", "", 1).isdecimal():
            return f"write {text} without quotes inside"
        case Literal(value=str()) if wanted.kind == "yes/no":
            return "write true or false"
        case Literal(value=float() as number) if wanted.kind in TEXTUAL:
            return f"""write '"{number:g}"'"""
        case _:
            return None


class _Inference(NameInference, ComparisonInference, FunctionInference):
    def condition(self, tree: Expression, text: str, written: str) -> Condition | None:
        """The condition ``written`` in CEL; None if CEL refuses it, which is reported."""
        condition = Condition(text=text.strip(), cel=written, reads=self.reads)
        try:
            compile_cel(condition)
        except RuntimeError as error:
            self.tell(tree, f"CEL does not take this: {str(error).splitlines()[0]}")
            return None
        return condition

    def typed(self, node: Expression, known: frozenset[str]) -> Typed:
        """A tree with its type, where the names in ``known`` are certain to have a value."""
        match node:
            case Literal(value=value):
                return typed_literal(value)
            case Name() | Member():
                return self.name(node, known)
            case Not(of=inner):
                typed = self.expect(inner, known, "yes/no", "not")
                self.refuse_missing(node, typed, known, "not")
                return typed._replace(type=YES_NO, cel=f"!({typed.cel})")
            case And(left=left, right=right):
                return self.logical(node, left, right, known, truth=True)
            case Or(left=left, right=right):
                return self.logical(node, left, right, known, truth=False)
            case Compare():
                return self.compare(node, known)
            case Arithmetic():
                return self.arithmetic(node, known)
            case Minus(of=inner):
                typed = self.expect(inner, known, "number", "-")
                return typed._replace(cel=f"-({typed.cel})")
            case Conditional():
                return self.conditional(node, known)
            case FunctionCall(of=None):
                return self.function(node, known)
            case FunctionCall():
                return self.method(node, known)
            case Index():
                return self.index(node, known)
            case ListOf(items=items):
                return self.list_of(node, items, known)
            case _:
                raise TypeError(type(node).__name__)

    def arithmetic(self, node: Arithmetic, known: frozenset[str]) -> Typed:
        """A sum, difference, product or quotient; with money on either side it is money."""
        left, right = self.typed(node.left, known), self.typed(node.right, known)
        for side, typed in ((node.left, left), (node.right, right)):
            if typed.type is not None and typed.type.kind == "list":
                hint = "write the whole list, or ask whether something is in it"
                self.tell(node, f"lists cannot be added: {node.sign} takes numbers", hint)
                return WRONG
            if typed.type is not None and typed.type.kind not in NUMERIC:
                self.tell(side, f"{node.sign} takes numbers, and {label_of(side)} is {describe(typed.type)}")
                return WRONG
        if left.type is None or right.type is None:
            return WRONG
        type_ = Type(kind="money") if "money" in (left.type.kind, right.type.kind) else NUMBER
        return Typed(type_, f"({left.cel} {node.sign} {right.cel})", left.missing | right.missing)

    def conditional(self, node: Conditional, known: frozenset[str]) -> Typed:
        """``test ? yes : no``: each value may count on the names that the test's result makes certain."""
        test = self.expect(node.test, known, "yes/no", "?")
        self.refuse_missing(node.test, test, known, "?")
        if_true, if_false = self.facts(node.test, truth=True), self.facts(node.test, truth=False)
        yes, no = self.typed(node.yes, known | if_true), self.typed(node.no, known | if_false)
        if yes.type and no.type and not comparable(yes.type, no.type):
            self.tell(node, f"this is {describe(yes.type)} or {describe(no.type)}", "both must be of the same type")
        missing = test.missing | (yes.missing - if_true) | (no.missing - if_false)
        return Typed(yes.type, f"({test.cel} ? {yes.cel} : {no.cel})", missing)

    def logical(self, node: And | Or, left: Expression, right: Expression, known: frozenset[str], *, truth: bool) -> Typed:
        """``and`` (with ``truth``) or ``or``.

        A side matters only if the other has not decided the result. So each side may count on the names that have a value
        when the other is true (for ``and``) or false (for ``or``).
        """
        sign = "and" if truth else "or"
        first = self.expect(left, known | self.facts(right, truth=truth), "yes/no", sign)
        second = self.expect(right, known | self.facts(left, truth=truth), "yes/no", sign)
        guarded = self.facts(left, truth=truth, asked=True) | self.facts(right, truth=truth, asked=True)
        cel = f"({first.cel} {'&&' if truth else '||'} {second.cel})"
        type_ = YES_NO if first.type and second.type else None
        return Typed(type_, cel, (first.missing | second.missing) - guarded)

    def facts(self, node: Expression, *, truth: bool, asked: bool = False) -> frozenset[str]:
        """The names that certainly have a value if the tree is true (``truth``) or false.

        ``known()`` tells so; a comparison tells so too, unless only explicit questions (``asked``) count.
        """
        match node:
            case FunctionCall(of=None, name="known", arguments=(argument,)) if truth:
                path = path_of(argument)
                return frozenset({path, *self.captured_with(path)}) if path else frozenset()
            case Not(of=inner):
                return self.facts(inner, truth=not truth, asked=asked)
            case And(left=left, right=right) | Or(left=left, right=right):
                by_left, by_right = (self.facts(side, truth=truth, asked=asked) for side in (left, right))
                return by_left | by_right if isinstance(node, And) == truth else by_left & by_right
            case Compare(left=left, sign=sign, right=right) if truth and not asked and sign != "!=":
                return frozenset(path for side in (left, right) if (path := path_of(side)))
            case Name() | Member() if truth and not asked and (path := path_of(node)):
                return frozenset({path})
            case _:
                return frozenset()

    def captured_with(self, path: str) -> frozenset[str]:
        """The names that have a value if this one has, as they belong to the same captured event."""
        return self.names.captures.get(path.partition(".")[0], frozenset())
