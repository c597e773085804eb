"""The tree of a parsed expression: its nodes, and questions that a tree answers without types.

``start`` and ``end`` of a node are its place in the text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expression:
    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    value: str | float | bool


@dataclass(frozen=True, slots=True)
class ListOf(Expression):
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A name without dots: a whole name, or the beginning of one."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Expression):
    """``of.name``; ``at`` is where the last name begins."""

    of: Expression
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index(Expression):
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
    of: Expression


@dataclass(frozen=True, slots=True)
class Minus(Expression):
    of: Expression


@dataclass(frozen=True, slots=True)
class And(Expression):
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Or(Expression):
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Compare(Expression):
    """``sign`` is one of ``== != < <= > >= in``; ``at`` is where it stands."""

    left: Expression
    sign: str
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Arithmetic(Expression):
    """``sign`` is one of ``+ - * /``."""

    left: Expression
    sign: str
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Conditional(Expression):
    test: Expression
    yes: Expression
    no: Expression


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


def label_of(node: Expression) -> str:
    """What messages call an expression."""
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
    """The texts that an expression can come to, if they all stand in it."""
    match tree:
        case Literal(value=str() as text):
            return (text,)
        case Conditional(yes=yes, no=no):
            one, two = texts_of(yes), texts_of(no)
            return tuple(dict.fromkeys((*one, *two))) if one and two else None
        case _:
            return None


def may_fail(tree: Expression) -> bool:
    """Whether something is divided by what may be nothing."""
    match tree:
        case Arithmetic(left=left, sign=sign, right=right):
            nothing = sign == "/" and not (isinstance(right, Literal) and right.value)
            return nothing or may_fail(left) or may_fail(right)
        case Conditional(test=test, yes=yes, no=no):
            return may_fail(test) or may_fail(yes) or may_fail(no)
        case Compare(left=left, right=right) | And(left=left, right=right) | Or(left=left, right=right):
            return may_fail(left) or may_fail(right)
        case Not(of=of) | Minus(of=of):
            return may_fail(of)
        case FunctionCall(of=of, arguments=arguments):
            return any(may_fail(one) for one in (*arguments, *((of,) if of else ())))
        case ListOf(items=items):
            return any(may_fail(item) for item in items)
        case _:
            return False
