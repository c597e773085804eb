"""The JSON Schema of vocabulary.yaml."""

from __future__ import annotations

from typing import Any, get_args

from idic.journey.vocabulary.endpoints import Method
from idic.journey.vocabulary.types import SIMPLE
from idic.schema_parts import (
    NAME,
    Schema,
    any_of,
    choice,
    document,
    duration,
    entries,
    name,
    named,
    one_or_list,
    ref,
    text,
    whole,
    words,
)

_NOTHING: Schema = {"type": "null"}


def vocabulary() -> Schema:
    """The schema of vocabulary.yaml."""
    sections = {
        "currency": words("The currency of amounts without one.", "EUR", pattern="^[A-Z]{3}$"),
        "languages": one_or_list(
            words("", "en", "de", "pt-BR", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
            "The languages of messages. The first is the fallback.",
            least=0,
        ),
        "zone": words("The time zone of schedules, and of customers whose zone is unknown.", "Europe/Berlin"),
        "country": words("For telephone numbers without a country code.", "DE", pattern="^[A-Z]{2}$"),
        "slots": any_of(
            named(text("A description."), {"pattern": NAME}),
            one_or_list(name("", "home_hero"), least=0),
            description="The places on your own site where a journey may show content.",
        ),
        "topics": _listed(
            any_of(
                text("Its title."),
                entries({"title": ref("spoken"), "about": ref("spoken")}, required=("title",)),
            ),
            "The topics that customers choose from on their preference page, in the customers' words.",
        ),
        "customer": _listed(
            ref("customer_attribute"),
            "The attributes of customers. email, phone, zone, language and test are built in.",
        ),
        "things": _listed(_listed(ref("field")), "The items of lists in events, such as line_item."),
        "events": _events(),
        "links": _listed(
            words("An address, in which Liquid may be used.", "https://shop.example/cart/{{ key }}"), "Links by name."
        ),
        "endpoints": _listed(ref("endpoint"), "The services that a journey may call."),
    }
    return document(
        "The vocabulary of idic's journeys",
        "Every name a journey may use. Using a name that is not here is an error.",
        entries(sections),
        {
            "type": _type(),
            "customer_attribute": _attribute(
                {
                    "default": text("Its value while it is unknown."),
                    "counts": text("idic counts these events.", examples=["Order Completed"]),
                    "sums": words("idic adds up this property of an event.", "Order Completed.total", pattern=r".\."),
                    "in": duration("Only events of the last …", "90 days"),
                    "from": text("Where it comes from, as a note for people.", examples=["preference page"]),
                    "title": ref("spoken"),
                    "ask": ref("spoken"),
                    "why": ref("spoken"),
                    "answers": named(ref("spoken"), None, "The customers' words for the options of a one_of."),
                    "sensitive": text("The kind of sensitive data; then `for` is required.", examples=["health"]),
                    "for": one_or_list(text(), "The purposes or topics that may read it.", least=0),
                },
                dependentRequired={"sensitive": ["for"]},
            ),
            "property": _attribute({"required": _required(), "default": text("Its value where it is missing.")}),
            "field": _attribute({"required": _required()}),
            "endpoint": _endpoint(),
            "spoken": any_of(
                text(),
                named(text(), None, "By language, as in {en: Our news, de: Neues von uns}."),
                description="Text for customers on pages: in the fallback language, or in each language.",
            ),
        },
    )


def _listed(value: Schema, description: str = "") -> Schema:
    """A mapping whose entry names the author chooses, which may be empty."""
    return any_of(named(value), _NOTHING, {"const": ""}, description=description)


def _type() -> Schema:
    return any_of(
        choice((*SIMPLE, *(f"list of {kind}" for kind in SIMPLE))),
        words("A thing, or a list of one.", "list of line_item", pattern=r"^\s*(list of\s+)?[a-z][a-z0-9_]*\s*$"),
        description="A type: text, number, yes/no, money, date, moment, days, zone, link, `list of …`, or a thing.",
    )


def _attribute(more: dict[str, Schema], **rules: Any) -> Schema:
    one_of = {
        "type": "array",
        "items": text(),
        "minItems": 1,
        "description": "The possible values; misspelt ones are reported.",
    }
    in_full = entries(
        {"type": ref("type"), "one_of": one_of, **more}, oneOf=[{"required": ["type"]}, {"required": ["one_of"]}], **rules
    )
    return any_of(ref("type"), in_full)


def _required() -> Schema:
    return choice(("true", "false", "yes", "no"), "Whether an event without it is refused.") | {
        "enum": [True, False, "true", "false", "yes", "no"]
    }


def _events() -> Schema:
    about = name(
        "The kind of thing that the event is about, if not a customer. Then `for_each` says which customers enter.",
        "product",
    )
    event = named(ref("property"), {"pattern": NAME}, properties={"about": about})
    listed = any_of(event, _NOTHING, {"const": ""})
    return any_of(named(listed), _NOTHING, {"const": ""}, description="The events, each with its properties.")


def _endpoint() -> Schema:
    parts = {
        "url": words(
            "The address, with `{{ name }}` for what it takes.", "https://erp.example/stock/{{ sku }}", pattern="^https?://"
        ),
        "method": choice(get_args(Method), "Default: POST."),
        "headers": named(
            text(), None, 'Such as {Authorization: "Bearer {{ secrets.erp_token }}"}, set as IDIC_SECRET_ERP_TOKEN.'
        ),
        "takes": named(ref("property"), None, "The values that it is given."),
        "gives": named(ref("property"), None, "The values in its answer. The call fails if a required one is missing."),
        "time_out": duration("The time-out of one try, at most 60 seconds. Default: 5 seconds.", "5 seconds"),
        "tries": whole("How often it is tried, at most 10. Default: 3.", 10),
    }
    return entries(parts, required=("url",))
