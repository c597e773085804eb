"""The contact policy as data: what ``policy.yaml`` says may be sent to anyone, whatever a journey wants.

Spans of a policy are elapsed time, in which a day has 24 hours: windows that roll must not jump with the clocks. Hours of
the day are those where the customer lives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from idic.frozen import Frozen
from idic.journey.channels import CHANNELS
from idic.journey.channels.channel import ConsentLevel
from idic.times import Duration, Hours

Level = ConsentLevel

When = Literal["defer", "skip"]
"""What a rule does that objects for now: put the message off until it would not object, or have it not sent."""

DAY = Duration(seconds=86_400)
MINUTES = 24 * 60
"""Of a day."""


class Quiet(Frozen):
    """When nobody is written to, by channel; the hours of a country (ISO 3166-1 alpha-2) stand in place of the general ones
    of that channel."""

    hours: dict[str, tuple[Hours, ...]] = {}
    by_country: dict[str, dict[str, tuple[Hours, ...]]] = {}
    when: When = "defer"

    def of(self, channel: str, country: str | None) -> tuple[Hours, ...]:
        """Those of a channel for somebody who lives in ``country``, if it is known."""
        own = self.by_country.get(country or "", {})
        return own[channel] if channel in own else self.hours.get(channel, ())


class Cap(Frozen):
    """At most so many messages in any window of this length. Without ``channels`` those of all channels count, without
    ``topic`` those of all topics."""

    id: str
    at_most: int = Field(ge=0)
    per: Duration
    channels: tuple[str, ...] = ()
    topic: str | None = None
    when: When = "defer"


class Gap(Frozen):
    """The least time between two messages, of any channels or of these alone."""

    between: Duration
    channels: tuple[str, ...] = ()
    when: When = "defer"


class Budget(Frozen):
    """At most so many messages of a channel on a day of the vocabulary's zone, to all customers together."""

    at_most: int = Field(ge=0)
    when: When = "defer"


class Sender(Frozen):
    """As whom messages are sent: ``email`` an address, perhaps with a name; ``sms`` a number, a name or a provider's pool of
    numbers."""

    email: str | None = None
    reply_to: str | None = None
    sms: str | None = None


class StricterPolicy(Frozen):
    """What a journey adds to the policy: it can only forbid more."""

    quiet_hours: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    minimum_gap: Gap | None = None


class Policy(Frozen):
    """``control_group`` is the percentage of customers who are left alone so that lift can be measured. ``conversation`` is
    for how long an answer to the customer's own reply escapes caps and gap. ``deferral`` is for how long a message of
    marketing may be put off where its step does not say ``within``. ``priority`` are journeys, the first goes first:
    ``service`` and ``others`` stand for those that are not named. ``fewer`` holds for who asked for fewer messages.
    ``default_sender`` is one of ``senders``."""

    consent: dict[str, Level] = {channel.name: channel.consent for channel in CHANNELS.values()}
    control_group: float = Field(0, ge=0, le=100)
    quiet_hours: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    minimum_gap: Gap | None = None
    conversation: Duration | None = None
    deferral: Duration = DAY
    priority: tuple[str, ...] = ()
    budget: dict[str, Budget] = {}
    fewer: Cap = Cap(id="fewer", at_most=1, per=Duration(seconds=7 * 86_400))
    senders: dict[str, Sender] = {}
    default_sender: str | None = None
    journeys_may: tuple[Literal["quiet_hours", "caps", "minimum_gap"], ...] = ()

    def sender(self, name: str | None) -> Sender | None:
        """As whom a journey writes that names this sender, or none; None where it is not said here."""
        return self.senders.get(name or "") or self.senders.get(self.default_sender or "")


def describe_span(span: Duration) -> str:
    """``7 days``, where that is what the author wrote and the span is elapsed time."""
    days, rest = divmod(span.seconds, 86_400)
    return str(Duration(days=span.days + int(days), seconds=rest))


def minutes(windows: Iterable[Hours]) -> frozenset[int]:
    """The minutes of the day, from midnight on, that lie in one of the windows."""
    return frozenset(
        minute % MINUTES
        for window in windows
        for opens, closes in [(window.opens.hour * 60 + window.opens.minute, window.closes.hour * 60 + window.closes.minute)]
        for minute in range(opens, closes if closes > opens else closes + MINUTES)
    )


def longest(windows: Iterable[Hours]) -> Duration:
    """The longest time without a pause that windows of every day take together, also over midnight."""
    inside, run, most = minutes(windows), 0, 0
    for minute in range(2 * MINUTES):
        run = run + 1 if minute % MINUTES in inside else 0
        most = max(most, run)
    return Duration(seconds=min(most, MINUTES) * 60)
