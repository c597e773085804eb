"""Typing a condition against the names it may use, and writing it as CEL.

Three things are looked after at once. Every name exists and is compared with what it can be compared with. A number is
a double everywhere, dates too. And nothing that may be missing is negated: ``not customer.vip`` says nothing about a
customer of whom nobody knows, so the author must say what is meant, by ``known()`` or by a default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from idic.journey import expressions
from idic.journey.conditions import KNOWN, TODAY, ZONE, compiled
from idic.journey.expressions import (
    And,
    Call,
    Choice,
    Compare,
    Expression,
    ExpressionError,
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
from idic.journey.problems import did_you_mean, one_of
from idic.journey.program import Attribute, Condition, Type
from idic.journey.shapes import RESERVED
from idic.journey.types import NUMBER, NUMERIC, TEXT, TEXTUAL, YES_NO, describe, never_missing

FUNCTIONS = ("known", "lower", "days_since", "days_until", "size")
OVER_LISTS = ("exists", "all", "exists_one", "filter", "size")
ON_TEXT = ("contains", "startsWith", "endsWith", "size")

Report = Callable[[str, int, int, str | None, tuple[str, str] | None], None]
"""Takes message, start and length in the condition's text, hint, and what the problem is about."""


class Names(NamedTuple):
    """What can be read at one point of a journey, by dotted name. An attribute that is ``required`` or has a default is
    always there; any other may be missing.

    ``absent`` says of a name or of a first part of names why it cannot be read here. ``captures`` are the events that
    some paths capture: once one of its values is known, so are those that the event must have. ``broken`` are names
    that are declared wrongly, of which the vocabulary has been told. ``zone`` is where a moment written without one is
    meant.
    """

    readable: Mapping[str, Attribute]
    absent: Mapping[str, str] = {}
    captures: Mapping[str, frozenset[str]] = {}
    broken: frozenset[str] = frozenset()
    zone: str = "UTC"

    def plus(self, more: Mapping[str, Attribute]) -> Names:
        absent = {name: why for name, why in self.absent.items() if not any(n.partition(".")[0] == name for n in more)}
        return self._replace(readable={**self.readable, **more}, absent=absent)


def infer(text: str, names: Names, report: Report, *, number: bool = False) -> Condition | None:
    """The condition ready to be asked; None where something is wrong with it, which has been reported. With ``number``
    it is one that comes to a number."""
    try:
        tree = expressions.parse(text)
    except ExpressionError as error:
        report(error.message, error.start, error.length, error.hint, None)
        return None
    inference = _Inference(names, report)
    typed = inference.of(tree, frozenset())
    if typed.type is not None and number and typed.type.kind not in NUMERIC:
        inference.tell(tree, f"this is {describe(typed.type)}, and a number is needed here")
    elif typed.type is not None and not number and typed.type.kind != "yes/no":
        hint = "compare it with something" if typed.type.kind != "thing" else None
        inference.tell(tree, f"this is {describe(typed.type)}, and a condition is either true or not", hint)
    if inference.failed or typed.type is None:
        return None
    return inference.condition(tree, text, typed.cel)


class Worth(NamedTuple):
    """An expression of any type. ``sure``: it comes to a value whoever the customer is."""

    condition: Condition
    type: Type
    sure: bool


def infer_value(text: str, names: Names, report: Report, *, wanted: Type | None = None, called: str = "") -> Worth | None:
    """The expression ready to be worked out, for a name (``called``) of the type ``wanted`` if one is; None where something
    is wrong with it, which has been reported. Text that can only be one of a few is of the type that says so."""
    try:
        tree = expressions.parse(text)
    except ExpressionError as error:
        report(error.message, error.start, error.length, error.hint, None)
        return None
    inference = _Inference(names, report)
    typed = inference.of(tree, frozenset())
    if typed.type is None:
        return None
    options = _literal_options(tree)
    if wanted is not None:
        typed = inference.dated(tree, typed, _Typed(wanted))
        if typed.type is not None and not _fits(typed.type, wanted):
            hint = _value_hint(tree, wanted)
            inference.tell(tree, f"{called} is {describe(wanted)}, and {_called(tree)} is {describe(typed.type)}", hint)
        elif wanted.kind == "one_of" and (wrong := [option for option in options or () if option not in wanted.options]):
            hint = did_you_mean(wrong[0], wanted.options) or f"it is {one_of(wanted.options)}"
            inference.tell(tree, f'{called} is never "{wrong[0]}"', hint, about=("option", f"{called} {wrong[0]}"))
    if inference.failed or typed.type is None:
        return None
    sure = not typed.missing and not _may_fail(tree)
    if options and typed.type.kind == "text":
        sure = sure and all(option.strip() for option in options)
        typed = typed._replace(type=Type(kind="one_of", options=options)) if sure else typed
    type_ = wanted or typed.type
    condition = inference.condition(tree, text, typed.cel)
    return Worth(condition, type_, sure) if condition is not None and type_ is not None else None


def joined(one: Type, two: Type) -> Type | None:
    """The type of a name that is given values of both; None if they do not go together."""
    if one == two:
        return one
    match one.kind, two.kind:
        case "one_of", "one_of":
            return Type(kind="one_of", options=tuple(dict.fromkeys((*one.options, *two.options))))
        case (a, b) if a in TEXTUAL and b in TEXTUAL:
            return TEXT
        case "number", b if b in NUMERIC:
            return two
        case a, "number" if a in NUMERIC:
            return one
        case "list", "list" if one.of and two.of:
            of = joined(one.of, two.of)
            return Type(kind="list", of=of) if of else None
        case _:
            return None


def _fits(given: Type, wanted: Type) -> bool:
    if given.kind == "list" and wanted.kind == "list":
        return given.of is not None and wanted.of is not None and _fits(given.of, wanted.of)
    return given == wanted if wanted.kind == "thing" else _alike(given, wanted)


def _value_hint(tree: Expression, wanted: Type) -> str | None:
    match tree:
        case Literal(value=str() as text) if wanted.kind in NUMERIC and text.replace(".", "", 1).isdecimal():
            return f"write {text} without quotes inside"
        case Literal(value=str()) if wanted.kind == "yes/no":
            return "write true or false"
        case Literal(value=float() as number) if wanted.kind in TEXTUAL:
            return f"""write '"{number:g}"'"""
        case _:
            return None


def _literal_options(tree: Expression) -> tuple[str, ...] | None:
    """The texts that an expression can come to, if they all stand in it."""
    match tree:
        case Literal(value=str() as text):
            return (text,)
        case Choice(yes=yes, no=no):
            one, two = _literal_options(yes), _literal_options(no)
            return tuple(dict.fromkeys((*one, *two))) if one and two else None
        case _:
            return None


def _may_fail(tree: Expression) -> bool:
    """Whether something is divided by what may be nothing."""
    match tree:
        case Sum(left=left, sign=sign, right=right):
            nothing = sign == "/" and not (isinstance(right, Literal) and right.value)
            return nothing or _may_fail(left) or _may_fail(right)
        case Choice(test=test, yes=yes, no=no):
            return _may_fail(test) or _may_fail(yes) or _may_fail(no)
        case Compare(left=left, right=right) | And(left=left, right=right) | Or(left=left, right=right):
            return _may_fail(left) or _may_fail(right)
        case Not(of=of) | Minus(of=of):
            return _may_fail(of)
        case Call(of=of, arguments=arguments):
            return any(_may_fail(one) for one in (*arguments, *((of,) if of else ())))
        case ListOf(items=items):
            return any(_may_fail(item) for item in items)
        case _:
            return False


class _Typed(NamedTuple):
    """``type`` None where a problem has been told already. ``missing`` are the names for want of which the answer is
    unknown."""

    type: Type | None
    cel: str = ""
    missing: frozenset[str] = frozenset()


_WRONG = _Typed(None)


class _Inference:
    def __init__(self, names: Names, report: Report) -> None:
        self.names = names
        self.report = report
        self.reads: dict[str, Attribute] = {}
        self.items: dict[str, tuple[Type, bool]] = {}
        self.failed = False

    def tell(
        self,
        node: Expression,
        message: str,
        hint: str | None = None,
        *,
        about: tuple[str, str] | None = None,
        start: int | None = None,
    ) -> None:
        self.failed = True
        begin = node.start if start is None else start
        self.report(message, begin, max(1, node.end - begin), hint, about)

    def condition(self, tree: Expression, text: str, written: str) -> Condition | None:
        """What has been ``written`` in CEL, if CEL takes it."""
        condition = Condition(text=text.strip(), cel=written, reads=self.reads)
        try:
            compiled(condition)
        except RuntimeError as error:
            self.tell(tree, f"CEL does not take this: {str(error).splitlines()[0]}")
            return None
        return condition

    def of(self, node: Expression, known: frozenset[str]) -> _Typed:
        """The type of a tree where the names in ``known`` are certain to have a value."""
        match node:
            case Literal(value=value):
                return _literal(value)
            case Name() | Member():
                return self.name(node, known)
            case Not(of=inner):
                typed = self.expect(inner, known, "yes/no", "not")
                self.certain(node, typed, known, "not")
                return typed._replace(type=YES_NO, cel=f"!({typed.cel})")
            case And(left=left, right=right):
                return self.both(node, left, right, known, truth=True)
            case Or(left=left, right=right):
                return self.both(node, left, right, known, truth=False)
            case Compare():
                return self.compare(node, known)
            case Sum(left=left, sign=sign, right=right):
                one, two = self.expect(left, known, "number", sign), self.expect(right, known, "number", sign)
                money = any(side.type is not None and side.type.kind == "money" for side in (one, two))
                return _Typed(
                    Type(kind="money") if money else NUMBER, f"({one.cel} {sign} {two.cel})", one.missing | two.missing
                )
            case Minus(of=inner):
                typed = self.expect(inner, known, "number", "-")
                return typed._replace(cel=f"-({typed.cel})")
            case Choice(test=test, yes=yes, no=no):
                asked = self.expect(test, known, "yes/no", "?")
                self.certain(test, asked, known, "?")
                if_so, if_not = self.facts(test, truth=True), self.facts(test, truth=False)
                one, two = self.of(yes, known | if_so), self.of(no, known | if_not)
                if one.type and two.type and not _alike(one.type, two.type):
                    self.tell(node, f"this is {describe(one.type)} or {describe(two.type)}", "both must be of one type")
                missing = asked.missing | (one.missing - if_so) | (two.missing - if_not)
                return _Typed(one.type, f"({asked.cel} ? {one.cel} : {two.cel})", missing)
            case Call(of=None):
                return self.function(node, known)
            case Call():
                return self.method(node, known)
            case Index():
                return self.index(node, known)
            case ListOf(items=items):
                return self.list_of(node, items, known)
            case _:
                raise TypeError(type(node).__name__)

    def expect(self, node: Expression, known: frozenset[str], kind: str, sign: str) -> _Typed:
        typed = self.of(node, known)
        if typed.type is None:
            return typed
        if typed.type.kind == kind or (kind == "number" and typed.type.kind in NUMERIC):
            return typed
        wanted = {"yes/no": "something that is true or not", "number": "numbers", "text": "text"}[kind]
        self.tell(node, f"{sign} takes {wanted}, and {_called(node)} is {describe(typed.type)}")
        return _WRONG

    def certain(self, node: Expression, typed: _Typed, known: frozenset[str], sign: str) -> None:
        """Complains about a negation of what may be missing."""
        missing = sorted(typed.missing - known)
        if not missing or typed.type is None:
            return
        name = missing[0]
        root = name.partition(".")[0]
        hint = f"write known({name}) and …"
        if root in ("customer", "entry", "event"):
            hint += ", or give it a default in the vocabulary"
        elif name == "segment":
            hint = "give differentiate an otherwise"
        message = f'{name} may be missing, and where it is, "{sign}" does not match either'
        self.tell(node, message, hint, about=("missing", name))

    # Names.

    def name(self, node: Name | Member, known: frozenset[str]) -> _Typed:
        path = _path(node)
        if path is None:
            assert isinstance(node, Member)
            return self.field(node, self.of(node.of, known))
        root, *rest = path.split(".")
        if root in self.items:
            type_, solid = self.items[root]
            base = _Typed(type_, root, frozenset() if solid else frozenset({root}))
            if isinstance(node, Name):
                return base
            return self.field(node, self.of(node.of, known) if len(rest) > 1 else base)
        for depth in range(min(2, len(rest) + 1), 0, -1):
            name = ".".join([root, *rest][:depth])
            attribute = self.names.readable.get(name)
            if attribute is None:
                continue
            self.reads[name] = attribute
            missing = frozenset() if never_missing(attribute) else frozenset({name})
            typed = _Typed(attribute.type, name, missing)
            if depth == len(rest) + 1:
                return typed
            assert isinstance(node, Member)
            return self.field(node, typed)
        self.unknown(node, root, path)
        return _WRONG

    def unknown(self, node: Expression, root: str, path: str) -> None:
        wrong = ".".join(path.split(".")[:2])
        if wrong in self.names.broken:
            self.failed = True
            return
        absent = next((name for name in (wrong, root) if name in self.names.absent), None)
        if absent is not None:
            self.tell(node, self.names.absent[absent], about=("name", absent))
            return
        inside = [name for name in self.names.readable if name.startswith(f"{root}.")]
        if inside and path == root:
            self.tell(node, f"{root} has several values", f"name one of them, such as {inside[0]}")
        elif inside:
            last = wrong.rpartition(".")[2]
            close = did_you_mean(last, [name.rpartition(".")[2] for name in inside])
            hint = close.replace('"', f'"{root}.', 1) if close else _declare(root)
            start = node.at if isinstance(node, Member) and node.name == last else node.start
            self.tell(node, f"{wrong} does not exist", hint, about=("name", wrong), start=start)
        else:
            self.tell(node, f"{path} does not exist", self.meant(path), about=("name", path))

    def meant(self, path: str) -> str:
        """What an author may have meant by a name that is nothing like any other."""
        if path in ("yes", "no"):
            return f"write {'true' if path == 'yes' else 'false'}"
        if path in ("null", "None", "nil", "empty", "missing"):
            return "ask with known(…) whether a value is there"
        if path in ("now", "today"):
            return "write days_since(…) or days_until(…)"
        close = did_you_mean(path, [*self.names.readable, *self.items])
        return close or f'if it is text, write "{path}" in quotes'

    def field(self, node: Member, of: _Typed) -> _Typed:
        if of.type is None:
            return _WRONG
        if of.type.kind == "list":
            hint = f'ask about its items: {_called(node.of)}.exists(i, i.{node.name} == "…")'
            self.tell(node, f"{_called(node.of)} is a list", hint, start=node.at)
            return _WRONG
        field = of.type.fields.get(node.name)
        if field is None:
            if of.type.kind == "thing" and f"{of.type.thing}.{node.name}" in self.names.broken:
                self.failed = True
                return _WRONG
            about = ("field", f"{of.type.thing}.{node.name}") if of.type.kind == "thing" else None
            close = did_you_mean(node.name, of.type.fields)
            self.tell(node, f"{describe(of.type)} has no {node.name}", close, about=about, start=node.at)
            return _WRONG
        missing = of.missing
        if node.name not in of.type.required:
            missing = missing | {_path(node) or node.name}
        return _Typed(field, f"{of.cel}.{node.name}", missing)

    # What holds together.

    def both(self, node: And | Or, left: Expression, right: Expression, known: frozenset[str], *, truth: bool) -> _Typed:
        """``and`` (``truth``) and ``or``: each side is asked where the other has not settled the answer already, so it
        may count on what the other settled."""
        sign = "and" if truth else "or"
        one = self.expect(left, known | self.facts(right, truth=truth), "yes/no", sign)
        two = self.expect(right, known | self.facts(left, truth=truth), "yes/no", sign)
        guarded = self.facts(left, truth=truth, asked=True) | self.facts(right, truth=truth, asked=True)
        cel = f"({one.cel} {'&&' if truth else '||'} {two.cel})"
        type_ = YES_NO if one.type and two.type else None
        return _Typed(type_, cel, (one.missing | two.missing) - guarded)

    def facts(self, node: Expression, *, truth: bool, asked: bool = False) -> frozenset[str]:
        """The names that have a value if the tree is true (or not): by ``known()``, and, unless only what was
        ``asked`` so counts, because a comparison came out."""
        match node:
            case Call(of=None, name="known", arguments=(argument,)) if truth:
                path = _path(argument)
                return frozenset({path, *self.with_it(path)}) if path else frozenset()
            case Not(of=inner):
                return self.facts(inner, truth=not truth, asked=asked)
            case And(left=left, right=right) | Or(left=left, right=right):
                one, two = (self.facts(side, truth=truth, asked=asked) for side in (left, right))
                return one | two if isinstance(node, And) == truth else one & two
            case Compare(left=left, sign=sign, right=right) if truth and not asked and sign != "!=":
                return frozenset(path for side in (left, right) if (path := _path(side)))
            case Name() | Member() if truth and not asked and (path := _path(node)):
                return frozenset({path})
            case _:
                return frozenset()

    def with_it(self, path: str) -> frozenset[str]:
        return self.names.captures.get(path.partition(".")[0], frozenset())

    # Comparisons.

    def compare(self, node: Compare, known: frozenset[str]) -> _Typed:
        one, two = self.of(node.left, known), self.of(node.right, known)
        missing = one.missing | two.missing
        if one.type is None or two.type is None:
            return _WRONG
        if node.sign == "in":
            return self.contained(node, one, two)
        one, two = self.dated(node.left, one, two), self.dated(node.right, two, one)
        if one.type is None or two.type is None:
            return _WRONG
        if not _alike(one.type, two.type):
            self.unlike(node, one.type, two.type)
            return _WRONG
        if one.type.kind in ("list", "thing"):
            self.tell(node, f"{describe(one.type)} cannot be compared as a whole", "ask about its items with exists(…)")
            return _WRONG
        if node.sign not in ("==", "!=") and one.type.kind in TEXTUAL | {"yes/no"}:
            hint = "write == or !="
            self.tell(node, f"{node.sign} needs numbers or dates, and {_called(node.left)} is {describe(one.type)}", hint)
            return _WRONG
        self.options(node.left, one.type, node.right)
        self.options(node.right, two.type, node.left)
        typed = _Typed(YES_NO, f"({one.cel} {node.sign} {two.cel})", missing)
        if node.sign == "!=":
            self.certain(node, typed, known, "!=")
        return typed

    def contained(self, node: Compare, one: _Typed, two: _Typed) -> _Typed:
        assert one.type is not None
        assert two.type is not None
        if two.type.kind != "list":
            hint = f"write {_called(node.right)}.contains(…)" if two.type.kind in TEXTUAL else 'write in ["…", "…"]'
            self.tell(node.right, f"in takes a list, and {_called(node.right)} is {describe(two.type)}", hint)
            return _WRONG
        if two.type.of is not None and not _alike(one.type, two.type.of):
            self.unlike(node, one.type, two.type.of)
            return _WRONG
        if isinstance(node.right, ListOf):
            for item in node.right.items:
                self.options(node.left, one.type, item)
        elif two.type.of is not None:
            self.options(node.right, two.type.of, node.left)
        return _Typed(YES_NO, f"({one.cel} in {two.cel})", one.missing | two.missing)

    def dated(self, node: Expression, typed: _Typed, other: _Typed) -> _Typed:
        """A text beside a date or a moment is one."""
        if not isinstance(node, Literal) or not isinstance(node.value, str) or other.type is None:
            return typed
        try:
            if other.type.kind == "date":
                day = date.fromisoformat(node.value)
                return _Typed(other.type, repr(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))
            if other.type.kind == "moment":
                moment = datetime.fromisoformat(node.value)
                if moment.tzinfo is None:
                    moment = moment.replace(tzinfo=ZoneInfo(self.names.zone))
                return _Typed(other.type, repr(moment.timestamp()))
        except ValueError:
            example = "2026-03-27" if other.type.kind == "date" else "2026-03-27 10:00"
            self.tell(node, f'"{node.value}" is not {describe(other.type)}', f'write it as "{example}"')
            return _WRONG
        return typed

    def options(self, node: Expression, type_: Type, literal: Expression) -> None:
        """A text that this name can never be."""
        if type_.kind != "one_of" or not isinstance(literal, Literal) or literal.value in type_.options:
            return
        name, wrong = _called(node), str(literal.value)
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
                hint = f"write days_since({_called(left if side is right else right)}) {node.sign} {side.value:g}"
        self.tell(node, f"{_called(left)} is {describe(one)}, and {_called(right)} is {describe(two)}", hint)

    # Functions.

    def function(self, node: Call, known: frozenset[str]) -> _Typed:
        if node.name not in FUNCTIONS:
            hint = did_you_mean(node.name, FUNCTIONS) or f"there are {one_of(f'{name}(…)' for name in FUNCTIONS)}"
            if node.name in OVER_LISTS + ON_TEXT:
                hint = f"write it after a name and a dot: entry.items.{node.name}(…)"
            elif node.name == "has":
                hint = "write known(…)"
            self.tell(node, f"there is no {node.name}()", hint)
            return _WRONG
        if len(node.arguments) != 1:
            self.tell(node, f"{node.name}() takes one value", f"write {node.name}(customer.…)")
            return _WRONG
        argument = node.arguments[0]
        typed = self.of(argument, known)
        if typed.type is None:
            return _WRONG
        match node.name:
            case "known":
                return self.known(node, argument, typed)
            case "size":
                return self.size(node, argument, typed)
            case "lower":
                if typed.type.kind not in TEXTUAL:
                    self.tell(argument, f"lower() takes text, and {_called(argument)} is {describe(typed.type)}")
                    return _WRONG
                return typed._replace(type=TEXT, cel=f"lower({typed.cel})")
            case name:
                return self.days(node, name, argument, typed)

    def known(self, node: Call, argument: Expression, typed: _Typed) -> _Typed:
        path = _path(argument)
        if path is None:
            self.tell(node, "known() asks about a name", "write known(customer.first_name)")
            return _WRONG
        if path in self.names.readable:
            return _Typed(YES_NO, KNOWN + path)
        if path in self.items:
            return _Typed(YES_NO, "true")
        return _Typed(YES_NO, f"has({typed.cel})", typed.missing - {path})

    def days(self, node: Call, name: str, argument: Expression, typed: _Typed) -> _Typed:
        assert typed.type is not None
        if typed.type.kind not in ("date", "moment"):
            called = _called(argument)
            self.tell(argument, f"{name}() takes a date or a moment, and {called} is {describe(typed.type)}")
            return _WRONG
        then = typed.cel if typed.type.kind == "date" else f"local_date({typed.cel}, {ZONE})"
        span = f"{TODAY} - {then}" if name == "days_since" else f"{then} - {TODAY}"
        return typed._replace(type=NUMBER, cel=f"(({span}) / 86400.0)")

    def size(self, node: Call, of: Expression, typed: _Typed) -> _Typed:
        assert typed.type is not None
        if typed.type.kind not in TEXTUAL | {"list"}:
            self.tell(of, f"size() takes a list or text, and {_called(of)} is {describe(typed.type)}")
            return _WRONG
        return typed._replace(type=NUMBER, cel=f"double(size({typed.cel}))")

    def method(self, node: Call, known: frozenset[str]) -> _Typed:
        assert node.of is not None
        typed = self.of(node.of, known)
        if typed.type is None:
            return _WRONG
        offered = OVER_LISTS if typed.type.kind == "list" else ON_TEXT if typed.type.kind in TEXTUAL else ()
        if node.name not in offered:
            hint = did_you_mean(node.name, offered) or (f"it has {one_of(offered)}" if offered else None)
            self.tell(node, f"{_called(node.of)} is {describe(typed.type)} and has no {node.name}()", hint, start=node.at)
            return _WRONG
        if node.name == "size" and not node.arguments:
            return self.size(node, node.of, typed)
        if typed.type.kind == "list":
            return self.over(node, typed, known)
        if len(node.arguments) != 1:
            self.tell(node, f"{node.name}() takes one text", start=node.at)
            return _WRONG
        argument = self.of(node.arguments[0], known)
        if argument.type is None:
            return _WRONG
        if argument.type.kind not in TEXTUAL:
            self.tell(node.arguments[0], f"{node.name}() takes text, and this is {describe(argument.type)}")
            return _WRONG
        return _Typed(YES_NO, f"{typed.cel}.{node.name}({argument.cel})", typed.missing | argument.missing)

    def over(self, node: Call, typed: _Typed, known: frozenset[str]) -> _Typed:
        """``list.exists(i, …)`` and its like."""
        assert typed.type is not None
        example = f"write .{node.name}(i, …), with a condition on i"
        if len(node.arguments) != 2 or not isinstance(node.arguments[0], Name) or typed.type.of is None:
            self.tell(node, f"{node.name}() takes a name for each item and a condition on it", example, start=node.at)
            return _WRONG
        variable, inner = node.arguments
        assert isinstance(variable, Name)
        taken = {name.partition(".")[0] for name in self.names.readable} | RESERVED
        if variable.name in taken or variable.name in self.items:
            self.tell(variable, f"{variable.name} has a meaning already", "choose another name, such as i")
            return _WRONG
        self.items[variable.name] = (typed.type.of, True)
        inside = self.expect(inner, known, "yes/no", node.name)
        del self.items[variable.name]
        type_ = typed.type if node.name == "filter" else YES_NO
        cel = f"{typed.cel}.{node.name}({variable.name}, {inside.cel})"
        return _Typed(type_ if inside.type else None, cel, typed.missing | inside.missing)

    def index(self, node: Index, known: frozenset[str]) -> _Typed:
        typed = self.of(node.of, known)
        if typed.type is None:
            return _WRONG
        number = node.index.value if isinstance(node.index, Literal) else None
        if typed.type.kind != "list" or not isinstance(number, float) or not number.is_integer():
            hint = "write the number of an item, the first is 0: entry.items[0]"
            self.tell(node, "[…] takes an item out of a list by its number", hint)
            return _WRONG
        name = f"{_called(node.of)}[{int(number)}]"
        return _Typed(typed.type.of, f"{typed.cel}[{int(number)}]", typed.missing | {name})

    def list_of(self, node: ListOf, items: tuple[Expression, ...], known: frozenset[str]) -> _Typed:
        typed = [self.of(item, known) for item in items]
        if not typed:
            self.tell(node, "the list is empty", 'write ["…", "…"]')
        types = [item.type for item in typed if item.type is not None]
        if len(types) < len(items) or not types:
            return _WRONG
        if any(not _alike(types[0], type_) for type_ in types):
            self.tell(node, "the list mixes types", "all of its items must be of one")
            return _WRONG
        missing = frozenset(name for item in typed for name in item.missing)
        return _Typed(Type(kind="list", of=types[0]), f"[{', '.join(item.cel for item in typed)}]", missing)


def _literal(value: str | float | bool) -> _Typed:
    match value:
        case bool():
            return _Typed(YES_NO, "true" if value else "false")
        case str():
            return _Typed(TEXT, json.dumps(value, ensure_ascii=False))
        case _:
            return _Typed(NUMBER, repr(value))


def _path(node: Expression) -> str | None:
    match node:
        case Name(name=name):
            return name
        case Member(of=of, name=name):
            base = _path(of)
            return f"{base}.{name}" if base else None
        case _:
            return None


def _called(node: Expression) -> str:
    match node:
        case Literal(value=str() as text):
            return f'"{text}"'
        case Literal(value=bool() as truth):
            return "true" if truth else "false"
        case Literal(value=number):
            return f"{number:g}"
        case Index(of=of):
            return f"{_called(of)}[…]"
        case Call(of=None, name=name):
            return f"{name}(…)"
        case Call(name=name):
            return f".{name}(…)"
        case _:
            return _path(node) or "this"


def _alike(one: Type, two: Type) -> bool:
    for family in (NUMERIC, TEXTUAL):
        if one.kind in family:
            return two.kind in family
    return one.kind == two.kind


def _declare(root: str) -> str:
    return "declare it in vocabulary.yaml" if root == "customer" else "declare it for its event in vocabulary.yaml"
