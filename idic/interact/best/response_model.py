"""What is known of how people answer messages: one customer's own, and those of people like them.

An answer is a link that was clicked or a reply that was sent. Being shown a message, or a mail program's opening it, is
none; machines are nobody (``tracking.bots``). Messages of marketing tell nothing of service, and the other way round:
everybody opens a password mail.
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
"""A message that is younger and was not answered says nothing yet."""
HALF_LIFE = timedelta(days=90)
"""After this long a message says half as much."""
MEMORY = timedelta(days=365)
"""What is older says nothing."""

_USUAL = 0.05
"""The share of messages that are answered where nothing is known of anybody."""
_FEW = 20
"""As many messages weigh as much as what is known without them: of one customer, where nobody knows how much customers
differ, and of a channel."""
_SOME = 100
"""As many messages to people alike weigh as much as those to everybody."""
_PAIRS = 50
_STRENGTHS = (2.0, 200.0)


class MessageResponse(NamedTuple):
    """A message that somebody got on ``channel``: when it left, and when they first answered it, if they did."""

    channel: str
    at: datetime
    answered: datetime | None = None

    def stood(self, at: datetime) -> MessageResponse:
        """As it stood then."""
        return self._replace(answered=None) if self.answered is not None and self.answered > at else self

    def says(self, now: datetime) -> bool:
        """Whether it says something by now: it was answered, or had its time."""
        return self.answered is not None or now - self.at >= RIPE


class Tally(NamedTuple):
    """So many ``messages``, and so many of them answered; what is old counts for less."""

    messages: float = 0.0
    answers: float = 0.0

    def plus(self, other: Tally, share: float = 1.0) -> Tally:
        return Tally(self.messages + other.messages * share, self.answers + other.answers * share)

    def shrunk(self, toward: float, strength: float) -> float:
        """The mean of the Beta posterior whose prior has the mean ``toward`` and weighs ``strength`` messages."""
        return (self.answers + strength * toward) / (self.messages + strength)


class Cell(NamedTuple):
    """What came of messages: their tally, and that of those among them whose receiver had answered the one before on the
    same channel."""

    tally: Tally = Tally()
    after_answer: Tally = Tally()

    def plus(self, other: Cell, share: float = 1.0) -> Cell:
        return Cell(self.tally.plus(other.tally, share), self.after_answer.plus(other.after_answer, share))


@dataclass(frozen=True)
class ResponseGroup:
    """People alike, in words, and what came of messages to them, by channel and by the hour (0 to 23, of where they live) in
    which it left. What follows from that is worked out once."""

    name: str
    cells: Mapping[tuple[str, int], Cell] = field(default_factory=dict)

    @cached_property
    def whole(self) -> Cell:
        return sum_of(self.cells.values())

    @cached_property
    def channels(self) -> dict[str, Cell]:
        """By channel, at all hours."""
        return {name: sum_of(cell for (on, _), cell in self.cells.items() if on == name) for name, _ in self.cells}

    @cached_property
    def hours(self) -> list[Tally]:
        """By the hour, on all channels, smoothed."""
        found = [Tally()] * 24
        for (_, hour), cell in self.cells.items():
            found[hour] = found[hour].plus(cell.tally)
        return smooth(found)

    def of(self, channel: str | None) -> Cell:
        return self.whole if channel is None else self.channels.get(channel, Cell())


def sum_of(cells: Iterable[Cell]) -> Cell:
    found = Cell()
    for cell in cells:
        found = found.plus(cell)
    return found


class Prior(NamedTuple):
    """What is to be expected of somebody of whom nothing is known: the share of answers, as sure as after ``strength``
    messages, and where that comes from, in words ("" from nowhere)."""

    mean: float
    strength: float
    source: str = ""


class ResponseGroups(NamedTuple):
    """Everybody, and among them those who are like the customer."""

    everybody: ResponseGroup = ResponseGroup("all customers")
    alike: ResponseGroup | None = None

    @property
    def answered(self) -> bool:
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
        """How much more often than on average a message is answered that left in each hour: 24 factors."""
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
"""What an hour says of itself, of the hours beside it and of those beside them."""


def smooth(hours: Sequence[Tally]) -> list[Tally]:
    """24 tallies, each with a part of its neighbours': 23:00 is next to 00:00."""
    near = [(side, _NEAR[abs(side)]) for side in range(1 - len(_NEAR), len(_NEAR))]
    return [
        Tally(
            sum(hours[(hour + side) % 24].messages * share for side, share in near),
            sum(hours[(hour + side) % 24].answers * share for side, share in near),
        )
        for hour in range(24)
    ]


def tallies_by_channel(messages: Iterable[MessageResponse], now: datetime) -> dict[str, Tally]:
    """A customer's own, by channel."""
    found: dict[str, Tally] = {}
    for message in _telling(messages, now):
        found[message.channel] = found.get(message.channel, Tally()).plus(_one(message), fade(now - message.at))
    return found


def tallies_by_hour(messages: Iterable[MessageResponse], now: datetime, zone: str) -> list[Tally]:
    """A customer's own by the hours of ``zone`` (IANA), 24 of them: an answer counts in the hour in which it was given, and
    silence in the hour in which the message came. So the hour at which somebody looks is found before anything is sent in
    it; if it is none for messages, their silence says so."""
    where = ZoneInfo(zone)
    found = [Tally()] * 24
    for message in _telling(messages, now):
        hour = (message.answered or message.at).astimezone(where).hour
        found[hour] = found[hour].plus(_one(message), fade(now - message.at))
    return found


def _telling(messages: Iterable[MessageResponse], now: datetime) -> Iterable[MessageResponse]:
    for message in messages:
        if now - MEMORY < message.at <= now:
            stood = message.stood(now)
            if stood.says(now):
                yield stood


def _one(message: MessageResponse) -> Tally:
    return Tally(1.0, 1.0 if message.answered is not None else 0.0)


def fade(age: timedelta) -> float:
    """How much something of this age still says, of 1."""
    return float(0.5 ** (max(age, timedelta()) / HALF_LIFE))


# Who is like whom.

EVERYBODY = ""
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]|$)")
"""Browsers may say of themselves whatever they like: there must not be as many likenesses as spellings."""


def likeness(traits: Mapping[str, Any]) -> str:
    """Whom a customer is like: those in the same country or, where that is not known, those who read the same language. What
    is found is told to people, so it must be plain. ``EVERYBODY`` where neither is known."""
    country = traits.get("country")
    if isinstance(country, str) and _COUNTRY.fullmatch(country.strip()):
        return f"in {country.strip().upper()}"
    for name in ("language", "locale"):
        language = traits.get(name)
        if isinstance(language, str) and (found := _LANGUAGE.match(language.strip())):
            return f"who read {found[1].lower()}"
    return EVERYBODY


def describe_likeness(like: str) -> str:
    """A likeness in words."""
    return f"customers {like}" if like else "all customers"


class History:
    """What somebody was sent and answered, noted as it happens. ``about`` tells messages apart."""

    def __init__(self) -> None:
        self.messages: list[MessageResponse] = []
        self._places: dict[Hashable, int] = {}

    def sent(self, about: Hashable, channel: str, at: datetime) -> None:
        self._places[about] = len(self.messages)
        self.messages.append(MessageResponse(channel, at))

    def answered(self, about: Hashable, channel: str, at: datetime) -> None:
        """The first answer to a message counts; one to a message that nobody knows of stands for both."""
        place = self._places.get(about)
        if place is None:
            self.messages.append(MessageResponse(channel, at, at))
        elif self.messages[place].answered is None:
            self.messages[place] = self.messages[place]._replace(answered=at)
