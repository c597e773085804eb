"""Walking a template on every path: does each name exist, is what is printed there, does each filter take its value?

The walk carries what is known at each point: the variables the template made, and which names are certain to have a
value because an ``{% if %}`` asked. Where paths meet, only what is true on all of them stays known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, NamedTuple, assert_never

from liquid.ast import BlockNode, Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import BooleanExpression, FilteredExpression, Path
from liquid.builtin.expressions.filtered import Filter as FilterCall
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalNotExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
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
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.builtin.tags.cycle_tag import CycleNode
from liquid.builtin.tags.for_tag import BreakNode, ContinueNode, ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.render_tag import RenderNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError
from liquid.expression import Expression

from idic.customize.engine import parse
from idic.customize.filters import DATE_FORMATS, FILTERS, NAMES_A_FIELD
from idic.customize.slips import foreign, syntax_problem
from idic.journey.problems import did_you_mean, one_of
from idic.journey.program import Attribute, Type
from idic.journey.types import LINK, NUMBER, NUMERIC, TEXT, YES_NO, describe, never_missing

LONGEST_ANSWER = 100
"""Of an answer's characters: it travels in the address of its link."""

FORLOOP = Type(
    kind="thing",
    thing="forloop",
    fields={
        "index": NUMBER, "index0": NUMBER, "rindex": NUMBER, "rindex0": NUMBER, "length": NUMBER,
        "first": YES_NO, "last": YES_NO,
    },
)  # fmt: skip


class TemplateProblem(NamedTuple):
    """``line`` and ``column`` from 1, in the source, or in that of ``block`` when one is named. ``mild``: a warning."""

    line: int
    column: int
    message: str
    block: str | None = None
    mild: bool = False


class Value(NamedTuple):
    """What is known of a value. ``type`` None: nothing (a problem was already told). ``path`` is set for what an
    ``{% if %}`` can ask about; ``solid`` for things whose fields are always there; ``group`` for a bare prefix."""

    type: Type | None
    missing: bool = False
    path: str | None = None
    solid: bool = False
    group: str | None = None


UNKNOWN = Value(None)


class Known(NamedTuple):
    """``local`` are the template's own variables; ``there`` the paths that are certain to have a value."""

    local: Mapping[str, Value]
    there: frozenset[str]

    def bind(self, name: str, value: Value) -> Known:
        return Known({**self.local, name: value}, self.there)

    def and_there(self, paths: frozenset[str]) -> Known:
        return Known(self.local, self.there | paths)


class Facts(NamedTuple):
    """The paths that have a value if a condition holds, and if it does not."""

    if_true: frozenset[str] = frozenset()
    if_false: frozenset[str] = frozenset()


class Checker:
    """Checks one template. ``reads`` and ``problems`` fill as it goes."""

    def __init__(self, names: Mapping[str, Attribute], blocks: Mapping[str, str]) -> None:
        self.names = names
        self.blocks = blocks
        self.reads: dict[str, Attribute] = {}
        self.problems: dict[TemplateProblem, None] = {}
        self._groups = {name[:end] for name in names for end in _dots(name)}
        self._ids = count()
        self._rendering: tuple[str, ...] = ()
        self._partly: set[str] = set()
        self._source = ""

    def check(self, source: str, known: Known | None = None) -> None:
        outer, self._source = self._source, source
        try:
            self._check(source, known or Known({}, frozenset()))
        finally:
            self._source = outer

    def _check(self, source: str, known: Known) -> None:
        for place, message in foreign(source):
            self._tell(place, message)
        if self.problems:
            return
        try:
            template = parse(source, "text")
        except LiquidError as error:
            self._tell(*syntax_problem(source, error))
            return
        self._nodes(template.nodes, known)

    def _tell(self, place: int, message: str) -> None:
        before = self._source[:place]
        block = self._rendering[-1] if self._rendering else None
        line, column = before.count("\n") + 1, place - (before.rfind("\n") + 1) + 1
        self.problems[TemplateProblem(line, column, message, block)] = None

    # Statements. Each takes what is known before it and gives what is known after, or None where nothing follows.

    def _nodes(self, nodes: Iterable[Node], known: Known) -> Known | None:
        after: Known | None = known
        for node in nodes:
            if after is None:
                break
            after = self._node(node, after)
        return after

    def _node(self, node: Node, known: Known) -> Known | None:
        match node:
            case BlockNode(nodes=nodes):
                return self._nodes(nodes, known)
            case ContentNode() | CommentNode():
                return known
            case OutputNode(expression=expression):
                self._printed(expression, known)
                return known
            case CycleNode():
                for expression in node.args:
                    self._printed(expression, known)
                return known
            case AssignNode(name=name, expression=expression):
                value = self._value(expression, known)
                if value.group:
                    self._tell(_place(expression), f'"{value.group}" has several values; name one of them')
                return known.bind(str(name), value if value.path else value._replace(path=self._fresh(name)))
            case CaptureNode(name=name, block=block):
                inside = self._nodes([block], known)
                return inside and inside.bind(str(name), Value(TEXT))
            case IfNode() | UnlessNode():
                return self._conditional(node, known)
            case CaseNode():
                return self._case(node, known)
            case ForNode():
                return self._for(node, known)
            case RenderNode():
                self._render(node, known)
                return known
            case BreakNode() | ContinueNode():
                return None
            case _:  # every tag of engine.TAGS is above
                raise TypeError(type(node).__name__)

    def _conditional(self, node: IfNode | UnlessNode, known: Known) -> Known | None:
        facts = self._condition(node.condition, known)
        holds, fails = (facts.if_true, facts.if_false)
        if isinstance(node, UnlessNode):
            holds, fails = fails, holds
        ends = [self._nodes([node.consequence], known.and_there(holds))]
        rest = known.and_there(fails)
        for alternative in node.alternatives:
            facts = self._condition(alternative.expression, rest)
            ends.append(self._nodes([alternative.block], rest.and_there(facts.if_true)))
            rest = rest.and_there(facts.if_false)
        ends.append(self._nodes([node.default], rest) if node.default else rest)
        return self._join(ends)

    def _case(self, node: CaseNode, known: Known) -> Known | None:
        left = self._value(node.expression, known)
        after: Known | None = known
        for block in node.blocks:
            if after is None:
                break
            inside = after
            if isinstance(block, MultiExpressionBlockNode):
                options = block.expression.expressions
                for option in options:
                    self._comparable(left, self._value(option, known), option, equality=True)
                if left.path and not any(isinstance(option, (Nil, Blank, Empty)) for option in options):
                    inside = inside.and_there(frozenset({left.path}))
                after = self._join([after, self._nodes([block.block], inside)])
            else:
                after = self._join([after, self._nodes([block], inside)])
        return after

    def _for(self, node: ForNode, known: Known) -> Known | None:
        loop = node.expression
        over = self._value(loop.iterable, known)
        for bound in (loop.limit, loop.offset):
            if bound is not None:
                value = self._value(bound, known)
                if value.missing or (value.type and value.type.kind != "number"):
                    self._tell(_place(bound), "a loop's limit and offset are numbers that are always there")
        element: Type | None = None
        if over.type and over.type.kind == "list":
            element = over.type.of
        elif over.type:
            self._tell(_place(loop.iterable), f"{{% for %}} goes over a list; {self._called(loop.iterable, over)}")
        elif over.group:
            self._tell(_place(loop.iterable), f'{{% for %}} goes over a list; "{over.group}" is none')

        def inside(known: Known) -> Known:
            item = Value(element, path=self._fresh(loop.identifier), solid=over.solid)
            return known.bind(loop.identifier, item).bind("forloop", Value(FORLOOP, solid=True))

        # The second round sees what the first has left behind, as the second turn of a loop does.
        once = self._nodes([node.block], inside(known))
        around = self._join([known, once and Known({k: v for k, v in once.local.items() if k in known.local}, once.there)])
        if around and around != known:
            self._nodes([node.block], inside(around))
        ends = [around, self._nodes([node.default], known) if node.default else known]
        made = set(once.local if once else ()) - set(known.local) - {loop.identifier, "forloop"}
        self._partly |= made
        return self._join(ends)

    def _render(self, node: RenderNode, known: Known) -> None:
        if not isinstance(node.name, StringLiteral):
            self._tell(node.token.start_index, "write the block's name in quotes: {% render 'footer' %}")
            return
        name, place = node.name.value, _place(node.name)
        local = {argument.name: self._value(argument.value, known) for argument in node.args}
        if node.var is not None:
            value = self._value(node.var, known)
            if node.loop and value.type and value.type.kind == "list":
                value = Value(value.type.of)
                local["forloop"] = Value(FORLOOP, solid=True)
            local[str(node.alias or name)] = value
        if name not in self.blocks:
            self._tell(place, f'there is no block "{name}"{_meant(name, self.blocks)}')
            return
        if name in self._rendering:
            self._tell(place, f'the block "{name}" renders itself')
            return
        self._rendering = (*self._rendering, name)
        try:
            # A block sees what it is handed and what every template sees, not the variables round its call.
            passed = {key: value._replace(path=value.path or self._fresh(key)) for key, value in local.items()}
            self.check(self.blocks[name], Known(passed, known.there))
        finally:
            self._rendering = self._rendering[:-1]

    def _join(self, ends: Iterable[Known | None]) -> Known | None:
        reached = [end for end in ends if end is not None]
        if not reached:
            return None
        first, *others = reached
        for other in others:
            self._partly |= first.local.keys() ^ other.local.keys()
            local = {name: _either(value, other.local[name]) for name, value in first.local.items() if name in other.local}
            first = Known(local, first.there & other.there)
        return first

    # Conditions.

    def _condition(self, expression: Expression, known: Known) -> Facts:
        match expression:
            case BooleanExpression(expression=inner):
                return self._condition(inner, known)
            case LogicalAndExpression(left=left, right=right):
                one = self._condition(left, known)
                two = self._condition(right, known.and_there(one.if_true))
                return Facts(one.if_true | two.if_true, one.if_false & two.if_false)
            case LogicalOrExpression(left=left, right=right):
                one = self._condition(left, known)
                two = self._condition(right, known.and_there(one.if_false))
                return Facts(one.if_true & two.if_true, one.if_false | two.if_false)
            case LogicalNotExpression(right=right):
                facts = self._condition(right, known)
                return Facts(facts.if_false, facts.if_true)
            case EqExpression(left=left, right=right):
                return self._equality(left, right, known)
            case NeExpression(left=left, right=right):
                facts = self._equality(left, right, known)
                return Facts(facts.if_false, facts.if_true)
            case LtExpression() | LeExpression() | GtExpression() | GeExpression():
                one_side, other = self._value(expression.left, known), self._value(expression.right, known)
                self._comparable(one_side, other, expression.left, equality=False)
                return Facts(_paths(one_side, other))
            case ContainsExpression(left=left, right=right):
                container, part = self._value(left, known), self._value(right, known)
                if container.type and container.type.kind not in ("text", "list", "link"):
                    self._tell(_place(left), f"contains looks into text and lists; {self._called(left, container)}")
                return Facts(_paths(container, part))
            case _:
                value = self._value(expression, known)
                if value.group:
                    self._tell(_place(expression), f'"{value.group}" has several values; name one of them')
                return Facts(_paths(value))

    def _equality(self, left: Expression, right: Expression, known: Known) -> Facts:
        one, two = self._value(left, known), self._value(right, known)
        for this, that in ((left, right), (right, left)):
            if isinstance(this, (Nil, Blank)):
                return Facts(if_false=_paths(self._value(that, known)))
            if isinstance(this, Empty):
                return Facts()
        self._comparable(one, two, left, equality=True)
        # Two missing values are equal; a missing value equals nothing that is there.
        if not one.missing or not two.missing:
            return Facts(_paths(one, two))
        return Facts()

    def _comparable(self, left: Value, right: Value, place: Expression, *, equality: bool) -> None:
        one, two = left.type, right.type
        if one is None or two is None:
            return
        for options, literal in ((one.options, right), (two.options, left)):
            text = _literal(literal)
            if options and text is not None and text not in options:
                self._tell(_place(place), f'"{text}" is not one of {", ".join(options)}{_meant(text, options)}')
                return
        kinds = {_comparison_kind(one.kind), _comparison_kind(two.kind)}
        if len(kinds) > 1:
            self._tell(_place(place), f"{describe(one)} cannot be compared with {describe(two)}")
        elif not equality and not kinds <= {"text", "number"}:
            self._tell(_place(place), f"{describe(one)} has no order here; < and > compare numbers, money and text")

    # Values.

    def _value(self, expression: Expression, known: Known) -> Value:
        match expression:
            case FilteredExpression(left=left, filters=filters):
                value = self._value(left, known)
                for call in filters or ():
                    value = self._filtered(value, call, left, known)
                return value
            case Path():
                return self._path(expression, known)
            case StringLiteral(value=text):
                return Value(TEXT, path="'" + str(text))
            case IntegerLiteral() | FloatLiteral():
                return Value(NUMBER)
            case TrueLiteral() | FalseLiteral():
                return Value(YES_NO)
            case RangeLiteral(start=start, stop=stop):
                for end in (start, stop):
                    bound = self._value(end, known)
                    if bound.missing:
                        self._tell(_place(end), f"{self._called(end, bound)} and may be missing; guard it with {{% if %}}")
                return Value(Type(kind="list", of=NUMBER), solid=True)
            case Nil() | Empty() | Blank():
                return Value(None, missing=True)
            case _:
                self._tell(_place(expression), f'"{expression}" cannot stand here')
                return UNKNOWN

    def _path(self, path: Path, known: Known) -> Value:
        spelled, place = str(path), path.token.start_index
        head, *rest = path.path
        if isinstance(head, str) and head in known.local:
            value = known.local[head]
            value = value._replace(missing=value.missing and value.path not in known.there)
        else:
            found = self._name(path.path, known)
            if found is None:
                self._tell(place, self._no_such(path, known))
                return UNKNOWN
            value, rest = found
        if value.group:
            return value
        for segment in rest:
            value = self._part(value, segment, spelled, place, known)
            if value is UNKNOWN:
                break
        return value

    def _name(self, segments: list[Any], known: Known) -> tuple[Value, list[Any]] | None:
        """The longest declared name that a path begins with, and the rest of the path."""
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
                missing = not never_missing(attribute) and name not in known.there
                return Value(attribute.type, missing, path=name), segments[length:]
        whole = ".".join(words)
        if whole in self._groups and len(words) == len(segments):
            return Value(None, group=whole), []
        return None

    def _part(self, value: Value, segment: Any, spelled: str, place: int, known: Known) -> Value:
        if value.type is None:
            return UNKNOWN
        if isinstance(segment, Path):
            self._tell(place, f'"{spelled}": only a number or a name may stand between the brackets')
            return UNKNOWN
        path = f"{value.path}.{segment}" if value.path else None
        there = path in known.there if path else False
        match value.type.kind:
            case "thing":
                field = value.type.fields.get(str(segment))
                if field is None:
                    parent = spelled.rsplit(".", 1)[0]
                    meant = _meant(str(segment), value.type.fields)
                    what = value.type.thing or "thing"
                    self._tell(place, f'"{spelled}" does not exist: {parent} is a {what} without "{segment}"{meant}')
                    return UNKNOWN
                always = not value.missing and (value.solid or segment in value.type.required)
                return Value(field, not (always or there), path)
            case "list" if segment == "size":
                return Value(NUMBER, value.missing and not there, path)
            case "list" if isinstance(segment, int) or segment in ("first", "last"):
                return Value(value.type.of, not there, path)
            case "list":
                self._tell(place, f'"{spelled}": a list is gone over with {{% for item in … %}}, then {{{{ item.{segment} }}}}')
                return UNKNOWN
            case "text" if segment == "size":
                return Value(NUMBER, value.missing and not there, path)
            case _:
                self._tell(place, f'"{spelled}" does not exist: {describe(value.type)} has no parts')
                return UNKNOWN

    def _no_such(self, path: Path, known: Known) -> str:
        spelled = str(path)
        head = str(path.head())
        if head in self._partly:
            return f'"{head}" is set on some paths only; {{% assign %}} it before the {{% if %}} or {{% for %}}'
        if spelled in ("now", "today"):
            return f'"{spelled}" does not exist: what a message says does not depend on when it is rendered'
        return f'"{spelled}" does not exist{_meant(spelled, [*self.names, *known.local])}'

    def _filtered(self, value: Value, call: FilterCall, left: Expression, known: Known) -> Value:
        place, name = call.token.start_index, call.name
        filter_ = FILTERS.get(name)
        arguments = [self._value(argument.value, known) for argument in call.args]
        if filter_ is None:
            self._tell(place, f'there is no filter "{name}"{_meant(name, FILTERS)}')
            return UNKNOWN
        least, most = filter_.arguments
        if not least <= len(arguments) <= most or any(hasattr(argument, "name") for argument in call.args):
            self._tell(place, f"{name} takes {_counted(least, most)}")
            return UNKNOWN
        if value.group:
            self._tell(_place(left), f'"{value.group}" has several values; name one of them')
            return UNKNOWN
        if name == "default":
            return self._defaulted(value, arguments[0])
        if value.type and value.type.kind not in filter_.takes:
            first = isinstance(left, Path) and value.path is not None and not value.path.startswith("'")
            what = self._called(left, value) if first else f"what stands before it is {describe(value.type)}"
            self._tell(place, f"{name} works on {_kinds(filter_.takes)}; {what}")
            return UNKNOWN
        if name == "date" and arguments:
            self._date_format(call, arguments[0])
        if name == "answer":
            self._answer(value, call, arguments)
        if name in NAMES_A_FIELD and arguments and value.type and not self._field_named(value.type, call, arguments[0]):
            return UNKNOWN
        missing = value.missing or any(argument.missing for argument in arguments)
        return Value(_given(filter_.gives, value.type, arguments), missing or filter_.gives == "element")

    def _defaulted(self, value: Value, fallback: Value) -> Value:
        if value.type is None or fallback.type is None:
            return Value(None, value.missing and fallback.missing)
        same = value.type.kind == fallback.type.kind or {value.type.kind, fallback.type.kind} <= NUMERIC
        return Value(value.type if same else TEXT, value.missing and fallback.missing)

    def _date_format(self, call: FilterCall, argument: Value) -> None:
        form = _literal(argument)
        if form not in DATE_FORMATS:
            self._tell(
                call.token.start_index,
                f"date follows the customer's language; after it write one of {', '.join(DATE_FORMATS)}",
            )

    def _answer(self, value: Value, call: FilterCall, arguments: list[Value]) -> None:
        place, said = call.token.start_index, _literal(value)
        if said is not None and not 0 < len(said.strip()) <= LONGEST_ANSWER:
            self._tell(
                place, f"an answer is a word or a few, of up to {LONGEST_ANSWER} characters: {{{{ 'espresso' | answer }}}}"
            )
        for url in arguments:
            address = _literal(url)
            if url.type and url.type.kind != "link" and not (address or "").startswith(("http://", "https://")):
                self._tell(place, "after answer: stands a link, or an address with https://, that the answer leads on to")

    def _field_named(self, of: Type, call: FilterCall, argument: Value) -> bool:
        element = of.of
        field = _literal(argument)
        if element is None or element.kind != "thing" or field is None:
            self._tell(call.token.start_index, f"{call.name} takes, in quotes, the name of a field of the list's things")
            return False
        if field not in element.fields:
            meant = _meant(field, element.fields)
            self._tell(call.token.start_index, f'a {element.thing or "thing"} has no "{field}"{meant}')
            return False
        return True

    def _printed(self, expression: Expression, known: Known) -> None:
        place, value, spelled = _place(expression), self._value(expression, known), str(expression)
        if isinstance(expression, FilteredExpression):
            # What is missing may be the argument of a filter: then the whole of it is.
            inner = self._value(expression.left, known)
            spelled = str(expression.left) if inner.missing or not value.missing else spelled
        if value.group:
            self._tell(place, f'"{value.group}" has several values; name one of them')
        elif value.type is None:
            return
        elif value.missing and value.type.kind not in ("list", "thing", "yes/no"):
            shown = {"money": f"{expression} | money", "date": f"{expression} | date", "moment": f"{expression} | date"}
            guard = "" if " | " in spelled else f" or put it inside {{% if {spelled} %}}"
            self._tell(
                place,
                f'"{spelled}" may be missing, and no customer ever reads "Hi !": '
                f"write {{{{ {shown.get(value.type.kind, expression)} | default: '…' }}}}{guard}",
            )
        else:
            match value.type.kind:
                case "text" | "number" | "one_of" | "link" | "zone" | "days":
                    pass
                case "money":
                    self._tell(place, f'"{spelled}" is money: write {{{{ {spelled} | money }}}}')
                case "date" | "moment":
                    self._tell(place, f'"{spelled}" is a {value.type.kind}: write {{{{ {spelled} | date }}}}')
                case "yes/no":
                    self._tell(place, f'"{spelled}" is yes/no: ask it with {{% if {spelled} %}}')
                case "list":
                    self._tell(place, f'"{spelled}" is a list: go over it with {{% for item in {spelled} %}}')
                case "thing":
                    self._tell(place, f'"{spelled}" is a {value.type.thing or "thing"}: print one of its fields')
                case unreachable:
                    assert_never(unreachable)

    def _called(self, expression: Expression, value: Value) -> str:
        what = describe(value.type) if value.type else "something else"
        return f'"{expression}" is {what}'

    def _fresh(self, name: object) -> str:
        return f"{name}#{next(self._ids)}"


def _dots(name: str) -> Iterable[int]:
    return (place for place, character in enumerate(name) if character == ".")


def _either(one: Value, two: Value) -> Value:
    if one == two:
        return one
    same = one.type if one.type == two.type else None
    return Value(same, one.missing or two.missing, one.path if one.path == two.path else None, one.solid and two.solid)


def _literal(value: Value) -> str | None:
    """The text that an author wrote in quotes; None where the value is none."""
    return value.path[1:] if value.path and value.path.startswith("'") else None


def _paths(*values: Value) -> frozenset[str]:
    return frozenset(value.path for value in values if value.path and not value.path.startswith("'"))


def _place(expression: Expression) -> int:
    if isinstance(expression, FilteredExpression):
        return _place(expression.left)
    return max(expression.token.start_index, 0)


def _comparison_kind(kind: str) -> str:
    return {"money": "number", "days": "number", "one_of": "text", "link": "text", "zone": "text"}.get(kind, kind)


def _given(gives: str, of: Type | None, arguments: list[Value]) -> Type | None:
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


def _meant(wrong: str, right: Iterable[str]) -> str:
    hint = did_you_mean(wrong, right)
    return f"; {hint}" if hint else ""
