"""Clean the words of providers, so that they can be stored."""

from __future__ import annotations

import re

from idic.interact.channels.contract import Accepted, Outcome, Placed

LONGEST = 500
"""Characters of a provider's words that are kept."""

DEAD = frozenset({"no_such_mailbox", "no_such_number", "not_a_mobile", "landline", "opted_out"})
"""Codes after which an address is suppressed: it does not exist, cannot receive, or opted out."""

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def clean(text: str) -> str:
    """The text in one line, without control characters and with valid UTF-8 only."""
    return _UNSEEN.sub(" ", text).encode("utf-8", "replace").decode("utf-8").strip()


def storable(outcome: Outcome) -> Outcome:
    """An outcome that a database can store: a provider's words may contain NUL or lone surrogates."""
    match outcome:
        case Accepted(provider_id):
            return Accepted(clean(provider_id)[:LONGEST])
        case Placed():
            return outcome
    return outcome._replace(detail=clean(outcome.detail)[:LONGEST])
