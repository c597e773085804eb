"""Read the rates of an invented crowd from a file or the command line, and write them as a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from idic.errors import InvalidInput
from idic.journey.channels import CHANNELS
from idic.journey.vocabulary.built_in import FOLLOW_MESSAGES
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping as Entries
from idic.journey.yaml_source.nodes import Node, Scalar, parse
from idic.problems import Problems, did_you_mean, one_of
from idic.rehearse.crowd.behaviour import CrowdBehaviour, FollowRate, MessageReactions, PoissonRate, follows, percent
from idic.times import Duration

_OFTEN = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?:/|an?\s|per\s)\s*(?P<span>hour|day|week|month|year)")
_SHARE = re.compile(r"(?P<share>\d+(?:\.\d+)?)\s*%")
_AFTER = re.compile(_SHARE.pattern + r"\s+of\s+(?P<event>\S.*?)\s+within\s+(?P<within>\S.*)")


def read_rate(text: str) -> PoissonRate | FollowRate:
    """Read ``0.3 a week``, ``0.3/week`` or ``20% of Cart Updated within 2 days``.

    Raises ``ValueError``, whose text says what to write instead.
    """
    text = text.strip()
    if often := _OFTEN.fullmatch(text):
        return PoissonRate(float(often["count"]), often["span"])
    if after := _AFTER.fullmatch(text):
        return FollowRate(_fraction(after["share"]), after["event"], Duration.parse(after["within"]))
    raise ValueError(f'"{text}" is not a rate; write "0.3 a week" or "20% of Cart Updated within 2 days"')


def read_share(text: str) -> float:
    """Read ``35%``. Raises ``ValueError``, whose text says what to write instead."""
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text.strip()}" is not a share; write it as 35%')
    return _fraction(match["share"])


def with_rate(behaviour: CrowdBehaviour, option: str, vocabulary: Vocabulary) -> CrowdBehaviour:
    """``behaviour`` with one rate from the command line: ``Order Completed=0.3/week``. Raises ``InvalidInput``."""
    name, equals, text = option.partition("=")
    if not equals:
        raise InvalidInput(f'"{option}": write an event, = and its rate, as in "Order Completed=0.3/week"', where="--rate")
    return _checked({"events": {name.strip(): text.strip()}}, behaviour, vocabulary, "--rate")


def read_rates(file: str, text: str, behaviour: CrowdBehaviour, vocabulary: Vocabulary) -> CrowdBehaviour:
    """``behaviour`` with the rates of a YAML file. Raises ``InvalidInput`` with the place in the file."""
    problems = Problems({file: text})
    node = parse(file, text, problems)
    if problems.failed:
        raise InvalidInput("\n".join(str(problem) for problem in problems.all()))
    rates = _plain(node) if node is not None else {}
    if not isinstance(rates, dict):
        raise InvalidInput("rates are entries such as events: and reactions:; see --rates-example", where=file)
    return _checked(rates, behaviour, vocabulary, file)


def _checked(sections: Mapping[str, Any], behaviour: CrowdBehaviour, vocabulary: Vocabulary, where: str) -> CrowdBehaviour:
    """``behaviour`` with the sections of ``said``, read from text. ``where`` names the source in errors."""
    rates: dict[str, Any] = behaviour.model_dump()
    rates["events"] = dict(behaviour.events)
    for section, value in sections.items():
        place = f"{where}: {section}"
        if section not in CrowdBehaviour.model_fields:
            hint = did_you_mean(section, CrowdBehaviour.model_fields)
            raise InvalidInput(hint or f"write {one_of(CrowdBehaviour.model_fields)}", where=f"{place} is not a kind of rate")
        rates[section] = _section(section, value, rates[section], vocabulary, place)
    for name in rates["events"]:
        if follows(rates["events"], name, name):
            raise InvalidInput("follows itself", where=f"{where}: events: {name}")
    try:
        return CrowdBehaviour.model_validate(rates)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInput(first["msg"], where=f"{where}: {': '.join(map(str, first['loc']))}") from None


def _section(section: str, value: Any, before: Any, vocabulary: Vocabulary, place: str) -> Any:
    """The value of a section; where it has entries, those of ``before`` that are not overridden stay."""
    match section:
        case "events":
            return {**before, **_events(value, vocabulary, place)}
        case "reach" | "consents" | "known":
            return {**before, **_shares(value, vocabulary.customer if section == "known" else CHANNELS, place)}
        case "reactions":
            reactions = {channel: dict(shares) for channel, shares in before.items()}
            for channel, shares in _entries(value, place).items():
                _check_name(channel, CHANNELS, place)
                reactions.setdefault(channel, {}).update(_shares(shares, MessageReactions.model_fields, f"{place}: {channel}"))
            return reactions
        case "shares":
            options = {}
            for name, shares in _entries(value, place).items():
                _check_name(name, vocabulary.customer, place)
                options[name] = _shares(shares, None, f"{place}: {name}")
            return {**before, **options}
        case "calls":
            return _read(place, read_share, value)
        case "keep" | "history":
            return _read(place, Duration.parse, value)
        case _:
            return _read(place, float, value)


def _events(value: Any, vocabulary: Vocabulary, place: str) -> dict[str, PoissonRate | FollowRate]:
    rates: dict[str, PoissonRate | FollowRate] = {}
    for name, text in _entries(value, place).items():
        _check_event(name, vocabulary, place)
        rate = _read(f"{place}: {name}", read_rate, text)
        if isinstance(rate, FollowRate):
            _check_event(rate.event, vocabulary, f"{place}: {name}")
        rates[name] = rate
    return rates


def _shares(value: Any, known: Iterable[str] | None, place: str) -> dict[str, float]:
    """Shares by name; the names must be ``known``, unless that is None."""
    shares: dict[str, float] = {}
    for name, text in _entries(value, place).items():
        if known is not None:
            _check_name(name, known, place)
        shares[name] = _read(f"{place}: {name}", read_share, text)
    return shares


def rates_file(behaviour: CrowdBehaviour) -> str:
    """The rates as a file that ``read_rates`` reads."""

    def section(name: str, said: str, entries: Mapping[str, object]) -> list[str]:
        width = max((len(_key(key)) for key in entries), default=0) + 1
        lines = [f"  {_key(key) + ':':<{width}} {value}" for key, value in entries.items()]
        return ["", f"# {said}", f"{name}:" if lines else f"{name}: {{}}", *lines]

    def shares(of: Mapping[str, float]) -> dict[str, object]:
        return {name: percent(one) for name, one in of.items()}

    lines = [
        "# How a rehearsed crowd behaves. Every line is an assumption: put your own numbers here.",
        *section("events", "how often for each customer, or after what", behaviour.events),
        *section(
            "reach", "the share of customers who have an address; on the web: who visit the site", shares(behaviour.reach)
        ),
        *section("consents", "the share of customers who consented to marketing there", shares(behaviour.consents)),
        *section(
            "reactions",
            "delivered, of what was sent; the others, of what was delivered. converted is the lift you claim: none is assumed",
            {
                channel: "{" + ", ".join(f"{n}: {percent(v)}" for n, v in reactions.model_dump().items()) + "}"
                for channel, reactions in behaviour.reactions.items()
            },
        ),
        *section(
            "known",
            "the share of customers with a known attribute; 90% where none is given",
            shares(behaviour.known),
        ),
        *section(
            "shares",
            "how often each option of an attribute occurs: value_tier: {high: 10%, low: 90%}; else all are equally likely",
            {
                name: "{" + ", ".join(f"{_key(n)}: {percent(v)}" for n, v in options.items()) + "}"
                for name, options in behaviour.shares.items()
            },
        ),
        "",
        f"money: {behaviour.money:g}".ljust(24) + "# the median amount",
        f"spread: {behaviour.spread:g}".ljust(24) + "# of amounts: the standard deviation of their logarithm",
        f"calls: {percent(behaviour.calls)}".ljust(24) + "# the share of calls that are answered",
        f"keep: {behaviour.keep}".ljust(24) + "# how long a customer keeps using the same cart",
        f"history: {behaviour.history}".ljust(24) + "# the past that is invented for counts and sums",
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


def _read(place: str, read: Any, text: Any) -> Any:
    try:
        return read(text if isinstance(text, str) else str(text))
    except ValueError as error:
        raise InvalidInput(str(error), where=place) from None


def _check_event(name: str, vocabulary: Vocabulary, place: str) -> None:
    if name in FOLLOW_MESSAGES:
        raise InvalidInput(f"{name} follows from a message; say so under reactions:", where=place)
    _check_name(name, vocabulary.events, place)


def _check_name(name: str, known: Iterable[str] | Sequence[str], place: str) -> None:
    if name not in known:
        raise InvalidInput(did_you_mean(name, known) or f"write {one_of(known)}", where=f'{place}: there is no "{name}"')


def _fraction(text: str) -> float:
    value = float(text) / 100
    if value > 1:
        raise ValueError(f'"{text}%" is more than 100%')
    return value


def _key(name: str) -> str:
    return (
        name if re.fullmatch(r"[\w-]+( [\w-]+)*", name) and name.lower() not in ("yes", "no", "true", "false") else f'"{name}"'
    )
