"""The JSON Schema of NAME.stories.yaml."""

from __future__ import annotations

from idic.journey.channels import CHANNELS
from idic.rehearse.stories.read_expectations import EXPECTATIONS
from idic.schema_parts import Schema, any_of, choice, document, duration, entries, named, one_or_list, ref, text, words, yes_no

_EXPECTED = {
    "entered": "yes, no, or the journey.",
    "not entered": "yes, the journey, or why not.",
    "segment": "The segment they are in.",
    "sent": "The message that was sent; `nothing` if none was.",
    "not sent": "A message or step that was refused.",
    "called": "The endpoint that was called.",
    "waiting": "The step they are at.",
    "split": "The share of each split.",
    "customer": "The customer's attributes now.",
    "values": "The variables that the journey has set.",
    "goal": "yes, no, or its value.",
    "ended": "How it ended: done, goal, leave, or the reason of an exit.",
    "nothing more": "yes: nothing else happened.",
    "because": "The reason.",
    "by": "The channel.",
    "at": "The time of day, in the person's time zone.",
    "on": "The day.",
    "until": "The end of the wait.",
    "subject": "The email's subject.",
    "contains": "A text that it contains.",
    "with": "The values that it was given.",
    "key": "The key, such as which cart.",
}


def stories() -> Schema:
    """The schema of a file of stories."""
    story = {
        "story": text("What happens, in a sentence."),
        "with": _pins(),
        "start": _moment("When it begins, in each person's time zone."),
        "play": {"type": "array", "items": ref("line"), "description": "What happens, and what is expected, in order."},
    }
    person = any_of(
        named(
            {},
            None,
            "The person's attributes, as in the vocabulary.",
            properties={
                "consents": one_or_list(text(), "`[email, sms for news]`", least=0),
                "suppressed": one_or_list(choice(CHANNELS), "Channels that bounced or complained.", least=0),
                "seen_on_web": text("now, never, or 40 days ago."),
                "fewer": yes_no("They asked for fewer messages."),
                "paused_until": _moment("They asked for a pause until then."),
                "control": yes_no("Whether they are in the control group. Default: no."),
            },
        ),
        {"type": "null"},
        {"const": ""},
    )
    body = {
        "journey": text("The journey these stories are about."),
        "start": _moment("When the stories begin, unless a story has its own start."),
        "people": named(person, None, "The people, by name. Lines without a name are about the first.", minProperties=1),
        "stories": {"type": "array", "items": entries(story, required=("story", "play")), "minItems": 1},
    }
    expect_words = dict.fromkeys([*EXPECTATIONS, *(more for mores in EXPECTATIONS.values() for more in mores), "key"])
    expected = {word: {"description": _EXPECTED[word]} for word in expect_words}
    return document(
        "Stories of a journey",
        "What people do, and what idic does then, on a virtual clock. `idic test` plays them.",
        entries(body, required=("journey", "people", "stories")),
        {
            "line": _line(),
            "expect": any_of(entries(expected), {"type": "array", "items": ref("expect")}),
        },
    )


def _moment(description: str) -> Schema:
    return words(description, "2026-03-27 10:00")


def _pins() -> Schema:
    return entries(
        {
            "best": named({}, None, "The best channel or time for a person, at a send with best_of or best time."),
            "split": named({}, None, "The share they get in a split."),
            "call": named({}, None, "What an endpoint answers, or `fails`."),
            "fails": named({}, None, "Messages that cannot be delivered, and why."),
        },
        description="Fixes what would be learned, drawn by chance or answered by an endpoint; for everybody, or by person.",
    ) | {"additionalProperties": {"type": "object"}}


def _line() -> Schema:
    press = any_of(text(), {"type": "object"})
    parts = {
        "after": duration("Time passes.", "3 hours"),
        "until": words("Time passes until then.", "09:00", "2026-03-29 09:00"),
        "at": words("Time passes until then.", "09:00"),
        "event": any_of(text(), {"type": "object"}, description="An event: {Cart Updated: {cart_id: c1}}, or its name."),
        "identify": {"type": "object", "description": "New attributes of the person."},
        "click": {**press, "description": "They click in the message of this step."},
        "answer": {**press, "description": "They click an answer: {step: value}."},
        "open": {**press, "description": "They open the email of this step."},
        "call": {"type": "object", "description": "What an endpoint answers from now on."},
        "fails": {"type": "object", "description": "Messages that cannot be delivered from now on."},
        "expect": ref("expect"),
    }
    return {"type": "object", "properties": parts, "additionalProperties": ref("line")}
