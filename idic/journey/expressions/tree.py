"""The tree of a parsed expression: its nodes, and questions that a tree answers without types.

``start`` and ``end`` of a node are its place in the text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    """A node of a tree, and its place in the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A text, a number, ``true`` or ``false``."""

    value: str | float | bool


@dataclass(frozen=True, slots=True)
class ListOf(Expression):
    """``[a, b]``."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A name without dots: a whole name, or the first part of one."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """``of.name``; ``at`` is where the last name begins."""

    of: Expression
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index(Expression):
    """``of[index]``."""

    of: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class FunctionCall(Expression):
    """``name(arguments)``, or ``of.name(arguments)``; ``at`` is where the name begins."""

    of: Expression | None
    name: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Not(Expression):
    """``not of``."""

    of: Expression


@dataclass(frozen=True, slots=True)
class Minus(Expression):
    """``-of``."""

    of: Expression


@dataclass(frozen=True, slots=True)
class And(Expression):
    """``left and right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Or(Expression):
    """``left or right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Compare(Expression):
    """``left sign right``: ``sign`` is one of ``== != < <= > >= in``, and ``at`` is its place."""

    left: Expression
    sign: str
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """``left sign right``: ``sign`` is one of ``+ - * /``, and ``at`` is its place."""

    left: Expression
    sign: str
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    """``test ? yes : no``."""

    test: Expression
    yes: Expression
    no: Expression


def path_of(node: Expression) -> str | None:
    """The dotted name that an expression consists of; None if it is not a name."""
    match node:
        case Name(name=name):
            return name
        case Member(of=of, name=name):
            base = path_of(of)
            return f"{base}.{name}" if base else None
        case _:
            return None


def label_of(node: Expression) -> str:
    """How error messages refer to an expression."""
    match node:
        case Literal(value=str() as text):
            return f'"{text}"'
        case Literal(value=bool() as truth):
            return "true" if truth else "false"
        case Literal(value=number):
            return f"{number:g}"
        case Index(of=of):
            return f"{label_of(of)}[…]"
        case FunctionCall(of=None, name=name):
            return f"{name}(…)"
        case FunctionCall(name=name):
            return f".{name}(…)"
        case _:
            return path_of(node) or "this"


def texts_of(tree: Expression) -> tuple[str, ...] | None:
    """All texts that an expression can result in; None if they are not all literals in it."""
    match tree:
        case Literal(value=str() as text):
            return (text,)
        case Conditional(yes=yes, no=no):
            if_yes, if_no = texts_of(yes), texts_of(no)
            return tuple(dict.fromkeys((*if_yes, *if_no))) if if_yes and if_no else None
        case _:
            return None


def may_fail(tree: Expression) -> bool:
    """Whether an expression divides by a value that may be zero."""
    match tree:
        case Arithmetic(left=left, sign=sign, right=right):
            by_zero = sign == "/" and not (isinstance(right, Literal) and right.value)
            return by_zero or may_fail(left) or may_fail(right)
        case Conditional(test=test, yes=yes, no=no):
            return may_fail(test) or may_fail(yes) or may_fail(no)
        case Compare(left=left, right=right) | And(left=left, right=right) | Or(left=left, right=right):
            return may_fail(left) or may_fail(right)
        case Not(of=of) | Minus(of=of):
            return may_fail(of)
        case FunctionCall(of=of, arguments=arguments):
            return any(may_fail(argument) for argument in (*arguments, *((of,) if of else ())))
        case ListOf(items=items):
            return any(may_fail(item) for item in items)
        case _:
            return False
