"""Read ``policy.yaml``, and the parts of it that a journey may contain too."""

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
"""The parts that a journey may contain too, if ``journeys_may`` allows it."""
GROUPS = ("service", "others")
"""Entries of ``priority`` that are not journeys."""

_ENTRIES_OF_OTHER_TOOLS = {
    "suppressions": "suppression: always", "opt_in": "consent: {email: double}", "consents": "consent: {email: double}",
    "holdout": "control_group: {share: 5}", "control": "control_group: {share: 5}", "do_not_disturb": "quiet_hours:",
    "blackout": "quiet_hours:", "frequency_capping": "caps:", "frequency_caps": "caps:", "limits": "caps:", "cap": "caps:",
    "cooldown": "minimum_gap: {between: 4 hours}", "gap": "minimum_gap: {between: 4 hours}", "within": "deferral: 24 hours",
    "priorities": "priority:", "budgets": "budget:", "sender": "senders:", "from": "senders:",
}  # fmt: skip
_CAP_ENTRIES_OF_OTHER_TOOLS = {
    "max": "at_most: 3", "limit": "at_most: 3", "most": "at_most: 3", "every": "per: 7 days", "in": "per: 7 days",
    "within": "per: 7 days", "channels": "channel: [email, sms]", "topics": "topic:", "name": "id:", "then": "when: defer",
}  # fmt: skip
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%?")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")
_LONGEST_SENDER = 64


class PolicyReading(NamedTuple):
    """A policy as read.

    ``journeys`` and ``topics`` are those it names; whether they exist, the folder decides. ``broken``: the policy has
    errors, so what a journey adds cannot be compared with it.
    """

    policy: Policy
    journeys: tuple[Scalar, ...] = ()
    topics: tuple[Scalar, ...] = ()
    broken: bool = False


def read_policy(file: str, text: str, problems: Problems) -> PolicyReading:
    """Read the policy in ``text``. Problems are reported, and the parts that have them are left out."""
    node = parse(file, text, problems)
    reading = _PolicyReader(problems).read(node) if node is not None else PolicyReading(Policy())
    return reading._replace(broken=problems.failed)


def check_names(reading: PolicyReading, journeys: Iterable[str], topics: Iterable[str], problems: Problems) -> None:
    """Warn of journeys and topics that the policy names and that do not exist: such entries have no effect."""
    known_journeys, known_topics = list(journeys), list(topics)
    for name in reading.journeys:
        if name.value not in known_journeys:
            hint = did_you_mean(name.value, (*known_journeys, *GROUPS)) or "take it out, or name a journey of this folder"
            problems.warning(name.mark, f'priority: there is no journey "{name.value}"', hint)
    for topic in reading.topics:
        if topic.value not in known_topics:
            hint = did_you_mean(topic.value, known_topics) or "the cap has no effect; name the topic of a journey"
            problems.warning(topic.mark, f'no journey has the topic "{topic.value}"', hint)


class PolicyPartReader:
    """Reads the parts that both the policy and a journey may contain."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.topics: list[Scalar] = []

    def span(self, node: Node | None, what: str) -> Duration | None:
        """A time span as elapsed time: a day has 24 hours."""
        duration = self.shapes.duration(node, what)
        return Duration(seconds=duration.days * DAY.seconds + duration.seconds) if duration is not None else None

    def when(self, node: Node | None, what: str) -> When:
        """Whether a message is put off or skipped; put off by default."""
        return "skip" if self.shapes.choice(node, f"{what}: when", WHENS) == "skip" else "defer"

    def channels(self, node: Node | None, what: str) -> tuple[str, ...]:
        """The channels named, each once."""
        channels = [text.value for text in self.shapes.texts(node, what) if self.shapes.choice(text, what, CHANNELS)]
        return tuple(dict.fromkeys(channels))

    def number(self, node: Node | None, what: str) -> int | None:
        """A whole number, 0 or more."""
        text = self.shapes.text(node, what)
        if text is None:
            return None
        if not re.fullmatch(r"\d{1,9}", text.value):
            hint = "write one, such as 3" + ("; the time goes into per: 7 days" if text.value[:1].isdigit() else "")
            self.problems.error(text.mark, f'{what}: "{text.value}" is not a whole number', hint)
            return None
        return int(text.value)

    def quiet(self, node: Node | None, what: str = "quiet_hours") -> Quiet | None:
        """The quiet hours."""
        if node is None:
            return None
        fields = self.shapes.fields(node, what, (*CHANNELS, "by_country", "when"))
        if fields is None:
            return None
        countries: dict[str, dict[str, tuple[Hours, ...]]] = {}
        for country, country_node in self.entries(fields.get("by_country"), f"{what}: by_country", "FR: {sms: 20:00 to 10:00}"):
            country_fields = self.shapes.fields(country_node, f"{what}: {country.value}", tuple(CHANNELS))
            if self.shapes.country(country) is not None and country_fields is not None:
                countries[country.value] = self.by_channel(country_fields, f"{what}: {country.value}")
        return Quiet(hours=self.by_channel(fields, what), by_country=countries, when=self.when(fields.get("when"), what))

    def by_channel(self, fields: dict[str, Node], what: str) -> dict[str, tuple[Hours, ...]]:
        """The hours of each channel that has some."""
        return {
            channel: hours
            for channel in CHANNELS
            if channel in fields and (hours := self.hours(fields[channel], f"{what}: {channel}")) is not None
        }

    def hours(self, node: Node, what: str) -> tuple[Hours, ...] | None:
        """One window, several, or ``none``. None on an error."""
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
        """The caps, whose ids are unique."""
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            hint = "write - {id: three_a_week, at_most: 3, per: 7 days}, a line for each"
            self.problems.error(node.mark, "caps is a list", hint)
            return ()
        caps: dict[str, Cap] = {}
        for item in node.items:
            named_cap = self.cap(item)
            if named_cap is None:
                continue
            name, cap_read = named_cap
            if cap_read.id in caps:
                self.problems.error(name.mark, f'there are two caps "{cap_read.id}"', "choose another id for one")
            caps[cap_read.id] = cap_read
        return tuple(caps.values())

    def cap(self, node: Node) -> tuple[Scalar, Cap] | None:
        """One cap with the place of its id; None on an error."""
        entries = ("id", "at_most", "per", "channel", "topic", "when")
        fields = self.shapes.fields(
            node, "a cap", entries, required=("id", "at_most", "per"), instead=_CAP_ENTRIES_OF_OTHER_TOOLS
        )
        name = self.shapes.text(fields.get("id"), "id") if fields else None
        if not fields or name is None or not self.shapes.name(name, "cap", field=True):
            return None
        what = f"cap {name.value}"
        at_most, per = self.number(fields.get("at_most"), f"{what}: at_most"), self.span(fields.get("per"), f"{what}: per")
        topic = self.shapes.text(fields.get("topic"), f"{what}: topic")
        if topic is not None:
            self.topics.append(topic)
        channels = self.channels(fields.get("channel"), f"{what}: channel")
        when = self.when(fields.get("when"), what)
        if at_most is None or per is None:
            return None
        return name, Cap(
            id=name.value, at_most=at_most, per=per, channels=channels, topic=topic.value if topic else None, when=when
        )

    def gap(self, node: Node | None) -> Gap | None:
        """The minimum gap."""
        if node is None:
            return None
        if isinstance(node, Scalar) and node.value[:1].isdigit():
            hint = f"write minimum_gap: {{between: {node.value}}}"
            self.problems.error(node.mark, "minimum_gap consists of entries", hint)
            return None
        fields = self.shapes.fields(node, "minimum_gap", ("between", "channel", "when"), required=("between",))
        between = self.span(fields.get("between"), "minimum_gap: between") if fields else None
        if not fields or between is None:
            return None
        channels = self.channels(fields.get("channel"), "minimum_gap: channel")
        return Gap(between=between, channels=channels, when=self.when(fields.get("when"), "minimum_gap"))

    def entries(self, node: Node | None, what: str, example: str) -> tuple[tuple[Scalar, Node], ...]:
        """The entries of a mapping; anything else is an error."""
        if isinstance(node, Mapping):
            return node.entries
        if node is not None:
            self.problems.error(node.mark, f"{what} consists of entries", f"write {example}")
        return ()


class _PolicyReader(PolicyPartReader):
    def read(self, node: Node) -> PolicyReading:
        fields = self.shapes.fields(node, "the policy", SECTIONS, instead=_ENTRIES_OF_OTHER_TOOLS)
        if fields is None:
            return PolicyReading(Policy())
        self.shapes.choice(fields.get("suppression"), "suppression", ("always",))
        journeys = self.priority(fields.get("priority"))
        senders, default = self.senders(fields.get("senders"))
        values: dict[str, Any] = {
            "control_group": self.share(fields.get("control_group")),
            "quiet_hours": self.quiet(fields.get("quiet_hours")),
            "caps": self.caps(fields.get("caps")),
            "minimum_gap": self.gap(fields.get("minimum_gap")),
            "conversation": self.span(fields.get("conversation"), "conversation"),
            "deferral": self.span(fields.get("deferral"), "deferral"),
            "priority": tuple(journey.value for journey in journeys),
            "budget": self.budget(fields.get("budget")),
            "fewer": self.fewer(fields.get("fewer")),
            "senders": senders,
            "default_sender": default,
            "journeys_may": self.journeys_may(fields.get("journeys_may")),
        }
        policy = Policy(
            consent={**Policy().consent, **self.consent(fields.get("consent"))},
            **{name: value for name, value in values.items() if value is not None},
        )
        named_journeys = tuple(journey for journey in journeys if journey.value not in GROUPS)
        return PolicyReading(policy, named_journeys, tuple(self.topics))

    def consent(self, node: Node | None) -> dict[str, Level]:
        fields = self.shapes.fields(node, "consent", tuple(CHANNELS)) if node is not None else None
        levels = {
            channel: self.shapes.choice(value, f"consent: {channel}", LEVELS) for channel, value in (fields or {}).items()
        }
        return {channel: level for channel, chosen in levels.items() for level in LEVELS if level == chosen}

    def share(self, node: Node | None) -> float | None:
        if node is None:
            return None
        if isinstance(node, Scalar) and _SHARE.fullmatch(node.value):
            hint = f"write control_group: {{share: {node.value.rstrip(' %')}}}"
            self.problems.error(node.mark, "control_group consists of entries", hint)
            return None
        fields = self.shapes.fields(node, "control_group", ("share",), required=("share",))
        text = self.shapes.text(fields.get("share"), "control_group: share") if fields else None
        if text is None:
            return None
        share = _SHARE.fullmatch(text.value)
        if share is None or not 0 <= float(share[1]) < 100:
            hint = "write a percentage below 100, such as 5"
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
            self.problems.error(mark, "priority: service always goes first", "write it first, or take it out")
        return journeys

    def budget(self, node: Node | None) -> dict[str, Budget]:
        fields = self.shapes.fields(node, "budget", tuple(CHANNELS)) if node is not None else None
        budgets: dict[str, Budget] = {}
        for channel, value in (fields or {}).items():
            what = f"budget: {channel}"
            entries: dict[str, Node] = {"at_most": value}
            if not isinstance(value, Scalar):
                entries = self.shapes.fields(value, what, ("at_most", "when"), required=("at_most",)) or {}
            text = self.shapes.text(entries.get("at_most"), what)
            when = self.when(entries.get("when"), what)
            if text is None:
                continue
            try:
                budgets[channel] = Budget(at_most=read_times.daily_limit(text.value), when=when)
            except ValueError as error:
                self.problems.error(text.mark, f"{what}: {error}")
        return budgets

    def fewer(self, node: Node | None) -> Cap | None:
        if node is None:
            return None
        fields = self.shapes.fields(
            node, "fewer", ("at_most", "per", "when"), required=("at_most", "per"), instead=_CAP_ENTRIES_OF_OTHER_TOOLS
        )
        if not fields:
            return None
        at_most, per = self.number(fields.get("at_most"), "fewer: at_most"), self.span(fields.get("per"), "fewer: per")
        when = self.when(fields.get("when"), "fewer")
        return Cap(id="fewer", at_most=at_most, per=per, when=when) if at_most is not None and per is not None else None

    def senders(self, node: Node | None) -> tuple[dict[str, Sender], str | None]:
        senders: dict[str, Sender] = {}
        defaults: list[Scalar] = []
        for name, value in self.entries(node, "senders", 'shop: {email: "Shop <hello@shop.example>"}'):
            what = f"sender {name.value}"
            fields = self.shapes.fields(
                value, what, (EMAIL.name, "reply_to", SMS.name, "default"), instead={"from": "email:", "phone": "sms:"}
            )
            if not self.shapes.name(name, "sender", field=True) or fields is None:
                continue
            senders[name.value] = Sender(
                email=self.mailbox(fields.get(EMAIL.name), f"{what}: email"),
                reply_to=self.mailbox(fields.get("reply_to"), f"{what}: reply_to"),
                sms=self.origin(fields.get(SMS.name), f"{what}: sms"),
            )
            if self.shapes.choice(fields.get("default"), f"{what}: default", ("yes", "no", "true", "false")) in ("yes", "true"):
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
        fields = self.shapes.fields(node, "journeys_may", ("stricter",), required=("stricter",)) if node is not None else None
        if not fields:
            return ()
        names = [
            text.value
            for text in self.shapes.texts(fields.get("stricter"), "stricter")
            if self.shapes.choice(text, "stricter", STRICTER)
        ]
        return tuple(dict.fromkeys(names))
