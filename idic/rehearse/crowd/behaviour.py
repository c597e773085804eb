"""Rates of an invented crowd: how often events happen, which messages arrive, are opened and clicked.

Every rate is an assumption, and the result of a rehearsal lists them all. ``derive_behaviour`` derives them from the events
that the journeys listen to; a file or the command line can replace them. One effect is never invented: that a message makes
anybody buy. Shares are between 0 and 1 here, and written as percentages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pydantic import ConfigDict, Field

from idic.frozen import Frozen
from idic.journey.channels import CHANNELS
from idic.journey.program.program import Program
from idic.journey.program.values import Pattern
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES, FOLLOW_MESSAGES
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.times import Duration

_SPANS = {"hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2592000.0, "year": 31536000.0}


class PoissonRate(NamedTuple):
    """A Poisson process: so many ``times`` a ``span``, for each customer, or in total for an event about a thing."""

    times: float
    span: str

    @property
    def per_second(self) -> float:
        """The rate per second."""
        return self.times / _SPANS[self.span]

    def __str__(self) -> str:
        return f"{self.times:g} {'an' if self.span == 'hour' else 'a'} {self.span}"


class FollowRate(NamedTuple):
    """After a ``share`` of the occurrences of ``event`` this follows ``within`` a span, sooner more often than later. It has
    the same ids."""

    share: float
    event: str
    within: Duration

    def __str__(self) -> str:
        return f"{percent(self.share)} of {self.event} within {self.within}"


class MessageReactions(Frozen):
    """Reactions to messages, as shares: ``delivered`` (on the web: shown) of those sent; ``opened`` (email), ``clicked`` and
    ``unsubscribed`` (consent to the channel withdrawn) of those delivered. ``converted`` of those delivered reach the goal
    because of the message: nobody measured that effect, so it is 0 unless the user claims it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delivered: float = 0.98
    opened: float = 0
    clicked: float = 0.04
    unsubscribed: float = 0.002
    converted: float = 0


class CrowdBehaviour(Frozen):
    """How a crowd behaves. ``reach`` is the share of customers with an address on a channel (on the web: who visit the site),
    ``consents`` the share who consented to it, ``known`` the share for whom an attribute is known (0.9 where it is not
    listed), ``shares`` how often an attribute has each of its options. ``money`` is the median amount, ``spread`` the
    standard deviation of its logarithm. ``calls`` is the share of calls that are answered. ``keep`` is how long a customer
    uses the same id, such as that of a cart; ``history`` is how long a past is invented for counts and sums."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: dict[str, PoissonRate | FollowRate] = {}
    reach: dict[str, float] = {name: channel.assumed.reach for name, channel in CHANNELS.items()}
    consents: dict[str, float] = {
        name: channel.assumed.consents for name, channel in CHANNELS.items() if channel.assumed.consents is not None
    }
    reactions: dict[str, MessageReactions] = {
        name: MessageReactions(
            delivered=channel.assumed.delivered,
            opened=channel.assumed.opened,
            clicked=channel.assumed.clicked,
            unsubscribed=channel.assumed.unsubscribed,
        )
        for name, channel in CHANNELS.items()
    }
    known: dict[str, float] = {}
    shares: dict[str, dict[str, float]] = {}
    money: float = Field(default=60, gt=0)
    spread: float = Field(default=0.8, ge=0)
    calls: float = 0.99
    keep: Duration = Duration(days=2)
    history: Duration = Duration(days=180)


def derive_behaviour(programs: Iterable[Program], vocabulary: Vocabulary) -> CrowdBehaviour:
    """Derive rates for the events that these journeys listen to and count.

    An entry event happens every other week to each customer (a reply: every other year; where nobody enters twice: twice a
    year; an event about a thing: five times a week in total). A goal follows one in five of the entry events whose id it
    shares, an event that ends the journey one in twenty, an awaited event every second one. Events without a common id have
    rates of their own.
    """
    events: dict[str, PoissonRate | FollowRate] = {}
    programs = sorted(programs, key=lambda program: program.journey)
    for program in programs:
        entered = dict.fromkeys(pattern.on for pattern in program.entry.on)
        once = program.entry.again.kind == "never" and program.entry.key is None
        for name in entered:
            if not isinstance(events.get(name), FollowRate):
                if name in ABOUT_MESSAGES:
                    rate = PoissonRate(0.5, "year")
                elif name in vocabulary.about:
                    rate = PoissonRate(5, "week")
                else:
                    rate = PoissonRate(2, "year") if once else PoissonRate(0.5, "week")
                events.setdefault(name, rate)
        roles: tuple[tuple[Iterable[Pattern], float, float], ...] = (
            (program.goal.on if program.goal else (), 0.2, 0.1),
            (program.leave, 0.05, 0.02),
            (_awaited(program), 0.5, 0.2),
        )
        for patterns, share, a_week in roles:
            for name in dict.fromkeys(pattern.on for pattern in patterns):
                if name in FOLLOW_MESSAGES or name in entered:
                    continue
                ids = id_properties(vocabulary, name)
                if parent := next((event for event in entered if id_properties(vocabulary, event) & ids), None):
                    if not isinstance(events.get(name), FollowRate) and not follows(events, parent, name):
                        events[name] = FollowRate(share, parent, Duration(days=2))
                elif name not in events:
                    events[name] = PoissonRate(a_week, "week")
    for program in programs:
        for attribute in program.customer.values():
            counted = attribute.counted_event
            if counted and counted not in FOLLOW_MESSAGES:
                events.setdefault(counted, PoissonRate(0.1, "week"))
    return CrowdBehaviour(events=dict(sorted(events.items())))


def id_properties(vocabulary: Vocabulary, event: str) -> frozenset[str]:
    """The properties of an event that are ids: those whose names end in ``_id``."""
    return frozenset(name for name in vocabulary.events.get(event, {}) if name.endswith("_id"))


def _awaited(program: Program) -> Iterator[Pattern]:
    for step in program.steps.values():
        yield from step.awaits


def follows(events: Mapping[str, PoissonRate | FollowRate], name: str, other: str) -> bool:
    """Whether ``name`` follows ``other``, directly or through other events."""
    seen = set()
    while isinstance(rate := events.get(name), FollowRate) and name not in seen:
        seen.add(name)
        if rate.event == other:
            return True
        name = rate.event
    return False


def percent(value: float) -> str:
    """A share between 0 and 1 as text: ``35%``."""
    return f"{value * 100:.10g}%"
