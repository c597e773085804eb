"""Compare the ranges of two conditions: does one hold wherever the other does?"""

from __future__ import annotations

import math
from typing import NamedTuple

from idic.journey.expressions.parser import ExpressionError, parse
from idic.journey.expressions.tree import And, Compare, Expression, Literal, Minus, Or, path_of

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


class Range(NamedTuple):
    """The values that ``name`` may have: from ``least`` to ``most``, each included or not."""

    name: str
    least: float = -math.inf
    with_least: bool = True
    most: float = math.inf
    with_most: bool = True

    def contains(self, other: Range) -> bool:
        """Whether the other range lies within this one."""
        if self.name != other.name:
            return False
        low = self.least < other.least or (self.least == other.least and (self.with_least or not other.with_least))
        high = self.most > other.most or (self.most == other.most and (self.with_most or not other.with_most))
        return low and high


def covers(earlier: str, later: str) -> bool:
    """Whether the ``earlier`` condition certainly holds wherever the ``later`` one does.

    False where bounds on a single name do not show it. A missing name makes neither condition hold.
    """
    try:
        return _covers(parse(earlier), parse(later))
    except ExpressionError:
        return False


def _covers(earlier: Expression, later: Expression) -> bool:
    match earlier, later:
        case Or(left=left, right=right), _:
            return _covers(left, later) or _covers(right, later)
        case _, And(left=left, right=right):
            return _covers(earlier, left) or _covers(earlier, right)
        case _:
            wider, narrower = _range(earlier), _range(later)
            return wider is not None and narrower is not None and wider.contains(narrower)


def _range(node: Expression) -> Range | None:
    if not isinstance(node, Compare):
        return None
    name, sign, number = path_of(node.left), node.sign, _number(node.right)
    if name is None or number is None:
        name, sign, number = path_of(node.right), _MIRRORED.get(node.sign, ""), _number(node.left)
    if name is None or number is None:
        return None
    match sign:
        case ">" | ">=":
            return Range(name, least=number, with_least=sign == ">=")
        case "<" | "<=":
            return Range(name, most=number, with_most=sign == "<=")
        case "==":
            return Range(name, number, True, number, True)
        case _:
            return None


def _number(node: Expression) -> float | None:
    match node:
        case Literal(value=bool()):
            return None
        case Literal(value=float() as value):
            return value
        case Minus(of=Literal(value=float() as value)):
            return -value
        case _:
            return None
