"""The contact policy (``policy.yaml``) as data: which messages may be sent at all, whatever a journey says.

Time spans of a policy are elapsed time, where a day has 24 hours: a rolling window must not jump with the clocks. Hours of
the day are local time where the customer lives.
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
"""What becomes of a message that a rule does not allow now: it is put off until the rule allows it, or it is not sent."""

DAY = Duration(seconds=86_400)
MINUTES = 24 * 60
"""Minutes in a day."""


class Quiet(Frozen):
    """Quiet hours by channel, in which no message is sent.

    The hours of a country (ISO 3166-1 alpha-2) replace the general hours of that channel.
    """

    hours: dict[str, tuple[Hours, ...]] = {}
    by_country: dict[str, dict[str, tuple[Hours, ...]]] = {}
    when: When = "defer"

    def of(self, channel: str, country: str | None) -> tuple[Hours, ...]:
        """The quiet hours of a channel for a customer in ``country`` (None if unknown)."""
        own = self.by_country.get(country or "", {})
        return own[channel] if channel in own else self.hours.get(channel, ())


class Cap(Frozen):
    """The most messages in any window of a length. Empty ``channels`` means all channels, no ``topic`` means all topics."""

    id: str
    at_most: int = Field(ge=0)
    per: Duration
    channels: tuple[str, ...] = ()
    topic: str | None = None
    when: When = "defer"


class Gap(Frozen):
    """The least time between two messages, of all channels or of ``channels`` only."""

    between: Duration
    channels: tuple[str, ...] = ()
    when: When = "defer"


class Budget(Frozen):
    """The most messages of a channel on a day in the vocabulary's zone, to all customers together."""

    at_most: int = Field(ge=0)
    when: When = "defer"


class Sender(Frozen):
    """The sender of messages. ``email`` is an address, perhaps with a name; ``sms`` a number, a name or a provider's pool
    of numbers."""

    email: str | None = None
    reply_to: str | None = None
    sms: str | None = None


class StricterPolicy(Frozen):
    """What a journey adds to the policy. It can only forbid more."""

    quiet_hours: Quiet | None = None
    caps: tuple[Cap, ...] = ()
    minimum_gap: Gap | None = None


class Policy(Frozen):
    """The contact policy.

    ``control_group`` is the percentage of customers who get no marketing, so that lift can be measured. ``conversation``:
    for this long, an answer to the customer's own reply is exempt from caps and gap. ``deferral`` is how long a marketing
    message may be put off where its step does not say ``within``. ``priority`` lists journeys, the most important first;
    ``service`` and ``others`` stand for those that are not named. ``fewer`` is the cap for customers who asked for fewer
    messages. ``default_sender`` is one of ``senders``.
    """

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
        """The sender with this name, else the default one; None if there is neither."""
        return self.senders.get(name or "") or self.senders.get(self.default_sender or "")


def describe_span(span: Duration) -> str:
    """The span as its author wrote it: ``7 days``, although the span is elapsed time."""
    days, rest = divmod(span.seconds, 86_400)
    return str(Duration(days=span.days + int(days), seconds=rest))


def minutes(windows: Iterable[Hours]) -> frozenset[int]:
    """The minutes of the day, counted from midnight, that lie in one of the windows."""
    return frozenset(
        minute % MINUTES
        for window in windows
        for opens, closes in [(window.opens.hour * 60 + window.opens.minute, window.closes.hour * 60 + window.closes.minute)]
        for minute in range(opens, closes if closes > opens else closes + MINUTES)
    )


def longest(windows: Iterable[Hours]) -> Duration:
    """The longest uninterrupted time that daily windows cover together, also over midnight."""
    inside, run, most = minutes(windows), 0, 0
    for minute in range(2 * MINUTES):
        run = run + 1 if minute % MINUTES in inside else 0
        most = max(most, run)
    return Duration(seconds=min(most, MINUTES) * 60)
