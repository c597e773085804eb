"""A journey file as its author wrote it: every part and step in its shape, each with its place, nothing resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from idic.journey.definition.read_messages import MessageText
from idic.journey.yaml_source.nodes import Node, Scalar
from idic.problems import Mark
from idic.times import Duration, Every, Hours, TimeOfDay

Mode = Literal["each", "first_of", "best_of"]
Given = tuple[tuple[Scalar, Scalar], ...]
"""Names, each with the expression of its value."""

_NOTHING = Duration()


@dataclass(frozen=True, slots=True, eq=False)
class BranchText:
    """``steps`` to take, or the ``reason`` of an exit; neither: go on after the parent."""

    mark: Mark
    steps: tuple[StepText, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MomentText:
    """``offset`` before or after the moment that a name holds; the name begins at ``start`` of the ``text``."""

    text: Scalar
    name: str
    start: int
    offset: Duration = _NOTHING
    before: bool = True
    at: TimeOfDay | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PatternText:
    """An event to match, as written; ``of``, ``since``, ``capture`` and ``then`` only in a wait_for."""

    on: Scalar
    when: Scalar | None = None
    any_key: bool = False
    of: Scalar | None = None
    since: Scalar | None = None
    capture: Scalar | None = None
    then: BranchText | None = None


@dataclass(frozen=True, slots=True, eq=False)
class UntilText:
    """A line of a wait_for that is taken when a condition on the customer comes true."""

    until: Scalar
    then: BranchText | None = None


@dataclass(frozen=True, slots=True, eq=False)
class StepText:
    """What every step has. ``id`` None: it is missing, which has been told; ``mark`` is the word that says its kind."""

    id: Scalar | None
    mark: Mark
    when: Scalar | None = None
    then: BranchText | None = None
    otherwise: BranchText | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WaitText(StepText):
    duration: Duration = _NOTHING
    until: TimeOfDay | MomentText | None = None
    without: PatternText | None = None
    capture: Scalar | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WaitForText(StepText):
    arms: tuple[PatternText | UntilText, ...] = ()
    within: Duration = _NOTHING

    @property
    def events(self) -> tuple[PatternText, ...]:
        return tuple(arm for arm in self.arms if isinstance(arm, PatternText))


@dataclass(frozen=True, slots=True, eq=False)
class ChooseText(StepText):
    branches: tuple[tuple[Scalar, BranchText], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SplitText(StepText):
    shares: tuple[tuple[Scalar, int, BranchText | None], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SendText(StepText):
    message: Scalar | None = None
    channels: tuple[Scalar, ...] = ()
    mode: Mode = "each"
    at: Hours | Literal["best time"] | None = None
    within: Duration | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExitText(StepText):
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SetText(StepText):
    assign: Given = ()


@dataclass(frozen=True, slots=True, eq=False)
class CallText(StepText):
    endpoint: Scalar | None = None
    given: Given = ()
    capture: Scalar | None = None
    within: Duration | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RepeatText(StepText):
    times: int = 1
    until: Scalar | None = None
    do: BranchText | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EnterText(StepText):
    """``given`` None: what this enrollment was entered with."""

    journey: Scalar | None = None
    given: Given | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DifferentiateText(StepText):
    pass


@dataclass(frozen=True, slots=True, eq=False)
class EntryText:
    """``on`` events, ``every`` so often, ``once`` or on a ``day`` of each customer's own: one of them, and ``timed`` says that
    it is not the first. ``once``, ``starts`` and ``ends`` are wall times of the vocabulary's zone, written down as if they
    were of UTC. ``again`` None: as is usual for the kind."""

    on: tuple[PatternText, ...] = ()
    for_each: Scalar | None = None
    every: Every | None = None
    once: datetime | None = None
    day: MomentText | None = None
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
class GoalText:
    on: tuple[PatternText, ...]
    within: Duration | None = None
    value: Scalar | None = None
    then: Literal["leave", "continue"] = "leave"


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    name: Scalar
    title: Scalar | None
    purpose: Literal["marketing", "service"]
    topic: Scalar | None
    late: Literal["send", "skip"]
    entry: EntryText
    values: Given
    segments: tuple[tuple[Scalar, Scalar | None], ...]
    steps: tuple[StepText, ...]
    goal: GoalText | None
    leave: tuple[PatternText, ...]
    messages: tuple[MessageText, ...]
    policy: Node | None = None
    sender: Scalar | None = None


def branches(step: StepText) -> list[BranchText | None]:
    """Every branch of a step, in the order in which the file has them as far as that matters."""
    match step:
        case WaitForText(arms=arms):
            # One line that waits for several events is as many arms, with one branch.
            inner: list[BranchText | None] = list(dict.fromkeys(arm.then for arm in arms))
        case ChooseText(branches=chosen):
            inner = [branch for _, branch in chosen]
        case SplitText(shares=shares):
            inner = [branch for _, _, branch in shares]
        case RepeatText(do=do):
            inner = [do]
        case _:
            inner = []
    return [*inner, step.then, step.otherwise]


def every_step(steps: tuple[StepText, ...]) -> list[StepText]:
    """The steps and those in their branches, in the order of the file."""
    found: list[StepText] = []
    for step in steps:
        found.append(step)
        for branch in branches(step):
            if branch is not None:
                found += every_step(branch.steps)
    return found
