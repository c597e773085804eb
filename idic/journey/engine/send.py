"""Run the step ``send``: at its hour, by its channels, if the contact policy allows it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC
from typing import Any, assert_never

from idic.journey.engine.move import NOT_SENT, SETTLED, WENT, Move, settled
from idic.journey.engine.protocol import Allow, Ask, Best, BestTime, Claim, Defer, MayWe, Ranked, Skip, Timed, Verdict
from idic.journey.engine.state import Touched
from idic.journey.expressions.evaluate import explain, holds
from idic.journey.program.shares import hash_percent
from idic.journey.program.steps import Send
from idic.times import Hours


def send(move: Move, step: Send) -> Generator[Ask, Any, bool]:
    """Claims the touches of a send, and goes on when all of them are settled. Says whether the enrollment moved on."""
    touches = move.state.touches.get(step.id, {})
    early = move.state.deadline is not None and move.now < move.state.deadline
    if not touches and early:
        return False  # it waits for its sending hour
    wanting = [c for c in step.channels if c not in touches or touches[c].status == "deferred"]
    only_one = step.mode != "each"
    if only_one and touches and any(touch.status not in NOT_SENT for touch in touches.values()):
        wanting = []  # one channel is enough, and its message is on its way or sent
    if early:
        # A deferred touch waits for its time. If it was deferred when it was about to leave, the other channels wait too.
        wanting = [c for c in wanting if only_one and c not in touches]
    if wanting and step.at is not None and (yield from _not_yet(move, step)):
        return False
    if wanting:
        if step.mode == "best_of" and len(wanting) > 1:
            ranked: Ranked = yield Best(step.id, tuple(wanting), move.now, _draw(move, step, "channel"))
            of, wanting = ", ".join(wanting), list(ranked.channels)
            why = {"channels": of, "best": wanting[0], "because": ranked.because}
            move.note("best", why | _kept(dict(ranked.odds), ranked.explored), at=move.now)
        yield from _claim(move, step, wanting, only_one)
        touches = move.state.touches.get(step.id, {})
    if any(touch.status not in SETTLED for touch in touches.values()):
        return False
    went = any(touch.status in WENT for touch in touches.values())
    settled_at = max(touch.at for touch in touches.values())
    move.go(step.then if went else step.otherwise, max(move.state.reached, settled_at))
    return True


def _not_yet(move: Move, step: Send) -> Generator[Ask, Any, bool]:
    """Whether the send has to wait for its hour. It does not wait for an hour after the last instant to leave."""
    now = max(move.state.reached, move.now)
    latest = step.within.after(move.state.reached, move.facts.zone)
    because = str(step.at)
    kept: dict[str, Any] = {}
    match step.at:
        case Hours() as hours:
            hour = hours.next(now, move.facts.zone)
        case "best time" if move.state.deadline is None and not move.state.touches.get(step.id) and now < latest:
            timed: Timed = yield BestTime(step.id, now, latest, _draw(move, step, "hour"))
            hour, because = timed.at, timed.because
            kept = _kept(timed.odds, timed.explored)
            if hour <= now:
                move.note("its hour", {"because": because} | kept, at=now)
        case _:
            return False
    if hour <= now or hour > latest:
        return False
    move.change(deadline=hour)
    move.note("scheduled", {"because": because, "until": hour} | kept, at=now)
    return True


def _draw(move: Move, step: Send, what: str) -> float:
    """A number in [0, 1) that is always the same for this choice."""
    state = move.state
    of = (state.customer, move.program.journey, state.entered_at.astimezone(UTC).isoformat(), state.key or "")
    return hash_percent(*of, step.id, str(move.round(step)), what) / 100


def _kept(odds: object, explored: bool) -> dict[str, Any]:
    return ({"odds": odds} if odds else {}) | ({"explored": True} if explored else {})


def _claim(move: Move, step: Send, channels: list[str], only_one: bool) -> Generator[Ask, Any, None]:
    """Asks for each channel, in this order, whether the touch may be claimed; with ``only_one`` until one may. A deferred
    touch is asked for again at its time."""
    deliver_by = step.within.after(move.state.reached, move.facts.zone)
    asked_at = move.state.deadline or move.state.reached
    scope = move.scope()
    deferrals = []
    if asked_at > move.now:
        deferrals.append(asked_at)
        asked_at = move.now
    closed = isinstance(step.at, Hours) and step.at.next(move.now, move.facts.zone) > move.now
    for channel in channels:
        verdict: Verdict
        if move.now > deliver_by or closed:
            verdict = Skip("too late", f"within {step.within}" + (f", at {step.at}" if closed else ""))
        elif step.when is not None and not holds(step.when, scope):
            verdict = Skip("condition", explain(step.when, scope))
        else:
            verdict = yield MayWe(step.id, channel, step.message, deliver_by, move.state.enrollment, move.state.entry)
            if isinstance(verdict, Defer) and verdict.until > deliver_by:
                move.note("deferred", {**_said(channel, verdict), "until": verdict.until}, at=move.now)
                verdict = Skip("too late", f"within {step.within}")
        match verdict:
            case Allow():
                touched = Touched.made(status="claimed", at=move.now)
                move.claims.append(Claim(step.id, channel, step.message, deliver_by, move.round(step)))
                move.note("claimed", {"channel": channel, "message": step.message}, at=move.now)
            case Defer(until=until, rule=rule):
                touched = Touched.made(status="deferred", at=move.now, reason=rule)
                deferrals.append(until)
                move.note("deferred", {**_said(channel, verdict), "until": until}, at=move.now)
            case Skip(rule=rule):
                touched = Touched.made(status="refused", at=asked_at, reason=rule)
                move.note("not sent", _said(channel, verdict), at=asked_at)
            case _:
                assert_never(verdict)
        move.change(touches=settled(move.state, step.id, channel, touched))
        if only_one and touched.status == "claimed":
            # The deferred channels are asked again only if this one fails.
            deferrals.clear()
            touches = move.state.touches[step.id]
            if any(touch.status == "deferred" for touch in touches.values()):
                kept = {c: t for c, t in touches.items() if t.status != "deferred"}
                move.change(touches={**move.state.touches, step.id: kept})
            break
    if deferrals or move.state.deadline is not None:
        move.change(deadline=min(deferrals, default=None))


def _said(channel: str, verdict: Defer | Skip) -> dict[str, Any]:
    return {"channel": channel, "rule": verdict.rule, "because": verdict.reason}
