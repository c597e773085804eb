"""The customers of a small shop and what they do in three weeks: the demo's play, the same at every performance.

Pure: everything follows from how many customers come, and for how long they are watched. Spans are of idic's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

NEWS, CARTS = "news", "cart_reminders"
WELCOME, CART, AFTER, BACK = "welcome", "abandoned_cart", "after_purchase", "win_back"


class Identify(NamedTuple):
    traits: dict[str, Any]


class Track(NamedTuple):
    event: str
    properties: dict[str, Any]


class Visit(NamedTuple):
    """Look at the shop's home page and a product, in a browser."""


class Open(NamedTuple):
    """Open the mail, or see the banner; an SMS is read without anybody knowing."""


class Click(NamedTuple):
    """Press the message's button, or its link."""


class Answer(NamedTuple):
    """Press one of the answers that the message offers."""

    value: str


class Unsubscribe(NamedTuple):
    """Press the mail program's own button for it (RFC 8058), or the link in the SMS."""


Act = Identify | Track | Visit | Open | Click | Answer | Unsubscribe


class Moment(NamedTuple):
    """``after`` counts from the customer's arrival, or from the message that is answered. ``known`` is whether they are
    logged in then, on whichever ``device`` it is."""

    after: timedelta
    act: Act
    known: bool = True
    device: str = "laptop"


class Story(NamedTuple):
    """What one kind of customer does, and what must come of it.

    ``replies``  what they do when a message reaches them: by its name, or (``offer/web``) by its name and channel
    ``agrees``   to which topics they ever said yes
    ``reached``  the channels on which a message may reach them
    ``enters``   the journeys that take them in
    ``reaches``  the journeys whose goal they reach
    """

    moments: tuple[Moment, ...]
    replies: Mapping[str, tuple[Moment, ...]] = {}
    agrees: frozenset[str] = frozenset((NEWS, CARTS))
    reached: frozenset[str] = frozenset(("email",))
    enters: frozenset[str] = frozenset()
    reaches: frozenset[str] = frozenset()


class Shopper(NamedTuple):
    """``email`` is None for who gave none."""

    user_id: str
    name: str
    kind: str
    email: str | None
    arrives: timedelta
    story: Story

    def reply(self, message: str, channel: str) -> tuple[Moment, ...]:
        replies = self.story.replies
        return replies.get(f"{message}/{channel}", replies.get(message, ()))
