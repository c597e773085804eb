"""The contact policy: may we send this touch, now? A list of named rules in order, each of which may object.

Pure: a rule sees what is known of the customer and the instant, and answers. The claim of a touch asks all of them in the
transaction that holds the customer, and the delivery asks them again in the transaction that marks it ``attempting``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from idic.journey.asks import Allow, Defer, Skip, Verdict
from idic.journey.policy import Level, Policy
from idic.journey.program import Program

CHANNELS = ("email", "sms", "web")


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
    """Nobody writes to a suppressed address, not even a service message."""

    name = "suppression"

    def __call__(self, request: Request) -> Skip | None:
        return Skip(self.name, f"the address is suppressed: {request.suppressed.reason}") if request.suppressed else None


class RespectConsent:
    """Marketing needs the customer's consent to the channel (Directive 2002/58/EC, Art. 13; GDPR, Art. 7), but for what a
    site shows its own visitors: that needs none, and is not shown to who withdrew it. What was said last counts, whether
    of this topic or of all."""

    name = "consent"

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self.levels = levels

    def __call__(self, request: Request) -> Skip | None:
        if request.purpose == "service":
            return None
        said = [
            consent
            for consent in request.consents
            if consent.channel == request.channel and (consent.topic is None or consent.topic == request.topic)
        ]
        if not said and self.levels.get(request.channel) == "none":
            return None
        if not said:
            return Skip(self.name, f"never consented to {request.channel}")
        if not said[-1].given:
            return Skip(self.name, f"withdrew consent to {request.channel} on {said[-1].at:%Y-%m-%d}")
        return None


NAMES: tuple[str, ...] = ("enrollment open", "reachable", "suppression", "consent")
"""Every rule, in the order in which they are asked."""


def rules(policy: Policy, program: Program) -> tuple[Rule, ...]:
    """The rules for messages of ``program``, which may add to ``policy`` what makes it stricter."""
    return (EnrollmentOpen(), Reachable(), Suppression(), RespectConsent(policy.consent))


def decide(rules: Sequence[Rule], request: Request) -> Verdict:
    """The answer of the first rule that objects; ``Allow`` with the names of all when none does."""
    for rule in rules:
        objection = rule(request)
        if objection is not None:
            return objection
    return Allow(tuple(rule.name for rule in rules))
