"""The demo's script: the customers and what they do in three weeks, the same in every run.

Pure: everything follows from the number of customers and the length of the demo. Spans are of idic's time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

NEWS, CARTS = "news", "cart_reminders"
WELCOME, CART, AFTER, BACK = "welcome", "abandoned_cart", "after_purchase", "win_back"


class SendTraits(NamedTuple):
    """Tell idic what is known about the customer."""

    traits: dict[str, Any]


class SendEvent(NamedTuple):
    """Send an event to idic."""

    event: str
    properties: dict[str, Any]


class VisitShop(NamedTuple):
    """Look at the shop's home page and a product, in a browser."""


class OpenMessage(NamedTuple):
    """Open the mail, or see the banner; reading an SMS can't be observed."""


class FollowLink(NamedTuple):
    """Click the message's button or link."""


class ClickAnswer(NamedTuple):
    """Click one of the message's answers."""

    value: str


class ClickUnsubscribe(NamedTuple):
    """Use the mail program's unsubscribe button (RFC 8058), or the link in the SMS."""


Act = SendTraits | SendEvent | VisitShop | OpenMessage | FollowLink | ClickAnswer | ClickUnsubscribe


class ScriptedAction(NamedTuple):
    """``after`` counts from the customer's arrival, or from the message that is answered. ``known`` says whether they are
    logged in then, on which ``device``."""

    after: timedelta
    act: Act
    known: bool = True
    device: str = "laptop"


class ScriptedStory(NamedTuple):
    """What one kind of customer does, and what must come of it.

    ``replies``  what they do when a message reaches them: by its name, or (``offer/web``) by its name and channel
    ``agrees``   to which topics they ever said yes
    ``reached``  the channels on which a message may reach them
    ``enters``   the journeys that take them in
    ``reaches``  the journeys whose goal they reach
    """

    moments: tuple[ScriptedAction, ...]
    replies: Mapping[str, tuple[ScriptedAction, ...]] = {}
    agrees: frozenset[str] = frozenset((NEWS, CARTS))
    reached: frozenset[str] = frozenset(("email",))
    enters: frozenset[str] = frozenset()
    reaches: frozenset[str] = frozenset()


class Shopper(NamedTuple):
    """One customer; ``email`` is None if they gave none."""

    user_id: str
    name: str
    kind: str
    email: str | None
    arrives: timedelta
    story: ScriptedStory

    def reply(self, message: str, channel: str) -> tuple[ScriptedAction, ...]:
        """What they do when this message reaches them on this channel."""
        replies = self.story.replies
        return replies.get(f"{message}/{channel}", replies.get(message, ()))
