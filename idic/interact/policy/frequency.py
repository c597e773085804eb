"""The rules that count messages: caps, the gap between two, and the journeys that go first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from idic.interact.policy.touch_request import Coming, Contact, TouchRequest
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Cap, Gap, Policy, describe_span
from idic.journey.engine.protocol import Defer, Skip
from idic.problems import one_of
from idic.times import Duration

RESERVED = timedelta(hours=1)
"""How long ahead a journey of higher priority may reserve the last place under a cap."""
BEHIND = timedelta(minutes=1)
"""How late a message may still be asked for: all messages that quiet hours put off come at once in the morning."""
_NO_TALK = ("stop", "help")


class Caps:
    """At most so many messages in a rolling window. A claimed message may leave at any moment, so that it counts in every
    window."""

    name = "caps"

    def __init__(self, caps: Sequence[Cap], conversation: Duration | None = None) -> None:
        self.caps = caps
        self.conversation = conversation

    def __call__(self, request: TouchRequest) -> Defer | Skip | None:
        if _answers(request, self.conversation):
            return None
        objections = [objection for cap in self.caps if (objection := self.asked(cap, request)) is not None]
        return _last(objections)

    def asked(self, cap: Cap, request: TouchRequest) -> Defer | Skip | None:
        """The objection of one cap."""
        until = room(cap, request, request.contacts)
        if until is None:
            return None
        if until == NEVER:
            return Skip(self.name, f"none at all ({cap.id})")
        inside = len(_inside(cap, request, request.contacts))
        reason = f"{inside} of {cap.at_most} {_counted(cap.channels, cap.at_most)} in {describe_span(cap.per)}"
        reason = f"{reason} ({cap.id}); the next is possible on {describe_instant(until, request)}"
        return Skip(self.name, reason) if cap.when == "skip" else Defer(until, self.name, reason)


class Fewer(Caps):
    """A cap for customers who asked for fewer messages."""

    name = "fewer messages"

    def __call__(self, request: TouchRequest) -> Defer | Skip | None:
        return super().__call__(request) if request.fewer else None


class MinimumGap:
    """The least time between two messages."""

    name = "minimum gap"

    def __init__(self, gaps: Sequence[Gap], conversation: Duration | None = None) -> None:
        self.gaps = gaps
        self.conversation = conversation

    def __call__(self, request: TouchRequest) -> Defer | Skip | None:
        if _answers(request, self.conversation):
            return None
        return _last([objection for gap in self.gaps if (objection := self.asked(gap, request)) is not None])

    def asked(self, gap: Gap, request: TouchRequest) -> Defer | Skip | None:
        """The objection of one gap."""
        until = distance(gap, request, request.contacts)
        if until is None:
            return None
        of = f" of {_channels(gap.channels)}" if gap.channels else ""
        reason = f"less than {describe_span(gap.between)} after the last message{of}"
        reason = f"{reason}; the next is possible on {describe_instant(until, request)}"
        return Skip(self.name, reason) if gap.when == "skip" else Defer(until, self.name, reason)


class Priority:
    """A journey of higher priority keeps its place: a message that it will ask for within the hour is not crowded out by one
    of a journey of lower priority."""

    name = "priority"

    def __init__(self, policy: Policy, caps: Sequence[Cap], gaps: Sequence[Gap]) -> None:
        self.order = policy.priority
        self.fewer = policy.fewer
        self.conversation = policy.conversation
        self.caps = caps
        self.gaps = gaps

    def __call__(self, request: TouchRequest) -> Defer | None:
        if _answers(request, self.conversation):
            return None
        until, first = request.now, None
        while (crowded := self.crowded_out(request._replace(now=until))) is not None:
            first = first or crowded
            until = crowded.at + BEHIND
        if first is None:
            return None
        reason = f"{first.journey} goes first, and will ask for the last place on {describe_instant(first.at, request)}"
        return Defer(until, self.name, reason)

    def crowded_out(self, request: TouchRequest) -> Coming | None:
        """The first coming message that could not be sent if this one is, and could if it is not."""
        ahead = [
            coming
            for coming in sorted(request.coming, key=lambda coming: coming.at)
            if request.now - BEHIND < coming.at <= request.now + RESERVED
            and rank(self.order, coming.journey) < rank(self.order, request.journey)
        ]
        without = list(request.contacts)
        for coming in ahead:
            channel = next((channel for channel in coming.channels if self.goes(coming, channel, request, without)), None)
            if channel is None:
                continue  # it cannot go anyway
            contact = Contact(request.now, request.channel, request.journey, request.topic)
            if not any(self.goes(coming, channel, request, [*without, contact]) for channel in coming.channels):
                return coming
            without.append(Contact(max(coming.at, request.now), channel, coming.journey, coming.topic))
        return None

    def goes(self, coming: Coming, channel: str, request: TouchRequest, contacts: Sequence[Contact]) -> bool:
        """Whether caps and gap let it."""
        at = max(coming.at, request.now)
        later = request._replace(now=at, channel=channel, topic=coming.topic, journey=coming.journey)
        caps = (*self.caps, *((self.fewer,) if request.fewer else ()))
        return all(room(cap, later, contacts) is None for cap in caps) and all(
            distance(gap, later, contacts) is None for gap in self.gaps
        )


def rank(order: Sequence[str], journey: str) -> int:
    """The place of a journey in the order of priority: those that are not named stand where ``others`` do, or last."""
    name = journey if journey in order else "others"
    return order.index(name) if name in order else len(order)


NEVER = datetime.max.replace(tzinfo=UTC)


def room(cap: Cap, request: TouchRequest, contacts: Sequence[Contact]) -> datetime | None:
    """When a cap next has room for this message; None if now, ``NEVER`` if it lets none. With room it keeps it, as long as
    nothing else is sent."""
    if (cap.channels and request.channel not in cap.channels) or cap.topic not in (None, request.topic):
        return None
    if cap.at_most == 0:
        return NEVER
    inside = _inside(cap, request, contacts)
    return inside[-cap.at_most] + cap.per.longest if len(inside) >= cap.at_most else None


def _inside(cap: Cap, request: TouchRequest, contacts: Sequence[Contact]) -> list[datetime]:
    """When those left that are in the window up to now, in order; it opens after its first instant."""
    opened = request.now - cap.per.longest
    left = (
        max(contact.at, request.now) if contact.unsent else contact.at
        for contact in contacts
        if (not cap.channels or contact.channel in cap.channels) and cap.topic in (None, contact.topic)
    )
    return sorted(at for at in left if at > opened)


def distance(gap: Gap, request: TouchRequest, contacts: Sequence[Contact]) -> datetime | None:
    """When this message is far enough from the last one; None if it is."""
    if gap.channels and request.channel not in gap.channels:
        return None
    left = (
        max(contact.at, request.now) if contact.unsent else contact.at
        for contact in contacts
        if not gap.channels or contact.channel in gap.channels
    )
    until = max(left, default=None)
    if until is None or request.now >= until + gap.between.longest:
        return None
    return until + gap.between.longest


def _answers(request: TouchRequest, span: Duration | None) -> bool:
    """Whether this answers what the customer said themselves, no longer than ``span`` ago. Who says STOP, or asks for help,
    has not begun to talk."""
    reply = request.reply
    return span is not None and reply is not None and reply.keyword not in _NO_TALK and request.now - reply.at <= span.longest


def _last(objections: Sequence[Defer | Skip]) -> Defer | Skip | None:
    """Of several objections the one that stands longest."""
    for objection in objections:
        if isinstance(objection, Skip):
            return objection
    return max((one for one in objections if isinstance(one, Defer)), key=lambda one: one.until, default=None)


def _counted(channels: Sequence[str], number: int) -> str:
    names = [CHANNELS[channel].counted for channel in channels] or [("message", "messages")]
    return one_of([several if number != 1 else one for one, several in names], "and")


def _channels(channels: Sequence[str]) -> str:
    return one_of([CHANNELS[channel].word for channel in channels], "and")


def describe_instant(instant: datetime, request: TouchRequest) -> str:
    """``Fri 12:03`` where the customer lives, with the day of the month where it is not within a week; full minutes, and not
    too early."""
    whole = instant if instant.second == instant.microsecond == 0 else instant + timedelta(minutes=1)
    near = instant - request.now < timedelta(days=6)
    return f"{whole.astimezone(ZoneInfo(request.zone)):{'%a %H:%M' if near else '%a %d %b %H:%M'}}"
