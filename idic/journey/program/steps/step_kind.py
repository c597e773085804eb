"""What a kind of step is: one row of ``STEP_KINDS``, which takes a step through all stages of a journey."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from idic.journey.definition.definition import (
    BranchDefinition,
    CallDefinition,
    EnterDefinition,
    Given,
    MomentDefinition,
    PatternDefinition,
    RepeatDefinition,
    StepDefinition,
    WaitForDefinition,
)
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.steps.step import Step
from idic.journey.program.steps.step_links import CommonFields, StepTargets, Transition
from idic.journey.program.values import Assignment, Condition, Moment, Pattern, Target
from idic.journey.yaml_source.nodes import Mapping as MappingNode
from idic.journey.yaml_source.nodes import Scalar
from idic.problems import Problems
from idic.schema_parts import Schema
from idic.times import Duration

T = TypeVar("T", bound=StepDefinition)
S = TypeVar("S", bound=Step)

Running = bool | Generator[Any, Any, bool]
"""Whether the enrollment moved on; a generator, if the driver has to be asked before that is known."""
Follow = Callable[[BranchDefinition | None, Target], Target]
"""Where a branch leads; where there is no branch, or it comes to its end: to the given target."""


class Look(NamedTuple):
    """How a step is drawn: ``icon`` as SVG on a square of 16, ``colors`` strong and light."""

    icon: str
    colors: tuple[str, str]


class StepContext(Protocol):
    """What the compiler offers while it compiles one step. ``label`` begins the message of each problem; ``fields`` are those
    that all steps have; ``within`` is for messages that name none; ``differentiates``: the journey has segments or values."""

    label: str
    fields: CommonFields
    targets: StepTargets
    problems: Problems
    within: Duration
    differentiates: bool

    def condition(self, text: Scalar | None) -> Condition | None:
        """A condition with its types."""

    def pattern(self, text: PatternDefinition) -> Pattern:
        """An event to match."""

    def moment(self, text: MomentDefinition) -> Moment | None:
        """A moment that a name holds."""

    def assigned(self, given: Given) -> tuple[Assignment, ...]:
        """Values for attributes and variables, each of which may read those before it."""

    def arms(self, text: WaitForDefinition) -> tuple[Any, ...]:
        """The arms of a wait_for."""

    def check_message(self, message: Scalar, channels: Sequence[Scalar]) -> None:
        """Reports a message that does not exist, or not for these channels."""

    def check_rounds(self, text: RepeatDefinition) -> None:
        """Reports too many rounds of repeats within repeats."""

    def call(self, text: CallDefinition) -> Any:
        """The compiled call of an endpoint."""

    def enter(self, text: EnterDefinition) -> Any:
        """The compiled entry into another journey."""


class StepRun(Protocol):
    """What the engine offers while an enrollment stands at a step. The first methods are for every kind; each of the others
    does what the kind of its name does."""

    now: datetime

    def passed_over(self, when: Condition | None, otherwise: Target) -> bool:
        """Whether the condition does not hold; then the enrollment has gone on to ``otherwise``."""

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds now."""

    def just_arrived(self) -> bool:
        """Whether the step has not stopped the enrollment yet."""

    def has_lasted(self, span: Duration) -> bool:
        """Whether the enrollment has stood here so long. If not, it is woken when it has."""

    def go_on(self, target: Target) -> None:
        """Goes on at the instant at which this step was reached."""

    def when_due(self, target: Target, kind: str) -> bool:
        """Goes on at the deadline of the step once that is past, and notes it as this ``kind`` of trace."""

    def note(self, kind: str, why: Mapping[str, Any] | None = None, *, at: datetime | None = None) -> None:
        """Adds to the trace."""

    def set_values(self, assigned: Sequence[Assignment]) -> None:
        """Sets attributes and variables."""

    def decide_again(self) -> None:
        """Decides values and segment again."""

    def exit(self, reason: str) -> None:
        """Ends the enrollment."""

    def wait(self, step: Any) -> Running:
        """Waits until the deadline, or for silence."""

    def wait_for(self, step: Any) -> Running:
        """Waits for the first of several events and conditions."""

    def choose(self, step: Any) -> None:
        """Takes the first branch that holds."""

    def split(self, step: Any) -> None:
        """Draws a share, and takes it."""

    def send(self, step: Any) -> Running:
        """Sends a message as far as the contact policy allows it."""

    def call(self, step: Any) -> bool:
        """Asks an endpoint, or takes its answer."""

    def repeat(self, step: Any) -> None:
        """Begins the next round, or goes on after the last."""

    def enter(self, step: Any) -> None:
        """Asks for entry into another journey."""


class StepKind(Generic[T, S]):
    """One row of ``STEP_KINDS``. Each kind has a subclass in a file of its own.

    A step passes its methods in this order: ``read`` from YAML, ``link`` and ``transitions`` to find what is known at each
    step, ``compile`` into the program, ``run`` for each enrollment.
    """

    keyword: ClassVar[str]
    """The key in the YAML, and ``kind`` in stored programs."""
    step: ClassVar[type[Any]]
    """The class of its steps in a program."""
    summary: ClassVar[str]
    """What it does, in a few words, for lists of the language."""
    other_names: ClassVar[Mapping[str, str]] = {}
    """What authors call it, each with what to write instead."""
    entries: ClassVar[tuple[str, ...]] = ()
    """Its entries that no other kind has, in the order of writing."""
    icon: ClassVar[str] = ""
    colors: ClassVar[tuple[str, str]] = ("#475569", "#f8fafc")
    mermaid_box: ClassVar[tuple[str, str]] = ('["', '"]')

    def read(self, reader: StepReader, node: MappingNode, kind: Scalar, id_: Scalar | None, label: str) -> T:
        """The step as written. ``kind`` is the keyword where it stands, ``label`` begins the message of each problem."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        raise NotImplementedError

    def link(self, text: T, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        """Where the step's own branches begin. ``name`` is the step's; ``after`` is what stands behind it in its list."""
        return ()

    def transitions(
        self, text: T, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """The transitions to the steps that can follow. ``entered_on`` are the events of the entry; ``uncertain`` are the
        names that this step sets only if their new value is known."""
        return [*self.skipped(text, name, targets), Transition(name, targets.then)]

    def skipped(self, text: T, name: str, targets: StepTargets) -> list[Transition]:
        """The transition past a step whose condition does not hold."""
        return [Transition(name, targets.otherwise)] if text.when is not None else []

    def compile(self, text: T, context: StepContext) -> S:
        """The step of the program."""
        raise NotImplementedError

    def run(self, step: S, move: StepRun) -> Running:
        """Does what the step asks for, if its condition holds. Says whether the enrollment moved on."""
        if not move.passed_over(step.when, step.otherwise):
            self.act(step, move)
        return True

    def act(self, step: S, move: StepRun) -> None:
        """Does what the step asks for, and goes on."""
        raise NotImplementedError

    def looks(self) -> dict[str, Look]:
        """How its steps are drawn, by the name of the look."""
        return {self.keyword: Look(self.icon, self.colors)}
