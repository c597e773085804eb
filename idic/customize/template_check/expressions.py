"""Check the expressions of a template: names and their parts, literals, and chains of filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.filtered import Filter as FilterCall
from liquid.builtin.expressions.primitive import (
    Blank,
    Empty,
    FalseLiteral,
    FloatLiteral,
    IntegerLiteral,
    Nil,
    RangeLiteral,
    StringLiteral,
    TrueLiteral,
)
from liquid.expression import Expression

from idic.customize.liquid.filters import DATE_FORMATS, FILTERS
from idic.customize.template_check.facts import (
    UNKNOWN,
    LiquidProblem,
    TemplateFacts,
    TemplateValue,
    place_of,
    quoted_text,
    suggestion,
)
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import LINK, NUMBER, NUMERIC, TEXT, YES_NO, describe, never_missing
from idic.problems import one_of

LONGEST_ANSWER = 100
"""Most characters of an answer, which is part of its link's address."""


class ExpressionChecker:
    """Finds the type of each expression in a template. ``reads`` and ``problems`` fill with each one."""

    def __init__(self, names: Mapping[str, Attribute], blocks: Mapping[str, str]) -> None:
        self.names = names
        self.blocks = blocks
        self.reads: dict[str, Attribute] = {}
        self.problems: dict[LiquidProblem, None] = {}
        self._groups = {name[:end] for name in names for end in _dots(name)}
        self._ids = count()
        self._rendering: tuple[str, ...] = ()
        self._set_on_some_paths: set[str] = set()
        self._source = ""

    def _tell(self, place: int, message: str) -> None:
        before = self._source[:place]
        block = self._rendering[-1] if self._rendering else None
        line, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
        self.problems[LiquidProblem(line, column, message, block)] = None

    def _value(self, expression: Expression, known: TemplateFacts) -> TemplateValue:
        match expression:
            case FilteredExpression(left=left, filters=filters):
                value = self._value(left, known)
                for call in filters or ():
                    value = self._filtered(value, call, left, known)
                return value
            case Path():
                return self._path(expression, known)
            case StringLiteral(value=text):
                return TemplateValue(TEXT, path="'" + str(text))
            case IntegerLiteral() | FloatLiteral():
                return TemplateValue(NUMBER)
            case TrueLiteral() | FalseLiteral():
                return TemplateValue(YES_NO)
            case RangeLiteral(start=start, stop=stop):
                for end in (start, stop):
                    bound = self._value(end, known)
                    if bound.missing:
                        self._tell(place_of(end), f"{self._described(end, bound)} and may be missing; put it inside {{% if %}}")
                return TemplateValue(Type(kind="list", of=NUMBER), complete=True)
            case Nil() | Empty() | Blank():
                return TemplateValue(None, missing=True)
            case _:
                self._tell(place_of(expression), f'"{expression}" is not allowed here')
                return UNKNOWN

    def _path(self, path: Path, known: TemplateFacts) -> TemplateValue:
        spelled, place = str(path), path.token.start_index
        head, *rest = path.path
        if isinstance(head, str) and head in known.local:
            value = known.local[head]
            value = value._replace(missing=value.missing and value.path not in known.present)
        else:
            named = self._name(path.path, known)
            if named is None:
                self._tell(place, self._no_such(path, known))
                return UNKNOWN
            value, rest = named
        if value.group:
            return value
        for segment in rest:
            value = self._part(value, segment, spelled, place, known)
            if value is UNKNOWN:
                break
        return value

    def _name(self, segments: list[Any], known: TemplateFacts) -> tuple[TemplateValue, list[Any]] | None:
        """The value of the longest declared name at the start of a path, and the rest of the path; None without such a name."""
        words: list[str] = []
        for segment in segments:
            if not isinstance(segment, str):
                break
            words.append(segment)
        for length in range(len(words), 0, -1):
            name = ".".join(words[:length])
            if name in self.names:
                attribute = self.names[name]
                self.reads[name] = attribute
                missing = not never_missing(attribute) and name not in known.present
                return TemplateValue(attribute.type, missing, path=name), segments[length:]
        whole = ".".join(words)
        if whole in self._groups and len(words) == len(segments):
            return TemplateValue(None, group=whole), []
        return None

    def _part(self, value: TemplateValue, segment: Any, spelled: str, place: int, known: TemplateFacts) -> TemplateValue:
        if value.type is None:
            return UNKNOWN
        if isinstance(segment, Path):
            self._tell(place, f'"{spelled}": only a number or a name is allowed in the brackets')
            return UNKNOWN
        path = f"{value.path}.{segment}" if value.path else None
        present = path in known.present if path else False
        match value.type.kind:
            case "thing":
                field = value.type.fields.get(str(segment))
                if field is None:
                    parent = spelled.rsplit(".", 1)[0]
                    hint = suggestion(str(segment), value.type.fields)
                    kind = value.type.thing or "thing"
                    self._tell(place, f'"{spelled}" does not exist: {parent} is a {kind} without "{segment}"{hint}')
                    return UNKNOWN
                always = not value.missing and (value.complete or segment in value.type.required)
                return TemplateValue(field, not (always or present), path)
            case "list" if segment == "size":
                return TemplateValue(NUMBER, value.missing and not present, path)
            case "list" if isinstance(segment, int) or segment in ("first", "last"):
                return TemplateValue(value.type.of, not present, path)
            case "list":
                self._tell(place, f'"{spelled}": write {{% for item in … %}}, then {{{{ item.{segment} }}}}')
                return UNKNOWN
            case "text" if segment == "size":
                return TemplateValue(NUMBER, value.missing and not present, path)
            case _:
                self._tell(place, f'"{spelled}" does not exist: {describe(value.type)} has no parts')
                return UNKNOWN

    def _no_such(self, path: Path, known: TemplateFacts) -> str:
        spelled = str(path)
        head = str(path.head())
        if head in self._set_on_some_paths:
            return f'"{head}" is set on some paths only; {{% assign %}} it before the {{% if %}} or {{% for %}}'
        if spelled in ("now", "today"):
            return f'"{spelled}" does not exist: a message cannot depend on when it is rendered'
        return f'"{spelled}" does not exist{suggestion(spelled, [*self.names, *known.local])}'

    def _filtered(self, value: TemplateValue, call: FilterCall, left: Expression, known: TemplateFacts) -> TemplateValue:
        place, name = call.token.start_index, call.name
        filter_ = FILTERS.get(name)
        arguments = [self._value(argument.value, known) for argument in call.args]
        if filter_ is None:
            self._tell(place, f'there is no filter "{name}"{suggestion(name, FILTERS)}')
            return UNKNOWN
        least, most = filter_.arguments
        if not least <= len(arguments) <= most or any(hasattr(argument, "name") for argument in call.args):
            self._tell(place, f"{name} takes {_counted(least, most)}")
            return UNKNOWN
        if value.group:
            self._tell(place_of(left), f'"{value.group}" has several values; name one of them')
            return UNKNOWN
        if name == "default":
            return self._defaulted(value, arguments[0])
        if value.type and value.type.kind not in filter_.takes:
            first = isinstance(left, Path) and value.path is not None and not value.path.startswith("'")
            what = self._described(left, value) if first else f"the value before it is {describe(value.type)}"
            self._tell(place, f"{name} works on {_kinds(filter_.takes)}; {what}")
            return UNKNOWN
        if name == "date" and arguments:
            self._date_format(call, arguments[0])
        if name == "answer":
            self._answer(value, call, arguments)
        if filter_.names_field and arguments and value.type and not self._field_named(value.type, call, arguments[0]):
            return UNKNOWN
        missing = value.missing or any(argument.missing for argument in arguments)
        may_be_blank = value.may_be_blank and not (name in ("append", "prepend") and (quoted_text(arguments[0]) or "").strip())
        return TemplateValue(
            _result_type(filter_.gives, value.type, arguments), missing or filter_.gives == "element", may_be_blank=may_be_blank
        )

    def _defaulted(self, value: TemplateValue, fallback: TemplateValue) -> TemplateValue:
        if fallback.type is None and fallback.missing:
            return value  # nil, empty and blank fill nothing
        if value.type is None or fallback.type is None:
            return TemplateValue(None, value.missing and fallback.missing)
        text = quoted_text(fallback)
        may_be_blank = value.missing and (fallback.may_be_blank or (text is not None and not text.strip()))
        same = value.type.kind == fallback.type.kind or {value.type.kind, fallback.type.kind} <= NUMERIC
        return TemplateValue(value.type if same else TEXT, value.missing and fallback.missing, may_be_blank=may_be_blank)

    def _date_format(self, call: FilterCall, argument: TemplateValue) -> None:
        form = quoted_text(argument)
        if form not in DATE_FORMATS:
            self._tell(
                call.token.start_index,
                f"date follows the customer's language; after it write one of {', '.join(DATE_FORMATS)}",
            )

    def _answer(self, value: TemplateValue, call: FilterCall, arguments: list[TemplateValue]) -> None:
        place, answer = call.token.start_index, quoted_text(value)
        if answer is not None and not 0 < len(answer.strip()) <= LONGEST_ANSWER:
            self._tell(place, f"an answer has 1 to {LONGEST_ANSWER} characters: {{{{ 'espresso' | answer }}}}")
        for url in arguments:
            address = quoted_text(url)
            if url.type and url.type.kind != "link" and not (address or "").startswith(("http://", "https://")):
                self._tell(place, "after answer: write the link, or the address with https://, that the answer leads to")

    def _field_named(self, of: Type, call: FilterCall, argument: TemplateValue) -> bool:
        element = of.of
        field = quoted_text(argument)
        if element is None or element.kind != "thing" or field is None:
            self._tell(call.token.start_index, f"{call.name} takes, in quotes, the name of a field of the list's things")
            return False
        if field not in element.fields:
            hint = suggestion(field, element.fields)
            self._tell(call.token.start_index, f'a {element.thing or "thing"} has no "{field}"{hint}')
            return False
        return True

    def _described(self, expression: Expression, value: TemplateValue) -> str:
        what = describe(value.type) if value.type else "something else"
        return f'"{expression}" is {what}'

    def _fresh(self, name: object) -> str:
        return f"{name}#{next(self._ids)}"


def _dots(name: str) -> Iterable[int]:
    return (place for place, character in enumerate(name) if character == ".")


def _result_type(gives: str, of: Type | None, arguments: list[TemplateValue]) -> Type | None:
    """The type that a filter gives for a value of the type ``of``."""
    match gives:
        case "text":
            return TEXT
        case "number":
            return NUMBER
        case "link":
            return LINK
        case "texts":
            return Type(kind="list", of=TEXT)
        case "same":
            return of
    element = of.of if of else None
    field = arguments[0].path[1:] if arguments and arguments[0].path else None
    of_field = element.fields.get(field) if element and field else None
    match gives:
        case "element":
            return element
        case "field":
            return Type(kind="list", of=of_field)
        case _:
            return (of_field or element) or NUMBER


def _kinds(kinds: frozenset[str]) -> str:
    return one_of(kind for kind in ("text", "number", "money", "days", "date", "moment", "list") if kind in kinds)


def _counted(least: int, most: int) -> str:
    if most == 0:
        return "no arguments"
    amount = str(least) if least == most else f"{least} to {most}"
    return f"{amount} argument{'' if amount == '1' else 's'}"
