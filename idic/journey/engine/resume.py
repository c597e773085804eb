"""Release the messages that a pause held back.

Pure: the store's driver records what this decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from idic.journey.engine.scope import Facts
from idic.journey.engine.stagger import turn_of
from idic.journey.engine.state import State, Touched, Trace
from idic.journey.program.program import Program
from idic.journey.program.steps import Send

PAUSED = "paused"
"""The rule by which touches are deferred while their journey is paused."""
PAUSE = "the journey is paused"
_RESUMED = "resumed"
_IN_TIME = 0.9
"""The share of a message's remaining time that is used to spread held messages."""


class Released(NamedTuple):
    """``refused`` are the channels on which a message is not sent any more."""

    state: State
    trace: tuple[Trace, ...]
    refused: tuple[str, ...] = ()


def held(state: State) -> tuple[str, ...]:
    """The channels on which a pause holds the current step's messages."""
    touches = state.touches.get(state.step or "", {})
    return tuple(channel for channel, one in touches.items() if one.status == "deferred" and one.reason == PAUSED)


def release(program: Program, state: State, facts: Facts, now: datetime, spread: timedelta) -> Released | None:
    """What happens to an enrollment after a pause, as set by its program's ``late``; None if nothing is held.

    Late messages are spread over ``spread`` from ``now`` on, as far as their remaining time allows.
    """
    channels, step = held(state), program.steps.get(state.step or "")
    if not channels or not isinstance(step, Send):
        return None
    touches = state.touches[step.id]
    if program.late == "skip":
        settled = {channel: Touched(status="refused", at=now, reason=PAUSED) for channel in channels}
        trace = [
            Trace(
                now,
                "not sent",
                step.id,
                {"channel": one, "rule": PAUSED, "because": "it came due while the journey was paused"},
            )
            for one in channels
        ]
        kept = state.model_copy(update={"touches": {**state.touches, step.id: {**touches, **settled}}})
        return Released(kept, tuple(trace), channels)
    ready = {channel: Touched(status="deferred", at=now, reason=_RESUMED) for channel in channels}
    deliver_by = step.within.after(state.reached, facts.zone)
    turn = turn_of(state.enrollment, now, min(spread, max(deliver_by - now, timedelta()) * _IN_TIME))
    deadline = min(turn, state.deadline) if state.deadline else turn
    update = {"touches": {**state.touches, step.id: {**touches, **ready}}, "deadline": deadline}
    trace = [Trace(now, "resumed", step.id, {"channel": ", ".join(channels), "until": deadline})]
    return Released(state.model_copy(update=update), tuple(trace))
