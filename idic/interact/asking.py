"""Asking the contact policy about a customer where nothing is sent: rehearsals, stories, explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from idic.interact.policy import RULES, Consent, Request, Rule, decide
from idic.interact.reach import reach
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
    address: str | None = None,
    deliver_by: datetime | None = None,
) -> Verdict:
    """What the policy says to a message of ``program`` on ``channel`` at ``now``; with ``address``, what it would say if they
    had this one."""
    found = reach(channel, known.id, known.traits, known.web_seen_at, now, program.country)
    return decide(
        rules,
        Request(
            now=now,
            channel=channel,
            purpose=program.purpose,
            topic=program.topic,
            address=address or found.address,
            zone=known.zone,
            open=True,
            traits=known.traits,
            consents=known.consents,
            suppressed=None if address else known.suppressed.get(channel),
            unreachable=found.problem,
            deliver_by=deliver_by,
        ),
    )
