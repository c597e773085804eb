"""Consent: what somebody said of being written to, as it is recorded, and what follows from all of it.

Pure. The ledger is never rewritten: what is allowed now is worked out of everything that was said. The rule ``RespectConsent``
does so for one message; ``status_of`` does so for people's eyes, with since when and by which act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Level
from idic.journey.vocabulary.built_in import ACTS
from idic.problems import one_of

GIVEN, WITHDRAWN = "Consent Given", "Consent Withdrawn"
"""The two events of which the ledger is made."""
EVENTS = frozenset({GIVEN, WITHDRAWN})
MARKETING = "marketing"
"""The purpose that is meant where none is said."""
FORM, DOUBLE_OPT_IN, IMPORT, COMPLAINT = "form", "double opt-in", "import", "complaint"
CONFIRMED_WITHIN = timedelta(days=7)
"""For so long after a message asked for it, a consent can be confirmed."""
LONGEST_NAME = 100
"""Characters of a topic or a purpose."""


class ConsentStatement(NamedTuple):
    """One entry for the ledger. ``topic`` None speaks for every topic; ``confirmed`` is whether who owns the address said it;
    ``proof`` is what shows it, in whatever form it is at hand."""

    channel: str
    topic: str | None
    purpose: str
    given: bool
    confirmed: bool
    act: str
    proof: Any = None


def read(name: str, properties: Mapping[str, Any]) -> ConsentStatement:
    """What an event of ``EVENTS`` says. Raises ``ValueError`` with what is wrong, in words without anybody's data, where it
    cannot be recorded: a word of consent that is only half understood is none. Of a withdrawal as much is taken as can be."""
    given = name == GIVEN
    channel = properties.get("channel")
    if channel not in tuple(CHANNELS):
        what = "says no channel" if channel is None else "is for no channel that idic knows"
        raise ValueError(f"{name} {what}: channel must be {one_of(CHANNELS)}; nothing was recorded")
    topic, purpose = properties.get("topic"), properties.get("purpose")
    if given and not (_is_name(topic) and _is_name(purpose)):
        which = "purpose" if _is_name(topic) else "topic"
        raise ValueError(f"{name} has a {which} that is no name: nothing was recorded")
    act = properties.get("act")
    act = act if act in ACTS else FORM
    confirmed = properties.get("confirmed")
    return ConsentStatement(
        channel=str(channel),
        # Whoever withdraws from what nobody understands wants less, not more.
        topic=topic.strip() or None if isinstance(topic, str) and _is_name(topic) else None,
        purpose=purpose.strip() or MARKETING if isinstance(purpose, str) and _is_name(purpose) else MARKETING,
        given=given,
        confirmed=confirmed if isinstance(confirmed, bool) else act == DOUBLE_OPT_IN,
        act=act,
        proof=properties.get("proof") or None,
    )


def since(said: ConsentStatement, accepted_at: datetime, occurred_at: datetime | None) -> datetime:
    """From when on a word counts. A consent counts from when it was said, as far as its sender knows: one that an app kept
    while it was offline, or that was sent again after an outage, undoes no withdrawal of meanwhile. A withdrawal counts from
    when it was accepted, whatever else its sender claims."""
    return min(accepted_at, occurred_at) if said.given and occurred_at is not None else accepted_at


def _is_name(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_NAME)


def as_form(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of such an event as they count from whoever needs no secret to send it. A page may tell what somebody
    filled in; that they own the address it cannot know, and nobody is to say so for it."""
    return {**properties, "act": FORM, "confirmed": False}


State = Literal["allowed", "waiting", "withdrawn", "never"]
WORDS: Mapping[State, str] = {
    "allowed": "allowed",
    "waiting": "waiting for confirmation",
    "withdrawn": "withdrawn",
    "never": "never asked for",
}


class ConsentEntry(NamedTuple):
    """An entry of the ledger, with when it was said (see ``since``)."""

    said: ConsentStatement
    at: datetime


def was_withdrawn(entries: Iterable[ConsentEntry], asked: ConsentStatement, since: datetime) -> bool:
    """Whether what was ``asked`` for at ``since`` was withdrawn after that: then nobody is to confirm it any more."""
    return any(
        entry.at > since
        and not entry.said.given
        and (entry.said.channel, entry.said.purpose) == (asked.channel, asked.purpose)
        and entry.said.topic in (None, asked.topic)
        for entry in entries
    )


class ConsentStatus(NamedTuple):
    """How one channel, topic (None: every topic that nothing else was said of) and purpose stand: since when, and by which
    act. Both are None where nobody ever said anything."""

    channel: str
    topic: str | None
    purpose: str
    state: State
    since: datetime | None = None
    act: str | None = None

    @property
    def allowed(self) -> bool:
        return self.state == "allowed"


def status_of(
    entries: Iterable[ConsentEntry], channel: str, topic: str | None, purpose: str = MARKETING, *, level: Level = "single"
) -> ConsentStatus:
    """What may be sent, of what was said (``entries``, in the order in which it was), where the channel needs ``level``."""

    def stands(state: State, by: ConsentEntry | None) -> ConsentStatus:
        return ConsentStatus(channel, topic, purpose, state, by.at if by else None, by.said.act if by else None)

    last: ConsentEntry | None = None
    first: ConsentEntry | None = None  # of the consents since the last withdrawal
    confirmed: ConsentEntry | None = None
    for entry in entries:
        said = entry.said
        if said.channel != channel or said.purpose != purpose or said.topic not in (None, topic):
            continue
        last = entry
        if not said.given:
            first = confirmed = None
            continue
        first = first or entry
        confirmed = confirmed or (entry if said.confirmed else None)
    if last is None:
        return stands("allowed" if level == "none" else "never", None)
    if not last.said.given:
        return stands("withdrawn", last)
    if level == "double":
        return stands("allowed", confirmed) if confirmed else stands("waiting", first)
    return stands("allowed", first)


def all_statuses(
    entries: Sequence[ConsentEntry],
    levels: Mapping[str, Level],
    *,
    topics: Iterable[str] = (),
    channels: Iterable[str] = CHANNELS,
) -> list[ConsentStatus]:
    """How everything stands: every channel for each of ``topics``, for every topic and purpose that was ever spoken of, and
    for what nothing was said of. A channel without a level needs what the rule asks of it."""
    spoken = {entry.said.topic for entry in entries if entry.said.topic is not None}
    purposes = dict.fromkeys((MARKETING, *sorted({entry.said.purpose for entry in entries})))
    return [
        status_of(entries, channel, topic, purpose, level=levels.get(channel, "double"))
        for purpose in purposes
        for channel in channels
        for topic in (None, *sorted({*topics, *spoken}))
        if topic is None or topic in topics or any((e.said.channel, e.said.topic) == (channel, topic) for e in entries)
    ]
