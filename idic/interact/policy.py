"""The contact policy: may we send this touch, now? An ordered list of named rules, each of which may object.

Pure: a rule sees what is known of the customer and the instant, and answers. The claim of a touch asks all of them in the
transaction that holds the customer, and the delivery asks them again in the transaction that marks it ``attempting``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from idic.journey.asks import Allow, Defer, Skip, Verdict

CHANNELS = ("email", "sms", "web")
_FREE = ("web",)


class Consent(NamedTuple):
    """One entry of the ledger. ``topic`` None speaks for every topic."""

    channel: str
    topic: str | None
    given: bool
    at: datetime


class Request(NamedTuple):
    """A touch asked for. ``consents`` are all of this customer's, in the order in which they were recorded; ``suppressed``
    is the reason why the address must not be written to, if there is one. ``unreachable`` says why there is no address.
    ``open`` is whether the enrollment still is."""

    now: datetime
    channel: str
    purpose: str
    topic: str | None
    address: str | None
    zone: str
    open: bool
    traits: Mapping[str, Any]
    consents: Sequence[Consent] = ()
    suppressed: str | None = None
    unreachable: str = ""
    deliver_by: datetime | None = None


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
        return Skip(self.name, f"the address is suppressed: {request.suppressed}") if request.suppressed else None


class RespectConsent:
    """Marketing needs the customer's consent to the channel (Directive 2002/58/EC, Art. 13; GDPR, Art. 7), but for what a
    site shows its own visitors: that needs none, and is not shown to who withdrew it. What was said last counts, whether
    of this topic or of all."""

    name = "consent"

    def __call__(self, request: Request) -> Skip | None:
        if request.purpose == "service":
            return None
        said = [
            consent
            for consent in request.consents
            if consent.channel == request.channel and (consent.topic is None or consent.topic == request.topic)
        ]
        if not said and request.channel in _FREE:
            return None
        if not said:
            return Skip(self.name, f"never consented to {request.channel}")
        if not said[-1].given:
            return Skip(self.name, f"withdrew consent to {request.channel} on {said[-1].at:%Y-%m-%d}")
        return None


RULES: tuple[Rule, ...] = (EnrollmentOpen(), Reachable(), Suppression(), RespectConsent())


def decide(rules: Sequence[Rule], request: Request) -> Verdict:
    """The answer of the first rule that objects; ``Allow`` with the names of all when none does."""
    for rule in rules:
        objection = rule(request)
        if objection is not None:
            return objection
    return Allow(tuple(rule.name for rule in rules))
