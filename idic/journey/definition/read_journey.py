"""Read a journey file part by part, before anything is resolved."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from idic.journey.definition import read_times
from idic.journey.definition.definition import (
    Definition,
    EntryDefinition,
    Given,
    GoalDefinition,
    MomentDefinition,
    PatternDefinition,
)
from idic.journey.definition.read_messages import read_messages
from idic.journey.definition.read_steps import ReadableKind, StepReader
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems
from idic.times import Duration, Every

SECTIONS = (
    "journey", "title", "purpose", "topic", "sender", "late", "policy", "identify", "differentiate", "interact", "goal",
    "leave", "customize",
)  # fmt: skip
ENTRY_KINDS = ("on", "every", "once", "date")
LIMITS = ("starts", "ends", "at_most", "only")

_SECTIONS_OF_OTHER_TOOLS = {
    "trigger": "identify:", "triggers": "identify:", "entry": "identify:", "enter": "identify:",
    "steps": "interact:", "flow": "interact:", "actions": "interact:",
    "content": "customize:", "contents": "customize:", "messages": "customize:", "templates": "customize:",
    "segments": "differentiate:", "audience": "differentiate:",
    "conversion": "goal:", "goals": "goal:", "exit": "leave:", "exits": "leave:", "exit_on": "leave:",
    "name": "journey:", "id": "journey:", "from": "sender:", "limits": "policy:", "caps": "policy: {caps: …}",
    "quiet_hours": "policy: {quiet_hours: …}", "minimum_gap": "policy: {minimum_gap: …}",
}  # fmt: skip

_ENTRIES_OF_OTHER_TOOLS = {
    "event": "on:", "trigger": "on:", "schedule": "every:", "cron": "every: day at 06:00", "segment": "if:", "where": "if:",
    "limit": "at_most: 5000 a day", "start": "starts:", "end": "ends:", "from": "starts:", "until": "ends:",
}  # fmt: skip


def read_definition(root: Node, problems: Problems, step_kinds: AnyMapping[str, ReadableKind]) -> Definition | None:
    """The parts of a journey; None when the file is no mapping.

    Problems are reported, and the parts that have them are left out.
    """
    return _JourneyReader(problems, step_kinds).read(root)


class _JourneyReader:
    def __init__(self, problems: Problems, step_kinds: AnyMapping[str, ReadableKind]) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.interact = StepReader(problems, step_kinds)

    def read(self, root: Node) -> Definition | None:
        fields = self.shapes.fields(
            root,
            "the journey",
            SECTIONS,
            required=("journey", "identify", "interact"),
            instead=_SECTIONS_OF_OTHER_TOOLS,
        )
        if fields is None:
            return None
        name = self.shapes.text(fields.get("journey"), "journey")
        if name is not None:
            self.shapes.name(name, "journey")
        purpose = self.shapes.choice(fields.get("purpose"), "purpose", ("marketing", "service"))
        entry = self.entry(fields["identify"]) if "identify" in fields else None
        steps = self.interact.steps(fields["interact"], "interact") if "interact" in fields else ()
        values, segments = self.differentiate(fields.get("differentiate"))
        late = self.shapes.choice(fields.get("late"), "late", ("send", "skip"))
        return Definition(
            name=name or Scalar(root.source, "", root.start, root.start, '"'),
            title=self.shapes.text(fields.get("title"), "title", free=True),
            purpose="service" if purpose == "service" else "marketing",
            topic=self.topic(fields.get("topic")),
            late="skip" if late == "skip" else "send",
            entry=entry or EntryDefinition(),
            values=values,
            segments=segments,
            steps=steps,
            goal=self.goal(fields.get("goal")),
            leave=self.interact.events.patterns(fields.get("leave"), "leave"),
            messages=read_messages(fields.get("customize"), self.shapes, self.problems),
            policy=fields.get("policy"),
            sender=self.shapes.text(fields.get("sender"), "sender"),
        )

    def topic(self, node: Node | None) -> Scalar | None:
        topic = self.shapes.text(node, "topic")
        if topic is not None:
            self.shapes.name(topic, "topic", field=True)
        return topic

    # identify

    def entry(self, node: Node) -> EntryDefinition | None:
        entries = (*ENTRY_KINDS, "for_each", "at", "if", "key", "again", "while_in", *LIMITS)
        fields = self.shapes.fields(node, "identify", entries, instead=_ENTRIES_OF_OTHER_TOOLS)
        if fields is None:
            return None
        kinds = [kind for kind in ENTRY_KINDS if isinstance(node, Mapping) and node.key(kind) is not None]
        if not kinds:
            hint = "write on: and an event, or every:, once: or date: for an entry by the clock"
            self.problems.error(node.mark, "identify: on is missing", hint)
        elif len(kinds) > 1:
            hint = "keep one; make another journey for the other"
            self.problems.error(fields[kinds[1]].mark, f"identify has two kinds of entry: {kinds[0]} and {kinds[1]}", hint)
        while_in = self.shapes.choice(fields.get("while_in"), "while_in", ("ignore", "restart"))
        timed = bool(kinds) and "on" not in kinds
        if timed:
            self.not_timed(fields, kinds[0])
        day, yearly = self.day(fields)
        starts, ends = (self.moment(fields.get(name), name, closing=name == "ends") for name in ("starts", "ends"))
        if starts is not None and ends is not None and ends <= starts:
            self.problems.error(fields["ends"].mark, "identify: it ends before it starts", "write a later day")
        once = self.moment(fields.get("once"), "once")
        if once is not None and ((starts and once < starts) or (ends and once >= ends)):
            hint = "take starts: and ends: out; once: is one moment"
            self.problems.error(fields["once"].mark, "identify: once lies outside of starts and ends", hint)
        only = self.shapes.choice(fields.get("only"), "identify: only", ("test customers",))
        return EntryDefinition(
            on=self.interact.events.patterns(fields.get("on"), "on"),
            for_each=self.shapes.text(fields.get("for_each"), "for_each"),
            every=self.every(fields.get("every")),
            once=once,
            day=day,
            yearly=yearly,
            when=self.shapes.text(fields.get("if"), "if"),
            key=self.shapes.text(fields.get("key"), "key"),
            again=self.again(fields.get("again")),
            while_in="restart" if while_in == "restart" else "ignore",
            starts=starts,
            ends=ends,
            at_most=self.at_most(fields.get("at_most")),
            testers=only is not None,
            timed=timed,
        )

    def not_timed(self, fields: dict[str, Node], kind: str) -> None:
        """Report entries that an entry by the clock cannot have."""
        for name in ("key", "for_each"):
            if name in fields:
                hint = "take it out; each customer is in this journey once at a time"
                message = f"identify: {name} reads the event of an entry, and {kind} has none"
                self.problems.error(fields[name].mark, message, hint)

    def day(self, fields: dict[str, Node]) -> tuple[MomentDefinition | None, bool]:
        """The day of each customer's own, with its time of day, and whether it recurs every year."""
        at = self.shapes.clock(fields.get("at"), "identify: at")
        if "at" in fields and "date" not in fields:
            hint = "write every: day at 06:00" if "every" in fields else "take it out; it goes with date:"
            self.problems.error(fields["at"].mark, "identify: at is the time of day of date", hint)
        text = self.shapes.text(fields.get("date"), "identify: date")
        if text is None:
            return None, False
        try:
            moment, yearly = read_times.day(text)
        except ValueError as error:
            self.problems.error(text.mark, f"identify: date: {error}")
            return None, False
        if moment.at is not None and at is not None:
            self.problems.error(fields["at"].mark, "identify: date has its time already", "keep one of them")
        return replace(moment, at=at or moment.at or read_times.DEFAULT_HOUR), yearly

    def every(self, node: Node | None) -> Every | None:
        text = self.shapes.text(node, "identify: every")
        if text is None:
            return None
        try:
            return Every.parse(text.value)
        except ValueError as error:
            self.problems.error(text.mark, f"identify: every: {error}")
            return None

    def moment(self, node: Node | None, what: str, *, closing: bool = False) -> datetime | None:
        text = self.shapes.text(node, f"identify: {what}")
        if text is None:
            return None
        try:
            return read_times.date_and_time(text.value, closing=closing)
        except ValueError as error:
            self.problems.error(text.mark, f"identify: {what}: {error}")
            return None

    def at_most(self, node: Node | None) -> int | None:
        text = self.shapes.text(node, "identify: at_most")
        if text is None:
            return None
        try:
            return read_times.daily_limit(text.value)
        except ValueError as error:
            self.problems.error(text.mark, f"identify: at_most: {error}")
            return None

    def again(self, node: Node | None) -> Literal["never", "always"] | Duration | None:
        text = self.shapes.text(node, "again")
        if text is None:
            return None
        if text.value == "never":
            return "never"
        if text.value == "always":
            return "always"
        if text.value.startswith("after "):
            try:
                return Duration.parse(text.value.removeprefix("after "))
            except ValueError as error:
                self.problems.error(text.mark, f"again: {error}")
                return "never"
        self.problems.error(text.mark, f'again cannot be "{text.value}"', "write never, always or after 14 days")
        return "never"

    # differentiate

    def differentiate(self, node: Node | None) -> tuple[Given, tuple[tuple[Scalar, Scalar | None], ...]]:
        """The values, and the segments in their order."""
        if node is None:
            return (), ()
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "differentiate consists of segments", "write vip: customer.orders > 10")
            return (), ()
        values: Given = ()
        segments: list[tuple[Scalar, Scalar | None]] = []
        otherwise: Scalar | None = None
        for name, value in node.entries:
            if name.value == "values":
                example = "write values: {discount: 10}"
                given = self.interact.given(value, "differentiate: values", example)
                values = tuple((name, text) for name, text in given if self.shapes.name(name, "value"))
                continue
            condition = self.shapes.text(value, f"segment {name.value}")
            if not self.shapes.name(name, "segment", field=True) or condition is None:
                continue
            if otherwise is not None:
                hint = f"move {otherwise.value} to the end"
                self.problems.error(name.mark, f"segment {name.value} comes after otherwise and is never reached", hint)
            if condition.value == "otherwise":
                otherwise = name
            segments.append((name, None if condition.value == "otherwise" else condition))
        return values, tuple(segments)

    # goal

    def goal(self, node: Node | None) -> GoalDefinition | None:
        if node is None:
            return None
        if not isinstance(node, Mapping):
            on = self.interact.events.patterns(node, "goal")
            return GoalDefinition(on) if on else None
        fields = self.shapes.fields(node, "goal", ("on", "if", "key", "within", "value", "then"), required=("on",)) or {}
        when = self.shapes.text(fields.get("if"), "goal: if")
        any_key = self.shapes.choice(fields.get("key"), "goal: key", ("any",)) == "any"
        on = tuple(
            PatternDefinition(pattern.on, pattern.when or when, pattern.any_key or any_key)
            for pattern in self.interact.events.patterns(fields.get("on"), "goal: on")
        )
        then = self.shapes.choice(fields.get("then"), "goal: then", ("leave", "continue"))
        return GoalDefinition(
            on=on,
            within=self.shapes.duration(fields.get("within"), "goal: within"),
            value=self.shapes.text(fields.get("value"), "goal: value"),
            then="continue" if then == "continue" else "leave",
        )
