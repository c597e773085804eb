"""Typing a condition against the names it may use, and writing it as CEL.

Three things are looked after at once. Every name exists and is compared with what it can be compared with. A number is
a double everywhere, dates too. And nothing that may be missing is negated: ``not customer.vip`` says nothing about a
customer of whom nobody knows, so the author must say what is meant, by ``known()`` or by a default.
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
from idic.journey.program.program import Condition, Type
from idic.journey.vocabulary.types import NUMBER, NUMERIC, TEXTUAL, YES_NO, describe
from idic.problems import did_you_mean, one_of


def infer(text: str, names: Names, report: Report, *, number: bool = False) -> Condition | None:
    """The condition ready to be asked; None where something is wrong with it, which has been reported. With ``number``
    it is one that comes to a number."""
    tree = _parsed(text, report)
    if tree is None:
        return None
    inference = _Inference(names, report)
    typed = inference.of(tree, frozenset())
    if typed.type is not None and number and typed.type.kind not in NUMERIC:
        inference.tell(tree, f"this is {describe(typed.type)}, and a number is needed here")
    elif typed.type is not None and not number and typed.type.kind != "yes/no":
        hint = "compare it with something" if typed.type.kind != "thing" else None
        inference.tell(tree, f"this is {describe(typed.type)}, and a condition is either true or not", hint)
    if inference.failed or typed.type is None:
        return None
    return inference.condition(tree, text, typed.cel)


class ValueExpression(NamedTuple):
    """An expression of any type. ``sure``: it comes to a value whoever the customer is."""

    condition: Condition
    type: Type
    sure: bool


def infer_value(
    text: str, names: Names, report: Report, *, wanted: Type | None = None, called: str = ""
) -> ValueExpression | None:
    """The expression ready to be worked out, for a name (``called``) of the type ``wanted`` if one is; None where something
    is wrong with it, which has been reported. Text that can only be one of a few is of the type that says so."""
    tree = _parsed(text, report)
    if tree is None:
        return None
    inference = _Inference(names, report)
    typed = inference.of(tree, frozenset())
    if typed.type is None:
        return None
    options = texts_of(tree)
    if wanted is not None:
        typed = inference.dated(tree, typed, Typed(wanted))
        if typed.type is not None and not assignable(typed.type, wanted):
            hint = _value_hint(tree, wanted)
            inference.tell(tree, f"{called} is {describe(wanted)}, and {label_of(tree)} is {describe(typed.type)}", hint)
        elif wanted.kind == "one_of" and (wrong := [option for option in options or () if option not in wanted.options]):
            hint = did_you_mean(wrong[0], wanted.options) or f"it is {one_of(wanted.options)}"
            inference.tell(tree, f'{called} is never "{wrong[0]}"', hint, about=("option", f"{called} {wrong[0]}"))
    if inference.failed or typed.type is None:
        return None
    sure = not typed.missing and not may_fail(tree)
    if options and typed.type.kind == "text":
        sure = sure and all(option.strip() for option in options)
        typed = typed._replace(type=Type(kind="one_of", options=options)) if sure else typed
    type_ = wanted or typed.type
    condition = inference.condition(tree, text, typed.cel)
    return ValueExpression(condition, type_, sure) if condition is not None and type_ is not None else None


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
        """What has been ``written`` in CEL, if CEL takes it."""
        condition = Condition(text=text.strip(), cel=written, reads=self.reads)
        try:
            compile_cel(condition)
        except RuntimeError as error:
            self.tell(tree, f"CEL does not take this: {str(error).splitlines()[0]}")
            return None
        return condition

    def of(self, node: Expression, known: frozenset[str]) -> Typed:
        """The type of a tree where the names in ``known`` are certain to have a value."""
        match node:
            case Literal(value=value):
                return typed_literal(value)
            case Name() | Member():
                return self.name(node, known)
            case Not(of=inner):
                typed = self.expect(inner, known, "yes/no", "not")
                self.certain(node, typed, known, "not")
                return typed._replace(type=YES_NO, cel=f"!({typed.cel})")
            case And(left=left, right=right):
                return self.both(node, left, right, known, truth=True)
            case Or(left=left, right=right):
                return self.both(node, left, right, known, truth=False)
            case Compare():
                return self.compare(node, known)
            case Arithmetic(left=left, sign=sign, right=right):
                one, two = self.of(left, known), self.of(right, known)
                for side, typed in ((left, one), (right, two)):
                    if typed.type is not None and typed.type.kind == "list":
                        hint = "write the whole list, or ask whether something is in it"
                        self.tell(node, f"lists cannot be added: {sign} takes numbers", hint)
                        return WRONG
                    if typed.type is not None and typed.type.kind not in NUMERIC:
                        self.tell(side, f"{sign} takes numbers, and {label_of(side)} is {describe(typed.type)}")
                        return WRONG
                if one.type is None or two.type is None:
                    return WRONG
                money = any(side.type is not None and side.type.kind == "money" for side in (one, two))
                return Typed(
                    Type(kind="money") if money else NUMBER, f"({one.cel} {sign} {two.cel})", one.missing | two.missing
                )
            case Minus(of=inner):
                typed = self.expect(inner, known, "number", "-")
                return typed._replace(cel=f"-({typed.cel})")
            case Conditional(test=test, yes=yes, no=no):
                asked = self.expect(test, known, "yes/no", "?")
                self.certain(test, asked, known, "?")
                if_so, if_not = self.facts(test, truth=True), self.facts(test, truth=False)
                one, two = self.of(yes, known | if_so), self.of(no, known | if_not)
                if one.type and two.type and not comparable(one.type, two.type):
                    self.tell(node, f"this is {describe(one.type)} or {describe(two.type)}", "both must be of one type")
                missing = asked.missing | (one.missing - if_so) | (two.missing - if_not)
                return Typed(one.type, f"({asked.cel} ? {one.cel} : {two.cel})", missing)
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

    def both(self, node: And | Or, left: Expression, right: Expression, known: frozenset[str], *, truth: bool) -> Typed:
        """``and`` (``truth``) and ``or``: each side is asked where the other has not settled the answer already, so it
        may count on what the other settled."""
        sign = "and" if truth else "or"
        one = self.expect(left, known | self.facts(right, truth=truth), "yes/no", sign)
        two = self.expect(right, known | self.facts(left, truth=truth), "yes/no", sign)
        guarded = self.facts(left, truth=truth, asked=True) | self.facts(right, truth=truth, asked=True)
        cel = f"({one.cel} {'&&' if truth else '||'} {two.cel})"
        type_ = YES_NO if one.type and two.type else None
        return Typed(type_, cel, (one.missing | two.missing) - guarded)

    def facts(self, node: Expression, *, truth: bool, asked: bool = False) -> frozenset[str]:
        """The names that have a value if the tree is true (or not): by ``known()``, and, unless only what was
        ``asked`` so counts, because a comparison came out."""
        match node:
            case FunctionCall(of=None, name="known", arguments=(argument,)) if truth:
                path = path_of(argument)
                return frozenset({path, *self.with_it(path)}) if path else frozenset()
            case Not(of=inner):
                return self.facts(inner, truth=not truth, asked=asked)
            case And(left=left, right=right) | Or(left=left, right=right):
                one, two = (self.facts(side, truth=truth, asked=asked) for side in (left, right))
                return one | two if isinstance(node, And) == truth else one & two
            case Compare(left=left, sign=sign, right=right) if truth and not asked and sign != "!=":
                return frozenset(path for side in (left, right) if (path := path_of(side)))
            case Name() | Member() if truth and not asked and (path := path_of(node)):
                return frozenset({path})
            case _:
                return frozenset()

    def with_it(self, path: str) -> frozenset[str]:
        return self.names.captures.get(path.partition(".")[0], frozenset())
