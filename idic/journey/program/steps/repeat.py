"""The step ``repeat``: the same steps, several times."""

from __future__ import annotations

from typing import Literal

from idic.journey.definition.definition import RepeatDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_kind import Follow, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import AGAIN, StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, NEEDS_IF, step_schema
from idic.journey.program.values import Condition, Target
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.schema_parts import Schema, any_of, condition, entries, ref, whole

MOST_ROUNDS = 100
"""The most rounds of one repeat."""


class Repeat(Step):
    """``first`` is where a round begins; its steps lead back here. ``until`` is asked before every round, the first one
    too."""

    kind: Literal["repeat"] = "repeat"
    times: int
    until: Condition | None = None
    first: Target

    @property
    def round_begins(self) -> Target:
        """The first step of a round."""
        return self.first

    def own_conditions(self) -> tuple[Condition, ...]:
        """The condition that ends the rounds."""
        return () if self.until is None else (self.until,)

    def describe(self) -> Description:
        """``repeat up to 3 times``, ``until customer.orders > 0``"""
        until = (f"until {self.until.text}",) if self.until else ()
        return Description(f"repeat up to {self.times} times", (*self._if(), *until))


class RepeatKind(StepKind[RepeatDefinition, Repeat]):
    """The row of ``repeat``."""

    keyword = "repeat"
    step = Repeat
    summary = "some steps, so often or until"
    icon = (
        '<path d="M2.5 8a5.5 5.5 0 0 1 9.5-3.8L13.5 5.7M13.5 2.2v3.5H10M13.5 8A5.5 5.5 0 0 1 4 11.8L2.5 10.3M2.5 13.8v-3.5H6"/>'
    )
    colors = ("#4338ca", "#eef2ff")

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> RepeatDefinition:
        """The step as written."""
        whole = isinstance(node.get("repeat"), Mapping)
        # Where repeat: is a number, all that belongs into it stands beside it, and one message says so.
        fields = reader.parts(node, label, ("repeat", "then", "otherwise", *(() if whole else ("times", "until", "do"))))
        reader.needs_if(fields, label)
        what = f"{label}: repeat"
        inner: dict[str, Node] = {}
        if isinstance(fields["repeat"], Mapping):
            inner = reader.shapes.fields(fields["repeat"], what, ("times", "until", "do"), required=("times", "do")) or {}
        else:
            hint = "write repeat: {times: 3, do: …}, with until: and a condition if it may end sooner"
            reader.problems.error(fields["repeat"].mark, f"{what} says how often, and what", hint)
        times, do = reader.shapes.text(inner.get("times"), f"{what}: times"), reader.branch(inner.get("do"))
        if do is not None and not do.steps and isinstance(inner["do"], Scalar):
            reader.problems.error(do.mark, f"{what}: do has no steps", "write those that are repeated")
        count = int(times.value) if times is not None and times.value.isdecimal() and len(times.value) < 9 else 0
        if times is not None and not 1 <= count <= MOST_ROUNDS:
            hint = f"write a whole number from 1 to {MOST_ROUNDS}"
            reader.problems.error(times.mark, f"{what}: times cannot be {times.value}", hint)
        until = reader.shapes.text(inner.get("until"), f"{what}: until")
        return RepeatDefinition(*reader.common(fields, id_, kind), times=max(1, min(count, MOST_ROUNDS)), until=until, do=do)

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        parts = {
            "times": whole("At most so often.", MOST_ROUNDS),
            "until": condition("Asked before every round; if it holds, no more of them."),
            "do": any_of(ref("step"), {"type": "array", "items": ref("step"), "minItems": 1}),
        }
        value = entries(parts, required=("times", "do"))
        return step_schema("repeat", "Repeat", "The same steps, several times.", value, BOTH, dependentRequired=NEEDS_IF)

    def link(self, text: RepeatDefinition, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        """The first step of a round; the last leads back here."""
        return (follow(text.do, Target(step=name)),)

    def transitions(
        self, text: RepeatDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """Into the first round, past it if ``until`` may hold at once, and from the end of a round into the next or on."""
        skipped = self.skipped(text, name, targets)
        if text.do is None or not text.do.steps:
            return [*skipped, Transition(name, targets.then)]  # a reported error
        leaves = [Transition(name, targets.then)] if text.until is not None else []
        again = [Transition(name + AGAIN, target) for target in (*targets.branches, targets.then)]
        return [*skipped, *(Transition(name, target) for target in targets.branches), *leaves, *again]

    def compile(self, text: RepeatDefinition, context: StepContext) -> Repeat:
        """The step of the program."""
        context.check_rounds(text)
        until = context.condition(text.until)
        return Repeat(**context.fields, times=text.times, until=until, first=context.targets.branches[0])

    def run(self, step: Repeat, move: StepRun) -> bool:
        """Begins a round, or goes on; its condition counts only before the first round."""
        move.repeat(step)
        return True
