"""Pick the best channel and the best hour for a customer.

It learns from the customer's own answers and, while there are few, from those of similar customers. It compares the chance that
a message is answered: a Beta-Binomial posterior mean (``response_model``). Now and then it tries another choice than the best,
or nothing would be learned about it: an epsilon-greedy bandit (R. S. Sutton and A. G. Barto, *Reinforcement Learning*, 2nd
edition, chapter 2). When it does so follows from the enrollment, the step and the round, and is the same on replay. The odds of
each choice are kept, so that choices can be evaluated later (inverse propensity weighting).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from idic.interact.best.response_model import MessageResponse, ResponseGroups, smooth, tallies_by_channel, tallies_by_hour
from idic.journey.engine.protocol import Best, BestTime, Ranked, Timed
from idic.times import TimeOfDay

EXPLORED = 0.05
"""The share of choices that explore."""

_HOURS_STRENGTH = 8.0
"""So many messages in an hour weigh as much as the hours of similar customers."""
_NOBODY = "no answer known yet"
_EVEN = 3
"""Digits to which chances are compared."""


def best_channel(
    ask: Best,
    messages: Sequence[MessageResponse],
    crowd: ResponseGroups,
    *,
    unreachable: Mapping[str, str] | None = None,
    explored: float = EXPLORED,
) -> Ranked:
    """The channels of ``ask``, the best for the customer first; ``messages`` are those that the customer got.

    Equal channels keep the order of the list, and so do all while nobody has ever answered. ``unreachable`` says why channels
    do not reach the customer; they come last. Whether a message may be sent at all is decided by the contact policy.
    """
    why_not = {channel: why for channel, why in (unreachable or {}).items() if channel in ask.channels}
    able = [channel for channel in ask.channels if channel not in why_not]
    if not able:
        return Ranked(ask.channels, "none reaches the customer", odds=_odds(ask.channels, ask.channels[0], 0.0))
    mine = tallies_by_channel(messages, ask.at)
    if not crowd.answered and not any(tally.answers for tally in mine.values()):
        order = (*able, *why_not)
        reason = _listed([f"{_NOBODY}, so as listed", *_reasons(why_not)])
        return Ranked(order, reason, odds=_odds(ask.channels, able[0], 0.0))
    priors = {channel: crowd.prior(channel) for channel in able}
    chances = {
        channel: mine[channel].shrunk(prior.mean, prior.strength) if channel in mine else prior.mean
        for channel, prior in priors.items()
    }
    ranked = sorted(able, key=lambda channel: -round(chances[channel], _EVEN))
    odds = _odds(ask.channels, ranked[0], explored, able)
    other = _drawn(ask.draw, explored, able)
    if other is not None:
        ranked = [other, *(channel for channel in ranked if channel != other)]
    first = ranked[0]
    reason = _chance(chances[first])
    rest = [f"{channel} {_chance(chances[channel])}" for channel in ranked[1:]]
    known = mine[first].messages if first in mine else 0.0
    source = [f"as {priors[first].source}"] if known < priors[first].strength and priors[first].source else []
    tried = [] if other is None else ["explored"]
    return Ranked(
        (*ranked, *why_not),
        _listed([*tried, reason, *rest, *_reasons(why_not), *source]),
        odds=odds,
        explored=other is not None,
    )


def best_hour(
    ask: BestTime,
    messages: Sequence[MessageResponse],
    crowd: ResponseGroups,
    zone: str,
    *,
    explored: float = EXPLORED,
    closed: Callable[[datetime], bool] = lambda at: False,
) -> Timed:
    """When within the span of ``ask`` a message is most likely answered: at once, or when an hour of ``zone`` (IANA) begins.

    Of equal hours the earliest is taken; while nobody has ever answered, the message leaves at once. An hour that is ``closed``
    when it begins is neither taken nor tried, as long as there is another: a message put off from there would leave at an hour
    that nobody chose, or come too late.
    """
    hours = tallies_by_hour(messages, ask.earliest, zone)
    if not crowd.answered and not any(tally.answers for tally in hours):
        return Timed(ask.earliest, f"{_NOBODY}, so at once", odds=1.0)
    mine = list(tallies_by_channel(messages, ask.earliest).values())
    prior = crowd.prior()
    whole = sum(tally.messages for tally in mine)
    mean = (sum(tally.answers for tally in mine) + prior.strength * prior.mean) / (whole + prior.strength)
    chances = [
        tally.shrunk(min(1.0, mean * factor), _HOURS_STRENGTH)
        for tally, factor in zip(smooth(hours), crowd.by_hour(), strict=True)
    ]
    now = ask.earliest.astimezone(ZoneInfo(zone)).hour
    starts = {hour: ask.earliest if hour == now else TimeOfDay(hour=hour).next(ask.earliest, zone) for hour in range(24)}
    within = sorted((hour for hour in starts if starts[hour] <= ask.latest), key=lambda hour: starts[hour])
    able = [hour for hour in within if not closed(starts[hour])] or within
    best = min(able, key=lambda hour: -round(chances[hour], _EVEN))
    other = _drawn(ask.draw, explored, able)
    chosen = best if other is None else other
    reasons = [f"{chosen:02}:00 to {(chosen + 1) % 24:02}:00 {_chance(chances[chosen])}"]
    if chosen != now:
        reasons.append(f"at once {_chance(chances[now])}")
    if whole < prior.strength and prior.source:
        reasons.append(f"as {prior.source}")
    odds = _odds(able, best, explored)[chosen]
    tried = [] if other is None else ["explored"]
    return Timed(starts[chosen], _listed([*tried, *reasons]), odds=odds, explored=other is not None)


T = TypeVar("T", str, int)


def _drawn(draw: float, explored: float, able: Sequence[T]) -> T | None:
    """The choice to explore, if this is a time to explore; each is tried equally often."""
    return able[int(draw / explored * len(able))] if draw < explored else None


def _odds(offered: Iterable[T], best: T, explored: float, able: Sequence[T] | None = None) -> dict[T, float]:
    """The chance that each had of being chosen, by choice."""
    offered = list(offered)
    tried = offered if able is None else able
    each = explored / len(tried)
    return {choice: (each if choice in tried else 0.0) + (1 - explored if choice == best else 0.0) for choice in offered}


def _reasons(why_not: Mapping[str, str]) -> list[str]:
    return [f"{channel}: {why.removeprefix('the customer ').removeprefix('was ')}" for channel, why in why_not.items()]


def _chance(chance: float) -> str:
    return f"{chance:.2f}" if chance >= 0.1 else f"{chance:.3f}"


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts)
