"""People whose habits are known here and nowhere else: what is chosen for them can be held against what is best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from idic.interact.best.pick import best_channel, best_hour
from idic.interact.best.response_model import Cell, MessageResponse, ResponseGroup, ResponseGroups, Tally
from idic.journey.engine.protocol import Best, BestTime

CHANNELS = ("email", "web", "sms")
BEGIN = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
EVERY = timedelta(days=3)
WITHIN = timedelta(hours=23)
EXPLORED = 0.05


class Person(NamedTuple):
    """``shares`` of messages that they answer in their best hour, by channel."""

    shares: dict[str, float]
    hour: int

    def answers(self, channel: str, hour: int) -> float:
        away = min((hour - self.hour) % 24, (self.hour - hour) % 24)
        return self.shares[channel] * (1.0 if away <= 1 else 0.5 if away <= 3 else 0.2)

    @property
    def best(self) -> float:
        return max(self.shares.values())


def people(count: int, seed: int) -> list[Person]:
    """Most like mail, and most look in the evening; the others do not."""
    rng = Random(seed)
    found = []
    for _ in range(count):
        favourite = rng.choices(CHANNELS, (5, 2, 3))[0]
        shares = {channel: 0.3 if channel == favourite else 0.06 for channel in CHANNELS}
        found.append(Person(shares, rng.choice((19, 20, 21)) if rng.random() < 0.7 else rng.choice((7, 8, 12))))
    return found


class Chosen(NamedTuple):
    channel: str
    at: datetime
    explored: bool = False


Choose = Callable[[Sequence[MessageResponse], ResponseGroups, datetime, Random], Chosen]


def learned(messages: Sequence[MessageResponse], crowd: ResponseGroups, now: datetime, rng: Random) -> Chosen:
    channel = best_channel(Best("s", CHANNELS, now, rng.random()), messages, crowd, explored=EXPLORED)
    hour = best_hour(BestTime("s", now, now + WITHIN, rng.random()), messages, crowd, "UTC", explored=EXPLORED)
    return Chosen(channel.channels[0], hour.at, channel.explored)


def by_chance(messages: Sequence[MessageResponse], crowd: ResponseGroups, now: datetime, rng: Random) -> Chosen:
    return Chosen(rng.choice(CHANNELS), now + timedelta(hours=rng.randrange(23)))


def as_last_time(messages: Sequence[MessageResponse], crowd: ResponseGroups, now: datetime, rng: Random) -> Chosen:
    """On the channel that was answered last, at the hour of that answer; as often as what is learned, something else."""
    answered = max((m for m in messages if m.answered), key=lambda m: m.answered or now, default=None)
    if answered is None or rng.random() < EXPLORED:
        return by_chance(messages, crowd, now, rng)
    hours = ((answered.answered or now).hour - now.hour) % 24
    return Chosen(answered.channel, now + timedelta(hours=min(hours, 22)))


class Round(NamedTuple):
    """What was chosen for all: the mean chance that it was answered, how far that is from the best, and the share that was
    chosen to learn from."""

    answered: float
    regret: float
    explored: float


def live(choose: Choose, count: int, rounds: int, seed: int = 1) -> list[Round]:
    who = people(count, seed)
    mail: list[list[MessageResponse]] = [[] for _ in who]
    last: dict[tuple[int, str], bool] = {}
    cells: dict[tuple[str, int], Cell] = {}
    rng = Random(seed)
    told = []
    for number in range(rounds):
        now = BEGIN + number * EVERY
        crowd = ResponseGroups(ResponseGroup("all customers", dict(cells)))
        found = []
        for index, person in enumerate(who):
            chosen = choose(mail[index], crowd, now, rng)
            chance = person.answers(chosen.channel, chosen.at.hour)
            # Answered at once, and now and then in their own hour.
            yes = rng.random() < chance
            mail[index].append(MessageResponse(chosen.channel, chosen.at, chosen.at + timedelta(minutes=5) if yes else None))
            tally = Tally(1, float(yes))
            before = last.get((index, chosen.channel), False)
            key = chosen.channel, chosen.at.hour
            cells[key] = cells.get(key, Cell()).plus(Cell(tally, tally if before else Tally()))
            last[index, chosen.channel] = yes
            found.append((chance, person.best - chance, chosen.explored))
        told.append(Round(*(sum(one[i] for one in found) / count for i in range(3))))
    return told
