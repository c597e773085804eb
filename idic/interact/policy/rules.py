"""The contact policy: may we send this touch, now? A list of named rules in order, each of which may object.

Pure: a rule sees what is known of the customer and the instant, and answers. The claim of a touch asks all of them in the
transaction that holds the customer, and the delivery asks them again in the transaction that marks it ``attempting``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import takewhile
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from idic.interact.policy.quiet_hours import ends, quiet
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Budget, Cap, Gap, Level, Policy, Quiet, StricterPolicy, describe_span
from idic.journey.engine.protocol import Allow, Defer, Skip, Verdict
from idic.journey.program.program import Program
from idic.journey.program.shares import hash_percent
from idic.problems import one_of
from idic.times import Duration, local

RESERVED = timedelta(hours=1)
"""How long ahead a message of a journey that goes first may hold the last place."""

_ANSWERED_WITHIN = timedelta(minutes=10)
_AT_ONCE = timedelta(minutes=1)
_NO_TALK = ("stop", "help")
BEHIND = timedelta(minutes=1)
"""So long after its time a message may not have been asked for yet: all that was put off until the morning comes at once."""

BUDGET = "budget"
"""The rule that is asked last, where the messages of the day are counted."""


class Consent(NamedTuple):
    """One entry of the ledger. ``topic`` None speaks for every topic; ``confirmed`` is whether who owns the address said it."""

    channel: str
    topic: str | None
    given: bool
    at: datetime
    purpose: str = "marketing"
    confirmed: bool = False


class Contact(NamedTuple):
    """A message of marketing that counts: claimed (``at`` is then when), under way, sent, or perhaps sent (``at`` is when it
    was last attempted). ``unsent`` are those that are claimed only: they may leave at any moment."""

    at: datetime
    channel: str
    journey: str
    topic: str | None = None
    unsent: bool = False


class Coming(NamedTuple):
    """A message of another journey of the same customer, of which it is known that it will be asked for at ``at``."""

    at: datetime
    journey: str
    channels: tuple[str, ...]
    topic: str | None = None


class Reply(NamedTuple):
    """The customer's newest answer, in their own words, to what this very enrollment sent or was entered by."""

    at: datetime
    channel: str
    keyword: str | None = None


class Suppressed(NamedTuple):
    """Why an address must not be written to, and since when."""

    reason: str
    at: datetime


class Request(NamedTuple):
    """A touch asked for. ``consents`` are all of this customer's, in the order in which they were recorded. ``unreachable``
    says why there is no address. ``open`` is whether the enrollment still is. ``contacts`` are the customer's, without the
    touch itself, in any order; ``coming`` what other journeys will ask for. ``country`` (ISO 3166-1 alpha-2) is the
    customer's. ``fewer`` and ``paused_until`` are what they asked for on their preference page."""

    now: datetime
    channel: str
    purpose: str
    topic: str | None
    address: str | None
    zone: str
    open: bool
    traits: Mapping[str, Any]
    consents: Sequence[Consent] = ()
    suppressed: Suppressed | None = None
    unreachable: str = ""
    deliver_by: datetime | None = None
    customer: str = ""
    journey: str = ""
    country: str | None = None
    contacts: Sequence[Contact] = ()
    coming: Sequence[Coming] = ()
    reply: Reply | None = None
    fewer: bool = False
    paused_until: datetime | None = None


class Rule(Protocol):
    """``name`` is what the trace and the author call it."""

    name: str

    def __call__(self, request: Request) -> Defer | Skip | None: ...


class EnrollmentOpen:
    name = "enrollment open"

    def __call__(self, request: Request) -> Skip | None:
        return None if request.open else Skip(self.name, "the enrollment has ended")


class Reachable:
    name = "reachable"

    def __call__(self, request: Request) -> Skip | None:
        return None if request.address else Skip(self.name, request.unreachable)


class Suppression:
    """Nobody writes to a suppressed address, not even a service message. Who says STOP is told once that it is done, and
    who asks for HELP is answered, as carriers demand (CTIA, Messaging Principles and Best Practices); who was erased gets
    what they order, and marketing only if they confirm afterwards that they want it."""

    name = "suppression"

    def __call__(self, request: Request) -> Skip | None:
        found = request.suppressed
        if found is None or _answers_keyword(request, found) or _came_back(request, found):
            return None
        return Skip(self.name, f"the address is suppressed: {found.reason}")


def _answers_keyword(request: Request, found: Suppressed) -> bool:
    reply = request.reply
    if found.reason != "opted_out" or request.purpose != "service" or reply is None or reply.channel != request.channel:
        return False
    # Put there by this very STOP: a second one is not answered again. Who asks for help is helped, as often as they ask.
    asked = reply.keyword == "help" or (reply.keyword == "stop" and reply.at - found.at <= _AT_ONCE)
    return asked and request.now - reply.at <= _ANSWERED_WITHIN


def _came_back(request: Request, found: Suppressed) -> bool:
    if found.reason != "erased":
        return False
    said = _said(request)
    return request.purpose == "service" or any(one.given and one.confirmed and one.at > found.at for one in said)


def _said(request: Request) -> list[Consent]:
    """What the customer said of messages like this one, in its order."""
    return [
        consent
        for consent in request.consents
        if consent.channel == request.channel and consent.purpose == request.purpose and consent.topic in (None, request.topic)
    ]


class RespectConsent:
    """Marketing needs the customer's consent to the channel (Directive 2002/58/EC, Art. 13; GDPR, Art. 7), but for what a
    site shows its own visitors: that needs none, and is not shown to who withdrew it. What was said last counts, whether
    of this topic or of all; where consent is to be confirmed, one that was is among what was said since."""

    name = "consent"

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self.levels = levels

    def __call__(self, request: Request) -> Skip | None:
        level = self.levels.get(request.channel, "double")
        said = _said(request)
        if not said:
            return None if level == "none" else Skip(self.name, f"never consented to {request.channel}")
        if not said[-1].given:
            return Skip(self.name, f"withdrew consent to {request.channel} on {said[-1].at:%Y-%m-%d}")
        since = list(takewhile(lambda consent: consent.given, reversed(said)))
        if level == "double" and not any(consent.confirmed for consent in since):
            return Skip(
                self.name, f"consent to {request.channel} of {since[-1].at:%Y-%m-%d} was never confirmed (double opt-in)"
            )
        return None


class Paused:
    """Who asked for a pause on their preference page."""

    name = "paused by the customer"

    def __call__(self, request: Request) -> Defer | None:
        until = request.paused_until
        if until is None or request.now >= until:
            return None
        return Defer(until, self.name, f"asked for a pause until {_when(until, request)}")


class ControlGroup:
    """Some are left alone on purpose, always the same: how they fare without marketing is what it is held against."""

    name = "control group"

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, request: Request) -> Skip | None:
        if not request.customer or hash_percent(request.customer, self.name) >= self.share:
            return None
        return Skip(self.name, f"one of the {self.share:g} % who are left alone so that lift can be measured")


class QuietHours:
    """Of the policy, and those that the journey adds: together they are over when none of them holds."""

    name = "quiet hours"

    def __init__(self, parts: Sequence[Quiet]) -> None:
        self.parts = parts

    def __call__(self, request: Request) -> Defer | Skip | None:
        found = [(part, part.of(request.channel, request.country)) for part in self.parts]
        now = [(part, window) for part, own in found if (window := quiet(own, request.now, request.zone)) is not None]
        if not now:
            return None
        over = ends([window for _, own in found for window in own], request.now, request.zone)
        reason = f"{CHANNELS[request.channel].word} quiet hours, {now[0][1]}"
        if over is None or any(part.when == "skip" for part, _ in now):
            return Skip(self.name, reason)
        return Defer(over, self.name, reason)


class Caps:
    """At most so many messages in any window of a length that rolls. One that is claimed may leave at any moment, so it is in
    every window."""

    name = "caps"

    def __init__(self, caps: Sequence[Cap], conversation: Duration | None = None) -> None:
        self.caps = caps
        self.conversation = conversation

    def __call__(self, request: Request) -> Defer | Skip | None:
        if _answers(request, self.conversation):
            return None
        objections = [objection for cap in self.caps if (objection := self.asked(cap, request)) is not None]
        return _last(objections)

    def asked(self, cap: Cap, request: Request) -> Defer | Skip | None:
        until = room(cap, request, request.contacts)
        if until is None:
            return None
        if until == NEVER:
            return Skip(self.name, f"none at all ({cap.id})")
        inside = len(_inside(cap, request, request.contacts))
        said = f"{inside} of {cap.at_most} {_counted(cap.channels, cap.at_most)} in {describe_span(cap.per)}"
        said = f"{said} ({cap.id}); the next is possible on {_when(until, request)}"
        return Skip(self.name, said) if cap.when == "skip" else Defer(until, self.name, said)


class Fewer(Caps):
    """A cap of their own, for those who asked for fewer messages."""

    name = "fewer messages"

    def __call__(self, request: Request) -> Defer | Skip | None:
        return super().__call__(request) if request.fewer else None


class MinimumGap:
    """The least time between two messages."""

    name = "minimum gap"

    def __init__(self, gaps: Sequence[Gap], conversation: Duration | None = None) -> None:
        self.gaps = gaps
        self.conversation = conversation

    def __call__(self, request: Request) -> Defer | Skip | None:
        if _answers(request, self.conversation):
            return None
        return _last([objection for gap in self.gaps if (objection := self.asked(gap, request)) is not None])

    def asked(self, gap: Gap, request: Request) -> Defer | Skip | None:
        until = distance(gap, request, request.contacts)
        if until is None:
            return None
        of = f" of {_channels(gap.channels)}" if gap.channels else ""
        said = f"less than {describe_span(gap.between)} after the last message{of}"
        said = f"{said}; the next is possible on {_when(until, request)}"
        return Skip(self.name, said) if gap.when == "skip" else Defer(until, self.name, said)


class Priority:
    """What goes first keeps its place: a message that another journey will ask for within the hour is not crowded out by one
    of a journey that stands further down."""

    name = "priority"

    def __init__(self, policy: Policy, caps: Sequence[Cap], gaps: Sequence[Gap]) -> None:
        self.order = policy.priority
        self.fewer = policy.fewer
        self.conversation = policy.conversation
        self.caps = caps
        self.gaps = gaps

    def __call__(self, request: Request) -> Defer | None:
        if _answers(request, self.conversation):
            return None
        until, first = request.now, None
        while (crowded := self.crowded_out(request._replace(now=until))) is not None:
            first = first or crowded
            until = crowded.at + BEHIND
        if first is None:
            return None
        said = f"{first.journey} goes first, and will ask for the last place on {_when(first.at, request)}"
        return Defer(until, self.name, said)

    def crowded_out(self, request: Request) -> Coming | None:
        """The first message that could not go if this one did, and could if it did not."""
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
            this = Contact(request.now, request.channel, request.journey, request.topic)
            if not any(self.goes(coming, channel, request, [*without, this]) for channel in coming.channels):
                return coming
            without.append(Contact(max(coming.at, request.now), channel, coming.journey, coming.topic))
        return None

    def goes(self, coming: Coming, channel: str, request: Request, contacts: Sequence[Contact]) -> bool:
        """Whether caps and gap let it."""
        at = max(coming.at, request.now)
        asked = request._replace(now=at, channel=channel, topic=coming.topic, journey=coming.journey)
        caps = (*self.caps, *((self.fewer,) if request.fewer else ()))
        return all(room(cap, asked, contacts) is None for cap in caps) and all(
            distance(gap, asked, contacts) is None for gap in self.gaps
        )


def rank(order: Sequence[str], journey: str) -> int:
    """The place of a journey in the order of priority: those that are not named stand where ``others`` do, or last."""
    name = journey if journey in order else "others"
    return order.index(name) if name in order else len(order)


NEVER = datetime.max.replace(tzinfo=UTC)


def room(cap: Cap, request: Request, contacts: Sequence[Contact]) -> datetime | None:
    """When a cap next has room for this message; None if now, ``NEVER`` if it lets none. With room it keeps it, as long as
    nothing else is sent."""
    if (cap.channels and request.channel not in cap.channels) or cap.topic not in (None, request.topic):
        return None
    if cap.at_most == 0:
        return NEVER
    inside = _inside(cap, request, contacts)
    return inside[-cap.at_most] + cap.per.longest if len(inside) >= cap.at_most else None


def _inside(cap: Cap, request: Request, contacts: Sequence[Contact]) -> list[datetime]:
    """When those left that are in the window up to now, in order; it opens after its first instant."""
    opened = request.now - cap.per.longest
    left = (
        max(contact.at, request.now) if contact.unsent else contact.at
        for contact in contacts
        if (not cap.channels or contact.channel in cap.channels) and cap.topic in (None, contact.topic)
    )
    return sorted(at for at in left if at > opened)


def distance(gap: Gap, request: Request, contacts: Sequence[Contact]) -> datetime | None:
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


def _answers(request: Request, span: Duration | None) -> bool:
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


def _when(instant: datetime, request: Request) -> str:
    """``Fri 12:03`` where the customer lives, with the day of the month where it is not within a week; full minutes, and not
    too early."""
    whole = instant if instant.second == instant.microsecond == 0 else instant + timedelta(minutes=1)
    near = instant - request.now < timedelta(days=6)
    return f"{whole.astimezone(ZoneInfo(request.zone)):{'%a %H:%M' if near else '%a %d %b %H:%M'}}"


NAMES: tuple[str, ...] = (
    EnrollmentOpen.name,
    Reachable.name,
    Suppression.name,
    RespectConsent.name,
    Paused.name,
    ControlGroup.name,
    QuietHours.name,
    Caps.name,
    Fewer.name,
    MinimumGap.name,
    Priority.name,
    BUDGET,
)
"""Every rule, in the order in which they are asked."""


def rules(policy: Policy, program: Program) -> tuple[Rule, ...]:
    """The rules for messages of ``program``, which may add to ``policy`` what makes it stricter. What is no marketing is sent
    whenever somebody is reached."""
    always: tuple[Rule, ...] = (EnrollmentOpen(), Reachable(), Suppression())
    if program.purpose == "service":
        return always
    stricter = program.stricter or StricterPolicy()
    quiet_hours = quiet_parts(policy, program)
    caps = (*policy.caps, *stricter.caps)
    gaps = [gap for gap in (policy.minimum_gap, stricter.minimum_gap) if gap is not None]
    asked: list[Rule] = [*always, RespectConsent(policy.consent), Paused()]
    if policy.control_group:
        asked.append(ControlGroup(policy.control_group))
    if quiet_hours:
        asked.append(QuietHours(quiet_hours))
    if caps:
        asked.append(Caps(caps, policy.conversation))
    asked.append(Fewer((policy.fewer,), policy.conversation))
    if gaps:
        asked.append(MinimumGap(gaps, policy.conversation))
    if policy.priority:
        asked.append(Priority(policy, caps, gaps))
    return tuple(asked)


def quiet_parts(policy: Policy, program: Program) -> list[Quiet]:
    """The quiet hours that messages of ``program`` keep: together they are over when none of them holds."""
    if program.purpose == "service":
        return []
    own = program.stricter.quiet_hours if program.stricter else None
    return [part for part in (policy.quiet_hours, own) if part is not None]


def budget_spent(channel: str, budget: Budget, now: datetime, zone: str) -> Defer | Skip:
    """What becomes of a message for which the day's budget of its channel has nothing left; ``zone`` (IANA) is whose day it
    is."""
    reason = f"the day's budget of {budget.at_most:,} {CHANNELS[channel].counted[1]} is spent"
    if budget.when == "skip":
        return Skip(BUDGET, reason)
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return Defer(local(tomorrow, time(), zone), BUDGET, reason)


def decide(rules: Sequence[Rule], request: Request) -> Verdict:
    """The answer of the first rule that objects; ``Allow`` with the names of all when none does."""
    for rule in rules:
        objection = rule(request)
        if objection is not None:
            return objection
    return Allow(tuple(rule.name for rule in rules))
