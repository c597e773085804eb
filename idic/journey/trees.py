"""What can be said of an expression by itself, whatever its names mean."""

from __future__ import annotations

from idic.journey.expressions import (
    And,
    Call,
    Choice,
    Compare,
    Expression,
    Index,
    ListOf,
    Literal,
    Member,
    Minus,
    Name,
    Not,
    Or,
    Sum,
)


def path_of(node: Expression) -> str | None:
    """The dotted name that an expression is, if it is one."""
    match node:
        case Name(name=name):
            return name
        case Member(of=of, name=name):
            base = path_of(of)
            return f"{base}.{name}" if base else None
        case _:
            return None


def named(node: Expression) -> str:
    """What messages call an expression."""
    match node:
        case Literal(value=str() as text):
            return f'"{text}"'
        case Literal(value=bool() as truth):
            return "true" if truth else "false"
        case Literal(value=number):
            return f"{number:g}"
        case Index(of=of):
            return f"{named(of)}[…]"
        case Call(of=None, name=name):
            return f"{name}(…)"
        case Call(name=name):
            return f".{name}(…)"
        case _:
            return path_of(node) or "this"


def texts_of(tree: Expression) -> tuple[str, ...] | None:
    """The texts that an expression can come to, if they all stand in it."""
    match tree:
        case Literal(value=str() as text):
            return (text,)
        case Choice(yes=yes, no=no):
            one, two = texts_of(yes), texts_of(no)
            return tuple(dict.fromkeys((*one, *two))) if one and two else None
        case _:
            return None


def may_fail(tree: Expression) -> bool:
    """Whether something is divided by what may be nothing."""
    match tree:
        case Sum(left=left, sign=sign, right=right):
            nothing = sign == "/" and not (isinstance(right, Literal) and right.value)
            return nothing or may_fail(left) or may_fail(right)
        case Choice(test=test, yes=yes, no=no):
            return may_fail(test) or may_fail(yes) or may_fail(no)
        case Compare(left=left, right=right) | And(left=left, right=right) | Or(left=left, right=right):
            return may_fail(left) or may_fail(right)
        case Not(of=of) | Minus(of=of):
            return may_fail(of)
        case Call(of=of, arguments=arguments):
            return any(may_fail(one) for one in (*arguments, *((of,) if of else ())))
        case ListOf(items=items):
            return any(may_fail(item) for item in items)
        case _:
            return False
