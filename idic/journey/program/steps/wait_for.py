"""The step ``wait_for``: for the first of several events, or for a condition that comes true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.definition.definition import PatternDefinition, WaitForDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import Follow, Running, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import AS, BOTH, step_schema
from idic.journey.program.values import DONE, Condition, Pattern, Target
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, any_of, choice, condition, duration, entries, one_or_list, ref, text
from idic.times import Duration


class Arm(Frozen):
    """One line of a wait_for: an event (``pattern``), or a condition on the customer (``until``) that comes true. ``since`` is
    ``wait``, ``entry``, ``sent`` (with ``of``) or a step's id, and is for events."""

    pattern: Pattern | None = None
    until: Condition | None = None
    since: str = "wait"
    capture: str | None = None
    then: Target = DONE


class WaitFor(Step):
    """Until one of the ``arms`` is taken, at most ``within`` this time."""

    kind: Literal["wait_for"] = "wait_for"
    arms: tuple[Arm, ...]
    within: Duration

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        """A way for each arm, and for when nothing happens in time."""
        yield from (Way(line, arm.then) for line, arm in zip(self.lines(), self.arms, strict=True))
        yield Way("otherwise", self.otherwise)

    @property
    def default(self) -> Target:
        """Where those go for whom nothing happens."""
        return self.otherwise

    @cached_property
    def awaits(self) -> tuple[Pattern, ...]:
        """The events of all arms."""
        return tuple(arm.pattern for arm in self.arms if arm.pattern is not None)

    @cached_property
    def untils(self) -> tuple[tuple[int, Condition], ...]:
        """What may come true, each with the number of its arm."""
        return tuple((number, arm.until) for number, arm in enumerate(self.arms) if arm.until is not None)

    @cached_property
    def about(self) -> tuple[str, ...]:
        """The steps whose messages every arm is about; none if one arm is about something else."""
        about = [pattern.of for pattern in self.awaits if pattern.of is not None]
        return tuple(dict.fromkeys(about)) if len(about) == len(self.arms) else ()

    def longest(self) -> timedelta:
        """How long it waits at most."""
        return nominal(self.within)

    def own_conditions(self) -> Iterator[Condition]:
        """What each arm asks."""
        for arm in self.arms:
            condition = arm.pattern.when if arm.pattern is not None else arm.until
            if condition is not None:
                yield condition

    def describe(self) -> Description:
        """``wait for Order Completed``, ``within 2 days``"""
        title = self._only_arm(self.arms[0]) if len(self.arms) == 1 else "wait for the first of these"
        names = " or ".join(dict.fromkeys(arm.capture for arm in self.arms if arm.capture))
        return Description(title, (*self._if(), f"within {self.within}", *phrases.captured(names)))

    def _only_arm(self, arm: Arm) -> str:
        """The only event of a wait; its condition stands where its way begins."""
        if arm.pattern is None:
            return f"wait until {arm.until.text if arm.until else ''}"
        return f"wait for {arm.pattern.on}{f' of {arm.pattern.of}' if arm.pattern.of else ''}"

    def lines(self) -> list[str]:
        """What each arm waits for: ``Link Clicked of nudge``, ``until customer.orders > 0``"""
        lines = []
        for arm in self.arms:
            if arm.pattern is None:
                lines.append(f"until {arm.until.text}" if arm.until else "")
                continue
            # Everybody expects an event to count from the wait on, or from the message it is about.
            since = "" if arm.since in ("wait", "sent") else f" since {arm.since}"
            lines.append(phrases.event(arm.pattern) + since)
        return lines


class WaitForKind(StepKind[WaitForDefinition, WaitFor]):
    """The row of ``wait_for``."""

    keyword = "wait_for"
    step = WaitFor
    summary = "an event or a condition; within, otherwise"
    other_names: ClassVar = {"wait_until": "wait_for:", "listen": "wait_for:"}
    icon = (
        '<path d="M1.2 8C3 4.8 5.3 3.4 8 3.4S13 4.8 14.8 8C13 11.2 10.7 12.6 8 12.6S3 11.2 1.2 8Z"/>'
        '<circle cx="8" cy="8" r="2.2"/>'
    )
    colors = ("#7c3aed", "#f5f3ff")
    mermaid_box = ('("', '")')

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> WaitForDefinition:
        """The step as written."""
        known = ("wait_for", "within", "then", "otherwise")
        fields = reader.parts(node, label, known)
        for name, example in (("within", "within: 2 days"), ("otherwise", "otherwise: continue")):
            if reader.shapes.is_missing(node, name, ("id", "if", *known)):
                reader.problems.error(kind.mark, f"{label}: wait_for needs {name}", f"write {example}")
        arms = reader.events.arms(fields.get("wait_for"), f"{label}: wait_for")
        within = reader.shapes.duration(fields.get("within"), f"{label}: within")
        return WaitForDefinition(*reader.common(fields, id_, kind), arms=arms, within=within or Duration())

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        event = {
            "on": one_or_list(text("The event's name; of a list any of them.", examples=["Link Clicked"])),
            "if": condition("Only where this holds; the event is `event`.", 'event.value == "yes"'),
            "key": choice(("any",), "`any`: also where it is about another key."),
            "of": text("Only about the message of this send step.", examples=["nudge"]),
            "since": text("Counts from `entry`, from `wait`, or from the start of a step.", examples=["entry", "wait"]),
            **AS,
            "then": ref("branch"),
        }
        until = {"until": condition("When this comes true of the customer."), "then": ref("branch")}
        arm = any_of(text("The event's name."), entries(event, required=("on",)), entries(until, required=("until",)))
        return step_schema(
            "wait_for",
            "Wait for an event",
            "The first of these to happen decides; on a tie the first listed.",
            any_of(arm, {"type": "array", "items": arm}),
            {"within": duration("How long it is waited for. Then: `otherwise`.", "2 days"), **BOTH},
            required=("within", "otherwise"),
        )

    def link(self, text: WaitForDefinition, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        """One for each arm."""
        return tuple(follow(arm.then, after) if arm.then else then for arm in text.arms)

    def transitions(
        self, text: WaitForDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """One for each arm, and one for when nothing happens."""
        taken = []
        for arm, target in zip(text.arms, targets.branches, strict=True):
            captured = isinstance(arm, PatternDefinition) and arm.capture
            taken.append(Transition(name, target, frozenset({captured.value}) if captured else frozenset()))
        return [*taken, Transition(name, targets.otherwise)]

    def compile(self, text: WaitForDefinition, context: StepContext) -> WaitFor:
        """The step of the program."""
        return WaitFor(**context.fields, arms=context.arms(text), within=text.within)

    def run(self, step: WaitFor, move: StepRun) -> Running:
        """Waits; its condition was asked on arrival."""
        return move.wait_for(step)
