"""The step ``wait_for``: for the first of several events, or for a condition that comes true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import DONE, Condition, Pattern, Target
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


class WaitForKind(StepKind[WaitFor]):
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
