"""The step ``call``: asks a service, and waits for its answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar, Literal

from idic.journey.program import phrases
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way, nominal
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.values import Assignment, Condition, Endpoint
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


class CallKind(StepKind[Call]):
    """The row of ``call``."""

    keyword = "call"
    step = Call
    summary = "ask an endpoint; with, as, within"
    icon = '<path d="M5.5 1v4M10.5 1v4M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0ZM8 12v3"/>'
