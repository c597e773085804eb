"""What a provider said, as it may be kept."""

from __future__ import annotations

import re

from idic.interact.channels.contract import Accepted, Outcome, Placed

LONGEST = 500
"""Characters of what a provider said that are kept."""

DEAD = frozenset({"no_such_mailbox", "no_such_number", "not_a_mobile", "landline", "opted_out"})
"""What is said of an address that nobody may write to again: it does not exist, cannot receive, or wants nothing."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def clean(text: str) -> str:
    """One line, no control characters, only what UTF-8 can write."""
    return _UNSEEN.sub(" ", text).encode("utf-8", "replace").decode("utf-8").strip()


def storable(outcome: Outcome) -> Outcome:
    """A provider's words may hold NUL, and bytes that are not UTF-8 come as halves of surrogate pairs: no database keeps
    either."""
    match outcome:
        case Accepted(provider_id):
            return Accepted(clean(provider_id)[:LONGEST])
        case Placed():
            return outcome
    return outcome._replace(detail=clean(outcome.detail)[:LONGEST])
