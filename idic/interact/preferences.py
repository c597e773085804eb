"""Turn choices on the preference page into entries of the consent ledger. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from idic.interact.consent import MARKETING, ConsentEntry, status_of
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Level

CHANGED = "Preferences Changed"
"""The event for "fewer messages" and for a pause."""


class Preferences(NamedTuple):
    """Whether a customer wants fewer messages, and until when none. ``paused_until`` None: no pause."""

    fewer: bool
    paused_until: datetime | None

    def properties(self) -> dict[str, Any]:
        """The properties of the event ``CHANGED``."""
        until = {"paused_until": self.paused_until.isoformat()} if self.paused_until is not None else {}
        return {"fewer": self.fewer, **until}


def read(properties: Mapping[str, Any]) -> Preferences:
    """Read the properties of ``CHANGED``: times without a zone are UTC, and an unreadable value is ignored."""
    until = properties.get("paused_until")
    try:
        paused_until = datetime.fromisoformat(until) if isinstance(until, str) else None
    except ValueError:
        paused_until = None
    if paused_until is not None and paused_until.tzinfo is None:
        paused_until = paused_until.replace(tzinfo=UTC)
    return Preferences(properties.get("fewer") is True, paused_until)


class Choice(NamedTuple):
    """One statement for the ledger. ``confirmed`` is None where the caller knows whether it is confirmed."""

    channel: str
    topic: str | None
    given: bool
    purpose: str = MARKETING
    confirmed: bool | None = None


Wanted = Mapping[tuple[str, str | None], bool]
"""What a customer changed: wanted or not, by channel and topic (None: messages without a topic)."""


def changes(
    entries: Sequence[ConsentEntry], wanted: Wanted, levels: Mapping[str, Level], topics: Iterable[str] = ()
) -> list[Choice]:
    """The statements, in this order, after which ``wanted`` holds and everything else stays as it is.

    A statement without a topic counts for all topics. So it comes first, and then every topic that it would change (``topics``,
    and those in the ledger) is stated again as it was.
    """

    def wants(channel: str, topic: str | None) -> bool:
        return status_of(entries, channel, topic, level=levels.get(channel, "single")).state in ("allowed", "waiting")

    spoken = {entry.said.topic for entry in entries if entry.said.topic is not None}
    statements: list[Choice] = []
    for channel in CHANNELS:
        everything = wanted.get((channel, None))
        if everything is not None:
            statements.append(Choice(channel, None, everything))
        for topic in dict.fromkeys((*topics, *sorted(spoken))):
            before = wants(channel, topic)
            if (channel, topic) in wanted:
                statements.append(Choice(channel, topic, wanted[channel, topic]))
            elif everything is not None and before != everything:
                was_confirmed = status_of(entries, channel, topic, level="double").allowed
                statements.append(Choice(channel, topic, before, confirmed=before and was_confirmed))
    return statements


def nothing(entries: Iterable[ConsentEntry]) -> list[Choice]:
    """The statements that withdraw everything: on every channel, for every purpose in the ledger."""
    purposes = dict.fromkeys((MARKETING, *sorted({entry.said.purpose for entry in entries})))
    return [Choice(channel, None, False, purpose) for purpose in purposes for channel in CHANNELS]
