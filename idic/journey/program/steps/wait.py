"""The step ``wait``: for some time, until a moment, or for silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Literal

from idic.journey.definition import read_times
from idic.journey.definition.definition import MomentDefinition, PatternDefinition, WaitDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import Running, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import AS, BOTH, step_schema
from idic.journey.program.values import Condition, Moment, Pattern
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence
from idic.schema_parts import Schema, any_of, duration, ref, words
from idic.times import Duration, TimeOfDay


class Wait(Step):
    """For ``duration``, or ``until`` a time of day or a moment; a moment that is past or missing is passed over
    (``otherwise``). With ``without`` the wait starts over at each of these events."""

    kind: Literal["wait"] = "wait"
    duration: Duration = Duration()
    until: TimeOfDay | Moment | None = None
    without: Pattern | None = None
    capture: str | None = None

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        """On after the wait; otherwise, if the moment is past or not known."""
        if not isinstance(self.until, Moment):
            yield from super().ways()
            return
        yield Way("", self.then)
        yield Way("otherwise: past or not known", self.otherwise)

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        """The event without which it ends."""
        return () if self.without is None else (self.without,)

    def moments(self) -> tuple[Moment, ...]:
        """The moment until which it waits."""
        return (self.until,) if isinstance(self.until, Moment) else ()

    def longest(self) -> timedelta:
        """Its duration, or the days to the next such time of day."""
        if isinstance(self.until, TimeOfDay):
            return timedelta(days=_days_between(self.until))
        return timedelta() if isinstance(self.until, Moment) else nominal(self.duration)

    def own_conditions(self) -> tuple[Condition, ...]:
        """The condition on its event."""
        return () if self.without is None or self.without.when is None else (self.without.when,)

    def describe(self) -> Description:
        """``wait 4 hours without Cart Updated``"""
        if isinstance(self.until, Moment):
            title = f"wait until {phrases.moment(self.until)}"
        else:
            title = f"wait until {phrases.clock(self.until)}" if self.until else f"wait {self.duration}"
        title += f" without {phrases.event(self.without)}" if self.without else ""
        return Description(title, (*self._if(), *phrases.captured(self.capture)))


def _days_between(clock: TimeOfDay) -> int:
    """The most days from one occurrence of this time to the next."""
    days = clock.days or tuple(range(7))
    return max((after - before - 1) % 7 + 1 for before, after in zip(days, (*days[1:], days[0]), strict=True))


class WaitKind(StepKind[WaitDefinition, Wait]):
    """The row of ``wait``."""

    keyword = "wait"
    step = Wait
    summary = "for a time, until a time of day or a moment; without: EVENT for silence"
    other_names: ClassVar = {"delay": "wait:", "sleep": "wait:"}
    icon = '<circle cx="8" cy="8" r="6.5"/><path d="M8 4v4.3l2.8 1.7"/>'
    colors = ("#b45309", "#fffbeb")
    mermaid_box = ('("', '")')

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> WaitDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("wait", "without", "as", "then", "otherwise"))
        length, duration, until = reader.shapes.text(fields.get("wait"), f"{label}: wait"), None, None
        if length is not None and length.value.startswith("until"):
            until = self._until(reader, length, fields, kind, label)
        elif length is not None and read_times.lacks_until(length):
            hint = f"write wait: until {length.value.strip()}"
            reader.problems.error(length.mark, f"{label}: wait is so long, or until a moment", hint)
        elif length is not None:
            duration = reader.shapes.duration(length, f"{label}: wait")
        without = self._without(reader, fields["without"], label) if "without" in fields else None
        capture = reader.events.capture(fields.get("as"))
        if capture is not None and "without" not in fields:
            reader.problems.error(capture.mark, f"{label}: as names the event of without", "add without:, or take as out")
        if (
            length is None
            or isinstance(until, TimeOfDay)
            or not (length.value.startswith("until") or read_times.lacks_until(length))
        ):
            reader.needs_if(fields, label)
        return WaitDefinition(
            *reader.common(fields, id_, kind),
            duration=duration or Duration(),
            until=until,
            without=without,
            capture=capture,
        )

    def _without(self, reader: StepReader, node: Node, label: str) -> PatternDefinition | None:
        """The event of ``without``."""
        on = node.get("on") if isinstance(node, Mapping) else node
        if isinstance(on, Sequence):
            hint = "write the one whose silence is waited for, such as without: Cart Updated"
            reader.problems.error(on.mark, f"{label}: without names one event", hint)
            return None
        return reader.events.pattern(node, f"{label}: without", ("on", "if", "key"))

    def _until(
        self, reader: StepReader, text: Scalar, fields: dict[str, Node], kind: Scalar, label: str
    ) -> TimeOfDay | MomentDefinition | None:
        """What a wait is until, with what that asks of the rest of the step."""
        if "without" in fields:
            hint = "write how long the silence is: wait: 4 hours"
            reader.problems.error(text.mark, f"{label}: a wait for silence is so long, not until a time", hint)
        try:
            until = read_times.until(text)
        except ValueError as error:
            reader.problems.error(text.mark, f"{label}: wait: {error}")
            return None
        if isinstance(until, MomentDefinition) and "otherwise" not in fields:
            message = f"{label}: the moment may be past, or nobody knows it: wait needs otherwise"
            reader.problems.error(kind.mark, message, "write otherwise: continue")
        return until

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        until = words("", "until 09:00 on weekdays", "until 3 days before entry.starts_at", pattern=r"^until\s*\S")
        return step_schema(
            "wait",
            "Wait",
            "How long; or until a time of the customer's day, or a moment.",
            any_of(duration("", "4 hours"), until),
            {"without": {**ref("event"), "description": "Silence: it starts over at each of these events."}, **AS, **BOTH},
            dependentRequired={"as": ["without"]},
        )

    def skipped(self, text: WaitDefinition, name: str, targets: StepTargets) -> list[Transition]:
        """Past a moment that is over or not known, or past a condition that does not hold."""
        if isinstance(text.until, MomentDefinition):
            return [Transition(name, targets.otherwise)]
        return super().skipped(text, name, targets)

    def transitions(
        self, text: WaitDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """On, perhaps with the captured event."""
        captured = frozenset({text.capture.value}) if text.capture else frozenset[str]()
        if _captures_for_certain(text, entered_on):
            return [*self.skipped(text, name, targets), Transition(name, targets.then, captured)]
        return [*self.skipped(text, name, targets), Transition(name, targets.then, may_set=captured)]

    def compile(self, text: WaitDefinition, context: StepContext) -> Wait:
        """The step of the program."""
        without = context.pattern(text.without) if text.without is not None else None
        return Wait(
            **context.fields,
            duration=text.duration,
            until=context.moment(text.until) if isinstance(text.until, MomentDefinition) else text.until,
            without=without,
            capture=text.capture.value if text.capture is not None else None,
        )

    def run(self, step: Wait, move: StepRun) -> Running:
        """Waits; its condition was asked on arrival."""
        return move.wait(step)


def _captures_for_certain(text: WaitDefinition, entered_on: frozenset[str]) -> bool:
    """Whether a wait for silence certainly captures an event: without a newer one it is the entry event."""
    without = text.without
    return without is not None and without.when is None and entered_on == {without.on.value}
