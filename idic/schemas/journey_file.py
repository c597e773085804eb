"""The JSON Schema of a journey file."""

from __future__ import annotations

from idic.journey.channels import CHANNELS, Channel
from idic.journey.channels.channel import ContentField
from idic.journey.definition.read_journey import SECTIONS
from idic.journey.program.steps import STEP_KINDS
from idic.schema_parts import (
    NAME,
    Schema,
    any_of,
    choice,
    clock,
    condition,
    date,
    document,
    duration,
    entries,
    name,
    named,
    one_or_list,
    ref,
    text,
    words,
)
from idic.schemas.policy_file import parts, stricter


def journey() -> Schema:
    """The schema of a journey file."""
    sections = {
        "journey": name("The name of this journey: small letters, digits and _. Name its file the same.", "abandoned_cart"),
        "title": text("A readable title.", examples=["Win back an abandoned cart"]),
        "purpose": choice(
            ("marketing", "service"),
            "Marketing needs consent; service messages (about an order, an appointment) do not. Default: marketing.",
        ),
        "topic": name("What customers consent to and unsubscribe from.", "news", "cart_reminders"),
        "sender": name("One of the `senders` of policy.yaml. Default: its default sender.", "shop"),
        "policy": stricter(),
        "late": choice(
            ("send", "skip"),
            "Messages due while the journey was paused: send them afterwards if still `within`, or skip them.",
        ),
        "identify": _identify(),
        "differentiate": _differentiate(),
        "interact": {**ref("steps"), "description": "What happens, step by step. Every step has an `id` and one kind."},
        "goal": _goal(),
        "leave": {**ref("events"), "description": "Events after which customers leave at once, at any step."},
        "customize": _customize(),
    }
    return document(
        "A journey of idic",
        "Who enters (identify), how customers differ (differentiate), what happens (interact), what they read (customize).",
        entries({section: sections[section] for section in SECTIONS}, required=("journey", "identify", "interact")),
        {
            "steps": any_of(ref("step"), {"type": "array", "items": ref("step"), "minItems": 1}),
            "step": {"anyOf": [kind.schema() for kind in STEP_KINDS.values()]},
            "branch": _branch(),
            "event": _event(),
            "events": one_or_list(ref("event")),
            "channel": choice(CHANNELS, "A channel for which the message has content under customize."),
            **{name: _content(channel, whole=True) for name, channel in CHANNELS.items()},
            "what_differs": _what_differs(),
            **parts(),
        },
    )


def _branch() -> Schema:
    return any_of(
        choice(("continue",), "Go on with the step after this one."),
        words("Leave the journey, for this reason.", "exit not_interested", pattern=r"^\s*(continue\s*|exit\s.*\S\s*)$"),
        ref("step"),
        {"type": "array", "items": ref("step"), "minItems": 1},
        description="`continue`, `exit <reason>`, one step, or a list of steps. It rejoins at the step after its parent.",
    )


def _event() -> Schema:
    parts = {
        "on": text("The event's name, as in vocabulary.yaml.", examples=["Order Completed"]),
        "if": condition("Only if this holds; read the event as `event`.", "event.total > 0"),
        "key": choice(("any",), "`any`: also events about another key, such as another cart."),
    }
    return any_of(text("The event's name, as in vocabulary.yaml."), entries(parts, required=("on",)))


def _identify() -> Schema:
    parts = {
        "on": {**ref("events"), "description": "The event, or events, with which a customer enters."},
        "every": words(
            "All customers for whom `if` holds, at these times, in the vocabulary's zone.",
            "day at 06:00", "monday and friday at 09:00", "month on 1 at 06:00",
        ),
        "once": date("All customers for whom `if` holds, once, in the vocabulary's zone."),
        "date": words(
            "On a date of each customer, in their own time zone.",
            "5 days before customer.renews_on", "every year on customer.birthday",
        ),
        "at": clock("The time of day on that `date`. Default: 09:00."),
        "for_each": condition(
            "For an event about a thing, not a person: which customers enter.", "event.sku in customer.wishlist"
        ),
        "if": condition("Who enters.", "event.total >= 30"),
        "key": words("One enrollment for each value of this property of the event.", "event.cart_id", pattern=r"^\s*event\."),
        "again": any_of(
            choice(("never", "always")),
            duration("", "after 14 days") | {"pattern": r"^after\s.*\d.*$"},
            description="May a customer enter again? Counted from the last entry of this key. Default: never.",
        ),
        "while_in": choice(("ignore", "restart"), "If a customer inside enters again: ignore or start over. Default: ignore."),
        "starts": date("Nobody enters before this date."),
        "ends": date("Nobody enters after this date."),
        "at_most": words("How many customers enter per day at most.", "5000 a day", pattern=r"^\s*\d{1,9}\s+(a|per)\s+day\s*$"),
        "only": choice(("test customers",), "Only customers with `test: true` enter."),
    }  # fmt: skip
    kinds = [{"required": [kind]} for kind in ("on", "every", "once", "date")]
    return entries(parts, description="Who enters, and when.", oneOf=kinds, dependentRequired={"at": ["date"]})


def _differentiate() -> Schema:
    return named(
        text("A condition, or `otherwise` for the last one.", examples=['customer.value_tier == "high"', "otherwise"]),
        {"pattern": NAME},
        "Segments, in order: the first whose condition holds is the customer's, read as `segment`. Decided at entry.",
        properties={
            "values": named(text("An expression."), {"pattern": NAME}, "Values by name, decided first.", minProperties=1)
        },
    )


def _goal() -> Schema:
    parts = {
        "on": {**ref("events"), "description": "The event that makes the journey a success."},
        "if": condition("Only if this holds.", "event.total > 0"),
        "key": choice(("any",), "`any`: also events about another key."),
        "within": duration("How long after entry it counts.", "7 days"),
        "value": condition("The value of reaching the goal.", "event.total"),
        "then": choice(("leave", "continue"), "Whether customers leave the journey then. Default: leave."),
    }
    whole = entries(parts, required=("on",))
    event = text("The event's name.")
    return any_of(
        event,
        whole,
        {"type": "array", "items": ref("event"), "minItems": 1},
        description="The event that makes the journey a success.",
    )


# customize


def _customize() -> Schema:
    message = entries(
        {
            **{name: ref(name) for name in CHANNELS},
            "for": named(_what_differs(languages=True), None, "By segment: only what differs."),
            "in": named(ref("what_differs"), None, "By language: only what differs."),
        }
    )
    return named(message, {"pattern": NAME}, "Every word a customer reads, by message and channel. Templates are Liquid.")


def _what_differs(*, languages: bool = False) -> Schema:
    more = {"in": named(ref("what_differs"), None, "And by language.")} if languages else {}
    contents = {
        name: ref(name) if channel.written_as_text else _content(channel, whole=False) for name, channel in CHANNELS.items()
    }
    return entries({**contents, **more})


def _content(channel: Channel, *, whole: bool) -> Schema:
    """A channel's content; in a variant (not ``whole``) no field is required."""
    if channel.written_as_text:
        [field] = channel.fields
        written = text(field.description)
        return any_of(written, entries({field.name: written}, required=channel.required_fields))
    fields = {field.name: _field(field) for field in channel.fields}
    if channel.placed:
        fields["show_for"] = duration("How long it is shown. Default: 7 days.", "2 days")
        fields["until"] = choice(("click",), "`click`: show it until the first click.")
    return entries(fields, required=channel.required_fields if whole else ())


def _field(field: ContentField) -> Schema:
    if field.kind == "slot":
        return name(field.description, *field.examples)
    return text(field.description, **({"examples": [*field.examples]} if field.examples else {}))
