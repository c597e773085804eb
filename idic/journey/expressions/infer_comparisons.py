"""Typing comparisons: what is held against what, and texts that are dates or one of a few."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from idic.journey.expressions.context import InferenceContext
from idic.journey.expressions.tree import Compare, Expression, ListOf, Literal, label_of
from idic.journey.expressions.typed import WRONG, Typed, comparable
from idic.journey.program.program import Type
from idic.journey.vocabulary.types import NUMERIC, TEXTUAL, YES_NO, describe
from idic.problems import did_you_mean, one_of


class ComparisonInference(InferenceContext):
    def compare(self, node: Compare, known: frozenset[str]) -> Typed:
        one, two = self.of(node.left, known), self.of(node.right, known)
        missing = one.missing | two.missing
        if one.type is None or two.type is None:
            return WRONG
        if node.sign == "in":
            return self.contained(node, one, two)
        one, two = self.dated(node.left, one, two), self.dated(node.right, two, one)
        if one.type is None or two.type is None:
            return WRONG
        if not comparable(one.type, two.type):
            self.unlike(node, one.type, two.type)
            return WRONG
        if one.type.kind in ("list", "thing"):
            self.tell(node, f"{describe(one.type)} cannot be compared as a whole", "ask about its items with exists(…)")
            return WRONG
        if node.sign not in ("==", "!=") and one.type.kind in TEXTUAL | {"yes/no"}:
            hint = "write == or !="
            self.tell(node, f"{node.sign} needs numbers or dates, and {label_of(node.left)} is {describe(one.type)}", hint)
            return WRONG
        self.options(node.left, one.type, node.right)
        self.options(node.right, two.type, node.left)
        typed = Typed(YES_NO, f"({one.cel} {node.sign} {two.cel})", missing)
        if node.sign == "!=":
            self.certain(node, typed, known, "!=")
        return typed

    def contained(self, node: Compare, one: Typed, two: Typed) -> Typed:
        assert one.type is not None
        assert two.type is not None
        if two.type.kind != "list":
            hint = f"write {label_of(node.right)}.contains(…)" if two.type.kind in TEXTUAL else 'write in ["…", "…"]'
            self.tell(node.right, f"in takes a list, and {label_of(node.right)} is {describe(two.type)}", hint)
            return WRONG
        if two.type.of is not None and not comparable(one.type, two.type.of):
            self.unlike(node, one.type, two.type.of)
            return WRONG
        if isinstance(node.right, ListOf):
            for item in node.right.items:
                self.options(node.left, one.type, item)
        elif two.type.of is not None:
            self.options(node.right, two.type.of, node.left)
        return Typed(YES_NO, f"({one.cel} in {two.cel})", one.missing | two.missing)

    def dated(self, node: Expression, typed: Typed, other: Typed) -> Typed:
        """A text beside a date or a moment is one."""
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

    def options(self, node: Expression, type_: Type, literal: Expression) -> None:
        """A text that this name can never be."""
        if type_.kind != "one_of" or not isinstance(literal, Literal) or literal.value in type_.options:
            return
        name, wrong = label_of(node), str(literal.value)
        hint = did_you_mean(wrong, type_.options) or f"it is {one_of(type_.options)}"
        message = f'segment "{wrong}" does not exist' if name == "segment" else f'{name} is never "{wrong}"'
        self.tell(literal, message, hint, about=("option", f"{name} {wrong}"))

    def unlike(self, node: Compare, one: Type, two: Type) -> None:
        left, right = node.left, node.right
        hint = None
        for side, other in ((left, two), (right, one)):
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
        self.tell(node, f"{label_of(left)} is {describe(one)}, and {label_of(right)} is {describe(two)}", hint)
