"""The JSON Schema of policy.yaml, and of ``policy:`` in a journey."""

from __future__ import annotations

from typing import Any

from idic.journey.channels import CHANNELS, EMAIL, SMS
from idic.journey.contact_policy.read_policy import LEVELS, SECTIONS, STRICTER, WHENS
from idic.schema_parts import (
    NAME,
    Schema,
    any_of,
    choice,
    document,
    duration,
    entries,
    hours,
    name,
    named,
    one_or_list,
    ref,
    text,
    words,
    yes_no,
)

_COUNTRY = {"pattern": "^[A-Z]{2}$"}


def policy() -> Schema:
    """The schema of policy.yaml."""
    budget_of_channel = any_of(ref("a_day"), entries({"at_most": ref("a_day"), "when": ref("when")}, required=("at_most",)))
    sections = {
        "suppression": choice(("always",), "Suppressed addresses never get messages. Cannot be changed."),
        "consent": entries(
            {channel: choice(LEVELS) for channel in CHANNELS},
            description="What each channel needs: `double` confirmed consent, `single` consent, `none` no consent (an "
            "objection still counts). Default: single; for web none.",
        ),
        "control_group": entries(
            {"share": _share()},
            required=("share",),
            description="Customers who get no marketing, always the same, so that lift can be measured.",
        ),
        "quiet_hours": ref("quiet_hours"),
        "caps": ref("caps"),
        "minimum_gap": ref("minimum_gap"),
        "conversation": duration(
            "How long after a customer's reply the answers to it are exempt from caps and minimum gap.", "24 hours"
        ),
        "deferral": duration("The `within` of marketing sends that have none. Default: 24 hours.", "24 hours"),
        "priority": one_or_list(
            text(examples=["service", "others"]),
            "Journeys, the most important first: if one of them is due within the hour, it gets the last place of a cap. "
            "`others` are those that are not named.",
            least=0,
        ),
        "budget": entries(
            dict.fromkeys(CHANNELS, budget_of_channel),
            description="The most messages a day to all customers together, by channel.",
        ),
        "fewer": entries(
            {"at_most": ref("count"), "per": duration("", "7 days"), "when": ref("when")},
            required=("at_most", "per"),
            description="The cap for customers who asked for fewer messages. Default: 1 in 7 days.",
        ),
        "senders": named(
            entries(
                {
                    EMAIL.name: words("", "Shop <hello@shop.example>", pattern="@"),
                    "reply_to": words("The address that replies go to.", "care@shop.example", pattern="@"),
                    SMS.name: text("A number with its country, or your provider's name for it.", examples=["+4915700000000"]),
                    "default": yes_no("Whether journeys without a `sender` use it."),
                }
            ),
            {"pattern": NAME},
            "The senders of messages, each with a name that you choose.",
        ),
        "journeys_may": entries(
            {"stricter": one_or_list(choice(STRICTER))},
            required=("stricter",),
            description="What a journey may set under its own `policy`; it can only be stricter.",
        ),
    }
    return document(
        "The contact policy of idic",
        "Which messages may be sent at all, whatever a journey says.",
        entries({section: sections[section] for section in SECTIONS}),
        {
            **parts(),
            "a_day": words("", "5000 a day", pattern=r"^\s*\d{1,9}\s+(a|per)\s+day\s*$"),
        },
    )


def parts() -> dict[str, Schema]:
    """Definitions of the parts that a journey may contain too."""
    by_channel: dict[str, Any] = {
        channel: any_of(choice(("none",)), one_or_list(hours("Hours without messages."))) for channel in CHANNELS
    }
    cap = {
        "id": name("Its name in reports.", "three_a_week"),
        "at_most": ref("count"),
        "per": duration("Any window of this length; a day has 24 hours.", "7 days"),
        "channel": one_or_list(choice(CHANNELS), "Only messages of these channels count and are held back."),
        "topic": text("Only messages of this topic count and are held back.", examples=["news"]),
        "when": ref("when"),
    }
    gap = {
        "between": duration("The time between two messages, of any channels or of these.", "4 hours"),
        "channel": one_or_list(choice(CHANNELS)),
        "when": ref("when"),
    }
    return {
        "quiet_hours": entries(
            {
                **by_channel,
                "by_country": named(
                    entries(by_channel), _COUNTRY, "For customers who live there, instead of the general hours."
                ),
                "when": ref("when"),
            },
            description="Hours without messages, by channel, in the customer's time zone.",
        ),
        "caps": {
            "type": "array",
            "items": entries(cap, required=("id", "at_most", "per")),
            "description": "The most messages in any window of a length.",
        },
        "minimum_gap": entries(gap, required=("between",), description="The least time between two messages."),
        "count": any_of({"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d{1,9}$"}),
        "when": choice(WHENS, "What happens to the message: put off until it is allowed, or not sent. Default: defer."),
    }


def stricter() -> Schema:
    """What a journey adds; refers to the definitions of ``parts``."""
    return entries(
        {part: ref(part) for part in STRICTER},
        description="What this journey adds to the contact policy: only stricter, and only if policy.yaml allows it.",
    )


def _share() -> Schema:
    number = {"type": "number", "minimum": 0, "exclusiveMaximum": 100}
    return any_of(number, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%?$"}, description="Percent of all customers.")
