"""A journey file as its author wrote it: every part and step with its place, nothing resolved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from idic.journey.definition.read_messages import MessageDefinition
from idic.journey.yaml_source.nodes import Node, Scalar
from idic.problems import Mark
from idic.times import Duration, Every, Hours, TimeOfDay

Mode = Literal["each", "first_of", "best_of"]
Given = tuple[tuple[Scalar, Scalar], ...]
"""Names, each with the expression of its value."""

_NOTHING = Duration()


@dataclass(frozen=True, slots=True, eq=False)
class BranchDefinition:
    """A branch: ``steps`` to take, or the ``reason`` of an exit. With neither, the customer goes on after the parent step."""

    mark: Mark
    steps: tuple[StepDefinition, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MomentDefinition:
    """``offset`` before or after the moment that a name holds. The name begins at ``start`` of the ``text``."""

    text: Scalar
    name: str
    start: int
    offset: Duration = _NOTHING
    before: bool = True
    at: TimeOfDay | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PatternDefinition:
    """An event to match. Only a wait_for has ``of``, ``since``, ``capture`` and ``then``."""

    on: Scalar
    when: Scalar | None = None
    any_key: bool = False
    of: Scalar | None = None
    since: Scalar | None = None
    capture: Scalar | None = None
    then: BranchDefinition | None = None


@dataclass(frozen=True, slots=True, eq=False)
class UntilDefinition:
    """A line of a wait_for that is taken when a condition on the customer becomes true."""

    until: Scalar
    then: BranchDefinition | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StepDefinition:
    """The common part of all steps.

    ``id`` is None where it is missing, which is reported already; ``mark`` is the place of the keyword.
    """

    id: Scalar | None
    mark: Mark
    when: Scalar | None = None
    then: BranchDefinition | None = None
    otherwise: BranchDefinition | None = None

    kind: ClassVar[str] = ""
    """The keyword of its kind."""
    waits: ClassVar[bool] = False
    """Whether it waits for some time, so that events can come meanwhile."""

    def own_branches(self) -> list[BranchDefinition | None]:
        """The branches besides ``then`` and ``otherwise``, in the order of the file."""
        return []

    def all_branches(self) -> list[BranchDefinition | None]:
        """Every branch, roughly in the order of the file."""
        return [*self.own_branches(), self.then, self.otherwise]

    def awaited(self) -> tuple[PatternDefinition, ...]:
        """The events that it waits for."""
        return ()

    def captures(self) -> Iterable[tuple[Scalar, str]]:
        """The names under which it captures an event, each with the name of the event."""
        return ()

    def assigned(self) -> Given:
        """The attributes and variables that it sets."""
        return ()

    def declares(self) -> Iterable[tuple[Scalar, str]]:
        """The names that it declares, each with what the name stands for."""
        yield from ((name, "a captured event") for name, _ in self.captures())
        yield from ((name, "a variable") for name, _ in self.assigned() if "." not in name.value)


@dataclass(frozen=True, slots=True, eq=False)
class WaitDefinition(StepDefinition):
    """A wait for a ``duration``, or ``until`` a time or moment. With ``without``, each such event starts it over."""

    duration: Duration = _NOTHING
    until: TimeOfDay | MomentDefinition | None = None
    without: PatternDefinition | None = None
    capture: Scalar | None = None

    kind: ClassVar[str] = "wait"
    waits: ClassVar[bool] = True

    def awaited(self) -> tuple[PatternDefinition, ...]:
        """The event without which it ends."""
        return () if self.without is None else (self.without,)

    def captures(self) -> Iterable[tuple[Scalar, str]]:
        """The newest event of its silence."""
        if self.without is not None and self.capture is not None:
            yield self.capture, self.without.on.value


@dataclass(frozen=True, slots=True, eq=False)
class WaitForDefinition(StepDefinition):
    """A wait for the first of several events or conditions, for ``within`` at most."""

    arms: tuple[PatternDefinition | UntilDefinition, ...] = ()
    within: Duration = _NOTHING

    kind: ClassVar[str] = "wait_for"
    waits: ClassVar[bool] = True

    def own_branches(self) -> list[BranchDefinition | None]:
        """Its lines. One line that waits for several events is as many arms, with one branch."""
        return list(dict.fromkeys(arm.then for arm in self.arms))

    def awaited(self) -> tuple[PatternDefinition, ...]:
        """The events of its arms."""
        return tuple(arm for arm in self.arms if isinstance(arm, PatternDefinition))

    def captures(self) -> Iterable[tuple[Scalar, str]]:
        """The events of its arms, as far as they have a name."""
        yield from ((arm.capture, arm.on.value) for arm in self.awaited() if arm.capture is not None)


@dataclass(frozen=True, slots=True, eq=False)
class ChooseDefinition(StepDefinition):
    """A choice of the first branch whose condition holds."""

    branches: tuple[tuple[Scalar, BranchDefinition], ...] = ()

    kind: ClassVar[str] = "choose"

    def own_branches(self) -> list[BranchDefinition | None]:
        """The branches to choose from."""
        return [branch for _, branch in self.branches]


@dataclass(frozen=True, slots=True, eq=False)
class SplitDefinition(StepDefinition):
    """A random split. Each share has a percentage and perhaps a branch."""

    shares: tuple[tuple[Scalar, int, BranchDefinition | None], ...] = ()

    kind: ClassVar[str] = "split"

    def own_branches(self) -> list[BranchDefinition | None]:
        """The branches of its shares."""
        return [branch for _, _, branch in self.shares]

    def declares(self) -> Iterable[tuple[Scalar, str]]:
        """Its id, by which its share is read."""
        if self.id is not None:
            yield self.id, "a split"


@dataclass(frozen=True, slots=True, eq=False)
class SendDefinition(StepDefinition):
    """The sending of a message on some channels."""

    message: Scalar | None = None
    channels: tuple[Scalar, ...] = ()
    mode: Mode = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration | None = None

    kind: ClassVar[str] = "send"


@dataclass(frozen=True, slots=True, eq=False)
class ExitDefinition(StepDefinition):
    """The end of the journey, for a ``reason``."""

    reason: str = ""

    kind: ClassVar[str] = "exit"


@dataclass(frozen=True, slots=True, eq=False)
class SetDefinition(StepDefinition):
    """The setting of customer attributes or variables."""

    assign: Given = ()

    kind: ClassVar[str] = "set"

    def assigned(self) -> Given:
        """The names that it sets, with their values."""
        return self.assign


@dataclass(frozen=True, slots=True, eq=False)
class CallDefinition(StepDefinition):
    """A call of an endpoint with ``given`` values; ``capture`` is the name of the answer."""

    endpoint: Scalar | None = None
    given: Given = ()
    capture: Scalar | None = None
    within: Duration | None = None

    kind: ClassVar[str] = "call"

    def declares(self) -> Iterable[tuple[Scalar, str]]:
        """The name of its answer."""
        if self.capture is not None:
            yield self.capture, "the answer of a call"


@dataclass(frozen=True, slots=True, eq=False)
class RepeatDefinition(StepDefinition):
    """The same steps several times, until a condition holds."""

    times: int = 1
    until: Scalar | None = None
    do: BranchDefinition | None = None

    kind: ClassVar[str] = "repeat"

    def own_branches(self) -> list[BranchDefinition | None]:
        """The steps of a round."""
        return [self.do]


@dataclass(frozen=True, slots=True, eq=False)
class EnterDefinition(StepDefinition):
    """The entry into another journey. ``given`` None: with the properties of this journey's own entry."""

    journey: Scalar | None = None
    given: Given | None = None

    kind: ClassVar[str] = "enter"


@dataclass(frozen=True, slots=True, eq=False)
class DifferentiateDefinition(StepDefinition):
    """The deciding of values and segment once more."""

    kind: ClassVar[str] = "differentiate"


@dataclass(frozen=True, slots=True, eq=False)
class EntryDefinition:
    """Who enters, and when.

    Exactly one is given: ``on`` events, ``every`` so often, ``once``, or on a ``day`` of each customer's own; ``timed``
    says that it is not ``on``. ``once``, ``starts`` and ``ends`` are wall times of the vocabulary's zone, stored as if they
    were UTC. ``again`` None stands for the default of that kind of entry.
    """

    on: tuple[PatternDefinition, ...] = ()
    for_each: Scalar | None = None
    every: Every | None = None
    once: datetime | None = None
    day: MomentDefinition | None = None
    yearly: bool = False
    when: Scalar | None = None
    key: Scalar | None = None
    again: Literal["never", "always"] | Duration | None = None
    while_in: Literal["ignore", "restart"] = "ignore"
    starts: datetime | None = None
    ends: datetime | None = None
    at_most: int | None = None
    testers: bool = False
    timed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class GoalDefinition:
    """The events that make the journey a success; ``value`` is what reaching it is worth."""

    on: tuple[PatternDefinition, ...]
    within: Duration | None = None
    value: Scalar | None = None
    then: Literal["leave", "continue"] = "leave"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A whole journey file."""

    name: Scalar
    title: Scalar | None
    purpose: Literal["marketing", "service"]
    topic: Scalar | None
    late: Literal["send", "skip"]
    entry: EntryDefinition
    values: Given
    segments: tuple[tuple[Scalar, Scalar | None], ...]
    steps: tuple[StepDefinition, ...]
    goal: GoalDefinition | None
    leave: tuple[PatternDefinition, ...]
    messages: tuple[MessageDefinition, ...]
    policy: Node | None = None
    sender: Scalar | None = None


def every_step(steps: tuple[StepDefinition, ...]) -> list[StepDefinition]:
    """The steps and those in their branches, in the order of the file."""
    in_order: list[StepDefinition] = []
    for step in steps:
        in_order.append(step)
        for branch in step.all_branches():
            if branch is not None:
                in_order += every_step(branch.steps)
    return in_order
