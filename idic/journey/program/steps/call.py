"""The step ``call``: asks a service, and waits for its answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from idic.journey.definition.definition import CallDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import AS, BOTH, WITH, step_schema
from idic.journey.program.values import Assignment, Condition, Endpoint
from idic.journey.yaml_source.nodes import Mapping, Scalar
from idic.schema_parts import Schema, duration, text
from idic.times import Duration


class Call(Step):
    """``given`` is what is sent, ``capture`` the name of what comes back. No answer ``within`` this time, or one that is not
    what the endpoint ``gives``: ``otherwise``."""

    kind: Literal["call"] = "call"
    endpoint: Endpoint
    given: tuple[Assignment, ...] = ()
    capture: str | None = None
    within: Duration

    stops: ClassVar[bool] = True

    def ways(self) -> Iterator[Way]:
        """On with an answer, otherwise without one."""
        yield Way("answered", self.then)
        yield Way("otherwise: no answer", self.otherwise)

    def longest(self) -> timedelta:
        """How long the answer may take."""
        return nominal(self.within)

    def own_conditions(self) -> Iterator[Condition]:
        """The expressions of what is sent."""
        return (assignment.value for assignment in self.given)

    def called_endpoint(self) -> Endpoint:
        """The service."""
        return self.endpoint

    def describe(self) -> Description:
        """``call stock``, ``sku = entry.sku``"""
        given = phrases.assignments(self.given)
        notes = (*self._if(), *given, f"within {self.within}", *phrases.captured(self.capture))
        return Description(f"call {self.endpoint.name}", notes)


class CallKind(StepKind[CallDefinition, Call]):
    """The row of ``call``."""

    keyword = "call"
    step = Call
    summary = "ask an endpoint; with, as, within"
    icon = '<path d="M5.5 1v4M10.5 1v4M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0ZM8 12v3"/>'

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> CallDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("call", "with", "as", "within", "then", "otherwise"))
        example = "write with: {sku: entry.sku}"
        return CallDefinition(
            *reader.common(fields, id_, kind),
            endpoint=reader.shapes.text(fields.get("call"), f"{label}: call"),
            given=reader.given(fields["with"], f"{label}: with", example) if "with" in fields else (),
            capture=reader.events.capture(fields.get("as")),
            within=reader.shapes.duration(fields.get("within"), f"{label}: within"),
        )

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        within = duration("How long it is tried. Default: 10 minutes.", "10 minutes")
        more = {"with": WITH, **AS, "within": within, **BOTH}
        return step_schema("call", "Call", "An endpoint, by its name in vocabulary.yaml.", text(examples=["stock"]), more)

    def transitions(
        self, text: CallDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """One with an answer, one without."""
        answer = frozenset({text.capture.value}) if text.capture else frozenset[str]()
        return [Transition(name, targets.then, answer), Transition(name, targets.otherwise)]

    def compile(self, text: CallDefinition, context: StepContext) -> Call:
        """The step of the program."""
        call: Call = context.call(text)
        return call

    def run(self, step: Call, move: StepRun) -> bool:
        """Asks, or takes the answer; its condition counts only before it has asked."""
        return move.call(step)
