"""What is part of every vocabulary: idic's own events, links, attributes and purposes."""

from __future__ import annotations

from idic.journey.channels import CHANNELS
from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.types import LINK, NUMBER, TEXT, YES_NO

_CHANNEL = Type(kind="one_of", options=tuple(CHANNELS))

_ABOUT = {"step": Attribute(type=TEXT, required=True), "channel": Attribute(type=_CHANNEL)}
"""Properties of every event about a message. Events of older versions have no channel."""

ACTS = ("form", "double opt-in", "import", "preference page", "one-click", "keyword", "complaint", "unsubscribe page")
"""The acts by which customers give or withdraw consent."""

_CONSENT = {
    "channel": Attribute(type=_CHANNEL, required=True),
    "topic": Attribute(type=TEXT),
    "purpose": Attribute(type=TEXT),
    "act": Attribute(type=Type(kind="one_of", options=ACTS)),
    # Whether the owner of the address confirmed it.
    "confirmed": Attribute(type=YES_NO),
    "proof": Attribute(type=TEXT),
}

KEYWORDS = Type(kind="one_of", options=("stop", "start", "help", "yes"))

OWN_EVENTS: dict[str, dict[str, Attribute]] = {
    # `value` is the answer, if the link was one.
    "Link Clicked": {**_ABOUT, "url": Attribute(type=LINK), "value": Attribute(type=TEXT)},
    "Email Opened": _ABOUT,
    "Message Sent": _ABOUT,
    "Message Failed": {**_ABOUT, "reason": Attribute(type=TEXT)},
    "Message Delivered": _ABOUT,
    "Message Shown": {**_ABOUT, "slot": Attribute(type=TEXT)},
    "Message Bounced": {**_ABOUT, "reason": Attribute(type=TEXT)},
    # An SMS from the customer: of the newest message that went to their number, if one did. `keyword` is what the whole of
    # it says, `answered` that the provider has answered it.
    "Replied": {
        "step": Attribute(type=TEXT),
        "channel": Attribute(type=_CHANNEL),
        "keyword": Attribute(type=KEYWORDS),
        "text": Attribute(type=TEXT),
        "answered": Attribute(type=YES_NO, default=False),
    },
    "Page Viewed": {
        "name": Attribute(type=TEXT),
        "category": Attribute(type=TEXT),
        "path": Attribute(type=TEXT),
        "url": Attribute(type=LINK),
        "title": Attribute(type=TEXT),
        "referrer": Attribute(type=TEXT),
        "search": Attribute(type=TEXT),
    },
    "Screen Viewed": {"name": Attribute(type=TEXT), "category": Attribute(type=TEXT)},
    "Group Joined": {"group_id": Attribute(type=TEXT, required=True)},
    # Of any journey; the journey's goal defines `value`.
    "Goal Reached": {"journey": Attribute(type=TEXT, required=True), "value": Attribute(type=NUMBER)},
    "Consent Given": _CONSENT,
    "Consent Withdrawn": _CONSENT,
    # The choices on the preference page after the change; without a pause, `paused_until` is absent.
    "Preferences Changed": {"fewer": Attribute(type=YES_NO), "paused_until": Attribute(type=Type(kind="moment"))},
    # The customer asks for the data that we have about them.
    "Data Requested": {},
}
"""The events that idic itself creates. A vocabulary does not declare them."""

LATER_EVENTS = (
    "Segment Entered",
    "Segment Left",
)

ABOUT_MESSAGES = frozenset(name for name, properties in OWN_EVENTS.items() if "step" in properties)
"""The events about a message, which ``of:`` can narrow down to one step's message."""

FOLLOW_MESSAGES = frozenset(name for name in ABOUT_MESSAGES if OWN_EVENTS[name]["step"].required)
"""The events that always have a message. (A customer may also reply without having got one.)"""

ALWAYS_KNOWN = {
    "test": Attribute(type=YES_NO, default=False),
    **{channel.attribute: Attribute(type=TEXT) for channel in CHANNELS.values() if channel.attribute},
    "zone": Attribute(type=Type(kind="zone")),
    "language": Attribute(type=TEXT),
}
UNSETTABLE = {
    **{channel.attribute: "is an address we use to reach them" for channel in CHANNELS.values() if channel.attribute},
    "test": "marks test customers",
}
"""Customer attributes that no journey may set, each with the reason."""

OWN_LINKS = {
    "unsubscribe": "unsubscribes from this topic with one click",
    "preferences": "the customer's own page: topics, channels, fewer messages, a pause",
    "confirm": "confirms the consent that entered the journey; works for 7 days",
    "your_data": "the customer's data and its reasons, to download or erase; works for 24 hours",
}
"""idic's own pages that messages may link to, each with a description."""

PURPOSES = ("marketing", "service")
