"""A customer of a crowd: who they are and what happens to them. Invented and recorded customers are alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from idic.interact.policy.touch_request import Consent
from idic.rehearse.simulator import SentMessage


class Happening(NamedTuple):
    """An event at an instant; without a name, attributes of the customer. ``step`` and ``enrollment`` name the message it is
    about (a recorded event knows the step only). ``seen``: the customer was on the website for it."""

    at: datetime
    name: str
    properties: Mapping[str, Any]
    step: str | None = None
    enrollment: str | None = None
    seen: bool = False


Reacts = Callable[[SentMessage], Sequence[Happening]]
"""The reactions to a message that was sent, each at a later instant."""


class CrowdPerson(NamedTuple):
    """A customer of a crowd. ``past`` happened before the rehearsal starts: it counts, but starts nothing. ``life`` happens
    during it, in order; ``reacts`` adds invented reactions. ``web_seen_at`` is their last visit to the website."""

    id: str
    traits: Mapping[str, Any] = {}
    consents: Sequence[Consent] = ()
    web_seen_at: datetime | None = None
    past: Sequence[Happening] = ()
    life: Sequence[Happening] = ()
    reacts: Reacts | None = None
