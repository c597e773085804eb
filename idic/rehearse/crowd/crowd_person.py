"""A customer of a rehearsal: who they are, and what happens to them. Invented or recorded, the rehearsal runs both alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from idic.interact.policy.touch_request import Consent
from idic.rehearse.simulator import SentMessage


class Happening(NamedTuple):
    """Something at an instant. Without a name it is what we are told of the customer. ``step`` and ``enrollment`` name the
    message that it is about (a recorded one knows the step alone), ``seen`` says that they were on the site for it."""

    at: datetime
    name: str
    properties: Mapping[str, Any]
    step: str | None = None
    enrollment: str | None = None
    seen: bool = False


Reacts = Callable[[SentMessage], Sequence[Happening]]
"""What comes of a message that left, each at an instant after it."""


class CrowdPerson(NamedTuple):
    """``past`` is what happened before the rehearsal begins: it counts, and nobody enters anything on it. ``life`` is what
    happens after, in its order; ``reacts`` adds to it, where reactions are invented. ``web_seen_at`` is when they were
    last seen on the site."""

    id: str
    traits: Mapping[str, Any] = {}
    consents: Sequence[Consent] = ()
    web_seen_at: datetime | None = None
    past: Sequence[Happening] = ()
    life: Sequence[Happening] = ()
    reacts: Reacts | None = None
