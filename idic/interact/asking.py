"""Asking the contact policy about a message to a customer, whoever asks: deliveries, rehearsals, stories, explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from idic.interact.policy import RULES, Consent, Request, Rule, decide
from idic.interact.reach import Reach, reach
from idic.journey.asks import Verdict
from idic.journey.program import Program


class Known(NamedTuple):
    """A customer as the policy sees them. ``suppressed`` says by channel why their address must not be written to."""

    id: str
    traits: Mapping[str, Any]
    zone: str
    consents: Sequence[Consent] = ()
    web_seen_at: datetime | None = None
    suppressed: Mapping[str, str] = {}


def ask(
    known: Known,
    program: Program,
    channel: str,
    now: datetime,
    *,
    rules: Sequence[Rule] = RULES,
    found: Reach | None = None,
    deliver_by: datetime | None = None,
    open_: bool = True,
) -> Verdict:
    """What the policy says to a message of ``program`` on ``channel`` at ``now``; ``found`` is where they are reached, where
    that is known already or is only supposed."""
    if found is None:
        found = reach(channel, known.id, known.traits, known.web_seen_at, now, program.country)
    return decide(
        rules,
        Request(
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
        ),
    )
