"""The most that a journey can do: how many messages it sends, and how long it lasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from idic.journey.channels import CHANNELS
from idic.journey.program.program import Program
from idic.journey.program.steps import AnyStep, Repeat, Wait
from idic.journey.program.values import Target

_ALL = "messages"
"""The key under which messages of all channels are counted together."""


class Bounds(NamedTuple):
    """The most that any path through a journey does.

    ``most`` are messages by channel; ``messages`` is their total, smaller than the sum of ``most`` if a send takes one of
    several channels. ``longest`` is the time a path takes. It does not count two spans of unknown length: a wait for silence
    that starts again with each event (``resetting`` are these events), and the time until a moment that only the customer's
    data has (``moments`` are their names). With ``each_time`` customers can enter again, and the bounds hold for each time.
    """

    most: Mapping[str, int]
    messages: int
    longest: timedelta
    resetting: tuple[str, ...]
    moments: tuple[str, ...] = ()
    each_time: bool = False


class _Most(NamedTuple):
    """The most that a set of paths does: messages by channel, and the time."""

    counts: Mapping[str, int]
    time: timedelta

    def or_(self, other: _Most | None) -> _Most:
        """The most of either set of paths."""
        if other is None:
            return self
        names = {*self.counts, *other.counts}
        counts = {name: max(self.counts.get(name, 0), other.counts.get(name, 0)) for name in names}
        return _Most(counts, max(self.time, other.time))

    def plus(self, other: _Most, times: int = 1) -> _Most:
        """The most of one path after the other."""
        names = {*self.counts, *other.counts}
        counts = {name: self.counts.get(name, 0) + times * other.counts.get(name, 0) for name in names}
        return _Most(counts, self.time + times * other.time)


_NOTHING = _Most({}, timedelta())


class _FromStep(NamedTuple):
    """The most of the paths from a step: of those to the ``end`` of the journey, and of those ``back`` to the repeat that the
    step is in. None if there are no such paths."""

    end: _Most | None
    back: _Most | None


def bounds(program: Program) -> Bounds:
    """The most that a program does, added up from its ends back to its first step.

    Every path ends, as branches only lead forward and repeats have a limited number of rounds.
    """
    known: dict[str, _FromStep] = {}

    def after(target: Target) -> _FromStep:
        if target.step is None:
            return _FromStep(_NOTHING, None)
        # The steps after a step are known already, except for the repeat that a round leads back to.
        return known.get(target.step, _FromStep(None, _NOTHING))

    steps = [program.steps[name] for name in _last_first(program)]
    for step in steps:
        onward = [after(target) for target in step.targets()]
        if isinstance(step, Repeat):
            onward = [*_rounds(step, after(step.first), after(step.then)), *([after(step.otherwise)] if step.when else [])]
        own = _Most(_sends(step), step.longest())
        known[step.id] = _FromStep(
            _most_of(own, (paths.end for paths in onward)), _most_of(own, (paths.back for paths in onward))
        )
    most = after(program.first).end or _NOTHING
    resetting = (step.without.on for step in steps if isinstance(step, Wait) and step.without)
    unknown = (moment.name for step in steps for moment in step.moments())
    in_order = {channel: most.counts[channel] for channel in CHANNELS if most.counts.get(channel)}
    return Bounds(
        in_order,
        most.counts.get(_ALL, 0),
        most.time,
        tuple(dict.fromkeys(resetting)),
        tuple(dict.fromkeys(unknown)),
        each_time=program.entry.again.kind == "always" or program.entry.while_in == "restart",
    )


def _most_of(own: _Most, paths: Iterable[_Most | None]) -> _Most | None:
    """The most of any of these paths, and ``own`` besides."""
    most: _Most | None = None
    for path in paths:
        if path is not None:
            most = path.or_(most)
    return most.plus(own) if most is not None else None


def _rounds(step: Repeat, one_round: _FromStep, then: _FromStep) -> list[_FromStep]:
    """The paths through a repeat: all rounds and what follows, or fewer rounds and one that ends the journey."""
    paths = [then] if step.until is not None else []
    if one_round.back is not None:
        if then.end is not None:
            paths.append(_FromStep(then.end.plus(one_round.back, step.times), None))
        if then.back is not None:
            paths.append(_FromStep(None, then.back.plus(one_round.back, step.times)))
    if one_round.end is not None:
        before = one_round.back
        paths.append(_FromStep(one_round.end.plus(before, step.times - 1) if before is not None else one_round.end, None))
    return paths


def _sends(step: AnyStep) -> Mapping[str, int]:
    if step.sent_message() is None:
        return {}
    return {**dict.fromkeys(step.sent_channels(), 1), _ALL: step.most_messages()}


def _last_first(program: Program) -> list[str]:
    """The ids of the steps, each after all steps that can follow it, except for the repeat that it leads back to."""
    order: list[str] = []
    visited: set[str] = set()
    open_: list[tuple[str, Iterator[Target]]] = []

    def visit(target: Target) -> None:
        if target.step is not None and target.step not in visited:
            visited.add(target.step)
            open_.append((target.step, iter(program.steps[target.step].targets())))

    visit(program.first)
    while open_:
        name, onward = open_[-1]
        target = next(onward, None)
        if target is not None:
            visit(target)
        else:
            open_.pop()
            order.append(name)
    return order
