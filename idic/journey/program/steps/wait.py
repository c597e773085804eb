"""The step ``wait``: for some time, until a moment, or for silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import ClassVar, Literal

from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Condition, Moment, Pattern
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


class WaitKind(StepKind[Wait]):
    """The row of ``wait``."""

    keyword = "wait"
    step = Wait
    summary = "for a time, until a time of day or a moment; without: EVENT for silence"
    other_names: ClassVar = {"delay": "wait:", "sleep": "wait:"}
    icon = '<circle cx="8" cy="8" r="6.5"/><path d="M8 4v4.3l2.8 1.7"/>'
    colors = ("#b45309", "#fffbeb")
    mermaid_box = ('("', '")')
