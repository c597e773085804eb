"""Run the steps that wait: for a time, for silence, for events, for a condition."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from idic.journey.engine.deadlines import deadline_of
from idic.journey.engine.match_event import attribute_named, attributes_read, concerns
from idic.journey.engine.move import Move, because, latest_place
from idic.journey.engine.passing_time import holds_from
from idic.journey.engine.protocol import Ahead, Ask, Inbox
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Event
from idic.journey.expressions.evaluate import holds
from idic.journey.program.steps import Arm, Wait, WaitFor
from idic.journey.program.values import Moment, Pattern


def follow_moment(move: Move, step: Wait) -> bool:
    """Follows a moment that the customer's data has, if it has changed. Says whether the wait ended for that."""
    if not isinstance(step.until, Moment) or not attribute_named(step.until.name):
        return False
    moment = deadline_of(step, move.state.reached, move.scope(), move.state)
    if moment == move.state.deadline:
        return False
    if moment is None or moment < move.state.reached:
        move.note("passed over", because=partial(move.no_moment, step, moment), at=move.now)
        move.go(step.otherwise, move.now)
        return True
    if moment < move.now:
        # It lies within the wait, as is known only now.
        move.note("waited", at=move.now)
        move.go(step.then, move.now)
        return True
    move.change(deadline=moment)
    move.note("moved", {"because": f"{step.until.name} changed", "until": moment}, at=move.now)
    return False


def wait_for_silence(move: Move, step: Wait) -> Generator[Ask, Any, bool]:
    """Waits until ``duration`` has passed without the event; each event starts the wait over."""
    pattern = step.without
    assert pattern is not None
    if step.capture and step.capture not in move.state.captured and _began(move, pattern):
        # The newest such event so far is the one that began the enrollment, or the request that stood for it. The
        # compiler relies on it.
        move.change(captured={**move.state.captured, step.capture: move.state.entry})
    events: Sequence[Event] = yield Inbox(step.listens, move.state.reached)
    for event in events:
        if not _unseen(move, event) or event.accepted_at > min(move.deadline(), move.now):
            continue
        if _takes(move, pattern, event):
            move.change(
                deadline=deadline_of(step, event.accepted_at, move.scope(), move.state), consumed=latest_place(move, event)
            )
            if step.capture:
                move.change(captured={**move.state.captured, step.capture: event})
            move.note("starts over", {"event": event.name, "until": move.state.deadline}, at=event.accepted_at)
        move.change(seen=event.place)
    return move.when_due(step.then, "silence")


def _began(move: Move, pattern: Pattern) -> bool:
    return move.state.entry.name == pattern.on or all(entry.on == pattern.on for entry in move.program.entry.on)


def wait_for(move: Move, step: WaitFor) -> Generator[Ask, Any, bool]:
    """Waits for the first of its events and conditions. Says whether the enrollment moved on."""
    if unsent := move.unsent(step):
        move.note("skipped", {"because": f"{', '.join(unsent)} was not sent"})
        move.go(step.otherwise, move.state.reached)
        return True
    ends = move.state.ends or move.deadline()
    happened = yield from _first_event(move, step, ends)
    came_true = (yield from _first_truth(move, step, ends)) if step.untils else None
    # The first to happen wins; of two in the same instant, the first in the list.
    if happened is not None and (came_true is None or (happened[0], happened[1]) <= (came_true[0], came_true[1])):
        _, index, event = happened
        _take(move, step, step.arms[index], event)
        return True
    if came_true is not None and came_true[0] <= min(ends, move.now):
        at, index, facts = came_true
        until = step.arms[index].until
        assert until is not None
        move.note("came true", because=because(until, Scope(move.program, facts, at, move.state)), at=at)
        move.go(step.arms[index].then, at)
        return True
    if step.untils:
        move.change(ends=ends, deadline=came_true[0] if came_true is not None else ends)
    if move.now < ends:
        return False
    move.change(expired=(*(name for name in move.state.expired if name != step.id), step.id))
    return move.when_due(step.otherwise, "timed out")


def _first_event(move: Move, step: WaitFor, ends: datetime) -> Generator[Ask, Any, tuple[datetime, int, Event] | None]:
    """The first event that an arm takes: when it was accepted, the number of the arm, and the event."""
    if not step.listens:
        return None
    since = [_since(move, arm) for arm in step.arms]
    earliest = min((instant for instant, _ in since if instant is not None), default=move.state.reached)
    events: Sequence[Event] = yield Inbox(step.listens, earliest)
    for event in events:
        if event.accepted_at > min(ends, move.now):
            break
        for index, (arm, (instant, after)) in enumerate(zip(step.arms, since, strict=True)):
            if arm.pattern is None or instant is None or event.accepted_at < instant or event.place <= after:
                continue
            if event.place <= move.state.seen and arm.since == "wait":
                continue
            if _takes(move, arm.pattern, event):
                return max(move.state.reached, event.accepted_at), index, event
        if _unseen(move, event):
            move.change(seen=event.place)
    return None


def _takes(move: Move, pattern: Pattern, event: Event) -> bool:
    return concerns(pattern, move.state, event) and (pattern.when is None or holds(pattern.when, move.scope(event)))


def _first_truth(move: Move, step: WaitFor, ends: datetime) -> Generator[Ask, Any, tuple[datetime, int, Facts] | None]:
    """When one of the conditions first holds until ``ends``, its number, and what is known of the customer then. It looks
    from now on, or from the beginning if nobody has looked yet."""
    looked = move.state.ends is not None
    since = move.state.reached if not looked else min(move.now, move.deadline())
    read = {name for _, condition in step.untils for name in attributes_read(condition)}
    counted = tuple(sorted(read & {name for name, _, _ in move.program.computed}))
    known: Sequence[tuple[datetime, Facts]] = [(since, move.facts)]
    if counted:
        told = yield Ahead(counted, since, max(since, ends))
        # The driver knows nothing yet of what this very move has set.
        known = [(at, facts._replace(customer={**facts.customer, **move.learnt})) for at, facts in told]
    return holds_from(step.untils, known, ends, lambda facts, at: Scope(move.program, facts, at, move.state))


def _since(move: Move, arm: Arm) -> tuple[datetime | None, tuple[datetime, int]]:
    """The instant from which this arm's events count, and the place after which; (None, …) if none can come."""
    entry = move.state.entry.place
    match arm.since:
        case "wait":
            return move.state.reached, move.state.consumed
        case "entry":
            return move.state.entered_at, entry
        case "sent":
            # A customer who clicks has the message, even if its sending is not recorded here yet.
            of = (arm.pattern.of if arm.pattern else None) or ""
            return move.state.began.get(of) if move.sent_at(of) else None, entry
        case step:
            return move.state.began.get(step, move.state.reached), entry


def _take(move: Move, step: WaitFor, arm: Arm, event: Event) -> None:
    at = max(move.state.reached, event.accepted_at)
    when = arm.pattern.when if arm.pattern else None
    move.note("happened", {"event": event.name}, because=because(when, move.scope(event)), at=at)
    move.change(consumed=latest_place(move, event))
    if arm.capture:
        move.change(captured={**move.state.captured, arm.capture: event})
    move.go(arm.then, at)


def _unseen(move: Move, event: Event) -> bool:
    return event.place > move.state.seen and event.accepted_at >= move.state.reached
