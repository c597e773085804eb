"""Move an enrollment from one program to another.

Pure: the store's driver records what this decides. A wait goes on as if it had always been the new one: its end is counted
from its beginning. Messages are not sent again, splits keep their share, and captured events stay. The old program has judged
the events until now; of those, only the ones count again that a ``since:`` looks back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from idic.journey.engine.deadlines import deadline_of
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.stagger import turn_of
from idic.journey.engine.state import State, Touched, Trace
from idic.journey.expressions.evaluate import holds, value
from idic.journey.program.flow import steps_of_round
from idic.journey.program.program import Program
from idic.journey.program.shares import draw_share
from idic.journey.program.steps import Repeat, Send, Split, Step, Wait, WaitFor
from idic.journey.program.values import Moment, Target
from idic.problems import did_you_mean, one_of

EXIT = "exit"
STAY = "stay"
MIGRATED = "migrated"
"""The reason of what a migration ends."""

Map = Mapping[str, Target | None]
"""By the id of a step of an earlier program: the step to move to; None: stay in the earlier program."""


class Moves(NamedTuple):
    """The enrollment moves to the new program with this ``state``.

    ``arrives`` is the step that it has yet to reach. ``given_back`` and ``dropped`` are claimed or deferred touches, by
    step and channel: the former are requested again, the latter aren't sent. ``overdue``: its wait is already over in the
    new program.
    """

    state: State
    trace: tuple[Trace, ...] = ()
    arrives: str | None = None
    given_back: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    overdue: bool = False


class Stays(NamedTuple):
    """Stays in its program, as the map says."""


class Exits(NamedTuple):
    """Ends now, as the map says."""


class NotNow(NamedTuple):
    """A message or a call is in progress: try again once its result is known."""


class Unmapped(NamedTuple):
    """The map does not say where customers at this step go."""

    step: str


Verdict = Moves | Stays | Exits | NotNow | Unmapped


class Changing(NamedTuple):
    """A changed journey: the step ids of its earlier programs, and the new program."""

    former: frozenset[str]
    program: Program


def read_maps(texts: Iterable[str], journeys: Mapping[str, Changing]) -> dict[str, dict[str, Target | None]]:
    """Read ``old=new``, ``old=exit`` or ``old=stay``, for every journey with this step or for one (``journey.old=…``).

    Returns a map for each journey. Raises ``ValueError`` whose text says what to write instead.
    """
    found: dict[str, dict[str, Target | None]] = {name: {} for name in journeys}
    for text in texts:
        named, equals, new = (part.strip() for part in text.partition("="))
        journey, _, old = named.rpartition(".")
        if not (old and equals and new):
            raise ValueError(f'"{text}" is not old=new: write the id of a step before the =, and a step, exit or stay after it')
        if journey and journey not in journeys:
            raise ValueError(f'{text}: no journey "{journey}" is changed{_hint(journey, journeys)}')
        among = [journey] if journey else list(journeys)
        having = [name for name in among if old in journeys[name].former]
        if not having:
            known = sorted({step for name in among for step in journeys[name].former})
            raise ValueError(f'{text}: no former program has a step "{old}"{_hint(old, known)}')
        for name in having:
            if old in found[name]:
                raise ValueError(f'{text}: "{old}" is mapped twice')
            found[name][old] = _read_target(text, new, journeys[name].program)
    return found


def _read_target(text: str, new: str, program: Program) -> Target | None:
    if new in program.steps:
        return Target(step=new)
    if new not in (EXIT, STAY):
        hint = _hint(new, [*program.steps, EXIT, STAY])
        raise ValueError(f'{text}: "{program.journey}" as it is to be has no step "{new}"{hint}')
    return Target(exit=MIGRATED) if new == EXIT else None


def _hint(wrong: str, known: Iterable[str]) -> str:
    names = list(known)
    return f"; {did_you_mean(wrong, names) or 'there is ' + one_of(names, 'and')}" if names else ""


def fits(old: Step, new: Step | None) -> bool:
    """Whether customers at ``old`` continue at the step with the same id, without an entry in the map."""
    return new is not None and old.kind == new.kind


def migrate(
    old: Program, new: Program, state: State, mapping: Map, facts: Facts, now: datetime, spread: timedelta, *, under_way: bool
) -> Verdict:
    """Where an open enrollment of ``old`` goes in ``new``.

    ``facts`` are what ``new`` reads of the customer; ``under_way``: a message of this enrollment is being sent. Overdue
    enrollments are spread over ``spread`` from ``now`` on, each at a place that stays the same.
    """
    here = state.step
    if state.ended is not None or here is None:
        raise ValueError("only an open enrollment can be moved")
    if old.flow == new.flow:
        return Moves(state, (Trace(now, "reworded", here, {"program": new.id[:8]}),))
    if here in mapping:
        target = mapping[here]
        if target is None:
            return Stays()
    elif fits(old.steps[here], new.steps.get(here)):
        target = Target(step=here)
    else:
        return Unmapped(here)
    if under_way or any(called.status == "asked" for called in state.calls.values()):
        return NotNow()
    if target.step is None:
        return Exits()
    note = Trace(now, "migrated", here, {"program": new.id[:8], "from": old.id[:8], "to": target.step})
    move = _Moving(old, new, state, _renamed(old, new, state, mapping), facts, now)
    return move.to(target.step, spread, note)


def _renamed(old: Program, new: Program, state: State, mapping: Map) -> dict[str, str]:
    """The remembered steps that only changed their name.

    Such a step is mapped, no longer exists itself, and its target is a new step of its kind. If the new program returns to
    an earlier name, the map applies backwards without being given.
    """
    remembered = {*state.began, *state.touches, *state.calls, *state.rounds, *state.loops, *state.splits, *state.expired}

    def only_named_anew(before: str, after: str) -> bool:
        gone, fresh = before not in new.steps, after not in old.steps and after not in remembered
        if not (before in remembered and gone and fresh):
            return False
        return before not in old.steps or _alike(old.steps[before], new.steps[after])

    back = [(now, then) for then, now in sorted(state.formerly.items()) if then in new.steps]
    said = [(name, target.step) for name, target in mapping.items() if target is not None and target.step]
    # Of several that become one step, that is the one where somebody stands, or else was last: of the others was never
    # said that they are the same, and whoever was sent one of them has not been sent the other.
    newest = sorted(said, key=lambda pair: (pair[0] == state.step, state.began.get(pair[0], state.entered_at)))
    by_target = {after: before for before, after in (*back, *newest) if only_named_anew(before, after)}
    return {before: after for after, before in by_target.items()}


def _alike(old: Step, new: Step) -> bool:
    waits = Wait | WaitFor
    return old.kind == new.kind or (isinstance(old, waits) and isinstance(new, waits))


class _Moving:
    def __init__(
        self, old: Program, new: Program, state: State, renamed: Mapping[str, str], facts: Facts, now: datetime
    ) -> None:
        self.old = old
        self.new = new
        self.state = state
        self.renamed = renamed
        self.facts = facts
        self.now = now
        self.given_back: list[tuple[str, str]] = []
        self.dropped: list[tuple[str, str]] = []

    def change(self, **fields: Any) -> None:
        self.state = self.state.model_copy(update=fields)

    def to(self, name: str, spread: timedelta, note: Trace) -> Moves:
        before, after = self.old.steps[self.state.step or ""], self.new.steps[name]
        self._take_touches_back(before, after)
        self._take_over(name)
        sends = isinstance(before, Send) and isinstance(after, Send) and self._name(before.id) == name
        waiting = isinstance(before, Wait | WaitFor)
        if isinstance(after, Wait | WaitFor) and waiting and (end := self._end(after)) is not None:
            overdue = end <= self.now
            self._wait(after, end, turn_of(self.state.enrollment, self.now, spread) if overdue else end)
            return self._moves(note, overdue=overdue)
        if sends:
            held = self.state.touches.get(name, {}).values()
            # A sending hour, or the claim of a returned touch, is requested again.
            if not any(touch.status == "deferred" and touch.reason != MIGRATED for touch in held):
                self.change(deadline=None)
            self.change(step=name)
            return self._moves(note)
        return self._moves(note, arrives=name)

    def _moves(self, note: Trace, *, arrives: str | None = None, overdue: bool = False) -> Moves:
        return Moves(self.state, (note,), arrives, tuple(self.given_back), tuple(self.dropped), overdue)

    def _end(self, step: Wait | WaitFor) -> datetime | None:
        silent = isinstance(step, Wait) and step.without is not None
        since = max(self.state.reached, self.state.consumed[0]) if silent else self.state.reached
        return deadline_of(step, since, Scope(self.new, self.facts, self.now, self.state), self.state)

    def _wait(self, step: Wait | WaitFor, end: datetime, turn: datetime) -> None:
        looks = isinstance(step, WaitFor) and any(arm.until for arm in step.arms)
        followed = isinstance(step, Wait) and isinstance(step.until, Moment)
        end = end if followed else max(end, turn)
        self.change(
            step=step.id,
            # Conditions are checked now, which also tells when to check again.
            deadline=self.now if looks else end,
            ends=end if looks else None,
            # The old program has handled everything until now.
            seen=max(self.state.seen, (self.now, 0)),
            began={**self.state.began, step.id: self.state.reached},
        )

    def _name(self, step: str) -> str:
        return self.renamed.get(step, step)

    def _take_touches_back(self, before: Step, after: Step) -> None:
        """A claimed touch stays claimed if its step still sends the same message on the same channel."""
        if not isinstance(before, Send):
            return
        left: dict[str, Touched] = {}
        for channel, touch in self.state.touches.get(before.id, {}).items():
            if touch.status not in ("claimed", "deferred"):
                left[channel] = touch
                continue
            again = isinstance(after, Send) and after.id == before.id and channel in after.channels
            same = again and isinstance(after, Send) and after.message == before.message
            if same or (again and touch.status == "deferred"):
                left[channel] = touch
            elif again:
                left[channel] = Touched(status="deferred", at=self.now, reason=MIGRATED)
                self.given_back.append((before.id, channel))
            else:
                self.dropped.append((before.id, channel))
        others = {name: touches for name, touches in self.state.touches.items() if name != before.id}
        self.change(touches={**others, before.id: left} if left else others)

    def _take_over(self, here: str) -> None:
        """Everything remembered, under the names of the new program."""
        state, steps = self.state, self.new.steps

        def named(by_step: Mapping[str, Any]) -> dict[str, Any]:
            return {self._name(name): found for name, found in by_step.items()}

        expired = (self._name(one) for one in state.expired)
        formerly = {**{old: self._name(name) for old, name in state.formerly.items()}, **self.renamed}
        self.change(
            # Steps that are gone are remembered too: of their messages may still be heard, and a program that has them
            # again must find what was sent and called, and in which round.
            touches=named(state.touches),
            calls=named(state.calls),
            began=named(state.began),
            rounds=named(state.rounds),
            splits=self._splits(named(state.splits)),
            loops=self._loops(named(state.loops), here),
            expired=tuple(dict.fromkeys(one for one in expired if one in steps)),
            # A name in the new program belongs to its step.
            formerly={old: name for old, name in formerly.items() if old not in steps},
        )
        self._differentiate()

    def _splits(self, before: Mapping[str, str]) -> dict[str, str]:
        """A drawn share stays; if it no longer exists, a share is drawn again."""
        found = dict(before)
        for name, share in before.items():
            step = self.new.steps.get(name)
            if isinstance(step, Split) and share not in {one.name for one in step.shares}:
                found[name] = draw_share(step, self.state.customer, self.new.journey).name
        return found

    def _loops(self, begun: Mapping[str, int], here: str) -> dict[str, int]:
        """The repeats around the new step, in their current round or the first. Removed repeats are kept, because another
        program may have them again."""
        around = [step for step in self.new.steps.values() if isinstance(step, Repeat)]
        gone = {name: count for name, count in begun.items() if name not in self.new.steps}
        return gone | {
            step.id: min(begun.get(step.id, 1), step.times)
            for step in around
            if here in steps_of_round(self.new, step) or (here == step.id and step.id in begun)
        }

    def _differentiate(self) -> None:
        """Values and segment stay as decided; only what is new in the program is decided now."""
        for one in self.new.values:
            if one.name not in self.state.variables:
                found = value(one.value, one.type, self._scope())
                if found is not None:
                    self.change(variables={**self.state.variables, one.name: found})
        if self.state.segment not in {segment.name for segment in self.new.segments}:
            chosen = (one.name for one in self.new.segments if one.when is None or holds(one.when, self._scope()))
            self.change(segment=next(chosen, None))

    def _scope(self) -> Scope:
        return Scope(self.new, self.facts, self.now, self.state)
