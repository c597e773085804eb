"""What somebody asks for on their preference page, as entries for the ledger of consents. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from idic.interact.consent import MARKETING, ConsentEntry, status_of
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Level

CHANGED = "Preferences Changed"
"""The event that tells how often and until when not somebody would like to be written to."""


class Preferences(NamedTuple):
    """``paused_until`` None: no pause."""

    fewer: bool
    paused_until: datetime | None

    def properties(self) -> dict[str, Any]:
        """Of the event that says so: how things stand from then on."""
        until = {"paused_until": self.paused_until.isoformat()} if self.paused_until is not None else {}
        return {"fewer": self.fewer, **until}


def read(properties: Mapping[str, Any]) -> Preferences:
    """What such an event says, in UTC where it names no zone; of what cannot be read, nothing."""
    until = properties.get("paused_until")
    try:
        paused_until = datetime.fromisoformat(until) if isinstance(until, str) else None
    except ValueError:
        paused_until = None
    if paused_until is not None and paused_until.tzinfo is None:
        paused_until = paused_until.replace(tzinfo=UTC)
    return Preferences(properties.get("fewer") is True, paused_until)


class Choice(NamedTuple):
    """One word for the ledger. ``confirmed`` is None where whoever records it knows how sure it is."""

    channel: str
    topic: str | None
    given: bool
    purpose: str = MARKETING
    confirmed: bool | None = None


Wanted = Mapping[tuple[str, str | None], bool]
"""By channel and topic (None: what belongs to no topic) whether somebody wants it: what they changed, and nothing else."""


def changes(
    entries: Sequence[ConsentEntry], wanted: Wanted, levels: Mapping[str, Level], topics: Iterable[str] = ()
) -> list[Choice]:
    """What has to be said so that ``wanted`` holds and everything else stays as it stands, in this order.

    A word on no topic in particular speaks for all of them. So it is said first, and whatever it would change of the topics
    that there are (``topics``, and those that were ever spoken of) is said again as it was.
    """

    def wants(channel: str, topic: str | None) -> bool:
        return status_of(entries, channel, topic, level=levels.get(channel, "single")).state in ("allowed", "waiting")

    spoken = {entry.said.topic for entry in entries if entry.said.topic is not None}
    said: list[Choice] = []
    for channel in CHANNELS:
        everything = wanted.get((channel, None))
        if everything is not None:
            said.append(Choice(channel, None, everything))
        for topic in dict.fromkeys((*topics, *sorted(spoken))):
            before = wants(channel, topic)
            if (channel, topic) in wanted:
                said.append(Choice(channel, topic, wanted[channel, topic]))
            elif everything is not None and before != everything:
                was_confirmed = status_of(entries, channel, topic, level="double").allowed
                said.append(Choice(channel, topic, before, confirmed=before and was_confirmed))
    return said


def nothing(entries: Iterable[ConsentEntry]) -> list[Choice]:
    """What is said by who wants nothing any more: on every channel, for every purpose that was ever spoken of."""
    purposes = dict.fromkeys((MARKETING, *sorted({entry.said.purpose for entry in entries})))
    return [Choice(channel, None, False, purpose) for purpose in purposes for channel in CHANNELS]
