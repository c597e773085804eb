"""``policy.yaml`` → the contact policy, and the parts of it that a journey may say too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parseaddr
from typing import Any, NamedTuple

from idic.journey.channels import CHANNELS, EMAIL, SMS
from idic.journey.contact_policy.contact_policy import (
    DAY,
    MINUTES,
    Budget,
    Cap,
    Gap,
    Level,
    Policy,
    Quiet,
    Sender,
    When,
    minutes,
)
from idic.journey.definition import read_times
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence, parse
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean
from idic.times import Duration, Hours

SECTIONS = (
    "suppression", "consent", "control_group", "quiet_hours", "caps", "minimum_gap", "conversation", "deferral", "priority",
    "budget", "fewer", "senders", "journeys_may",
)  # fmt: skip
LEVELS: tuple[Level, ...] = ("none", "single", "double")
WHENS: tuple[When, ...] = ("defer", "skip")
STRICTER = ("quiet_hours", "caps", "minimum_gap")
"""What a journey may say of its own, where the policy lets it."""
GROUPS = ("service", "others")
"""What stands in ``priority`` beside journeys."""

_OF_OTHERS = {
    "suppressions": "suppression: always", "opt_in": "consent: {email: double}", "consents": "consent: {email: double}",
    "holdout": "control_group: {share: 5}", "control": "control_group: {share: 5}", "do_not_disturb": "quiet_hours:",
    "blackout": "quiet_hours:", "frequency_capping": "caps:", "frequency_caps": "caps:", "limits": "caps:", "cap": "caps:",
    "cooldown": "minimum_gap: {between: 4 hours}", "gap": "minimum_gap: {between: 4 hours}", "within": "deferral: 24 hours",
    "priorities": "priority:", "budgets": "budget:", "sender": "senders:", "from": "senders:",
}  # fmt: skip
_CAP_OF_OTHERS = {
    "max": "at_most: 3", "limit": "at_most: 3", "most": "at_most: 3", "every": "per: 7 days", "in": "per: 7 days",
    "within": "per: 7 days", "channels": "channel: [email, sms]", "topics": "topic:", "name": "id:", "then": "when: defer",
}  # fmt: skip
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%?")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
_LONGEST_SENDER = 64


class PolicyReading(NamedTuple):
    """``journeys`` are those that it names, and ``topics`` too: whether they are there the folder says. ``broken``: it has
    errors, and what a journey adds to it cannot be held against it."""

    policy: Policy
    journeys: tuple[Scalar, ...] = ()
    topics: tuple[Scalar, ...] = ()
    broken: bool = False


def read_policy(file: str, text: str, problems: Problems) -> PolicyReading:
    """The policy in ``text``; what is wrong has been told, and is left out."""
    node = parse(file, text, problems)
    reading = _Reader(problems).whole(node) if node is not None else PolicyReading(Policy())
    return reading._replace(broken=problems.failed)


def check_names(reading: PolicyReading, journeys: Iterable[str], topics: Iterable[str], problems: Problems) -> None:
    """What the policy says of journeys and topics that nobody knows has no effect."""
    known, spoken = list(journeys), list(topics)
    for name in reading.journeys:
        if name.value not in known:
            hint = did_you_mean(name.value, (*known, *GROUPS)) or "take it out, or name a journey of this folder"
            problems.warning(name.mark, f'priority: there is no journey "{name.value}"', hint)
    for topic in reading.topics:
        if topic.value not in spoken:
            hint = did_you_mean(topic.value, spoken) or "such a cap counts nothing; name the topic of a journey"
            problems.warning(topic.mark, f'no journey has the topic "{topic.value}"', hint)


class PolicyPartReader:
    """What the policy and a journey may both say."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.topics: list[Scalar] = []

    def span(self, node: Node | None, what: str) -> Duration | None:
        """Elapsed time: a day has 24 hours."""
        read = self.shapes.duration(node, what)
        return Duration(seconds=read.days * DAY.seconds + read.seconds) if read is not None else None

    def when(self, node: Node | None, what: str) -> When:
        return "skip" if self.shapes.choice(node, f"{what}: when", WHENS) == "skip" else "defer"

    def channels(self, node: Node | None, what: str) -> tuple[str, ...]:
        found = [text.value for text in self.shapes.texts(node, what) if self.shapes.choice(text, what, CHANNELS)]
        return tuple(dict.fromkeys(found))

    def number(self, node: Node | None, what: str) -> int | None:
        text = self.shapes.text(node, what)
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,9}", text.value):
            hint = "write one, such as 3" + ("; the time goes into per: 7 days" if text.value[:1].isdigit() else "")
            self.problems.error(text.mark, f'{what}: "{text.value}" is not a whole number', hint)
            return None
        return int(text.value)

    def quiet(self, node: Node | None, what: str = "quiet_hours") -> Quiet | None:
        if node is None:
            return None
        found = self.shapes.fields(node, what, (*CHANNELS, "by_country", "when"))
        if found is None:
            return None
        countries: dict[str, dict[str, tuple[Hours, ...]]] = {}
        for country, inside in self.entries(found.get("by_country"), f"{what}: by_country", "FR: {sms: 20:00 to 10:00}"):
            own = self.shapes.fields(inside, f"{what}: {country.value}", tuple(CHANNELS))
            if self.shapes.country(country) is not None and own is not None:
                countries[country.value] = self.by_channel(own, f"{what}: {country.value}")
        return Quiet(hours=self.by_channel(found, what), by_country=countries, when=self.when(found.get("when"), what))

    def by_channel(self, found: dict[str, Node], what: str) -> dict[str, tuple[Hours, ...]]:
        return {
            channel: hours
            for channel in CHANNELS
            if channel in found and (hours := self.hours(found[channel], f"{what}: {channel}")) is not None
        }

    def hours(self, node: Node, what: str) -> tuple[Hours, ...] | None:
        """One window, several, or ``none``."""
        if isinstance(node, Scalar) and node.value == "none":
            return ()
        windows = []
        for text in self.shapes.texts(node, what):
            opens, _, closes = text.value.partition(" to ")
            if opens.strip() == closes.strip():
                self.problems.error(text.mark, f"{what}: this leaves no time of the day", "leave some hours out")
                return None
            try:
                windows.append(Hours.parse(text.value))
            except ValueError as error:
                self.problems.error(text.mark, f"{what}: {error}")
                return None
        if len(minutes(windows)) == MINUTES:
            self.problems.error(node.mark, f"{what}: these leave no time of the day", "leave some hours out")
            return None
        return tuple(windows)

    def caps(self, node: Node | None) -> tuple[Cap, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            hint = "write - {id: three_a_week, at_most: 3, per: 7 days}, a line for each"
            self.problems.error(node.mark, "caps is a list", hint)
            return ()
        caps: dict[str, Cap] = {}
        for item in node.items:
            cap = self.cap(item)
            if cap is None:
                continue
            name, found = cap
            if found.id in caps:
                self.problems.error(name.mark, f'there are two caps "{found.id}"', "choose another id for one")
            caps[found.id] = found
        return tuple(caps.values())

    def cap(self, node: Node) -> tuple[Scalar, Cap] | None:
        known = ("id", "at_most", "per", "channel", "topic", "when")
        found = self.shapes.fields(node, "a cap", known, required=("id", "at_most", "per"), instead=_CAP_OF_OTHERS)
        name = self.shapes.text(found.get("id"), "id") if found else None
        if not found or name is None or not self.shapes.name(name, "cap", field=True):
            return None
        what = f"cap {name.value}"
        at_most, per = self.number(found.get("at_most"), f"{what}: at_most"), self.span(found.get("per"), f"{what}: per")
        topic = self.shapes.text(found.get("topic"), f"{what}: topic")
        if topic is not None:
            self.topics.append(topic)
        channels = self.channels(found.get("channel"), f"{what}: channel")
        when = self.when(found.get("when"), what)
        if at_most is None or per is None:
            return None
        return name, Cap(
            id=name.value, at_most=at_most, per=per, channels=channels, topic=topic.value if topic else None, when=when
        )

    def gap(self, node: Node | None) -> Gap | None:
        if node is None:
            return None
        if isinstance(node, Scalar) and node.value[:1].isdigit():
            hint = f"write minimum_gap: {{between: {node.value}}}"
            self.problems.error(node.mark, "minimum_gap consists of entries", hint)
            return None
        found = self.shapes.fields(node, "minimum_gap", ("between", "channel", "when"), required=("between",))
        between = self.span(found.get("between"), "minimum_gap: between") if found else None
        if not found or between is None:
            return None
        channels = self.channels(found.get("channel"), "minimum_gap: channel")
        return Gap(between=between, channels=channels, when=self.when(found.get("when"), "minimum_gap"))

    def entries(self, node: Node | None, what: str, example: str) -> tuple[tuple[Scalar, Node], ...]:
        if isinstance(node, Mapping):
            return node.entries
        if node is not None:
            self.problems.error(node.mark, f"{what} consists of entries", f"write {example}")
        return ()


class _Reader(PolicyPartReader):
    def whole(self, node: Node) -> PolicyReading:
        found = self.shapes.fields(node, "the policy", SECTIONS, instead=_OF_OTHERS)
        if found is None:
            return PolicyReading(Policy())
        self.shapes.choice(found.get("suppression"), "suppression", ("always",))
        journeys = self.priority(found.get("priority"))
        senders, default = self.senders(found.get("senders"))
        said: dict[str, Any] = {
            "control_group": self.share(found.get("control_group")),
            "quiet_hours": self.quiet(found.get("quiet_hours")),
            "caps": self.caps(found.get("caps")),
            "minimum_gap": self.gap(found.get("minimum_gap")),
            "conversation": self.span(found.get("conversation"), "conversation"),
            "deferral": self.span(found.get("deferral"), "deferral"),
            "priority": tuple(journey.value for journey in journeys),
            "budget": self.budget(found.get("budget")),
            "fewer": self.fewer(found.get("fewer")),
            "senders": senders,
            "default_sender": default,
            "journeys_may": self.journeys_may(found.get("journeys_may")),
        }
        policy = Policy(
            consent={**Policy().consent, **self.consent(found.get("consent"))},
            **{name: value for name, value in said.items() if value is not None},
        )
        named = tuple(journey for journey in journeys if journey.value not in GROUPS)
        return PolicyReading(policy, named, tuple(self.topics))

    def consent(self, node: Node | None) -> dict[str, Level]:
        found = self.shapes.fields(node, "consent", tuple(CHANNELS)) if node is not None else None
        said = {channel: self.shapes.choice(value, f"consent: {channel}", LEVELS) for channel, value in (found or {}).items()}
        return {channel: level for channel, one in said.items() for level in LEVELS if level == one}

    def share(self, node: Node | None) -> float | None:
        if node is None:
            return None
        if isinstance(node, Scalar) and _SHARE.fullmatch(node.value):
            hint = f"write control_group: {{share: {node.value.rstrip(' %')}}}"
            self.problems.error(node.mark, "control_group consists of entries", hint)
            return None
        found = self.shapes.fields(node, "control_group", ("share",), required=("share",))
        text = self.shapes.text(found.get("share"), "control_group: share") if found else None
        if text is None:
            return None
        share = _SHARE.fullmatch(text.value)
        if share is None or not 0 <= float(share[1]) < 100:
            hint = "write it in percent, such as 5; of all customers somebody has to be written to"
            self.problems.error(text.mark, f'control_group: share cannot be "{text.value}"', hint)
            return None
        return float(share[1])

    def priority(self, node: Node | None) -> list[Scalar]:
        journeys = self.shapes.texts(node, "priority")
        names = [journey.value for journey in journeys]
        for number, journey in enumerate(journeys):
            if journey.value in names[:number]:
                self.problems.error(journey.mark, f"priority: {journey.value} is there twice", "keep one")
        if "service" in names[1:]:
            mark = journeys[names.index("service")].mark
            self.problems.error(mark, "priority: service goes before all, always", "write it first, or take it out")
        return journeys

    def budget(self, node: Node | None) -> dict[str, Budget]:
        found = self.shapes.fields(node, "budget", tuple(CHANNELS)) if node is not None else None
        budgets: dict[str, Budget] = {}
        for channel, value in (found or {}).items():
            what = f"budget: {channel}"
            inside: dict[str, Node] = {"at_most": value}
            if not isinstance(value, Scalar):
                inside = self.shapes.fields(value, what, ("at_most", "when"), required=("at_most",)) or {}
            text = self.shapes.text(inside.get("at_most"), what)
            when = self.when(inside.get("when"), what)
            if text is None:
                continue
            try:
                budgets[channel] = Budget(at_most=read_times.a_day(text.value), when=when)
            except ValueError as error:
                self.problems.error(text.mark, f"{what}: {error}")
        return budgets

    def fewer(self, node: Node | None) -> Cap | None:
        if node is None:
            return None
        found = self.shapes.fields(
            node, "fewer", ("at_most", "per", "when"), required=("at_most", "per"), instead=_CAP_OF_OTHERS
        )
        if not found:
            return None
        at_most, per = self.number(found.get("at_most"), "fewer: at_most"), self.span(found.get("per"), "fewer: per")
        when = self.when(found.get("when"), "fewer")
        return Cap(id="fewer", at_most=at_most, per=per, when=when) if at_most is not None and per is not None else None

    def senders(self, node: Node | None) -> tuple[dict[str, Sender], str | None]:
        senders: dict[str, Sender] = {}
        defaults: list[Scalar] = []
        for name, value in self.entries(node, "senders", 'shop: {email: "Shop <hello@shop.example>"}'):
            what = f"sender {name.value}"
            found = self.shapes.fields(
                value, what, (EMAIL.name, "reply_to", SMS.name, "default"), instead={"from": "email:", "phone": "sms:"}
            )
            if not self.shapes.name(name, "sender", field=True) or found is None:
                continue
            senders[name.value] = Sender(
                email=self.mailbox(found.get(EMAIL.name), f"{what}: email"),
                reply_to=self.mailbox(found.get("reply_to"), f"{what}: reply_to"),
                sms=self.origin(found.get(SMS.name), f"{what}: sms"),
            )
            if self.shapes.choice(found.get("default"), f"{what}: default", ("yes", "no", "true", "false")) in ("yes", "true"):
                defaults.append(name)
        for other in defaults[1:]:
            self.problems.error(other.mark, f"there are two default senders: {defaults[0].value} and {other.value}", "keep one")
        if len(senders) > 1 and not defaults and node is not None:
            self.problems.error(
                node.mark,
                "none of these senders is the default one",
                f"write default: yes at one, such as {next(iter(senders))}",
            )
        return senders, defaults[0].value if defaults else next(iter(senders), None)

    def mailbox(self, node: Node | None, what: str) -> str | None:
        text = self.shapes.text(node, what)
        if text is None:
            return None
        name, address = parseaddr(text.value)
        plain = text.value in (address, f"<{address}>") or bool(name)
        if not plain or not _ADDRESS.fullmatch(address) or "\n" in text.value:
            hint = 'write "Shop <hello@shop.example>" or hello@shop.example'
            self.problems.error(text.mark, f'{what}: "{text.value}" is not an address', hint)
            return None
        return text.value

    def origin(self, node: Node | None, what: str) -> str | None:
        text = self.shapes.text(node, what)
        if text is None:
            return None
        value = text.value
        number = value.startswith(("+", "0")) or value.replace(" ", "").isdigit()
        if (number and not _NUMBER.fullmatch(value)) or len(value) > _LONGEST_SENDER or not value.isprintable():
            hint = 'write a number with its country, such as "+4915700000000", or what your provider calls the sender'
            self.problems.error(text.mark, f'{what}: "{value}" is not a number', hint)
            return None
        return value

    def journeys_may(self, node: Node | None) -> tuple[str, ...]:
        found = self.shapes.fields(node, "journeys_may", ("stricter",), required=("stricter",)) if node is not None else None
        if not found:
            return ()
        names = [
            text.value
            for text in self.shapes.texts(found.get("stricter"), "stricter")
            if self.shapes.choice(text, "stricter", STRICTER)
        ]
        return tuple(dict.fromkeys(names))
