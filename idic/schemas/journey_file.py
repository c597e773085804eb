"""The schema of a journey file."""

from __future__ import annotations

from typing import Any

from idic.journey.channels import CHANNELS, Channel
from idic.journey.channels.channel import ContentField
from idic.journey.definition.read_journey import SECTIONS
from idic.journey.definition.read_steps import KINDS, MOST_ROUNDS
from idic.schemas.parts import (
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
    hours,
    name,
    named,
    one_or_list,
    ref,
    text,
    whole,
    words,
)
from idic.schemas.policy_file import parts, stricter


def journey() -> Schema:
    sections = {
        "journey": name(
            "The name of this journey. Small letters, digits and _; its file is best called the same.", "abandoned_cart"
        ),
        "title": text("What people call it, in a sentence.", examples=["Win back an abandoned cart"]),
        "purpose": choice(
            ("marketing", "service"),
            "Marketing goes to those who consented, service (an order, an appointment) needs no consent. Default: marketing.",
        ),
        "topic": name("What customers consent to and unsubscribe from.", "news", "cart_reminders"),
        "sender": name("As whom it writes: one of the senders of policy.yaml. Default: its default one.", "shop"),
        "policy": stricter(),
        "late": choice(
            ("send", "skip"),
            "What becomes of messages that came due in a pause of the journey: sent after it, if still `within`, or skipped.",
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
            "step": {"anyOf": [_STEPS[kind]() for kind in KINDS]},
            "branch": _branch(),
            "event": _event(),
            "events": one_or_list(ref("event")),
            "channel": choice(CHANNELS, "A channel for which the message has words under customize."),
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
        "if": condition("Only where this holds; the event is `event`.", "event.total > 0"),
        "key": choice(("any",), "`any`: also where it is about another key, such as another cart."),
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
            "On a day of each customer's own, where they live.",
            "5 days before customer.renews_on", "every year on customer.birthday",
        ),
        "at": clock("At what time of that `date`. Default: 09:00."),
        "for_each": condition(
            "For an event about a thing and not a person: whom it concerns.", "event.sku in customer.wishlist"
        ),
        "if": condition("Who enters.", "event.total >= 30"),
        "key": words("One enrollment for each value of this property of the event.", "event.cart_id", pattern=r"^\s*event\."),
        "again": any_of(
            choice(("never", "always")),
            duration("", "after 14 days") | {"pattern": r"^after\s.*\d.*$"},
            description="May a customer enter again? Counted from the last entry of this key. Default: never.",
        ),
        "while_in": choice(("ignore", "restart"), "An entry while one is inside: ignored, or it starts over. Default: ignore."),
        "starts": date("Nobody enters before."),
        "ends": date("Nobody enters after."),
        "at_most": words("How many enter a day.", "5000 a day", pattern=r"^\s*\d{1,9}\s+(a|per)\s+day\s*$"),
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
        "on": {**ref("events"), "description": "What success is."},
        "if": condition("Only where this holds.", "event.total > 0"),
        "key": choice(("any",), "`any`: also where it is about another key."),
        "within": duration("How long after the entry it counts.", "7 days"),
        "value": condition("What it is worth.", "event.total"),
        "then": choice(("leave", "continue"), "What happens then. Default: leave."),
    }
    whole = entries(parts, required=("on",))
    event = text("The event's name.")
    return any_of(event, whole, {"type": "array", "items": ref("event"), "minItems": 1}, description="What success is.")


# Steps


def _step(
    kind: str,
    title: str,
    description: str,
    value: Schema,
    more: dict[str, Schema] | None = None,
    *,
    required: tuple[str, ...] = (),
    **rules: Any,
) -> Schema:
    always = {
        "id": name("The name of this step, unique in this file.", f"my_{kind}"),
        kind: {**value, "description": description},
        "if": condition("Only if this holds, asked on arrival; else `otherwise`."),
    }
    return entries({**always, **(more or {})}, required=("id", kind, *required), title=title, **rules)


_THEN = {"then": {**ref("branch"), "description": "What follows. Default: continue."}}
_OTHERWISE = {"otherwise": {**ref("branch"), "description": "What follows where it does not come to that. Default: continue."}}
_BOTH = {**_THEN, **_OTHERWISE}
_NEEDS_IF = {"otherwise": ["if"]}
_AS = {"as": name("What came is read by this name from here on.", "answer")}
_WITH = named(text("An expression."), None, "What is handed over, by name.", minProperties=1)


def _wait() -> Schema:
    until = words("", "until 09:00 on weekdays", "until 3 days before entry.starts_at", pattern=r"^until\s*\S")
    return _step(
        "wait",
        "Wait",
        "How long; or until a time of the customer's day, or a moment.",
        any_of(duration("", "4 hours"), until),
        {"without": {**ref("event"), "description": "Silence: it starts over at each of these events."}, **_AS, **_BOTH},
        dependentRequired={"as": ["without"]},
    )


def _wait_for() -> Schema:
    event = {
        "on": one_or_list(text("The event's name; of a list any of them.", examples=["Link Clicked"])),
        "if": condition("Only where this holds; the event is `event`.", 'event.value == "yes"'),
        "key": choice(("any",), "`any`: also where it is about another key."),
        "of": text("Only about the message of this send step.", examples=["nudge"]),
        "since": text("Counts from `entry`, from `wait`, or from the start of a step.", examples=["entry", "wait"]),
        **_AS,
        "then": ref("branch"),
    }
    until = {"until": condition("When this comes true of the customer."), "then": ref("branch")}
    arm = any_of(text("The event's name."), entries(event, required=("on",)), entries(until, required=("until",)))
    return _step(
        "wait_for",
        "Wait for an event",
        "The first of these to happen decides; on a tie the first listed.",
        any_of(arm, {"type": "array", "items": arm}),
        {"within": duration("How long it is waited for. Then: `otherwise`.", "2 days"), **_BOTH},
        required=("within", "otherwise"),
    )


def _choose() -> Schema:
    parts = {"if": condition("Taken if this holds.", 'segment == "vip"'), "do": ref("branch")}
    branch = entries(parts, required=("if", "do"))
    value = {"type": "array", "items": branch, "minItems": 1}
    return _step("choose", "Choose", "The first branch whose condition holds; else `otherwise`.", value, _BOTH)


def _split() -> Schema:
    shares = named(whole("Percent.", 100), {"pattern": NAME}, examples=[{"plain": 20, "offer": 80}])
    do = named(ref("branch"), {"pattern": NAME}, "A branch for each share; one without goes on.")
    what = "By chance, in percent that add up to 100; the same for a customer for ever, and read later by the step's id."
    return _step("split", "Split", what, shares, {"do": do, **_BOTH}, dependentRequired=_NEEDS_IF)


def _send() -> Schema:
    several = one_or_list(ref("channel"))
    by = any_of(
        ref("channel"),
        {"type": "array", "items": ref("channel"), "minItems": 1, "uniqueItems": True},
        entries({"first_of": several}, required=("first_of",)),
        entries({"best_of": several}, required=("best_of",)),
        description="On which channels: one; a list means each; `first_of` the first that is reachable and allowed; `best_of` "
        "the best for this customer.",
    )
    at = any_of(choice(("now", "best time")), hours(""), description="When in the customer's day. Default: now.")
    within = duration(
        "Quiet hours, caps and pauses included; later means not sent. Default: as policy.yaml says, of a service 3 days."
    )
    return _step(
        "send", "Send", "The message, by its name under customize.", text(examples=["cart_reminder"]),
        {"by": by, "at": at, "within": within, **_BOTH}, required=("by",),
    )  # fmt: skip


def _set() -> Schema:
    value = named(
        text("An expression; text in it stands in double quotes.", examples=["score.value", '"warm"']),
        {"pattern": r"^(customer\.)?[a-z][a-z0-9_]*$"},
        minProperties=1,
    )
    what = "Gives customer attributes, or names of this journey's own, a value."
    return _step("set", "Set", what, value, _BOTH, dependentRequired=_NEEDS_IF)


def _call() -> Schema:
    within = duration("How long it is tried. Default: 10 minutes.", "10 minutes")
    more = {"with": _WITH, **_AS, "within": within, **_BOTH}
    return _step("call", "Call", "An endpoint, by its name in vocabulary.yaml.", text(examples=["stock"]), more)


def _repeat() -> Schema:
    parts = {
        "times": whole("At most so often.", MOST_ROUNDS),
        "until": condition("Asked before every round; if it holds, no more of them."),
        "do": any_of(ref("step"), {"type": "array", "items": ref("step"), "minItems": 1}),
    }
    value = entries(parts, required=("times", "do"))
    return _step("repeat", "Repeat", "The same steps, several times.", value, _BOTH, dependentRequired=_NEEDS_IF)


def _enter() -> Schema:
    more = {"with": _WITH | {"description": "The properties of that entry. Default: those of this one."}, **_BOTH}
    return _step(
        "enter", "Enter", "Ask for entry into another journey.", text(examples=["win_back"]), more, dependentRequired=_NEEDS_IF
    )


def _differentiate_again() -> Schema:
    what = "Decide values and segment anew, on what is known now."
    return _step("differentiate", "Differentiate again", what, choice(("again",)), _BOTH, dependentRequired=_NEEDS_IF)


def _exit() -> Schema:
    value = text(examples=["not_interested"])
    return _step("exit", "Exit", "Out of the journey, for this reason.", value, _OTHERWISE, dependentRequired=_NEEDS_IF)


_STEPS = {
    "wait": _wait, "wait_for": _wait_for, "choose": _choose, "split": _split, "send": _send, "set": _set, "call": _call,
    "repeat": _repeat, "enter": _enter, "differentiate": _differentiate_again, "exit": _exit,
}  # fmt: skip


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
        fields["show_for"] = duration("For how long. Default: 7 days.", "2 days")
        fields["until"] = choice(("click",), "`click`: until its first click.")
    return entries(fields, required=channel.required_fields if whole else ())


def _field(field: ContentField) -> Schema:
    if field.kind == "slot":
        return name(field.description, *field.examples)
    return text(field.description, **({"examples": [*field.examples]} if field.examples else {}))
