"""The rules of the contact policy, in order; each may object to a touch.

Pure: a rule sees what is known of the customer and the instant, and answers. The claim of a touch asks all of them in the
transaction that holds the customer, and the delivery asks them again in the transaction that marks it ``attempting``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import takewhile
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from idic.interact.policy.frequency import Caps, Fewer, MinimumGap, Priority, describe_instant
from idic.interact.policy.quiet_hours import ends, quiet
from idic.interact.policy.touch_request import Consent, Suppressed, TouchRequest
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Budget, Cap, Gap, Level, Policy, Quiet, StricterPolicy
from idic.journey.engine.protocol import Defer, Skip
from idic.journey.program.program import Program
from idic.journey.program.shares import hash_percent
from idic.times import local

_ANSWERED_WITHIN = timedelta(minutes=10)
_AT_ONCE = timedelta(minutes=1)

BUDGET = "budget"
"""The rule that is asked last, where the messages of the day are counted."""


class Rule(Protocol):
    """A rule that may object. ``name`` stands in traces and explanations."""

    name: str

    def __call__(self, request: TouchRequest) -> Defer | Skip | None:
        """The objection; None where there is none."""
        ...


class EnrollmentOpen:
    """Nothing is sent to a customer who has left the journey."""

    name = "enrollment open"

    def __call__(self, request: TouchRequest) -> Skip | None:
        return None if request.open else Skip(self.name, "the enrollment has ended")


class Reachable:
    """The customer needs an address on the channel."""

    name = "reachable"

    def __call__(self, request: TouchRequest) -> Skip | None:
        return None if request.address else Skip(self.name, request.unreachable)


class Suppression:
    """Nothing is sent to a suppressed address, not even a service message, with two exceptions.

    Carriers demand that STOP is confirmed once and that HELP is answered (CTIA, Messaging Principles and Best Practices). A
    customer who was erased gets messages about what they order, and marketing only if they confirm afterwards that they want
    it.
    """

    name = "suppression"

    def __call__(self, request: TouchRequest) -> Skip | None:
        suppressed = request.suppressed
        if suppressed is None or _answers_keyword(request, suppressed) or _came_back(request, suppressed):
            return None
        return Skip(self.name, f"the address is suppressed: {suppressed.reason}")


def _answers_keyword(request: TouchRequest, suppressed: Suppressed) -> bool:
    reply = request.reply
    if suppressed.reason != "opted_out" or request.purpose != "service" or reply is None or reply.channel != request.channel:
        return False
    # The first STOP suppressed the address, and only that one is confirmed. HELP is answered every time.
    asked = reply.keyword == "help" or (reply.keyword == "stop" and reply.at - suppressed.at <= _AT_ONCE)
    return asked and request.now - reply.at <= _ANSWERED_WITHIN


def _came_back(request: TouchRequest, suppressed: Suppressed) -> bool:
    if suppressed.reason != "erased":
        return False
    consents = _consents_to(request)
    return request.purpose == "service" or any(
        consent.given and consent.confirmed and consent.at > suppressed.at for consent in consents
    )


def _consents_to(request: TouchRequest) -> list[Consent]:
    """What the customer said about messages like this one, in order."""
    return [
        consent
        for consent in request.consents
        if consent.channel == request.channel and consent.purpose == request.purpose and consent.topic in (None, request.topic)
    ]


class RespectConsent:
    """Marketing needs the customer's consent to the channel (Directive 2002/58/EC, Art. 13; GDPR, Art. 7).

    Content that a site shows its own visitors needs none, but is not shown to customers who withdrew it. The last statement
    counts, whether about this topic or about all. Where consent must be confirmed, one of the consents given since the last
    withdrawal must be confirmed.
    """

    name = "consent"

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self.levels = levels

    def __call__(self, request: TouchRequest) -> Skip | None:
        level = self.levels.get(request.channel, "double")
        consents = _consents_to(request)
        if not consents:
            return None if level == "none" else Skip(self.name, f"never consented to {request.channel}")
        if not consents[-1].given:
            return Skip(self.name, f"withdrew consent to {request.channel} on {consents[-1].at:%Y-%m-%d}")
        since = list(takewhile(lambda consent: consent.given, reversed(consents)))
        if level == "double" and not any(consent.confirmed for consent in since):
            return Skip(
                self.name, f"consent to {request.channel} of {since[-1].at:%Y-%m-%d} was never confirmed (double opt-in)"
            )
        return None


class Paused:
    """Customers can pause marketing on their preference page."""

    name = "paused by the customer"

    def __call__(self, request: TouchRequest) -> Defer | None:
        until = request.paused_until
        if until is None or request.now >= until:
            return None
        return Defer(until, self.name, f"asked for a pause until {describe_instant(until, request)}")


class ControlGroup:
    """Some customers get no marketing, always the same ones, so that its effect can be measured."""

    name = "control group"

    def __init__(self, share: float) -> None:
        self.share = share

    def __call__(self, request: TouchRequest) -> Skip | None:
        if not request.customer or hash_percent(request.customer, self.name) >= self.share:
            return None
        return Skip(self.name, f"one of the {self.share:g} % who are left alone so that lift can be measured")


class QuietHours:
    """The quiet hours of the policy and of the journey: they are over when none of them holds."""

    name = "quiet hours"

    def __init__(self, parts: Sequence[Quiet]) -> None:
        self.parts = parts

    def __call__(self, request: TouchRequest) -> Defer | Skip | None:
        windows = [(part, part.of(request.channel, request.country)) for part in self.parts]
        now = [(part, window) for part, own in windows if (window := quiet(own, request.now, request.zone)) is not None]
        if not now:
            return None
        over = ends([window for _, own in windows for window in own], request.now, request.zone)
        reason = f"{CHANNELS[request.channel].word} quiet hours, {now[0][1]}"
        if over is None or any(part.when == "skip" for part, _ in now):
            return Skip(self.name, reason)
        return Defer(over, self.name, reason)


class RuleParts(NamedTuple):
    """What rules are made of: the policy, with what the journey adds to make it stricter."""

    policy: Policy
    quiet_hours: Sequence[Quiet]
    caps: Sequence[Cap]
    gaps: Sequence[Gap]


class PolicyRule(NamedTuple):
    """One row of ``RULES``. ``key`` is where ``policy.yaml`` sets it; None for a rule that always holds as it is. ``summary``
    says what it does. ``of_service`` rules are asked of service messages, too. ``make`` is None for the rule that the claim
    itself asks; it returns None where the policy does not set the rule."""

    name: str
    key: str | None
    summary: str
    make: Callable[[RuleParts], Rule | None] | None
    of_service: bool = False


RULES: tuple[PolicyRule, ...] = (
    PolicyRule(
        EnrollmentOpen.name,
        None,
        "Nothing is sent to a customer who has left the journey.",
        lambda _: EnrollmentOpen(),
        of_service=True,
    ),
    PolicyRule(
        Reachable.name,
        None,
        "The customer needs an address on the channel.",
        lambda _: Reachable(),
        of_service=True,
    ),
    PolicyRule(
        Suppression.name,
        "suppression",
        "Nothing is sent to a suppressed address.",
        lambda _: Suppression(),
        of_service=True,
    ),
    PolicyRule(
        RespectConsent.name,
        "consent",
        "Marketing needs the customer's consent to the channel.",
        lambda parts: RespectConsent(parts.policy.consent),
    ),
    PolicyRule(
        Paused.name,
        None,
        "Customers can pause all marketing on their preference page.",
        lambda _: Paused(),
    ),
    PolicyRule(
        ControlGroup.name,
        "control_group",
        "Some customers get no marketing, so that its lift can be measured.",
        lambda parts: ControlGroup(parts.policy.control_group) if parts.policy.control_group else None,
    ),
    PolicyRule(
        QuietHours.name,
        "quiet_hours",
        "Nothing is sent at certain hours, by the customer's clock.",
        lambda parts: QuietHours(parts.quiet_hours) if parts.quiet_hours else None,
    ),
    PolicyRule(
        Caps.name,
        "caps",
        "At most so many messages in a rolling window.",
        lambda parts: Caps(parts.caps, parts.policy.conversation) if parts.caps else None,
    ),
    PolicyRule(
        Fewer.name,
        "fewer",
        "A cap for customers who asked for fewer messages.",
        lambda parts: Fewer((parts.policy.fewer,), parts.policy.conversation),
    ),
    PolicyRule(
        MinimumGap.name,
        "minimum_gap",
        "The least time between two messages.",
        lambda parts: MinimumGap(parts.gaps, parts.policy.conversation) if parts.gaps else None,
    ),
    PolicyRule(
        Priority.name,
        "priority",
        "A message of a more important journey keeps its place for an hour.",
        lambda parts: Priority(parts.policy, parts.caps, parts.gaps) if parts.policy.priority else None,
    ),
    PolicyRule(
        BUDGET,
        "budget",
        "At most so many messages a day on a channel, to all customers together.",
        None,
    ),
)
"""Every rule, in the order in which they are asked."""

NAMES: tuple[str, ...] = tuple(rule.name for rule in RULES)
"""The names of all rules, in that order."""


def rules(policy: Policy, program: Program) -> tuple[Rule, ...]:
    """The rules for messages of ``program``, which may add to ``policy`` what makes it stricter. A service message is sent
    whenever the customer is reached."""
    stricter = program.stricter or StricterPolicy()
    gaps = [gap for gap in (policy.minimum_gap, stricter.minimum_gap) if gap is not None]
    parts = RuleParts(policy, quiet_parts(policy, program), (*policy.caps, *stricter.caps), gaps)
    service = program.purpose == "service"
    asked = (row.make(parts) for row in RULES if row.make is not None and (row.of_service or not service))
    return tuple(rule for rule in asked if rule is not None)


def quiet_parts(policy: Policy, program: Program) -> list[Quiet]:
    """The quiet hours for messages of ``program``: they are over when none of them holds."""
    if program.purpose == "service":
        return []
    own = program.stricter.quiet_hours if program.stricter else None
    return [part for part in (policy.quiet_hours, own) if part is not None]


def budget_spent(channel: str, budget: Budget, now: datetime, zone: str) -> Defer | Skip:
    """The objection when the day's budget of a channel is spent. The day is a day of ``zone`` (IANA)."""
    reason = f"the day's budget of {budget.at_most:,} {CHANNELS[channel].counted[1]} is spent"
    if budget.when == "skip":
        return Skip(BUDGET, reason)
    tomorrow = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
    return Defer(local(tomorrow, time(), zone), BUDGET, reason)
