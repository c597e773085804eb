"""Check what a journey adds to the contact policy: it may be stricter, never looser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy, Quiet, StricterPolicy, describe_span, longest, minutes
from idic.journey.contact_policy.describe_policy import describe_cap, describe_gap, describe_hours
from idic.journey.contact_policy.read_policy import STRICTER, PolicyPartReader, PolicyReading
from idic.journey.definition.definition import Definition, SendDefinition, StepDefinition
from idic.journey.yaml_source.nodes import Mapping as MappingNode
from idic.journey.yaml_source.nodes import Node, Scalar, Sequence
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.times import Hours


class StricterPolicyReader:
    """Reads a journey's ``sender:`` and ``policy:`` against the contact policy."""

    def __init__(self, definition: Definition, reading: PolicyReading, problems: Problems) -> None:
        self.definition = definition
        self.reading = reading
        self.policy = reading.policy
        self.problems = problems
        self.parts = PolicyPartReader(problems)

    def sender(self) -> str | None:
        """The name of the journey's sender, if it exists in the policy."""
        text = self.definition.sender
        if text is None or self.reading.broken:
            return None
        if text.value in self.policy.senders:
            return text.value
        known = one_of(self.policy.senders) if self.policy.senders else ""
        hint = f"there is {known}" if known else "name it under senders: in policy.yaml"
        hint = did_you_mean(text.value, self.policy.senders) or hint
        self.problems.error(text.mark, f'sender "{text.value}" does not exist', hint)
        return None

    def stricter(self) -> StricterPolicy | None:
        """What the journey adds to the policy, or None."""
        node = self.definition.policy
        if node is None:
            return None
        if self.definition.purpose == "service":
            hint = "take it out; to limit the hours of a message, write at: 09:00 to 20:00 at its step"
            self.problems.error(node.mark, "policy: service messages have no quiet hours and no caps", hint)
            return None
        fields = self.parts.shapes.fields(node, "policy", STRICTER)
        if fields is None:
            return None
        for name in fields if not self.reading.broken else ():
            self.check_allowed(name, node)
        stricter = StricterPolicy(
            quiet_hours=self.parts.quiet(fields.get("quiet_hours")),
            caps=self.parts.caps(fields.get("caps")),
            minimum_gap=self.parts.gap(fields.get("minimum_gap")),
        )
        if not self.reading.broken:
            self.check_not_looser(stricter, fields)
        return stricter

    def check_allowed(self, name: str, node: Node) -> None:
        """Report a part that ``journeys_may`` does not allow."""
        if name in self.policy.journeys_may or not isinstance(node, MappingNode):
            return
        allowed = [*self.policy.journeys_may, name]
        hint = f"write journeys_may: {{stricter: [{', '.join(allowed)}]}} in policy.yaml, or take it out"
        key = node.key(name)
        self.problems.error((key or node).mark, f"policy: the contact policy does not let journeys say {name}", hint)

    def check_not_looser(self, stricter: StricterPolicy, fields: Mapping[str, Node]) -> None:
        """Report every part that is looser than the policy."""
        if stricter.quiet_hours is not None and self.policy.quiet_hours is not None:
            self.check_hours(stricter.quiet_hours, self.policy.quiet_hours, fields["quiet_hours"])
        caps = fields.get("caps")
        for cap in stricter.caps:
            for policy_cap in self.policy.caps:
                if _looser(cap, policy_cap):
                    self.report_looser(
                        _place_of_cap(caps, cap.id), f"cap {cap.id}", f"{describe_cap(policy_cap)} ({policy_cap.id})"
                    )
                    break
        gap, policy_gap = stricter.minimum_gap, self.policy.minimum_gap
        if gap is not None and policy_gap is not None and _shorter(gap, policy_gap):
            self.report_looser(fields["minimum_gap"].mark, "minimum_gap", describe_gap(policy_gap))

    def check_hours(self, own: Quiet, policy_quiet: Quiet, node: Node) -> None:
        """Report quiet hours that do not contain those of the policy."""
        for country, by_channel in ((None, own.hours), *own.by_country.items()):
            for channel, windows in by_channel.items():
                policy_windows = policy_quiet.of(channel, country)
                if not minutes(windows) >= minutes(policy_windows):
                    inside = _entry(_entry(node, "by_country"), country) if country else node
                    where = f"quiet_hours: {f'{country}: ' if country else ''}{channel}"
                    self.report_looser((_entry(inside, channel) or node).mark, where, describe_hours(policy_windows))

    def report_looser(self, at: Mark, what: str, policy: str) -> None:
        """Report that a part is looser than the policy."""
        self.problems.error(
            at, f"{what} is looser than the contact policy, which says {policy}", "a journey may be stricter only"
        )


def _entry(node: Node | None, name: str) -> Node | None:
    return node.get(name) if isinstance(node, MappingNode) else None


def _looser(cap: Cap, other: Cap) -> bool:
    """Whether ``cap`` allows more of the same messages than ``other`` does."""
    same_messages = set(cap.channels) == set(other.channels) and cap.topic == other.topic
    own_span, other_span = cap.per.longest, other.per.longest
    return (
        same_messages
        and own_span <= other_span
        and (cap.at_most > other.at_most or (cap.at_most == other.at_most and own_span < other_span))
    )


def _shorter(gap: Gap, least: Gap) -> bool:
    covers_same = set(gap.channels) == set(least.channels) or not least.channels
    return covers_same and gap.between.longest < least.between.longest


def _place_of_cap(node: Node | None, name: str) -> Mark:
    """The place of the cap with this id."""
    for item in node.items if isinstance(node, Sequence) else ():
        cap_id = _entry(item, "id")
        if isinstance(cap_id, Scalar) and cap_id.value == name:
            return item.mark
    assert node is not None
    return node.mark


def warn_of_quiet_hours(
    steps: Mapping[str, StepDefinition], policy: Policy, stricter: StricterPolicy | None, purpose: str, problems: Problems
) -> None:
    """Warn of messages whose ``within`` can end inside quiet hours, or whose hours lie inside them: they may never be sent."""
    parts = [part for part in (policy.quiet_hours, stricter.quiet_hours if stricter else None) if part is not None]
    for name, step in steps.items():
        if not isinstance(step, SendDefinition) or purpose == "service":
            continue
        if isinstance(step.at, Hours):
            _warn_of_hours_inside(name, step, step.at, parts, problems)
            continue
        within = step.within or policy.deferral
        for channel in dict.fromkeys(channel.value for channel in step.channels):
            longer = _hours_longer_than(parts, channel, within.longest.total_seconds())
            if longer is not None:
                country, windows = longer
                where = f" in {country}" if country else ""
                message = f'step "{name}": within {step.within or describe_span(policy.deferral)} can end inside '
                message += f"{CHANNELS[channel].word} quiet hours{where} ({describe_hours(windows)})"
                problems.warning(
                    step.mark, message, f"write within: {longest(windows)} or longer, or the message may not be sent"
                )


def _warn_of_hours_inside(name: str, step: SendDefinition, at: Hours, parts: Iterable[Quiet], problems: Problems) -> None:
    """Warn of a message whose hours lie entirely within quiet hours."""
    for channel in dict.fromkeys(channel.value for channel in step.channels):
        windows = tuple(window for part in parts for window in part.of(channel, None))
        if windows and minutes([at]) <= minutes(windows):
            message = f'step "{name}": at {at} lies inside {CHANNELS[channel].word} quiet hours ({describe_hours(windows)}): '
            problems.warning(step.mark, f"{message}by {CHANNELS[channel].word} it is never sent there", "write other hours")


def _hours_longer_than(parts: Iterable[Quiet], channel: str, seconds: float) -> tuple[str | None, tuple[Hours, ...]] | None:
    """Quiet hours of a channel that last longer than ``seconds``, with their country (None: everywhere)."""
    deferring = [part for part in parts if part.when == "defer"]
    for country in (None, *dict.fromkeys(name for part in deferring for name in part.by_country)):
        windows = tuple(window for part in deferring for window in part.of(channel, country))
        if longest(windows).seconds > seconds:
            return country, windows
    return None
