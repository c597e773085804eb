"""Read attributes of the vocabulary: their types, their defaults, what they count or sum."""

from __future__ import annotations

from pydantic import JsonValue

from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.built_in import OWN_EVENTS
from idic.journey.vocabulary.types import NUMERIC, SIMPLE, describe, read
from idic.journey.yaml_source.nodes import Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean, one_of

_OTHER_NAMES = {
    "string": "write text",
    "str": "write text",
    "int": "write number",
    "integer": "write number",
    "float": "write number",
    "bool": "write yes/no",
    "boolean": "write yes/no",
    "datetime": "write moment",
    "time": "write moment",
    "timestamp": "write moment",
    "url": "write link",
    "enum": "write {one_of: [a, b]}",
}


class AttributeReader:
    """Reads attributes. They may refer to ``things``, ``events`` and ``about``, which are filled as the vocabulary is read."""

    def __init__(self, shapes: Shapes, problems: Problems) -> None:
        self.problems = problems
        self.shapes = shapes
        self.things: dict[str, Type] = {}
        self.events: dict[str, dict[str, Attribute]] = dict(OWN_EVENTS)
        self.about: dict[str, str] = {}
        self.currency = "EUR"

    def attribute(self, node: Node, what: str, entries: tuple[str, ...]) -> Attribute | None:
        """The attribute, or None where it cannot be used, which is reported."""
        if isinstance(node, Scalar):
            type_ = self.type(node)
            return Attribute(type=type_) if type_ else None
        instead = (
            {"required": "a default: a customer can be known before anything about them is"}
            if "required" not in entries
            else None
        )
        if "default" not in entries:
            instead = {"default": "required: true, or nothing: a line item has no default"}
        fields = self.shapes.fields(node, what, entries, instead=instead)
        if fields is None:
            return None
        type_ = self.one_of(fields["one_of"]) if "one_of" in fields else None
        if "type" in fields:
            if "one_of" in fields:
                self.problems.error(fields["type"].mark, f"{what} has two types: type and one_of", "keep one of them")
                return None
            text = self.shapes.text(fields["type"], f"type of {what}")
            type_ = self.type(text) if text else None
        elif "one_of" not in fields:
            self.problems.error(node.mark, f"{what} has no type", f"write type: {one_of(SIMPLE)}")
        if type_ is None:
            return None
        computed = self.computed(fields, type_, what)
        if computed is None:
            return None
        default = self.default(fields.get("default"), type_, what)
        required = self.shapes.choice(fields.get("required"), "required", ("true", "false", "yes", "no")) in (
            "true",
            "yes",
        )
        if (computed.counts or computed.sums) and default is None:
            default = 0
        return computed.model_copy(update={"default": default, "required": required})

    def computed(self, fields: dict[str, Node], type_: Type, what: str) -> Attribute | None:
        """The attribute, with what it counts or sums and over which window; None on an error."""
        counts = self.shapes.text(fields.get("counts"), "counts")
        sums = self.shapes.text(fields.get("sums"), "sums")
        window = self.shapes.duration(fields.get("in"), "in")
        if "in" in fields and not (counts or sums):
            self.problems.error(
                fields["in"].mark, f"{what}: in says over what time to count", "add counts: or sums:, or take it out"
            )
        if counts and sums:
            self.problems.error(sums.mark, f"{what} both counts and sums", "keep one of them")
            return None
        if counts:
            if type_.kind != "number":
                self.problems.error(counts.mark, f"{what} counts, so it is a number", "write type: number")
                return None
            if not self.is_event(counts, counts.value):
                return None
            return Attribute(type=type_, counts=counts.value, window=window)
        if sums:
            event, _, name = sums.value.rpartition(".")
            if not event:
                self.problems.error(sums.mark, "sums takes an event and its property", "write it as Order Completed.total")
                return None
            if not self.is_event(sums, event):
                return None
            summed = self.events[event].get(name)
            if summed is None:
                hint = did_you_mean(name, self.events[event])
                self.problems.error(sums.mark, f'event "{event}" has no property {name}', hint)
                return None
            if type_.kind not in NUMERIC or summed.type.kind not in NUMERIC or type_.kind != summed.type.kind:
                self.problems.error(
                    sums.mark,
                    f"{what} is {describe(type_)}, and {sums.value} is {describe(summed.type)}",
                    "they must be alike",
                )
                return None
            return Attribute(type=type_, sums=(event, name), window=window)
        return Attribute(type=type_)

    def is_event(self, at: Scalar, name: str) -> bool:
        """Whether this is an event of customers that can be counted; reported if not."""
        if name in self.about:
            message = f"{name} is about a {self.about[name]}, not a customer, and cannot be counted"
            self.problems.error(at.mark, message, "count an event of the customer")
            return False
        if name in self.events:
            return True
        self.problems.error(at.mark, f'event "{name}" does not exist', did_you_mean(name, self.events), about=("event", name))
        return False

    def default(self, node: Node | None, type_: Type, what: str) -> JsonValue:
        """The default as written; a number or yes/no as its value. None on an error."""
        scalar = self.shapes.text(node, f"default of {what}")
        if scalar is None:
            return None
        if type_.kind in ("list", "thing"):
            self.problems.error(scalar.mark, f"{what}: {describe(type_)} has no default", "take it out")
            return None
        value = read(type_, scalar.value, siblings={}, currency=self.currency)
        if value is None:
            hint = did_you_mean(scalar.value, type_.options) if type_.options else None
            self.problems.error(scalar.mark, f'the default "{scalar.value}" of {what} is not {describe(type_)}', hint)
            return None
        return value if isinstance(value, float | bool) else scalar.value

    def type(self, scalar: Scalar) -> Type | None:
        """The type with this name, also ``list of …``."""
        text = scalar.value.strip()
        if text.startswith("list of "):
            of = self.named(text.removeprefix("list of ").strip(), scalar)
            return Type(kind="list", of=of) if of else None
        return self.named(text, scalar)

    def named(self, name: str, scalar: Scalar) -> Type | None:
        """The type or thing with this name."""
        if name in self.things:
            return self.things[name]
        for kind in SIMPLE:
            if name == kind:
                return Type(kind=kind)
        known_types = [*SIMPLE, *self.things]
        if name == "one_of":
            hint: str | None = "write {one_of: [a, b]}"
        elif name == "list":
            hint = "say of what: list of text"
        else:
            hint = _OTHER_NAMES.get(name.lower()) or did_you_mean(name, known_types) or f"write {one_of(known_types)}"
        self.problems.error(scalar.mark, f'"{name}" is not a type', hint, about=("type", name))
        return None

    def one_of(self, node: Node) -> Type | None:
        """The type that a list of options makes."""
        if not isinstance(node, Sequence) or not node.items:
            self.problems.error(node.mark, "one_of takes the list of what it may be", "write one_of: [high, middle, low]")
            return None
        options = [option.value for option in self.shapes.texts(node, "one_of")]
        for option in sorted({option for option in options if options.count(option) > 1}):
            self.problems.error(node.mark, f'one_of has "{option}" twice', "keep one")
        return Type(kind="one_of", options=tuple(dict.fromkeys(options)))
