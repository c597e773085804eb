"""How often customers answer messages: one customer, and customers like them.

An answer is a clicked link or a reply. Seeing a message, or a mail program that opens it, is not an answer, and machines do not
count (``tracking.bots``). Marketing and service messages are counted apart: everybody opens a password mail.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ANSWERS = ("Link Clicked", "Replied")
"""The events by which a customer answers a message."""

RIPE = timedelta(days=2)
"""A younger message without an answer does not count yet."""
HALF_LIFE = timedelta(days=90)
"""After this time a message counts half."""
MEMORY = timedelta(days=365)
"""Older messages do not count."""

_USUAL = 0.05
"""The share of answered messages where there is no data at all."""
_FEW = 20
"""So many messages weigh as much as the prior: for one customer, where it is unknown how much customers differ, and for a
channel."""
_SOME = 100
"""So many messages to similar customers weigh as much as those to all customers."""
_PAIRS = 50
_STRENGTHS = (2.0, 200.0)


class MessageResponse(NamedTuple):
    """A message that a customer got: when it left, and when they first answered it, if they did."""

    channel: str
    at: datetime
    answered: datetime | None = None

    def stood(self, at: datetime) -> MessageResponse:
        """The message as it was at an earlier time."""
        return self._replace(answered=None) if self.answered is not None and self.answered > at else self

    def says(self, now: datetime) -> bool:
        """Whether it counts by now: it was answered, or is old enough."""
        return self.answered is not None or now - self.at >= RIPE


class Tally(NamedTuple):
    """How many messages there were, and how many were answered; old ones count less."""

    messages: float = 0.0
    answers: float = 0.0

    def plus(self, other: Tally, share: float = 1.0) -> Tally:
        """The sum; ``share`` is the weight of the other."""
        return Tally(self.messages + other.messages * share, self.answers + other.answers * share)

    def shrunk(self, toward: float, strength: float) -> float:
        """The mean of the Beta posterior whose prior has the mean ``toward`` and weighs ``strength`` messages."""
        return (self.answers + strength * toward) / (self.messages + strength)


class Cell(NamedTuple):
    """The tally of messages, and the tally of those whose receiver had answered the previous one on the same channel."""

    tally: Tally = Tally()
    after_answer: Tally = Tally()

    def plus(self, other: Cell, share: float = 1.0) -> Cell:
        """The sum; ``share`` is the weight of the other."""
        return Cell(self.tally.plus(other.tally, share), self.after_answer.plus(other.after_answer, share))


@dataclass(frozen=True)
class ResponseGroup:
    """The responses of a group of similar customers, by channel and by the local hour (0 to 23) of sending. ``name`` describes
    the group. Sums are worked out once."""

    name: str
    cells: Mapping[tuple[str, int], Cell] = field(default_factory=dict)

    @cached_property
    def whole(self) -> Cell:
        """On all channels, at all hours."""
        return sum_of(self.cells.values())

    @cached_property
    def channels(self) -> dict[str, Cell]:
        """By channel, at all hours."""
        return {name: sum_of(cell for (on, _), cell in self.cells.items() if on == name) for name, _ in self.cells}

    @cached_property
    def hours(self) -> list[Tally]:
        """By the hour, on all channels, smoothed."""
        tallies = [Tally()] * 24
        for (_, hour), cell in self.cells.items():
            tallies[hour] = tallies[hour].plus(cell.tally)
        return smooth(tallies)

    def of(self, channel: str | None) -> Cell:
        """On one channel; None: on all."""
        return self.whole if channel is None else self.channels.get(channel, Cell())


def sum_of(cells: Iterable[Cell]) -> Cell:
    """The sum of cells."""
    total = Cell()
    for cell in cells:
        total = total.plus(cell)
    return total


class Prior(NamedTuple):
    """The expected share of answers of a customer without data. It weighs as much as ``strength`` messages; ``source`` says
    where it comes from, in words ("" for nowhere)."""

    mean: float
    strength: float
    source: str = ""


class ResponseGroups(NamedTuple):
    """The responses of all customers, and of those who are like the customer."""

    everybody: ResponseGroup = ResponseGroup("all customers")
    alike: ResponseGroup | None = None

    @property
    def answered(self) -> bool:
        """Whether anybody ever answered a message."""
        return self.everybody.whole.tally.answers > 0

    def prior(self, channel: str | None = None) -> Prior:
        """Empirical Bayes for the Beta-Binomial: people's own shares of answers are taken to be Beta-distributed, and the
        parameters of that are estimated from everybody (G. Casella, *An Introduction to Empirical Bayes Data Analysis*, The
        American Statistician 39, 1985; by moments: J. C. Kleinman, *Proportions with Extraneous Variance*, JASA 68, 1973).

        The mean is the share of those alike, drawn toward everybody's, and that toward all channels'. The strength S follows
        from how much more often a message is answered after an answer: were people all the same, not at all. For a Beta with
        mean m and strength S that chance is (S m + 1) / (S + 1), so S = (1 - p) / (p - m).
        """
        usual = self.everybody.whole.tally.shrunk(_USUAL, _FEW)
        here = self.everybody.of(channel)
        mean = here.tally.shrunk(usual, _FEW)
        source = _said(here.tally, self.everybody.name)
        if self.alike is not None:
            theirs = self.alike.of(channel).tally
            mean = theirs.shrunk(mean, _SOME)
            if theirs.messages >= _SOME:
                source = _said(theirs, self.alike.name)
        return Prior(mean, _strength(mean, here.after_answer), source)

    def by_hour(self) -> list[float]:
        """For each of 24 hours of sending: how much more often than on average a message is answered, as a factor."""
        usual = self.everybody.whole.tally.shrunk(_USUAL, _FEW)
        shares = [tally.shrunk(usual, _SOME) for tally in self.everybody.hours]
        if self.alike is not None:
            shares = [tally.shrunk(share, _SOME) for tally, share in zip(self.alike.hours, shares, strict=True)]
        return [share / usual for share in shares]


def _said(tally: Tally, whom: str) -> str:
    return f"{tally.messages:,.0f} messages to {whom}" if tally.messages >= 1 else ""


def _strength(mean: float, after: Tally) -> float:
    again = after.shrunk((_FEW * mean + 1) / (_FEW + 1), _PAIRS)
    least, most = _STRENGTHS
    return most if again <= mean else min(max((1 - again) / (again - mean), least), most)


_NEAR = (0.5, 0.2, 0.05)
"""The weights of an hour, of its neighbours, and of their neighbours."""


def smooth(hours: Sequence[Tally]) -> list[Tally]:
    """Smooth 24 tallies with their neighbours: 23:00 is next to 00:00."""
    near = [(side, _NEAR[abs(side)]) for side in range(1 - len(_NEAR), len(_NEAR))]
    return [
        Tally(
            sum(hours[(hour + side) % 24].messages * share for side, share in near),
            sum(hours[(hour + side) % 24].answers * share for side, share in near),
        )
        for hour in range(24)
    ]


def tallies_by_channel(messages: Iterable[MessageResponse], now: datetime) -> dict[str, Tally]:
    """A customer's own tallies, by channel."""
    tallies: dict[str, Tally] = {}
    for message in _telling(messages, now):
        tallies[message.channel] = tallies.get(message.channel, Tally()).plus(_one(message), fade(now - message.at))
    return tallies


def tallies_by_hour(messages: Iterable[MessageResponse], now: datetime, zone: str) -> list[Tally]:
    """A customer's own tallies, by the 24 hours of ``zone`` (IANA).

    An answer counts in the hour in which it was given, silence in the hour in which the message came. So an hour at which the
    customer looks is found before anything is sent in it; if it is a bad hour, their silence will show.
    """
    where = ZoneInfo(zone)
    tallies = [Tally()] * 24
    for message in _telling(messages, now):
        hour = (message.answered or message.at).astimezone(where).hour
        tallies[hour] = tallies[hour].plus(_one(message), fade(now - message.at))
    return tallies


def _telling(messages: Iterable[MessageResponse], now: datetime) -> Iterable[MessageResponse]:
    for message in messages:
        if now - MEMORY < message.at <= now:
            stood = message.stood(now)
            if stood.says(now):
                yield stood


def _one(message: MessageResponse) -> Tally:
    return Tally(1.0, 1.0 if message.answered is not None else 0.0)


def fade(age: timedelta) -> float:
    """The weight of something of this age, from 0 to 1."""
    return float(0.5 ** (max(age, timedelta()) / HALF_LIFE))


# Similar customers.

EVERYBODY = ""
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]|$)")
"""Browsers may send any text: there must not be as many groups as spellings."""


def likeness(traits: Mapping[str, Any]) -> str:
    """The group of similar customers: those in the same country or, where it is unknown, those who read the same language.
    People read the name of the group, so that it must be plain. ``EVERYBODY`` where neither is known."""
    country = traits.get("country")
    if isinstance(country, str) and _COUNTRY.fullmatch(country.strip()):
        return f"in {country.strip().upper()}"
    for name in ("language", "locale"):
        language = traits.get(name)
        if isinstance(language, str) and (code := _LANGUAGE.match(language.strip())):
            return f"who read {code[1].lower()}"
    return EVERYBODY


def describe_likeness(like: str) -> str:
    """A group of similar customers, in words."""
    return f"customers {like}" if like else "all customers"


class History:
    """The messages that a customer got and answered, in order. ``about`` identifies a message."""

    def __init__(self) -> None:
        self.messages: list[MessageResponse] = []
        self._places: dict[Hashable, int] = {}

    def sent(self, about: Hashable, channel: str, at: datetime) -> None:
        """Note a message that was sent."""
        self._places[about] = len(self.messages)
        self.messages.append(MessageResponse(channel, at))

    def answered(self, about: Hashable, channel: str, at: datetime) -> None:
        """Note an answer: the first one to a message counts. An answer to an unknown message counts as message and answer."""
        place = self._places.get(about)
        if place is None:
            self.messages.append(MessageResponse(channel, at, at))
        elif self.messages[place].answered is None:
            self.messages[place] = self.messages[place]._replace(answered=at)
