"""Ask the contact policy about a message to a customer: for deliveries, rehearsals, stories and explanations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from idic.interact.channels.channel_edge import Reach
from idic.interact.policy.quiet_hours import quiet
from idic.interact.policy.rules import Rule, quiet_parts
from idic.interact.policy.rules import rules as rules_of
from idic.interact.policy.touch_request import PolicyFacts, TouchRequest
from idic.interact.reach import country_of, reach
from idic.journey.channels import SMS
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.protocol import Allow, Verdict
from idic.journey.program.program import Program

Rules = Callable[[Policy, Program], Sequence[Rule]]
"""The rules for a policy and a journey's program."""


def ask(
    known: PolicyFacts,
    program: Program,
    channel: str,
    now: datetime,
    *,
    policy: Policy,
    rules: Rules = rules_of,
    found: Reach | None = None,
    deliver_by: datetime | None = None,
    open_: bool = True,
) -> Verdict:
    """The policy's verdict on a message of ``program`` on ``channel`` at ``now``. ``found`` is the customer's address, where it
    is known already or is only assumed."""
    if found is None:
        found = reach(channel, known.id, known.traits, known.web_seen_at, now, program.country)
    return decide(
        rules(policy, program),
        TouchRequest(
            now=now,
            channel=channel,
            purpose=program.purpose,
            topic=program.topic,
            address=found.address,
            zone=known.zone,
            open=open_,
            traits=known.traits,
            consents=known.consents,
            suppressed=known.suppressed.get(channel),
            unreachable=found.problem,
            deliver_by=deliver_by,
            customer=known.id,
            journey=program.journey,
            country=_country(channel, found, known.traits, program),
            contacts=known.contacts,
            coming=known.coming,
            reply=known.reply,
            fewer=known.fewer,
            paused_until=known.paused_until,
        ),
    )


def quiet_for(
    policy: Policy, program: Program, found: Mapping[str, Reach], traits: Mapping[str, Any], zone: str
) -> Callable[[datetime], bool]:
    """A function that says whether all channels that reach a customer are quiet at an instant; ``found`` is the address on each
    channel. Such an hour should not be picked as the best."""
    parts = quiet_parts(policy, program)
    windows = [
        [window for part in parts for window in part.of(channel, _country(channel, reached, traits, program))]
        for channel, reached in found.items()
        if reached.address is not None
    ]
    return lambda at: bool(windows) and all(quiet(own, at, zone) is not None for own in windows)


def _country(channel: str, found: Reach, traits: Mapping[str, Any], program: Program) -> str | None:
    return country_of(traits, found.address if channel == SMS.name else None, program.country)


def decide(rules: Sequence[Rule], request: TouchRequest) -> Verdict:
    """The answer of the first rule that objects; ``Allow`` with the names of all when none does."""
    for rule in rules:
        objection = rule(request)
        if objection is not None:
            return objection
    return Allow(tuple(rule.name for rule in rules))
