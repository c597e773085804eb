"""Infer the types of comparisons, and check that both sides can be compared."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from idic.journey.expressions.context import InferenceContext
from idic.journey.expressions.tree import Compare, Expression, ListOf, Literal, label_of
from idic.journey.expressions.typed import WRONG, Typed, comparable
from idic.journey.program.values import Type
from idic.journey.vocabulary.types import NUMERIC, TEXTUAL, YES_NO, describe
from idic.problems import did_you_mean, one_of


class ComparisonInference(InferenceContext):
    """The part of inference for comparisons."""

    def compare(self, node: Compare, known: frozenset[str]) -> Typed:
        """A comparison, with its type."""
        left, right = self.typed(node.left, known), self.typed(node.right, known)
        missing = left.missing | right.missing
        if left.type is None or right.type is None:
            return WRONG
        if node.sign == "in":
            return self.membership(node, left, right)
        left, right = self.as_date(node.left, left, right), self.as_date(node.right, right, left)
        if left.type is None or right.type is None:
            return WRONG
        if not comparable(left.type, right.type):
            self.report_unlike(node, left.type, right.type)
            return WRONG
        if left.type.kind in ("list", "thing"):
            self.tell(node, f"{describe(left.type)} cannot be compared as a whole", "ask about its items with exists(…)")
            return WRONG
        if node.sign not in ("==", "!=") and left.type.kind in TEXTUAL | {"yes/no"}:
            hint = "write == or !="
            self.tell(node, f"{node.sign} needs numbers or dates, and {label_of(node.left)} is {describe(left.type)}", hint)
            return WRONG
        self.check_option(node.left, left.type, node.right)
        self.check_option(node.right, right.type, node.left)
        typed = Typed(YES_NO, f"({left.cel} {node.sign} {right.cel})", missing)
        if node.sign == "!=":
            self.refuse_missing(node, typed, known, "!=")
        return typed

    def membership(self, node: Compare, item: Typed, container: Typed) -> Typed:
        """``item in container``, with its type."""
        assert item.type is not None
        assert container.type is not None
        if container.type.kind != "list":
            hint = f"write {label_of(node.right)}.contains(…)" if container.type.kind in TEXTUAL else 'write in ["…", "…"]'
            self.tell(node.right, f"in takes a list, and {label_of(node.right)} is {describe(container.type)}", hint)
            return WRONG
        if container.type.of is not None and not comparable(item.type, container.type.of):
            self.report_unlike(node, item.type, container.type.of)
            return WRONG
        if isinstance(node.right, ListOf):
            for option in node.right.items:
                self.check_option(node.left, item.type, option)
        elif container.type.of is not None:
            self.check_option(node.right, container.type.of, node.left)
        return Typed(YES_NO, f"({item.cel} in {container.cel})", item.missing | container.missing)

    def as_date(self, node: Expression, typed: Typed, other: Typed) -> Typed:
        """A text that is compared with a date or a moment, read as one; everything else as it is."""
        if not isinstance(node, Literal) or not isinstance(node.value, str) or other.type is None:
            return typed
        try:
            if other.type.kind == "date":
                day = date.fromisoformat(node.value)
                return Typed(other.type, repr(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))
            if other.type.kind == "moment":
                moment = datetime.fromisoformat(node.value)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=ZoneInfo(self.names.zone))
                return Typed(other.type, repr(moment.timestamp()))
        except ValueError:
            example = "2026-03-27" if other.type.kind == "date" else "2026-03-27 10:00"
            self.tell(node, f'"{node.value}" is not {describe(other.type)}', f'write it as "{example}"')
            return WRONG
        return typed

    def check_option(self, node: Expression, type_: Type, literal: Expression) -> None:
        """Reports a text that this name can never be."""
        if type_.kind != "one_of" or not isinstance(literal, Literal) or literal.value in type_.options:
            return
        name, wrong = label_of(node), str(literal.value)
        hint = did_you_mean(wrong, type_.options) or f"it is {one_of(type_.options)}"
        message = f'segment "{wrong}" does not exist' if name == "segment" else f'{name} is never "{wrong}"'
        self.tell(literal, message, hint, about=("option", f"{name} {wrong}"))

    def report_unlike(self, node: Compare, left_type: Type, right_type: Type) -> None:
        """Reports two types that cannot be compared; the hint says how to write a literal in the other type."""
        left, right = node.left, node.right
        hint = None
        for side, other in ((left, right_type), (right, left_type)):
            if isinstance(side, Literal) and isinstance(side.value, str) and other.kind in NUMERIC:
                if not side.value.replace(".", "", 1).isdecimal():
                    continue
                hint = f"write {side.value} without quotes"
            elif isinstance(side, Literal) and isinstance(side.value, str) and other.kind == "yes/no":
                hint = "write true or false, without quotes"
            elif isinstance(side, Literal) and isinstance(side.value, float) and other.kind in TEXTUAL:
                hint = f'write "{side.value:g}", in quotes'
            elif isinstance(side, Literal) and isinstance(side.value, float) and other.kind in ("date", "moment"):
                hint = f"write days_since({label_of(left if side is right else right)}) {node.sign} {side.value:g}"
        self.tell(node, f"{label_of(left)} is {describe(left_type)}, and {label_of(right)} is {describe(right_type)}", hint)
