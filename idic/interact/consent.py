"""Consent: what customers said about messages, and what is allowed now.

Pure. The ledger is never rewritten: what is allowed now follows from all of its entries. The rule ``RespectConsent`` works it
out for one message; ``status_of`` works it out for people to read, with the date and the act.
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
"""The two events that make entries of the ledger."""
EVENTS = frozenset({GIVEN, WITHDRAWN})
MARKETING = "marketing"
"""The purpose where an event names none."""
FORM, DOUBLE_OPT_IN, IMPORT, COMPLAINT = "form", "double opt-in", "import", "complaint"
CONFIRMED_WITHIN = timedelta(days=7)
"""How long a consent can be confirmed after the message that asked for it."""
LONGEST_NAME = 100
"""Characters of a topic or a purpose."""


class ConsentStatement(NamedTuple):
    """What a customer said, for the ledger. ``topic`` None stands for every topic; ``confirmed`` says whether the owner of the
    address confirmed it; ``proof`` is the evidence, in any form."""

    channel: str
    topic: str | None
    purpose: str
    given: bool
    confirmed: bool
    act: str
    proof: Any = None


def read(name: str, properties: Mapping[str, Any]) -> ConsentStatement:
    """Read an event of ``EVENTS``. A consent that is only half understood is refused; of a withdrawal as much is taken as
    possible. Raises ``ValueError`` with the reason, in words without personal data."""
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
        # A withdrawal from an unreadable topic is a withdrawal from all topics: in doubt less is sent.
        topic=topic.strip() or None if isinstance(topic, str) and _is_name(topic) else None,
        purpose=purpose.strip() or MARKETING if isinstance(purpose, str) and _is_name(purpose) else MARKETING,
        given=given,
        confirmed=confirmed if isinstance(confirmed, bool) else act == DOUBLE_OPT_IN,
        act=act,
        proof=properties.get("proof") or None,
    )


def since(statement: ConsentStatement, accepted_at: datetime, occurred_at: datetime | None) -> datetime:
    """When a statement takes effect.

    A consent takes effect when it was given, as far as its sender knows: an app may have kept it while it was offline, and it
    must not undo a later withdrawal. A withdrawal takes effect when it was accepted, whatever its sender claims.
    """
    return min(accepted_at, occurred_at) if statement.given and occurred_at is not None else accepted_at


def _is_name(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_NAME)


def as_form(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a consent event that was sent without a secret key: a form, never confirmed. A page can report what
    was filled in, but cannot know who owns the address."""
    return {**properties, "act": FORM, "confirmed": False}


State = Literal["allowed", "waiting", "withdrawn", "never"]
WORDS: Mapping[State, str] = {
    "allowed": "allowed",
    "waiting": "waiting for confirmation",
    "withdrawn": "withdrawn",
    "never": "never asked for",
}


class ConsentEntry(NamedTuple):
    """One entry of the ledger, with the time when it takes effect (see ``since``)."""

    said: ConsentStatement
    at: datetime


def was_withdrawn(entries: Iterable[ConsentEntry], asked: ConsentStatement, since: datetime) -> bool:
    """Whether the consent that was ``asked`` for at ``since`` was withdrawn later, so that it can no longer be confirmed."""
    return any(
        entry.at > since
        and not entry.said.given
        and (entry.said.channel, entry.said.purpose) == (asked.channel, asked.purpose)
        and entry.said.topic in (None, asked.topic)
        for entry in entries
    )


class ConsentStatus(NamedTuple):
    """What is allowed for one channel, topic (None: every topic without a statement of its own) and purpose. ``since`` and
    ``act`` are None where the customer never said anything."""

    channel: str
    topic: str | None
    purpose: str
    state: State
    since: datetime | None = None
    act: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether marketing may be sent."""
        return self.state == "allowed"


def status_of(
    entries: Iterable[ConsentEntry], channel: str, topic: str | None, purpose: str = MARKETING, *, level: Level = "single"
) -> ConsentStatus:
    """What is allowed, from the ``entries`` in the order of the ledger, where the channel needs consent of this ``level``."""

    def stands(state: State, by: ConsentEntry | None) -> ConsentStatus:
        return ConsentStatus(channel, topic, purpose, state, by.at if by else None, by.said.act if by else None)

    last: ConsentEntry | None = None
    first: ConsentEntry | None = None  # of the consents since the last withdrawal
    confirmed: ConsentEntry | None = None
    for entry in entries:
        statement = entry.said
        if statement.channel != channel or statement.purpose != purpose or statement.topic not in (None, topic):
            continue
        last = entry
        if not statement.given:
            first = confirmed = None
            continue
        first = first or entry
        confirmed = confirmed or (entry if statement.confirmed else None)
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
    """What is allowed on every channel: for each of ``topics``, for every topic and purpose in the ledger, and for everything
    else. A channel without a level needs what the rule asks of it."""
    spoken = {entry.said.topic for entry in entries if entry.said.topic is not None}
    purposes = dict.fromkeys((MARKETING, *sorted({entry.said.purpose for entry in entries})))
    return [
        status_of(entries, channel, topic, purpose, level=levels.get(channel, "double"))
        for purpose in purposes
        for channel in channels
        for topic in (None, *sorted({*topics, *spoken}))
        if topic is None or topic in topics or any((e.said.channel, e.said.topic) == (channel, topic) for e in entries)
    ]
