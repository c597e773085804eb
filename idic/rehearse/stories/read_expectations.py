"""Read what a story expects, such as ``expect: {sent: cart_reminder, by: email}``, and check it against the journey."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from idic.interact.policy.rules import NAMES
from idic.journey.channels import CHANNELS
from idic.journey.program.program import Program
from idic.journey.program.steps import Call, Send, Set, Split
from idic.journey.program.values import Assignment, Attribute
from idic.journey.vocabulary.types import MONEY
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping as MappingNode
from idic.journey.yaml_source.nodes import Node, Scalar, Sequence
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.rehearse.stories.read_values import ValueReader, clock_of, date_of
from idic.rehearse.stories.storybook import Expected
from idic.times import WEEKDAYS

EXPECTATIONS: dict[str, tuple[str, ...]] = {
    "entered": ("segment",),
    "not entered": ("because",),
    "segment": (),
    "sent": ("by", "at", "on", "subject", "contains"),
    "not sent": ("by", "because"),
    "called": ("with",),
    "waiting": ("until",),
    "split": (),
    "customer": (),
    "values": (),
    "goal": (),
    "ended": (),
    "nothing more": (),
}
"""Every expectation by its main key, with the keys that may stand beside it."""

ENTRY_REFUSALS = ("not yet", "over", "test only", "moved", "condition", "no key", "already in", "again", "full")
"""The codes of reasons why a journey does not let a customer in."""
SEND_REFUSALS = (*NAMES, "condition", "too late", "paused", "failed", "uncertain", "ended")
"""The codes of reasons why a message is not sent. The reason of a failed delivery may be any text."""
_SHORTEST = 4
"""How many letters a single word needs to be taken for a reason in words."""

NOTHING, MISSING = "nothing", "missing"
_YES = ("yes", "true")
_NO = ("no", "false")


class ExpectationReader:
    """Reads the expectations of stories about these programs."""

    def __init__(self, programs: tuple[Program, ...], vocabulary: Vocabulary, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.values = ValueReader(problems)
        self.vocabulary = vocabulary
        self.journeys = [program.journey for program in programs]
        self.programs = programs
        steps = [step for program in programs for step in program.steps.values()]
        self.sends = {step.id: step.message for step in steps if isinstance(step, Send)}
        self.messages = list(dict.fromkeys(self.sends.values()))
        self.splits = {step.id: [share.name for share in step.shares] for step in steps if isinstance(step, Split)}
        self.endpoints = {step.endpoint.name: step.endpoint for step in steps if isinstance(step, Call)}
        endings = sorted({"done", "goal", "leave", "restarted", *_YES[:1], *_NO[:1], *_reasons(programs)})
        segments = [segment.name for program in programs for segment in program.segments]
        self.names: dict[str, tuple[str, list[str]]] = {
            "sent": ("message", [*self.messages, NOTHING]),
            "not sent": ("step that sends", [*self.sends, *self.messages]),
            "waiting": ("step", [step.id for step in steps]),
            "called": ("endpoint that it calls", list(self.endpoints)),
            "segment": ("segment", segments),
            "by": ("channel", list(CHANNELS)),
            "ended": ("ending", endings),
        }
        """What a key may name, and how it is called."""

    def read(self, node: Node, zone: str) -> Iterator[Expected]:
        """Read one mapping or a list of them. ``zone`` (IANA) is where the person lives."""
        if _empty(node):
            self.problems.error(node.mark, "expect is empty", "write what is expected, as in expect: {sent: nothing}")
            return
        if isinstance(node, Sequence):
            for item in node.items:
                yield from self.read(item, zone)
            return
        words = list(dict.fromkeys([*EXPECTATIONS, *(more for mores in EXPECTATIONS.values() for more in mores), "key"]))
        fields = self.shapes.fields(node, "expect", words)
        if not fields or not isinstance(node, MappingNode):
            return
        marks = {key.value: key.mark for key, _ in node.entries}
        heads = [name for name in fields if name in EXPECTATIONS]
        taken: set[str] = {"key"}
        if "entered" in heads and "segment" in heads:
            heads.remove("segment")
        for head in heads:
            more = [name for name in EXPECTATIONS[head] if name in fields and name not in taken]
            taken.update((head, *more))
            wanted = {name: self._value(name, fields[name], head, zone) for name in (head, *more)}
            if "key" in fields and (key := self.shapes.text(fields["key"], "key")):
                wanted["key"] = key.value
            if head == "not sent" and wanted.get("not sent") and wanted.get("by"):
                self._check_channel(wanted["not sent"], wanted["by"], _value_mark(fields["by"], marks["by"]))
            places = {name: _value_mark(fields[name], marks[name]) for name in wanted} | {head: marks[head]}
            if wanted[head] is not None:
                yield Expected(head, {name: value for name, value in wanted.items() if value is not None}, places)
        for name in fields:
            if name not in taken:
                owners = [head for head, mores in EXPECTATIONS.items() if name in mores]
                self.problems.error(
                    marks[name], f"{name} belongs to {one_of(owners)}, and none of these is left for it",
                    "write each expectation in its own {…}",
                )  # fmt: skip

    def _check_channel(self, name: str, channel: str, mark: Mark) -> None:
        """Report a channel that never carries the message: expecting that it is not sent there expects nothing."""
        steps = [step for program in self.programs for step in program.steps.values() if isinstance(step, Send)]
        channels = dict.fromkeys(by for step in steps if name in (step.id, step.message) for by in step.channels)
        if channel not in channels:
            self.problems.error(mark, f"{name} never goes by {channel}", f"it goes by {one_of(channels)}")

    def _value(self, name: str, node: Node, head: str, zone: str) -> Any:
        if _empty(node):
            self.problems.error(node.mark, f"{name} is empty", "write what is expected")
            return None
        match name:
            case "customer":
                return self._mapping(node, "customer", self.vocabulary.customer, zone)
            case "values":
                known = {a.name: Attribute(type=a.type) for a in _assigned(self.programs)}
                return self._mapping(node, "values", known, zone)
            case "with":
                return self._call_values(node, zone)
            case "split":
                return self._split(node)
            case "contains":
                return tuple(text.value for text in self.shapes.texts(node, "contains")) or None
        text = self.shapes.text(node, name, free=name == "subject")
        return None if text is None else self._text_value(name, text, head)

    def _text_value(self, name: str, text: Scalar, head: str) -> Any:
        value = text.value.strip()
        if name in self.names:
            what, names = self.names[name]
            return self._known(text, names, what)
        match name:
            case "entered":
                return True if value in _YES else False if value in _NO else self._known(text, self.journeys, "journey")
            case "not entered":
                if value in _YES or value in self.journeys:
                    return value in _YES or value
                return self._reason(text, [*ENTRY_REFUSALS, *self.journeys])
            case "because":
                if head == "not sent":
                    return self._reason(text, SEND_REFUSALS, least=_SHORTEST)
                return self._reason(text, ENTRY_REFUSALS)
            case "nothing more":
                return True if self._known(text, list(_YES), "answer but yes") else None
            case "goal":
                if value in (*_YES, *_NO):
                    return value in _YES
                return self.values.scalar(text, MONEY, "goal", "UTC")
            case "at" | "until":
                moment = date_of(value) or clock_of(value)
                if moment is None:
                    self.problems.error(text.mark, f'{name}: "{value}" is not a time', "write 17:41 or 2026-03-28 09:00")
                return moment
            case "on":
                return self._day(text)
            case _:
                return text.value

    def _day(self, text: Scalar) -> str | None:
        """A date (ISO) or a day of the week."""
        value = text.value.strip().lower()
        names = [day for day in WEEKDAYS if len(value) >= 3 and day.startswith(value)]
        if names:
            return names[0]
        if date_of(f"{value} 00:00") is not None:
            return value
        self.problems.error(text.mark, f'on: "{text.value}" is not a day', "write 2026-03-28 or saturday")
        return None

    def _reason(self, text: Scalar, codes: Iterable[str], least: int | None = None) -> str | None:
        """One of the ``codes``, or several words of the reason's text; a single word only if it has ``least`` letters."""
        value = text.value.strip()
        listed = list(dict.fromkeys(codes))
        if value in listed or len(value.split()) > 1 or (least is not None and len(value) >= least):
            return value
        hint = did_you_mean(value, listed) or f"write {one_of(listed)}, or some words of the reason"
        self.problems.error(text.mark, f'"{value}" is no reason', hint)
        return None

    def _known(self, text: Scalar, names: Iterable[str], what: str) -> str | None:
        listed = list(dict.fromkeys(names))
        if text.value in listed:
            return text.value
        hint = did_you_mean(text.value, listed) or f"there is {one_of(listed) or 'none'}"
        self.problems.error(text.mark, f'there is no {what} "{text.value}"', hint, about=(what, text.value))
        return None

    def _mapping(self, node: Node, what: str, known: Mapping[str, Attribute], zone: str) -> dict[str, Any] | None:
        """Typed values by name; ``missing`` expects that there is no value."""
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, f"{what} consists of entries", f"write {what}: {{name: value}}")
            return None
        absent = [key.value for key, value in node.entries if isinstance(value, Scalar) and value.value == MISSING]
        present = MappingNode(node.source, tuple(e for e in node.entries if e[0].value not in absent), node.start)
        values: dict[str, Any] = dict(self.values.entries(present, known, what, zone))
        return {**values, **dict.fromkeys(absent)}

    def _call_values(self, node: Node, zone: str) -> dict[str, Any] | None:
        takes = {name: a for endpoint in self.endpoints.values() for name, a in endpoint.takes.items()}
        return self._mapping(node, "with", takes, zone)

    def _split(self, node: Node) -> dict[str, str] | None:
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, "split consists of entries", "write split: {step: share}")
            return None
        shares: dict[str, str] = {}
        for key, value in node.entries:
            step = self._known(key, self.splits, "split")
            share = self.shapes.choice(value, f"split {key.value}", self.splits[step]) if step else None
            if step and share:
                shares[step] = share
        return shares


def _empty(node: Node) -> bool:
    """Whether the node has no content."""
    match node:
        case Sequence(items=items):
            return not items
        case MappingNode(entries=entries):
            return not entries
        case _:
            return isinstance(node, Scalar) and not node.value.strip()


def _value_mark(node: Node, key: Mark) -> Mark:
    return node.mark if isinstance(node, Scalar) else key


def _assigned(programs: Iterable[Program]) -> Iterator[Assignment]:
    for program in programs:
        yield from program.values
        for step in program.steps.values():
            if isinstance(step, Set):
                yield from (one for one in step.assign if not one.name.startswith("customer."))


def _reasons(programs: Iterable[Program]) -> Iterator[str]:
    """The reasons for which these journeys may end: every exit, and every event that ends them."""
    for program in programs:
        patterns = (*program.leave, *(program.goal.on if program.goal else ()))
        yield from (pattern.on for pattern in patterns)
        stack: list[Any] = [program.document(include={"steps", "first"})]
        while stack:
            match stack.pop():
                case dict() as found:
                    if isinstance(found.get("exit"), str):
                        yield found["exit"]
                    if found.get("kind") == "exit" and isinstance(found.get("reason"), str):
                        yield found["reason"]
                    stack.extend(found.values())
                case list() as items:
                    stack.extend(items)
