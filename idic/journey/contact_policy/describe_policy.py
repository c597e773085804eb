"""Describe the contact policy in words, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Budget, Cap, Gap, Policy, Quiet, When, describe_span
from idic.problems import one_of
from idic.times import Hours


def policy_lines(policy: Policy) -> Iterator[str]:
    """The rules for marketing, one line each: ``at most 3 in 7 days (three_a_week), then put off``."""
    consent_needed = {"double": "confirmed consent", "single": "consent", "none": "no consent"}
    yield ", ".join(f"{CHANNELS[channel].word} needs {consent_needed[level]}" for channel, level in policy.consent.items())
    if policy.control_group:
        yield f"{policy.control_group:g} % are left alone, to measure lift"
    if policy.quiet_hours is not None:
        yield _quiet(policy.quiet_hours)
    for cap in policy.caps:
        yield f"{describe_cap(cap)} ({cap.id}){_then(cap.when)}"
    if policy.minimum_gap is not None:
        yield f"{describe_gap(policy.minimum_gap)}{_then(policy.minimum_gap.when)}"
    if policy.priority:
        yield f"first {', '.join(policy.priority)}"
    if policy.budget:
        yield ", ".join(_budget(channel, budget) for channel, budget in policy.budget.items())
    yield f"put off for {describe_span(policy.deferral)} at most, where a step does not say within"


def describe_cap(cap: Cap) -> str:
    """The cap in words: ``at most 3 SMS in 7 days of topic news``."""
    channels = f" {_channels(cap.channels)}" if cap.channels else ""
    topic = f" of topic {cap.topic}" if cap.topic else ""
    return f"at most {cap.at_most}{channels} in {describe_span(cap.per)}{topic}"


def describe_gap(gap: Gap) -> str:
    """The gap in words: ``4 hours between two messages``."""
    messages = _channels(gap.channels) if gap.channels else "messages"
    return f"{describe_span(gap.between)} between two {messages}"


def _quiet(quiet: Quiet) -> str:
    parts = [f"{CHANNELS[channel].word} {describe_hours(hours)}" for channel, hours in quiet.hours.items()]
    for country, by_channel in quiet.by_country.items():
        parts += [f"{CHANNELS[channel].word} in {country} {describe_hours(hours)}" for channel, hours in by_channel.items()]
    return f"quiet: {', '.join(parts)}{_then(quiet.when)}"


def describe_hours(hours: Iterable[Hours]) -> str:
    """The windows in words: ``20:00 to 08:00 and 12:00 to 13:00``, or ``never``."""
    return one_of([str(window) for window in hours], "and") or "never"


def _budget(channel: str, budget: Budget) -> str:
    return f"{budget.at_most:,} {CHANNELS[channel].word} a day to all together{_then(budget.when)}"


def _channels(channels: Iterable[str]) -> str:
    return one_of([CHANNELS[channel].word for channel in channels], "or")


def _then(when: When) -> str:
    return ", then put off" if when == "defer" else ", then not sent"
