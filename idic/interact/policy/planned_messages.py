"""The message that a journey will ask for next, for the contact policy."""

from __future__ import annotations

from idic.interact.policy.touch_request import Coming
from idic.journey.engine.state import State
from idic.journey.program.program import Program
from idic.journey.program.steps import Send, Wait


def ahead(program: Program, state: State) -> Coming | None:
    """The message of marketing that an enrollment asks for at its deadline: one that is scheduled, put off, or follows a
    wait."""
    deadline, step = state.deadline, program.steps.get(state.step or "")
    if isinstance(step, Wait):
        step = program.steps.get(step.then.step or "")
    if state.ended is not None or deadline is None or not isinstance(step, Send) or program.purpose == "service":
        return None
    return Coming(deadline, program.journey, _wanting(step, state), program.topic)


def _wanting(step: Send, state: State) -> tuple[str, ...]:
    touches = state.touches.get(step.id, {})
    return tuple(c for c in step.channels if c not in touches or touches[c].status == "deferred")
