"""Work out an enrollment's next instruction from its row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from idic.clock import Clock
from idic.journey.engine.state import State
from idic.router.instruction import Delivery, Instruction, brief
from idic.router.runtime import WORK, Runtime
from idic.store.database import Tx
from idic.store.enrollment import endpoint_calls, touches
from idic.store.enrollment.enrollments import Enrollment


async def instruct(tx: Tx, runtime: Runtime, enrollment: Enrollment) -> Instruction:
    """What an enrollment's workflow does next, by its row alone."""
    state: State = enrollment.state
    if state.ended is not None:
        return Instruction(enrollment.seq)
    claimed = {
        touches.touch_id(enrollment.id, step, state.rounds.get(step, 1), channel): (step, channel)
        for step, channels in state.touches.items()
        for channel, touched in channels.items()
        if touched.status in ("claimed", "attempting")
    }
    # Where another account can stand in for the first, the touch itself says which account it is for.
    several = [touch for touch, (_, channel) in claimed.items() if len(runtime.accounts[channel]) > 1]
    chosen = await touches.accounts(tx, several) if several else {}
    waiting = [
        Delivery(
            touch=touch,
            queue=f"deliver-{_account(chosen.get(touch), runtime.accounts[channel])}",
            patience=runtime.patience,
            label=f"{brief(step)} by {channel}",
        )
        for touch, (step, channel) in claimed.items()
    ]
    waiting += [
        Delivery(
            touch=endpoint_calls.call_id(enrollment.id, step, state.rounds.get(step, 1)),
            queue=WORK,
            patience=runtime.patience,
            label=f"{brief(step)} calls",
            activity="call",
        )
        for step, called in state.calls.items()
        if called.status == "asked"
    ]
    if waiting:
        return Instruction(enrollment.seq, deliver=waiting)
    deadline = state.deadline or tx.now()
    return Instruction(enrollment.seq, until=_seconds(tx.clock, deadline), step=brief(state.step or ""))


def _account(chosen: str | None, accounts: Sequence[str]) -> str:
    return chosen if chosen is not None and chosen in accounts else accounts[0]


def _seconds(clock: Clock, instant: datetime) -> float:
    return round(clock.real(instant).timestamp(), 3)
