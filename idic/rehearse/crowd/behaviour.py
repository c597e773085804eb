"""Rates of an invented crowd: how often events happen, which messages arrive, are opened and clicked.

Every rate is an assumption, and the result of a rehearsal lists them all. ``derive_behaviour`` derives them from the events
that the journeys listen to; a file or the command line can replace them. One effect is never invented: that a message makes
anybody buy. Shares are between 0 and 1 here, and written as percentages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ConfigDict, Field, ValidationError

from idic.errors import InvalidInput
from idic.frozen import Frozen
from idic.journey.channels import CHANNELS
from idic.journey.program.program import Program
from idic.journey.program.values import Pattern
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES, FOLLOW_MESSAGES
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping as Entries
from idic.journey.yaml_source.nodes import Node, Scalar, parse
from idic.problems import Problems, did_you_mean, one_of
from idic.times import Duration

_SPANS = {"hour": 3600.0, "day": 86400.0, "week": 604800.0, "month": 2592000.0, "year": 31536000.0}
_OFTEN = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?:/|an?\s|per\s)\s*(?P<span>hour|day|week|month|year)")
_SHARE = re.compile(r"(?P<share>\d+(?:\.\d+)?)\s*%")
_AFTER = re.compile(_SHARE.pattern + r"\s+of\s+(?P<event>\S.*?)\s+within\s+(?P<within>\S.*)")


class PoissonRate(NamedTuple):
    """A Poisson process: so many ``times`` a ``span`` for each customer, or in all for an event that is about a thing."""

    times: float
    span: str

    @property
    def per_second(self) -> float:
        return self.times / _SPANS[self.span]

    def __str__(self) -> str:
        return f"{self.times:g} {'an' if self.span == 'hour' else 'a'} {self.span}"


class FollowRate(NamedTuple):
    """A ``share`` of the times when ``event`` happened this follows ``within`` so long, sooner more often than later. It
    carries the same ids."""

    share: float
    event: str
    within: Duration

    def __str__(self) -> str:
        return f"{_percent(self.share)} of {self.event} within {self.within}"


class MessageReactions(Frozen):
    """Of the messages that left: the share ``delivered`` (on the web: shown); of those the shares that are ``opened`` (email)
    and ``clicked``. ``unsubscribed`` of the delivered withdraw their consent to the channel. ``converted`` of the delivered
    reach the goal because of the message: an effect that nobody measured, and therefore none unless somebody says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delivered: float = 0.98
    opened: float = 0
    clicked: float = 0.04
    unsubscribed: float = 0.002
    converted: float = 0


class CrowdBehaviour(Frozen):
    """``reach`` is the share of customers who have an address on a channel (on the web: who come to the site), ``consents`` the
    share of those who agreed to it, ``known`` the share of whom an attribute is known (0.9 where it is not said), ``shares``
    how often each option of an attribute is the case; ``money`` the median amount and ``spread`` the standard deviation of
    its logarithm; ``calls`` the share of calls that are answered; ``keep`` for how long a customer goes on with the same id,
    such as that of a cart; ``history`` over how long a past the counts and sums at the start are made up."""

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


# What is made up where nothing is said.


def derive_behaviour(programs: Iterable[Program], vocabulary: Vocabulary) -> CrowdBehaviour:
    """Rates for what these journeys listen to and count.

    What they are entered on happens every other week (a reply every other year; where nobody enters twice: twice a year; about
    things: five times a week in all); a goal follows one in five of the entries whose id it shares, what ends a journey one in
    twenty, what it waits for every second one. Without an id in common each has a rate of its own.
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
                    if not isinstance(events.get(name), FollowRate) and not _follows(events, parent, name):
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
    """The properties of an event by which things are told apart: what ends on ``_id``."""
    return frozenset(name for name in vocabulary.events.get(event, {}) if name.endswith("_id"))


def _awaited(program: Program) -> Iterator[Pattern]:
    for step in program.steps.values():
        yield from step.awaits


def _follows(events: Mapping[str, PoissonRate | FollowRate], name: str, other: str) -> bool:
    """Whether ``name`` comes after ``other``, at however many removes."""
    seen = set()
    while isinstance(rate := events.get(name), FollowRate) and name not in seen:
        seen.add(name)
        if rate.event == other:
            return True
        name = rate.event
    return False


# What is said.


def read_rate(text: str) -> PoissonRate | FollowRate:
    """Read ``0.3 a week``, ``0.3/week`` or ``20% of Cart Updated within 2 days``.

    Raises ``ValueError`` whose text says what to write instead.
    """
    text = text.strip()
    if often := _OFTEN.fullmatch(text):
        return PoissonRate(float(often["count"]), often["span"])
    if after := _AFTER.fullmatch(text):
        return FollowRate(_fraction(after["share"]), after["event"], Duration.parse(after["within"]))
    raise ValueError(f'"{text}" is not a rate; write "0.3 a week" or "20% of Cart Updated within 2 days"')


def read_share(text: str) -> float:
    """Read ``35%``. Raises ``ValueError`` whose text says what to write instead."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text.strip()}" is not a share; write it as 35%')
    return _fraction(found["share"])


def with_rate(behaviour: CrowdBehaviour, said: str, vocabulary: Vocabulary) -> CrowdBehaviour:
    """With ``Order Completed=0.3/week`` said on the command line. Raises ``InvalidInput``."""
    name, equals, text = said.partition("=")
    if not equals:
        raise InvalidInput(f'"{said}": write an event, = and its rate, as in "Order Completed=0.3/week"', where="--rate")
    return _checked({"events": {name.strip(): text.strip()}}, behaviour, vocabulary, "--rate")


def read_rates(file: str, text: str, behaviour: CrowdBehaviour, vocabulary: Vocabulary) -> CrowdBehaviour:
    """``behaviour`` with what a YAML file says otherwise. Raises ``InvalidInput`` with the place in it."""
    problems = Problems({file: text})
    node = parse(file, text, problems)
    if problems.failed:
        raise InvalidInput("\n".join(str(problem) for problem in problems.all()))
    said = _plain(node) if node is not None else {}
    if not isinstance(said, dict):
        raise InvalidInput("rates are entries such as events: and reactions:; see --rates-example", where=file)
    return _checked(said, behaviour, vocabulary, file)


def _checked(said: Mapping[str, Any], behaviour: CrowdBehaviour, vocabulary: Vocabulary, where: str) -> CrowdBehaviour:
    """Text read as what it stands for, by where it stands."""
    known: dict[str, Any] = behaviour.model_dump()
    known["events"] = dict(behaviour.events)
    for section, value in said.items():
        place = f"{where}: {section}"
        if section not in CrowdBehaviour.model_fields:
            hint = did_you_mean(section, CrowdBehaviour.model_fields)
            raise InvalidInput(hint or f"write {one_of(CrowdBehaviour.model_fields)}", where=f"{place} is not a kind of rate")
        match section:
            case "events":
                for name, text in _entries(value, place).items():
                    _is_event(name, vocabulary, place)
                    read_as = _say(f"{place}: {name}", read_rate, text)
                    if isinstance(read_as, FollowRate):
                        _is_event(read_as.event, vocabulary, f"{place}: {name}")
                    known["events"][name] = read_as
            case "reach" | "consents" | "known":
                named = vocabulary.customer if section == "known" else CHANNELS
                for name, text in _entries(value, place).items():
                    _is_one(name, named, place)
                    known[section][name] = _say(f"{place}: {name}", read_share, text)
            case "reactions":
                for channel, shares in _entries(value, place).items():
                    _is_one(channel, CHANNELS, place)
                    for name, text in _entries(shares, f"{place}: {channel}").items():
                        _is_one(name, MessageReactions.model_fields, f"{place}: {channel}")
                        known[section].setdefault(channel, {})[name] = _say(f"{place}: {channel}: {name}", read_share, text)
            case "shares":
                for name, options in _entries(value, place).items():
                    _is_one(name, vocabulary.customer, place)
                    known[section][name] = {
                        option: _say(f"{place}: {name}: {option}", read_share, text)
                        for option, text in _entries(options, f"{place}: {name}").items()
                    }
            case "calls":
                known[section] = _say(place, read_share, value)
            case "keep" | "history":
                known[section] = _say(place, Duration.parse, value)
            case _:
                known[section] = _say(place, float, value)
    for name in known["events"]:
        if _follows(known["events"], name, name):
            raise InvalidInput("follows itself", where=f"{where}: events: {name}")
    try:
        return CrowdBehaviour.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(first["msg"], where=f"{where}: {': '.join(map(str, first['loc']))}") from None


def rates_file(behaviour: CrowdBehaviour) -> str:
    """The rates as a file that ``read_rates`` reads."""

    def section(name: str, said: str, entries: Mapping[str, object]) -> list[str]:
        width = max((len(_key(key)) for key in entries), default=0) + 1
        lines = [f"  {_key(key) + ':':<{width}} {value}" for key, value in entries.items()]
        return ["", f"# {said}", f"{name}:" if lines else f"{name}: {{}}", *lines]

    def shares(of: Mapping[str, float]) -> dict[str, object]:
        return {name: _percent(one) for name, one in of.items()}

    lines = [
        "# How a rehearsed crowd behaves. Every line is an assumption: put your own figures here.",
        *section("events", "how often for each customer, or after what", behaviour.events),
        *section(
            "reach", "the share of customers who have an address; on the web: who come to the site", shares(behaviour.reach)
        ),
        *section("consents", "the share of those who agreed to marketing there", shares(behaviour.consents)),
        *section(
            "reactions",
            "delivered, of what was sent; the others, of what was delivered. converted is the lift you claim: none is assumed",
            {
                channel: "{" + ", ".join(f"{n}: {_percent(v)}" for n, v in reactions.model_dump().items()) + "}"
                for channel, reactions in behaviour.reactions.items()
            },
        ),
        *section(
            "known", "the share of customers of whom an attribute is known; 90% where it is not said", shares(behaviour.known)
        ),
        *section(
            "shares",
            "how often each option of an attribute is the case, as in value_tier: {high: 10%, low: 90%}; else all alike",
            {
                name: "{" + ", ".join(f"{_key(n)}: {_percent(v)}" for n, v in options.items()) + "}"
                for name, options in behaviour.shares.items()
            },
        ),
        "",
        f"money: {behaviour.money:g}".ljust(24) + "# the median amount",
        f"spread: {behaviour.spread:g}".ljust(24) + "# of amounts: the standard deviation of their logarithm",
        f"calls: {_percent(behaviour.calls)}".ljust(24) + "# of calls that are answered",
        f"keep: {behaviour.keep}".ljust(24) + "# for how long a customer goes on with the same cart",
        f"history: {behaviour.history}".ljust(24) + "# the past that is made up for counts and sums",
    ]
    return "\n".join(lines) + "\n"


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Entries):
        return {key.value: _plain(value) for key, value in node.entries}
    return [_plain(item) for item in node.items]


def _entries(value: Any, place: str) -> Mapping[str, Any]:
    if value == "":
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput("consists of entries: a name, a colon and its rate", where=place)
    return value


def _say(place: str, read: Any, text: Any) -> Any:
    try:
        return read(text if isinstance(text, str) else str(text))
    except ValueError as error:
        raise InvalidInput(str(error), where=place) from None


def _is_event(name: str, vocabulary: Vocabulary, place: str) -> None:
    if name in FOLLOW_MESSAGES:
        raise InvalidInput(f"{name} follows from a message; say so under reactions:", where=place)
    _is_one(name, vocabulary.events, place)


def _is_one(name: str, known: Iterable[str] | Sequence[str], place: str) -> None:
    if name not in known:
        raise InvalidInput(did_you_mean(name, known) or f"write {one_of(known)}", where=f'{place}: there is no "{name}"')


def _fraction(percent: str) -> float:
    value = float(percent) / 100
    if value > 1:
        raise ValueError(f'"{percent}%" is more than all')
    return value


def _percent(value: float) -> str:
    return f"{value * 100:.10g}%"


def _key(name: str) -> str:
    return (
        name if re.fullmatch(r"[\w-]+( [\w-]+)*", name) and name.lower() not in ("yes", "no", "true", "false") else f'"{name}"'
    )
