"""Infer the types of function calls and of lists."""

from __future__ import annotations

from collections.abc import Mapping

from idic.journey.expressions.context import InferenceContext
from idic.journey.expressions.evaluate import TODAY, ZONE
from idic.journey.expressions.evaluate_fast import KNOWN
from idic.journey.expressions.tree import Expression, FunctionCall, Index, ListOf, Literal, Name, label_of, path_of
from idic.journey.expressions.typed import WRONG, Typed, comparable
from idic.journey.program.values import Type
from idic.journey.vocabulary.types import NUMBER, TEXT, TEXTUAL, YES_NO, describe
from idic.journey.yaml_source.shapes import RESERVED
from idic.problems import did_you_mean, one_of

_SIZE = "size(event.items): the number of items, or the length of a text"

FUNCTIONS: Mapping[str, str] = {
    "known": "known(customer.first_name): whether we know it",
    "lower": 'lower(event.name) == "anna": in lower case',
    "days_since": "days_since(customer.birthday): whole days, in the customer's zone",
    "days_until": "days_until(entry.starts_at): whole days, in the customer's zone",
    "size": _SIZE,
}
"""Functions of one value, each with an example and an explanation."""
OVER_LISTS: Mapping[str, str] = {
    "exists": 'event.items.exists(i, i.sku == "x"): whether any item matches',
    "all": "event.items.all(i, i.price > 10): whether every item matches",
    "exists_one": "whether exactly one item matches",
    "filter": "event.items.filter(i, i.price > 10): the items that match",
    "size": _SIZE,
}
"""Functions that are written after a list and a dot."""
ON_TEXT: Mapping[str, str] = {
    "contains": 'event.name.contains("espresso"): whether the text contains it',
    "startsWith": "whether the text starts with it",
    "endsWith": "whether the text ends with it",
    "size": _SIZE,
}
"""Functions that are written after a text and a dot."""


class FunctionInference(InferenceContext):
    """The part of inference for functions and lists."""

    def function(self, node: FunctionCall, known: frozenset[str]) -> Typed:
        """``name(argument)``, with its type."""
        if node.name not in FUNCTIONS:
            hint = did_you_mean(node.name, FUNCTIONS) or f"there are {one_of(f'{name}(…)' for name in FUNCTIONS)}"
            if node.name in OVER_LISTS or node.name in ON_TEXT:
                hint = f"write it after a name and a dot: entry.items.{node.name}(…)"
            elif node.name == "has":
                hint = "write known(…)"
            self.tell(node, f"there is no {node.name}()", hint)
            return WRONG
        if len(node.arguments) != 1:
            self.tell(node, f"{node.name}() takes one value", f"write {node.name}(customer.…)")
            return WRONG
        argument = node.arguments[0]
        typed = self.typed(argument, known)
        if typed.type is None:
            return WRONG
        match node.name:
            case "known":
                return self.known(node, argument, typed)
            case "size":
                return self.size(node, argument, typed)
            case "lower":
                if typed.type.kind not in TEXTUAL:
                    self.tell(argument, f"lower() takes text, and {label_of(argument)} is {describe(typed.type)}")
                    return WRONG
                return typed._replace(type=TEXT, cel=f"lower({typed.cel})")
            case name:
                return self.days(node, name, argument, typed)

    def known(self, node: FunctionCall, argument: Expression, typed: Typed) -> Typed:
        """``known(name)``, with its type."""
        path = path_of(argument)
        if path is None:
            self.tell(node, "known() asks about a name", "write known(customer.first_name)")
            return WRONG
        if path in self.names.readable:
            return Typed(YES_NO, KNOWN + path)
        if path in self.items:
            return Typed(YES_NO, "true")
        return Typed(YES_NO, f"has({typed.cel})", typed.missing - {path})

    def days(self, node: FunctionCall, name: str, argument: Expression, typed: Typed) -> Typed:
        """``days_since(date)`` or ``days_until(date)``, with its type."""
        assert typed.type is not None
        if typed.type.kind not in ("date", "moment"):
            called = label_of(argument)
            self.tell(argument, f"{name}() takes a date or a moment, and {called} is {describe(typed.type)}")
            return WRONG
        then = typed.cel if typed.type.kind == "date" else f"local_date({typed.cel}, {ZONE})"
        span = f"{TODAY} - {then}" if name == "days_since" else f"{then} - {TODAY}"
        return typed._replace(type=NUMBER, cel=f"(({span}) / 86400.0)")

    def size(self, node: FunctionCall, of: Expression, typed: Typed) -> Typed:
        """``size(list)`` or ``size(text)``, with its type."""
        assert typed.type is not None
        if typed.type.kind not in TEXTUAL | {"list"}:
            self.tell(of, f"size() takes a list or text, and {label_of(of)} is {describe(typed.type)}")
            return WRONG
        return typed._replace(type=NUMBER, cel=f"double(size({typed.cel}))")

    def method(self, node: FunctionCall, known: frozenset[str]) -> Typed:
        """``value.name(arguments)``, with its type."""
        assert node.of is not None
        typed = self.typed(node.of, known)
        if typed.type is None:
            return WRONG
        offered = OVER_LISTS if typed.type.kind == "list" else ON_TEXT if typed.type.kind in TEXTUAL else {}
        if node.name not in offered:
            hint = did_you_mean(node.name, offered) or (f"it has {one_of(offered)}" if offered else None)
            self.tell(node, f"{label_of(node.of)} is {describe(typed.type)} and has no {node.name}()", hint, start=node.at)
            return WRONG
        if node.name == "size" and not node.arguments:
            return self.size(node, node.of, typed)
        if typed.type.kind == "list":
            return self.list_method(node, typed, known)
        if len(node.arguments) != 1:
            self.tell(node, f"{node.name}() takes one text", start=node.at)
            return WRONG
        argument = self.typed(node.arguments[0], known)
        if argument.type is None:
            return WRONG
        if argument.type.kind not in TEXTUAL:
            self.tell(node.arguments[0], f"{node.name}() takes text, and this is {describe(argument.type)}")
            return WRONG
        return Typed(YES_NO, f"{typed.cel}.{node.name}({argument.cel})", typed.missing | argument.missing)

    def list_method(self, node: FunctionCall, typed: Typed, known: frozenset[str]) -> Typed:
        """``list.exists(i, …)`` and the other functions with a condition on each item, with their types."""
        assert typed.type is not None
        example = f"write .{node.name}(i, …), with a condition on i"
        if len(node.arguments) != 2 or not isinstance(node.arguments[0], Name) or typed.type.of is None:
            self.tell(node, f"{node.name}() takes a name for each item and a condition on it", example, start=node.at)
            return WRONG
        variable, inner = node.arguments
        assert isinstance(variable, Name)
        taken = {name.partition(".")[0] for name in self.names.readable} | RESERVED
        if variable.name in taken or variable.name in self.items:
            self.tell(variable, f"{variable.name} already has a meaning", "choose another name, such as i")
            return WRONG
        self.items[variable.name] = (typed.type.of, True)
        condition = self.expect(inner, known, "yes/no", node.name)
        del self.items[variable.name]
        type_ = typed.type if node.name == "filter" else YES_NO
        cel = f"{typed.cel}.{node.name}({variable.name}, {condition.cel})"
        return Typed(type_ if condition.type else None, cel, typed.missing | condition.missing)

    def index(self, node: Index, known: frozenset[str]) -> Typed:
        """``list[0]``, with its type."""
        typed = self.typed(node.of, known)
        if typed.type is None:
            return WRONG
        number = node.index.value if isinstance(node.index, Literal) else None
        if typed.type.kind != "list" or not isinstance(number, float) or not number.is_integer():
            hint = "write the number of an item; the first is 0: entry.items[0]"
            self.tell(node, "[…] takes an item out of a list by its number", hint)
            return WRONG
        name = f"{label_of(node.of)}[{int(number)}]"
        return Typed(typed.type.of, f"{typed.cel}[{int(number)}]", typed.missing | {name})

    def list_of(self, node: ListOf, items: tuple[Expression, ...], known: frozenset[str]) -> Typed:
        """``[a, b]``, with its type."""
        typed = [self.typed(item, known) for item in items]
        if not typed:
            self.tell(node, "the list is empty", 'write ["…", "…"]')
        types = [item.type for item in typed if item.type is not None]
        if len(types) < len(items) or not types:
            return WRONG
        if any(not comparable(types[0], type_) for type_ in types):
            self.tell(node, "the list mixes types", "all items must be of the same type")
            return WRONG
        missing = frozenset(name for item in typed for name in item.missing)
        return Typed(Type(kind="list", of=types[0]), f"[{', '.join(item.cel for item in typed)}]", missing)
