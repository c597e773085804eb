"""What can be said of an expression by itself, whatever its names mean."""

from __future__ import annotations

from idic.journey.expressions import parser
from idic.journey.expressions.parser import Expression, Literal, Member


def path_of(node: Expression) -> str | None:
    """The dotted name that an expression is, if it is one."""
    match node:
        case parser.Name(name=name):
            return name
        case Member(of=of, name=name):
            base = path_of(of)
            return f"{base}.{name}" if base else None
        case _:
            return None


def label_of(node: Expression) -> str:
    """What messages call an expression."""
    match node:
        case Literal(value=str() as text):
            return f'"{text}"'
        case Literal(value=bool() as truth):
            return "true" if truth else "false"
        case Literal(value=number):
            return f"{number:g}"
        case parser.Index(of=of):
            return f"{label_of(of)}[…]"
        case parser.FunctionCall(of=None, name=name):
            return f"{name}(…)"
        case parser.FunctionCall(name=name):
            return f".{name}(…)"
        case _:
            return path_of(node) or "this"


def texts_of(tree: Expression) -> tuple[str, ...] | None:
    """The texts that an expression can come to, if they all stand in it."""
    match tree:
        case Literal(value=str() as text):
            return (text,)
        case parser.Conditional(yes=yes, no=no):
            one, two = texts_of(yes), texts_of(no)
            return tuple(dict.fromkeys((*one, *two))) if one and two else None
        case _:
            return None


def may_fail(tree: Expression) -> bool:
    """Whether something is divided by what may be nothing."""
    match tree:
        case parser.Arithmetic(left=left, sign=sign, right=right):
            nothing = sign == "/" and not (isinstance(right, Literal) and right.value)
            return nothing or may_fail(left) or may_fail(right)
        case parser.Conditional(test=test, yes=yes, no=no):
            return may_fail(test) or may_fail(yes) or may_fail(no)
        case parser.Compare(left=left, right=right) | parser.And(left=left, right=right) | parser.Or(left=left, right=right):
            return may_fail(left) or may_fail(right)
        case parser.Not(of=of) | parser.Minus(of=of):
            return may_fail(of)
        case parser.FunctionCall(of=of, arguments=arguments):
            return any(may_fail(one) for one in (*arguments, *((of,) if of else ())))
        case parser.ListOf(items=items):
            return any(may_fail(item) for item in items)
        case _:
            return False
