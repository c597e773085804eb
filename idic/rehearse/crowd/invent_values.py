"""Invent plausible values for each type of the vocabulary, from a random generator that is passed in."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import NormalDist
from typing import Any

from idic.journey.program.program import Program
from idic.journey.program.values import Attribute, Condition, Type
from idic.rehearse.crowd.behaviour import CrowdBehaviour

Draw = Callable[[Random, datetime], Any]
"""Draws a value, as it would be sent to idic at an instant."""

ZONES = ("Europe/London", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Australia/Sydney")
"""Zones of the customers who do not live in the shop's zone."""

_WORDS = 20
_AMOUNTS = 2000
_LISTS = 1000
_LITERAL = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_IN = re.compile(r"([A-Za-z_][\w.]*)\s+in\s+([A-Za-z_][\w.]*)")
_ANSWER = re.compile(r"""\{\{-?\s*(?:"([^"]+)"|'([^']+)')\s*\|\s*answer\b""")


def compared_texts(conditions: Iterable[Condition]) -> dict[str, tuple[str, ...]]:
    """The texts that conditions compare with, by the last part of the compared name. Invented values of the name are sometimes
    one of them, or such a condition would never hold."""
    by_name: dict[str, dict[str, None]] = {}
    for condition in conditions:
        texts = ["".join(match) for match in _LITERAL.findall(condition.cel)]
        for name, attribute in condition.reads.items():
            for field, type_ in _texts(name.rpartition(".")[2], attribute.type):
                if type_.kind == "text":
                    by_name.setdefault(field, {}).update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in by_name.items()}


def drawn_alike(conditions: Iterable[Condition]) -> dict[str, str]:
    """Lists that conditions search (``event.sku in customer.wishlist``), each with the name whose values it holds: their items
    are drawn alike, or nothing would ever be found."""
    return {
        list_.rpartition(".")[2]: item.rpartition(".")[2]
        for condition in conditions
        for item, list_ in _IN.findall(condition.cel)
    }


def answer_values(program: Program, message: str) -> tuple[str, ...]:
    """The values of a message's answer links."""
    sources = program.messages[message].model_dump_json().replace('\\"', '"') if message in program.messages else ""
    return tuple(dict.fromkeys("".join(match) for match in _ANSWER.findall(sources)))


def _texts(name: str, type_: Type) -> Iterable[tuple[str, Type]]:
    if type_.of is not None:
        yield from _texts(name, type_.of)
    for field, inner in type_.fields.items():
        yield from _texts(field, inner)
    yield name, type_


class Inventor:
    """Draws values by type. ``words`` are the texts that journeys compare with, by the name that holds them; ``alike`` maps a
    name to the name that it is drawn like; ``now`` is when the rehearsal starts."""

    def __init__(
        self,
        behaviour: CrowdBehaviour,
        zone: str,
        languages: tuple[str, ...],
        words: Mapping[str, tuple[str, ...]],
        alike: Mapping[str, str],
        now: datetime,
    ) -> None:
        self.behaviour = behaviour
        self.now = now
        self.zone = zone
        self.languages = languages
        self.words = words
        self.alike = alike

    def maybe(self, name: str, attribute: Attribute, known: float) -> Draw:
        """A draw that gives None for the share of customers for whom the attribute is not ``known``."""
        draw = self.draw(name, attribute.type)
        if attribute.required or known >= 1:
            return draw
        return lambda rng, now: draw(rng, now) if rng.random() < known else None

    def draw(self, name: str, type_: Type) -> Draw:
        """A draw of values of this type, for the attribute or property ``name``."""
        match type_.kind:
            case "text":
                return self._word(name)
            case "number" | "days":
                return lambda rng, now: 1 + int(rng.expovariate(0.7))
            case "money":
                amounts = _amounts(self.behaviour.money, self.behaviour.spread)
                return lambda rng, now: amounts[int(rng.random() * _AMOUNTS)]
            case "yes/no":
                yes = self.behaviour.shares.get(name, {}).get("yes", 0.5)
                return lambda rng, now: rng.random() < yes
            case "date":
                years = "birth" in name
                return lambda rng, now: (now + _days(rng, years)).date().isoformat()
            case "moment":
                years = "birth" in name
                return lambda rng, now: (now + _days(rng, years)).astimezone(UTC).isoformat(timespec="seconds")
            case "zone":
                home = self.zone
                return lambda rng, now: home if rng.random() < 0.9 else rng.choice(ZONES)
            case "link":
                return lambda rng, now: f"https://example.com/{name}/{int(rng.random() * _WORDS)}"
            case "one_of":
                return self._option(name, type_.options)
            case "list":
                # Made once and drawn from: making a list takes as long as the rest of a customer's life.
                item, rng = self.draw(name, type_.of) if type_.of else self._word(name), Random(name)
                lists = [[item(rng, self.now) for _ in range(1 + int(rng.random() * 3))] for _ in range(_LISTS)]
                return lambda rng, now: lists[int(rng.random() * _LISTS)]
            case "thing":
                # Most things have their optional fields.
                needed = [(field, self.draw(field, type_.fields[field])) for field in type_.required if field in type_.fields]
                others = [
                    (field, self.draw(field, inner)) for field, inner in type_.fields.items() if field not in type_.required
                ]

                def thing(rng: Random, now: datetime) -> dict[str, Any]:
                    made = {field: draw(rng, now) for field, draw in needed}
                    for field, draw in others:
                        if rng.random() < 0.8:
                            made[field] = draw(rng, now)
                    return made

                return thing

    def _word(self, name: str) -> Draw:
        if name == "language":
            first, others = self.languages[0], self.languages[1:]
            return lambda rng, now: first if not others or rng.random() < 0.6 else rng.choice(others)
        name = self.alike.get(name, name)
        meant = self.words.get(name, ())
        # A few words are common and many are rare, as in a shop's catalogue.
        made_up = tuple(f"{name} {number}" for number in range(1, _WORDS + 1))
        return lambda rng, now: (
            rng.choice(meant) if meant and rng.random() < 0.5 else made_up[int(rng.random() * rng.random() * _WORDS)]
        )

    def _option(self, name: str, options: tuple[str, ...]) -> Draw:
        shares = self.behaviour.shares.get(name)
        if not shares:
            return lambda rng, now: rng.choice(options)
        named = sum(shares.values())
        rest = [option for option in options if option not in shares]
        weights = [shares.get(option, max(0.0, 1 - named) / len(rest) if rest else 0.0) for option in options]
        if not any(weights):
            return lambda rng, now: rng.choice(options)
        return lambda rng, now: rng.choices(options, weights)[0]


def _amounts(median: float, spread: float) -> tuple[float, ...]:
    """Equally likely amounts of a log-normal distribution."""
    normal = NormalDist(math.log(median), max(spread, 1e-9))
    return tuple(round(math.exp(normal.inv_cdf((number + 0.5) / _AMOUNTS)), 2) for number in range(_AMOUNTS))


def _days(rng: Random, years: bool) -> timedelta:
    return timedelta(days=-rng.uniform(18, 80) * 365.25) if years else timedelta(days=rng.uniform(-180, 180))
