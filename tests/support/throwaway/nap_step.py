"""A throw-away kind of step, in one file: customers nap for a while, and may wake refreshed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

from idic.journey.definition.definition import BranchDefinition, Given, StepDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import Follow, Running, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, step_schema
from idic.journey.program.values import DONE, Assignment, Condition, Target
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, condition, duration, named, ref, text
from idic.times import Duration

AT_ONCE = Duration()


@dataclass(frozen=True, slots=True, eq=False)
class NapText(StepDefinition):
    """As written: how long, what is set on waking, and who is refreshed."""

    span: Duration = AT_ONCE
    gains: Given = ()
    deep: Scalar | None = None
    refreshed: BranchDefinition | None = None

    kind: ClassVar[str] = "nap"

    def own_branches(self) -> list[BranchDefinition | None]:
        return [self.refreshed]

    def assigned(self) -> Given:
        return self.gains


class Nap(Step):
    """Naps for ``span``, gains something, and is ``refreshed`` if the nap was ``deep``."""

    kind: Literal["nap"] = "nap"
    span: Duration
    gains: tuple[Assignment, ...] = ()
    deep: Condition | None = None
    refreshed: Target = DONE

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        yield Way("refreshed", self.refreshed)
        yield Way("tired", self.then)
        yield from self._if_not()

    def longest(self) -> timedelta:
        return nominal(self.span)

    def own_conditions(self) -> Iterable[Condition]:
        return (*(gain.value for gain in self.gains), *((self.deep,) if self.deep else ()))

    def assigned(self) -> tuple[Assignment, ...]:
        return self.gains

    def describe(self) -> Description:
        return Description(f"nap {self.span}", (*self._if(), *phrases.assignments(self.gains)))


class NapKind(StepKind[NapText, Nap]):
    """The row of ``nap``."""

    keyword = "nap"
    step = Nap
    summary = "sleep for a while; gains, deep, refreshed"
    other_names: ClassVar = {"snooze": "nap:"}
    entries = ("gains", "deep", "refreshed")
    icon = '<path d="M3 3h6L3 9h6"/>'
    colors = ("#334455", "#eeeeff")

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> NapText:
        fields = reader.parts(node, label, ("nap", "gains", "deep", "refreshed", "then", "otherwise"))
        reader.needs_if(fields, label)
        return NapText(
            *reader.common(fields, id_, kind),
            span=reader.shapes.duration(reader.shapes.text(fields.get("nap"), f"{label}: nap"), f"{label}: nap") or AT_ONCE,
            gains=reader.given(fields["gains"], f"{label}: gains", "write gains: {energy: 10}") if "gains" in fields else (),
            deep=reader.shapes.text(fields.get("deep"), f"{label}: deep"),
            refreshed=reader.branch(fields.get("refreshed")),
        )

    def schema(self) -> Schema:
        more = {
            "gains": named(text("An expression."), None, "What is set on waking."),
            "deep": condition("Who is refreshed."),
            "refreshed": ref("branch"),
        }
        return step_schema("nap", "Nap", "How long.", duration("", "2 hours"), {**more, **BOTH})

    def link(self, text: NapText, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        return (follow(text.refreshed, then),)

    def transitions(
        self, text: NapText, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        gains = frozenset(target.value for target, _ in text.gains if "." not in target.value)
        onward = (*targets.branches, targets.then)
        napped = [Transition(name, target, gains - uncertain, gains & uncertain) for target in onward]
        return [*self.skipped(text, name, targets), *napped]

    def compile(self, text: NapText, context: StepContext) -> Nap:
        return Nap(
            **context.fields,
            span=text.span,
            gains=context.assigned(text.gains),
            deep=context.condition(text.deep),
            refreshed=context.targets.branches[0],
        )

    def run(self, step: Nap, move: StepRun) -> Running:
        if move.just_arrived() and move.passed_over(step.when, step.otherwise):
            return True
        if not move.has_lasted(step.span):
            return False
        move.set_values(step.gains)
        refreshed = step.deep is not None and move.holds(step.deep)
        return move.when_due(step.refreshed if refreshed else step.then, "waited")
