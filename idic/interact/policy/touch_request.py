"""What the contact policy knows of a customer, and the touch that it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


class Consent(NamedTuple):
    """One entry of the consent ledger. ``topic`` None stands for every topic; ``confirmed`` says whether the owner of the
    address confirmed it."""

    channel: str
    topic: str | None
    given: bool
    at: datetime
    purpose: str = "marketing"
    confirmed: bool = False


class Contact(NamedTuple):
    """A marketing message that counts for caps: claimed (``at`` is when it was claimed), under way, sent or perhaps sent
    (``at`` is the last attempt). ``unsent`` messages are only claimed: they may leave at any moment."""

    at: datetime
    channel: str
    journey: str
    topic: str | None = None
    unsent: bool = False


class Coming(NamedTuple):
    """A message that another journey of the same customer will ask for at ``at``."""

    at: datetime
    journey: str
    channels: tuple[str, ...]
    topic: str | None = None


class Reply(NamedTuple):
    """The customer's newest written answer to a message of this enrollment, or the answer by which they entered it."""

    at: datetime
    channel: str
    keyword: str | None = None


class Suppressed(NamedTuple):
    """Why nothing may be sent to an address, and since when."""

    reason: str
    at: datetime


class TouchRequest(NamedTuple):
    """A touch that is asked for.

    ``consents`` are all of this customer's, in the order in which they were recorded. ``unreachable`` says why there is no
    address. ``open`` is whether the enrollment still is. ``contacts`` are the customer's, without the touch itself, in any
    order; ``coming`` is what other journeys will ask for. ``country`` (ISO 3166-1 alpha-2) is the customer's. ``fewer`` and
    ``paused_until`` are the choices on their preference page.
    """

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


class PolicyFacts(NamedTuple):
    """What the policy knows of a customer. ``suppressed`` says, by channel, why nothing may be sent to their address; the rest
    is as in ``TouchRequest``."""

    id: str
    traits: Mapping[str, Any]
    zone: str
    consents: Sequence[Consent] = ()
    web_seen_at: datetime | None = None
    suppressed: Mapping[str, Suppressed] = {}
    contacts: Sequence[Contact] = ()
    coming: Sequence[Coming] = ()
    reply: Reply | None = None
    fewer: bool = False
    paused_until: datetime | None = None
