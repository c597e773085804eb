"""What a journey says of the contact policy: it may be stricter, as far as the policy lets it, and never looser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy, Quiet, StricterPolicy, describe_span, longest, minutes
from idic.journey.contact_policy.describe_policy import describe_cap, describe_gap, describe_hours
from idic.journey.contact_policy.read_policy import STRICTER, PolicyPartReader, PolicyReading
from idic.journey.definition.definition import Definition, SendText, StepText
from idic.journey.yaml_source.nodes import Mapping as MappingNode
from idic.journey.yaml_source.nodes import Node, Scalar, Sequence
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.times import Hours


class StricterPolicyReader:
    def __init__(self, definition: Definition, reading: PolicyReading, problems: Problems) -> None:
        self.definition = definition
        self.reading = reading
        self.policy = reading.policy
        self.problems = problems
        self.parts = PolicyPartReader(problems)

    def sender(self) -> str | None:
        text = self.definition.sender
        if text is None or self.reading.broken:
            return None
        if text.value in self.policy.senders:
            return text.value
        there = one_of(self.policy.senders) if self.policy.senders else ""
        hint = f"there is {there}" if there else "name it under senders: in policy.yaml"
        hint = did_you_mean(text.value, self.policy.senders) or hint
        self.problems.error(text.mark, f'sender "{text.value}" does not exist', hint)
        return None

    def stricter(self) -> StricterPolicy | None:
        node = self.definition.policy
        if node is None:
            return None
        if self.definition.purpose == "service":
            hint = "take it out; at: 09:00 to 20:00 at a step holds its message to these hours"
            self.problems.error(node.mark, "policy: a service message is sent whatever the hour, and counts in no cap", hint)
            return None
        found = self.parts.shapes.fields(node, "policy", STRICTER)
        if found is None:
            return None
        for name in found if not self.reading.broken else ():
            self.lets(name, node)
        stricter = StricterPolicy(
            quiet_hours=self.parts.quiet(found.get("quiet_hours")),
            caps=self.parts.caps(found.get("caps")),
            minimum_gap=self.parts.gap(found.get("minimum_gap")),
        )
        if not self.reading.broken:
            self.not_looser(stricter, found)
        return stricter

    def lets(self, name: str, node: Node) -> None:
        if name in self.policy.journeys_may or not isinstance(node, MappingNode):
            return
        may = [*self.policy.journeys_may, name]
        hint = f"write journeys_may: {{stricter: [{', '.join(may)}]}} in policy.yaml, or take it out"
        key = node.key(name)
        self.problems.error((key or node).mark, f"policy: the contact policy does not let journeys say {name}", hint)

    def not_looser(self, stricter: StricterPolicy, found: Mapping[str, Node]) -> None:
        if stricter.quiet_hours is not None and self.policy.quiet_hours is not None:
            self.hours(stricter.quiet_hours, self.policy.quiet_hours, found["quiet_hours"])
        caps = found.get("caps")
        for cap in stricter.caps:
            for other in self.policy.caps:
                if _looser(cap, other):
                    self.looser(_cap(caps, cap.id), f"cap {cap.id}", f"{describe_cap(other)} ({other.id})")
                    break
        gap, least = stricter.minimum_gap, self.policy.minimum_gap
        if gap is not None and least is not None and _shorter(gap, least):
            self.looser(found["minimum_gap"].mark, "minimum_gap", describe_gap(least))

    def hours(self, own: Quiet, least: Quiet, node: Node) -> None:
        for country, by_channel in ((None, own.hours), *own.by_country.items()):
            for channel, windows in by_channel.items():
                held = least.of(channel, country)
                if not minutes(windows) >= minutes(held):
                    inside = _inside(_inside(node, "by_country"), country) if country else node
                    where = f"quiet_hours: {f'{country}: ' if country else ''}{channel}"
                    self.looser((_inside(inside, channel) or node).mark, where, describe_hours(held))

    def looser(self, at: Mark, what: str, policy: str) -> None:
        self.problems.error(
            at, f"{what} is looser than the contact policy, which says {policy}", "a journey may be stricter only"
        )


def _inside(node: Node | None, name: str) -> Node | None:
    return node.get(name) if isinstance(node, MappingNode) else None


def _looser(cap: Cap, other: Cap) -> bool:
    """Whether ``cap`` lets more than ``other`` does of the same messages."""
    same = set(cap.channels) == set(other.channels) and cap.topic == other.topic
    own, least = cap.per.longest, other.per.longest
    return same and own <= least and (cap.at_most > other.at_most or (cap.at_most == other.at_most and own < least))


def _shorter(gap: Gap, least: Gap) -> bool:
    same = set(gap.channels) == set(least.channels) or not least.channels
    return same and gap.between.longest < least.between.longest


def _cap(node: Node | None, name: str) -> Mark:
    """Where a cap of this id is written."""
    for item in node.items if isinstance(node, Sequence) else ():
        written = _inside(item, "id")
        if isinstance(written, Scalar) and written.value == name:
            return item.mark
    assert node is not None
    return node.mark


def warn_of_quiet_hours(
    steps: Mapping[str, StepText], policy: Policy, stricter: StricterPolicy | None, purpose: str, problems: Problems
) -> None:
    """A message that somebody comes to at the beginning of quiet hours, and that is too late when they are over."""
    parts = [part for part in (policy.quiet_hours, stricter.quiet_hours if stricter else None) if part is not None]
    for name, step in steps.items():
        if not isinstance(step, SendText) or purpose == "service":
            continue
        if isinstance(step.at, Hours):
            _never_open(name, step, step.at, parts, problems)
            continue
        within = step.within or policy.deferral
        for channel in dict.fromkeys(channel.value for channel in step.channels):
            found = _longer(parts, channel, within.longest.total_seconds())
            if found is not None:
                country, windows = found
                where = f" in {country}" if country else ""
                message = f'step "{name}": within {step.within or describe_span(policy.deferral)} can end inside '
                message += f"{CHANNELS[channel].word} quiet hours{where} ({describe_hours(windows)})"
                problems.warning(step.mark, message, f"write within: {longest(windows)} or longer, if they are to get it")


def _never_open(name: str, step: SendText, at: Hours, parts: Iterable[Quiet], problems: Problems) -> None:
    """Hours of the day for a message that lie all within quiet hours."""
    for channel in dict.fromkeys(channel.value for channel in step.channels):
        windows = tuple(window for part in parts for window in part.of(channel, None))
        if windows and minutes([at]) <= minutes(windows):
            message = f'step "{name}": at {at} lies inside {CHANNELS[channel].word} quiet hours ({describe_hours(windows)}): '
            problems.warning(step.mark, f"{message}by {CHANNELS[channel].word} it is never sent there", "write other hours")


def _longer(parts: Iterable[Quiet], channel: str, seconds: float) -> tuple[str | None, tuple[Hours, ...]] | None:
    """The hours of a channel that last longer than that; of a country, if so only there."""
    held = [part for part in parts if part.when == "defer"]
    for country in (None, *dict.fromkeys(name for part in held for name in part.by_country)):
        windows = tuple(window for part in held for window in part.of(channel, country))
        if longest(windows).seconds > seconds:
            return country, windows
    return None
