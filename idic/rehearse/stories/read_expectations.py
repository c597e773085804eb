"""What a story expects, read and held against the journey: ``expect: {sent: cart_reminder, by: email}``."""

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
"""Every expectation by its leading word, with the words that may say more of it."""

ENTRY_REFUSALS = ("not yet", "over", "test only", "moved", "condition", "no key", "already in", "again", "full")
"""Why somebody is not let in, by code."""
SEND_REFUSALS = (*NAMES, "condition", "too late", "paused", "failed", "uncertain", "ended")
"""Why a message does not go, by code; why a delivery fails is said in whatever words."""
_SHORTEST = 4

NOTHING, MISSING = "nothing", "missing"
_YES = ("yes", "true")
_NO = ("no", "false")


class ExpectationReader:
    def __init__(self, programs: tuple[Program, ...], vocabulary: Vocabulary, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.values = ValueReader(problems)
        self.vocabulary = vocabulary
        self.journeys = [program.journey for program in programs]
        self.programs = programs
        steps = [step for program in programs for step in program.steps.values()]
        self.steps = [step.id for step in steps]
        self.sends = {step.id: step.message for step in steps if isinstance(step, Send)}
        self.messages = list(dict.fromkeys(self.sends.values()))
        self.splits = {step.id: [share.name for share in step.shares] for step in steps if isinstance(step, Split)}
        self.endpoints = {step.endpoint.name: step.endpoint for step in steps if isinstance(step, Call)}
        self.endings = sorted({"done", "goal", "leave", "restarted", *_YES[:1], *_NO[:1], *_reasons(programs)})

    def read(self, node: Node, zone: str) -> Iterator[Expected]:
        """One mapping or a list of them; ``zone`` is where the person lives."""
        if _empty(node):
            self.problems.error(node.mark, "expect says nothing", "write what is expected, as in expect: {sent: nothing}")
            return
        if isinstance(node, Sequence):
            for item in node.items:
                yield from self.read(item, zone)
            return
        words = list(dict.fromkeys([*EXPECTATIONS, *(more for mores in EXPECTATIONS.values() for more in mores), "key"]))
        found = self.shapes.fields(node, "expect", words)
        if not found or not isinstance(node, MappingNode):
            return
        marks = {key.value: key.mark for key, _ in node.entries}
        heads = [name for name in found if name in EXPECTATIONS]
        taken: set[str] = {"key"}
        if "entered" in heads and "segment" in heads:
            heads.remove("segment")
        for head in heads:
            more = [name for name in EXPECTATIONS[head] if name in found and name not in taken]
            taken.update((head, *more))
            wanted = {name: self.one(name, found[name], head, zone) for name in (head, *more)}
            if "key" in found and (key := self.shapes.text(found["key"], "key")):
                wanted["key"] = key.value
            if head == "not sent" and wanted.get("not sent") and wanted.get("by"):
                self.goes_by(wanted["not sent"], wanted["by"], _value_mark(found["by"], marks["by"]))
            places = {name: _value_mark(found[name], marks[name]) for name in wanted} | {head: marks[head]}
            if wanted[head] is not None:
                yield Expected(head, {name: value for name, value in wanted.items() if value is not None}, places)
        for name in found:
            if name not in taken:
                owners = [head for head, mores in EXPECTATIONS.items() if name in mores]
                self.problems.error(
                    marks[name], f"{name} says more of {one_of(owners)}, and there is none of these left for it",
                    "write each expectation in {…} of its own",
                )  # fmt: skip

    def goes_by(self, name: str, channel: str, mark: Mark) -> None:
        """That something does not go by a channel by which it never goes is no expectation."""
        steps = [step for program in self.programs for step in program.steps.values() if isinstance(step, Send)]
        channels = dict.fromkeys(by for step in steps if name in (step.id, step.message) for by in step.channels)
        if channel not in channels:
            self.problems.error(mark, f"{name} never goes by {channel}", f"it goes by {one_of(channels)}")

    def one(self, name: str, node: Node, head: str, zone: str) -> Any:
        if _empty(node):
            self.problems.error(node.mark, f"{name} expects nothing", "say what is expected")
            return None
        match name:
            case "customer":
                return self.mapping(node, "customer", self.vocabulary.customer, zone)
            case "values":
                known = {a.name: Attribute(type=a.type) for a in _assigned(self.programs)}
                return self.mapping(node, "values", known, zone)
            case "with":
                return self.given(node, zone)
            case "split":
                return self.split(node)
            case "contains":
                return tuple(text.value for text in self.shapes.texts(node, "contains")) or None
        text = self.shapes.text(node, name, free=name == "subject")
        return None if text is None else self.text(name, text, head)

    def text(self, name: str, text: Scalar, head: str) -> Any:
        value = text.value.strip()
        match name:
            case "sent":
                return self.known(text, [*self.messages, NOTHING], "message")
            case "not sent":
                return self.known(text, [*self.sends, *self.messages], "step that sends")
            case "waiting":
                return self.known(text, self.steps, "step")
            case "called":
                return self.known(text, list(self.endpoints), "endpoint that it calls")
            case "entered":
                return True if value in _YES else False if value in _NO else self.known(text, self.journeys, "journey")
            case "not entered":
                if value in _YES or value in self.journeys:
                    return value in _YES or value
                return self.why(text, [*ENTRY_REFUSALS, *self.journeys])
            case "because":
                if head == "not sent":
                    return self.why(text, SEND_REFUSALS, least=_SHORTEST)
                return self.why(text, ENTRY_REFUSALS)
            case "nothing more":
                return True if self.known(text, list(_YES), "answer but yes") else None
            case "segment":
                segments = [segment.name for program in self.programs for segment in program.segments]
                return self.known(text, segments, "segment")
            case "by":
                return self.known(text, list(CHANNELS), "channel")
            case "ended":
                return self.known(text, self.endings, "ending")
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
                return self.day(text)
            case _:
                return text.value

    def day(self, text: Scalar) -> str | None:
        """A date in ISO, or a day of the week in full."""
        value = text.value.strip().lower()
        names = [day for day in WEEKDAYS if len(value) >= 3 and day.startswith(value)]
        if names:
            return names[0]
        if date_of(f"{value} 00:00") is not None:
            return value
        self.problems.error(text.mark, f'on: "{text.value}" is not a day', "write 2026-03-28 or saturday")
        return None

    def why(self, text: Scalar, codes: Iterable[str], least: int | None = None) -> str | None:
        """One of the ``codes``, or several words of the reason as it is told; one alone where it has ``least`` letters."""
        value = text.value.strip()
        listed = list(dict.fromkeys(codes))
        if value in listed or len(value.split()) > 1 or (least is not None and len(value) >= least):
            return value
        hint = did_you_mean(value, listed) or f"write {one_of(listed)}, or some words of the reason"
        self.problems.error(text.mark, f'"{value}" is no reason', hint)
        return None

    def known(self, text: Scalar, names: Iterable[str], what: str) -> str | None:
        listed = list(dict.fromkeys(names))
        if text.value in listed:
            return text.value
        hint = did_you_mean(text.value, listed) or f"there is {one_of(listed) or 'none'}"
        self.problems.error(text.mark, f'there is no {what} "{text.value}"', hint, about=(what, text.value))
        return None

    def mapping(self, node: Node, what: str, known: Mapping[str, Attribute], zone: str) -> dict[str, Any] | None:
        """Typed values by name; ``missing`` expects that there is none."""
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, f"{what} consists of entries", f"write {what}: {{name: value}}")
            return None
        absent = [key.value for key, value in node.entries if isinstance(value, Scalar) and value.value == MISSING]
        present = MappingNode(node.source, tuple(e for e in node.entries if e[0].value not in absent), node.start)
        found: dict[str, Any] = dict(self.values.entries(present, known, what, zone))
        return {**found, **dict.fromkeys(absent)}

    def given(self, node: Node, zone: str) -> dict[str, Any] | None:
        takes = {name: a for endpoint in self.endpoints.values() for name, a in endpoint.takes.items()}
        return self.mapping(node, "with", takes, zone)

    def split(self, node: Node) -> dict[str, str] | None:
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, "split consists of entries", "write split: {step: share}")
            return None
        shares: dict[str, str] = {}
        for key, value in node.entries:
            step = self.known(key, self.splits, "split")
            share = self.shapes.choice(value, f"split {key.value}", self.splits[step]) if step else None
            if step and share:
                shares[step] = share
        return shares


def _empty(node: Node) -> bool:
    """Whether nothing is written there."""
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
    """Why somebody may leave these journeys: every exit, and every event that ends them."""
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
