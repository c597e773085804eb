"""Limits for the chaos, written as a contact policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from chaos.sliding_windows import Limit
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy
from idic.times import Duration


def policy_of(limits: Sequence[Limit], gap: timedelta | None = None) -> Policy:
    """The policy for these limits. ``gap`` is the least time between two messages; as a limit it is ``Limit(1, gap)``."""
    caps = tuple(
        Cap(
            id=f"limit {number}",
            at_most=limit.at_most,
            per=_span(limit.per),
            channels=limit.channels,
            topic=limit.topic,
        )
        for number, limit in enumerate(limits)
    )
    return Policy(caps=caps, minimum_gap=Gap(between=_span(gap)) if gap is not None else None)


def _span(span: timedelta) -> Duration:
    return Duration(seconds=span.total_seconds())
