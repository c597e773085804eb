"""Every name a journey may use: ``journeys/vocabulary.yaml``, read and checked.

The model is stored as JSON beside the programs: it is what the API holds events against.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Map
from typing import Any, NamedTuple

from pydantic import JsonValue

from idic.frozen import Frozen
from idic.journey.channels import CHANNELS
from idic.journey.program.program import Attribute, Endpoint, Type
from idic.journey.vocabulary.endpoints import Endpoints, EndpointText
from idic.journey.vocabulary.translations import Question, Spoken, SpokenReader, Topic
from idic.journey.vocabulary.types import LINK, NUMBER, NUMERIC, SIMPLE, TEXT, YES_NO, describe, read, spell
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence, parse
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean, one_of

_CHANNEL = Type(kind="one_of", options=tuple(CHANNELS))

_ABOUT = {"step": Attribute(type=TEXT, required=True), "channel": Attribute(type=_CHANNEL)}
"""What every event about a message says of it. Events of older versions do not name the channel."""

ACTS = ("form", "double opt-in", "import", "preference page", "one-click", "keyword", "complaint", "unsubscribe page")
"""By what somebody gives consent, or withdraws it."""

_CONSENT = {
    "channel": Attribute(type=_CHANNEL, required=True),
    "topic": Attribute(type=TEXT),
    "purpose": Attribute(type=TEXT),
    "act": Attribute(type=Type(kind="one_of", options=ACTS)),
    # Whether who owns the address said it.
    "confirmed": Attribute(type=YES_NO),
    "proof": Attribute(type=TEXT),
}

KEYWORDS = Type(kind="one_of", options=("stop", "start", "help", "yes"))

OWN_EVENTS: dict[str, dict[str, Attribute]] = {
    # `value` is what was answered, where the link was an answer.
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
    # Of any journey; `value` as its goal says.
    "Goal Reached": {"journey": Attribute(type=TEXT, required=True), "value": Attribute(type=NUMBER)},
    "Consent Given": _CONSENT,
    "Consent Withdrawn": _CONSENT,
    # What somebody asked for on their preference page, as it stands then; `paused_until` is absent when it goes on.
    "Preferences Changed": {"fewer": Attribute(type=YES_NO), "paused_until": Attribute(type=Type(kind="moment"))},
    # They would like to see what is known of them.
    "Data Requested": {},
}
"""The events that idic itself brings about; a vocabulary does not declare them."""

LATER_EVENTS = (
    "Segment Entered",
    "Segment Left",
)

ABOUT_MESSAGES = frozenset(name for name, properties in OWN_EVENTS.items() if "step" in properties)
"""The events that are about a message, so that ``of:`` can say which."""

FOLLOW_MESSAGES = frozenset(name for name in ABOUT_MESSAGES if OWN_EVENTS[name]["step"].required)
"""Those that cannot be without one. (A customer may write of their own accord.)"""

_ALWAYS_KNOWN = {
    "test": Attribute(type=YES_NO, default=False),
    **{channel.attribute: Attribute(type=TEXT) for channel in CHANNELS.values() if channel.attribute},
    "zone": Attribute(type=Type(kind="zone")),
    "language": Attribute(type=TEXT),
}
UNSETTABLE = {
    **{channel.attribute: "is how we reach them" for channel in CHANNELS.values() if channel.attribute},
    "test": "says who is a test customer",
}
"""Customer attributes that no journey sets, and why."""

OWN_LINKS = {
    "unsubscribe": "one click and no more of this",
    "preferences": "the customer's own page: topics, channels, fewer messages, a pause",
    "confirm": "confirms the consent that the journey was entered with; good for 7 days",
    "your_data": "what is known of them and why, to take along or to erase; good for 24 hours",
}
"""The pages of idic's own that messages may lead to, each in words."""
_ATTRIBUTE = ("type", "one_of", "default", "required")
_CUSTOMER = (
    "type", "one_of", "default", "counts", "sums", "in", "sensitive", "for", "from", "title", "ask", "why", "answers",
)  # fmt: skip
_SECTIONS = (
    "currency",
    "languages",
    "zone",
    "country",
    "slots",
    "topics",
    "customer",
    "things",
    "events",
    "links",
    "endpoints",
)
_LATER_SECTIONS = ("offers", "scores", "products")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_URL = re.compile(r"(?:https?://|mailto:|tel:)\S+", re.DOTALL)


class Vocabulary(Frozen):
    """``customer``, ``events``, ``things`` and ``links`` by name; events are with their properties, and with idic's
    own.

    ``restricted`` are the customer attributes that only some purposes or topics may read; ``sensitive`` say of what
    kind. The first of ``languages`` is the fallback; ``zone`` (IANA) serves customers whose zone nobody knows, and
    ``country`` (ISO 3166-1 alpha-2) telephone numbers that do not say theirs. ``slots`` are the places on the shop's own
    site, each with what it is in words; None where the vocabulary does not list them. ``about`` says of events that are
    about a thing, and not about a customer, what thing that is. ``topics`` are what customers choose from, ``questions`` how
    they are asked for attributes; ``titles`` is what they call attributes, and ``origins`` says where those come from.
    """

    currency: str = "EUR"
    languages: tuple[str, ...] = ("en",)
    zone: str = "UTC"
    country: str | None = None
    slots: dict[str, str] | None = None
    customer: dict[str, Attribute] = _ALWAYS_KNOWN
    restricted: dict[str, tuple[str, ...]] = {}
    sensitive: dict[str, str] = {}
    things: dict[str, Type] = {}
    events: dict[str, dict[str, Attribute]] = OWN_EVENTS
    about: dict[str, str] = {}
    links: dict[str, str] = {}
    endpoints: dict[str, Endpoint] = {}
    topics: dict[str, Topic] = {}
    questions: dict[str, Question] = {}
    titles: dict[str, Spoken] = {}
    origins: dict[str, str] = {}

    def refusals(self, event: str, properties: Map[str, Any]) -> list[str]:
        """Why this event is refused; empty when it is welcome. An event that nobody declared is welcome.

        What is not required and cannot be read counts as missing, and refuses nothing.
        """
        reasons = []
        for name, attribute in self.events.get(event, {}).items():
            if not attribute.required:
                continue
            raw = properties.get(name)
            if raw is None:
                reasons.append(f"{event} needs {name} ({spell(attribute.type)})")
            elif read(attribute.type, raw, siblings={}, currency=self.currency) is None:
                reasons.append(f"{name} of {event} must be {spell(attribute.type)}")
        return reasons


class Reading(NamedTuple):
    """``broken`` are names that are declared, but not in a way that can be used; to complain about their uses as well
    would bury the one message that matters. ``links`` is where each link's text stands, and ``endpoints`` the same;
    ``restrictions`` are the purposes and topics that attributes are for, ``topics`` where each topic is declared."""

    vocabulary: Vocabulary
    broken: frozenset[str] = frozenset()
    links: Map[str, Scalar] = {}
    endpoints: Map[str, EndpointText] = {}
    restrictions: tuple[Scalar, ...] = ()
    topics: Map[str, Scalar] = {}


PURPOSES = ("marketing", "service")


def check_restrictions(reading: Reading, topics: Iterable[str], problems: Problems) -> None:
    """What attributes are for is a purpose or the topic of a journey. A topic that no journey has yet is none's business,
    unless it is one of them misspelt."""
    known = (*PURPOSES, *topics)
    for scalar in reading.restrictions:
        if scalar.value not in known and (hint := did_you_mean(scalar.value, known)):
            message = f'for: "{scalar.value}" is neither a purpose nor the topic of a journey'
            problems.warning(scalar.mark, message, hint)


def check_topics(reading: Reading, topics: Map[str, tuple[Scalar, Problems]], problems: Problems) -> None:
    """Where topics have words for customers, each journey's has; given by topic where a journey names it. A topic that no
    journey has is told where it looks like a slip."""
    if not reading.topics:
        return
    for name, (scalar, of_journey) in topics.items():
        if name not in reading.topics:
            hint = did_you_mean(name, reading.topics) or "declare it under topics: in the vocabulary, with a title"
            of_journey.warning(scalar.mark, f"topic {name} has no words for customers", hint)
    for name, scalar in reading.topics.items():
        if name not in topics and (near := did_you_mean(name, topics)):
            problems.warning(scalar.mark, f"topic {name} is the topic of no journey", near)


def read_vocabulary(file: str, text: str, problems: Problems) -> Reading:
    node = parse(file, text, problems)
    if node is None:
        return Reading(Vocabulary())
    return _Reader(problems).whole(node)


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.things: dict[str, Type] = {}
        self.events: dict[str, dict[str, Attribute]] = dict(OWN_EVENTS)
        self.customer: dict[str, Attribute] = dict(_ALWAYS_KNOWN)
        self.restricted: dict[str, tuple[str, ...]] = {}
        self.restrictions: list[Scalar] = []
        self.sensitive: dict[str, str] = {}
        self.about: dict[str, str] = {}
        self.broken: set[str] = set()
        self.currency = "EUR"
        self.questions: dict[str, Question] = {}
        self.titles: dict[str, Spoken] = {}
        self.origins: dict[str, str] = {}
        self.spoken = SpokenReader(self.shapes, problems, ("en",))

    def whole(self, node: Node) -> Reading:
        found = self.shapes.fields(node, "the vocabulary", _SECTIONS, later=_LATER_SECTIONS)
        if found is None:
            return Reading(Vocabulary())
        if currency := self.shapes.text(found.get("currency"), "currency"):
            if re.fullmatch(r"[A-Z]{3}", currency.value):
                self.currency = currency.value
            else:
                self.problems.error(currency.mark, f'"{currency.value}" is not a currency', "write three letters: EUR")
        languages = self.languages(found.get("languages"))
        self.spoken = SpokenReader(self.shapes, self.problems, languages)
        for name, thing in self.entries(found.get("things"), "things"):
            self.thing(name, thing)
        for name, event in self.entries(found.get("events"), "events"):
            self.event(name, event)
        for name, attribute in self.entries(found.get("customer"), "customer"):
            self.customer_attribute(name, attribute)
        links = self.links(found.get("links"))
        endpoints = self.endpoints(found.get("endpoints"))
        written = {
            name.value: (name, self.spoken.topic(name, node)) for name, node in self.entries(found.get("topics"), "topics")
        }
        vocabulary = Vocabulary(
            currency=self.currency,
            languages=languages,
            zone=self.zone(found.get("zone")),
            country=self.country(found.get("country")),
            slots=self.slots(found["slots"]) if "slots" in found else None,
            customer=self.customer,
            restricted=self.restricted,
            sensitive=self.sensitive,
            things=self.things,
            events=self.events,
            about=self.about,
            links={name: scalar.value for name, scalar in links.items()},
            endpoints={name: text.endpoint for name, text in endpoints.items()},
            topics={name: topic for name, (_, topic) in written.items() if topic is not None},
            questions=self.questions,
            titles=self.titles,
            origins=self.origins,
        )
        topics = {name: scalar for name, (scalar, _) in written.items()}
        return Reading(vocabulary, frozenset(self.broken), links, endpoints, tuple(self.restrictions), topics)

    def entries(self, node: Node | None, what: str) -> tuple[tuple[Scalar, Node], ...]:
        if isinstance(node, Mapping):
            return node.entries
        if node is not None and not (isinstance(node, Scalar) and not node.value):
            self.problems.error(node.mark, f"{what} consists of entries", "write a name, a colon and what it is")
        return ()

    def thing(self, name: Scalar, node: Node) -> None:
        if not self.shapes.name(name, "thing", field=True):
            return
        if name.value in SIMPLE:
            self.problems.error(name.mark, f"{name.value} is a type already", "choose another name")
            return
        fields: dict[str, Attribute] = {}
        for field, value in self.entries(node, f"thing {name.value}"):
            if not self.shapes.name(field, "field", field=True):
                continue
            attribute = self.attribute(value, f"{name.value}.{field.value}", ("type", "one_of", "required"))
            if attribute is not None:
                fields[field.value] = attribute
            else:
                self.broken.add(f"{name.value}.{field.value}")
        self.things[name.value] = Type(
            kind="thing",
            thing=name.value,
            fields={field: attribute.type for field, attribute in fields.items()},
            required=tuple(field for field, attribute in fields.items() if attribute.required),
        )

    def event(self, name: Scalar, node: Node) -> None:
        if name.value in OWN_EVENTS or name.value in LATER_EVENTS:
            self.problems.error(name.mark, f"{name.value} is an event of idic's own", "take it out; it needs no declaration")
            return
        properties: dict[str, Attribute] = {}
        for key, value in self.entries(node, f'event "{name.value}"'):
            if key.value == "about":
                thing = self.shapes.text(value, f"{name.value}: about")
                if thing is not None and thing.value == "customer":
                    hint = "take it out: every event is, unless it says otherwise"
                    self.problems.error(thing.mark, f"{name.value} is about a customer anyway", hint)
                elif thing is not None and self.shapes.name(thing, "thing", field=True):
                    self.about[name.value] = thing.value
            elif self.shapes.name(key, "property", field=True):
                attribute = self.attribute(value, f"{name.value}.{key.value}", _ATTRIBUTE)
                if attribute is not None:
                    properties[key.value] = attribute
                else:
                    self.broken.add(f"{name.value}.{key.value}")
        self.events[name.value] = properties

    def customer_attribute(self, name: Scalar, node: Node) -> None:
        if not self.shapes.name(name, "customer attribute", field=True):
            self.broken.add(f"customer.{name.value}")
            return
        if name.value == "test":
            self.problems.error(name.mark, "customer.test is idic's own", "take it out; it is always there")
            return
        attribute = self.attribute(node, f"customer.{name.value}", _CUSTOMER)
        if attribute is None:
            self.broken.add(f"customer.{name.value}")
            return
        self.customer[name.value] = attribute
        if not isinstance(node, Mapping):
            return
        if "for" in dict(self.names(node)) and (purposes := self.shapes.texts(node.get("for"), "for")):
            self.restricted[name.value] = tuple(purpose.value for purpose in purposes)
            self.restrictions += purposes
        if kind := self.shapes.text(node.get("sensitive"), "sensitive"):
            self.sensitive[name.value] = kind.value
            if node.get("for") is None:
                self.problems.error(
                    name.mark,
                    f"customer.{name.value} is sensitive, and may be used for anything",
                    "say what for: for: [service]",
                )
        if origin := self.shapes.text(node.get("from"), "from"):
            self.origins[name.value] = origin.value.strip()
        if title := self.spoken.spoken(node.get("title"), f"title of customer.{name.value}"):
            self.titles[name.value] = title
        self.question(name, node, attribute)

    def question(self, name: Scalar, node: Mapping, attribute: Attribute) -> None:
        if node.get("ask") is not None and name.value in UNSETTABLE:
            message = f"customer.{name.value} cannot be asked for: it {UNSETTABLE[name.value]}"
            self.problems.error(name.mark, message, "let the shop send it")
            return
        computed = attribute.counted_event is not None
        question = self.spoken.question(name, node, attribute.type, computed=computed)
        if question is not None:
            self.questions[name.value] = question

    @staticmethod
    def names(node: Mapping) -> list[tuple[str, Node]]:
        return [(key.value, value) for key, value in node.entries]

    def attribute(self, node: Node, what: str, known: tuple[str, ...]) -> Attribute | None:
        """The attribute, or None where it cannot be used; the reason has been said."""
        if isinstance(node, Scalar):
            type_ = self.type(node)
            return Attribute(type=type_) if type_ else None
        instead = (
            {"required": "a default: a customer can be known before anything about them is"}
            if "required" not in known
            else None
        )
        if "default" not in known:
            instead = {"default": "required: true, or nothing: a line item has no default"}
        found = self.shapes.fields(node, what, known, instead=instead)
        if found is None:
            return None
        type_ = self.one_of(found["one_of"]) if "one_of" in found else None
        if "type" in found:
            if "one_of" in found:
                self.problems.error(found["type"].mark, f"{what} has two types: type and one_of", "keep one of them")
                return None
            text = self.shapes.text(found["type"], f"type of {what}")
            type_ = self.type(text) if text else None
        elif "one_of" not in found:
            self.problems.error(node.mark, f"{what} has no type", f"write type: {one_of(SIMPLE)}")
        if type_ is None:
            return None
        computed = self.computed(found, type_, what)
        if computed is None:
            return None
        default = self.default(found.get("default"), type_, what)
        required = self.shapes.choice(found.get("required"), "required", ("true", "false", "yes", "no")) in (
            "true",
            "yes",
        )
        if (computed.counts or computed.sums) and default is None:
            default = 0
        return computed.model_copy(update={"default": default, "required": required})

    def computed(self, found: dict[str, Node], type_: Type, what: str) -> Attribute | None:
        """The attribute with what it counts or sums, over which window."""
        counts = self.shapes.text(found.get("counts"), "counts")
        sums = self.shapes.text(found.get("sums"), "sums")
        window = self.shapes.duration(found.get("in"), "in")
        if "in" in found and not (counts or sums):
            self.problems.error(
                found["in"].mark, f"{what}: in says over what time to count", "add counts: or sums:, or take it out"
            )
        if counts and sums:
            self.problems.error(sums.mark, f"{what} both counts and sums", "keep one of them")
            return None
        if counts:
            if type_.kind != "number":
                self.problems.error(counts.mark, f"{what} counts, so it is a number", "write type: number")
                return None
            if not self.is_event(counts, counts.value):
                return None
            return Attribute(type=type_, counts=counts.value, window=window)
        if sums:
            event, _, name = sums.value.rpartition(".")
            if not event:
                self.problems.error(sums.mark, "sums takes an event and its property", "write it as Order Completed.total")
                return None
            if not self.is_event(sums, event):
                return None
            summed = self.events[event].get(name)
            if summed is None:
                hint = did_you_mean(name, self.events[event])
                self.problems.error(sums.mark, f'event "{event}" has no property {name}', hint)
                return None
            if type_.kind not in NUMERIC or summed.type.kind not in NUMERIC or type_.kind != summed.type.kind:
                self.problems.error(
                    sums.mark,
                    f"{what} is {describe(type_)}, and {sums.value} is {describe(summed.type)}",
                    "they must be alike",
                )
                return None
            return Attribute(type=type_, sums=(event, name), window=window)
        return Attribute(type=type_)

    def is_event(self, at: Scalar, name: str) -> bool:
        if name in self.about:
            message = f"{name} is about a {self.about[name]}, and no customer's to be counted"
            self.problems.error(at.mark, message, "count an event of the customer")
            return False
        if name in self.events:
            return True
        self.problems.error(at.mark, f'event "{name}" does not exist', did_you_mean(name, self.events), about=("event", name))
        return False

    def default(self, node: Node | None, type_: Type, what: str) -> JsonValue:
        scalar = self.shapes.text(node, f"default of {what}")
        if scalar is None:
            return None
        if type_.kind in ("list", "thing"):
            self.problems.error(scalar.mark, f"{what}: {describe(type_)} has no default", "take it out")
            return None
        value = read(type_, scalar.value, siblings={}, currency=self.currency)
        if value is None:
            hint = did_you_mean(scalar.value, type_.options) if type_.options else None
            self.problems.error(scalar.mark, f'the default "{scalar.value}" of {what} is not {describe(type_)}', hint)
            return None
        return value if isinstance(value, float | bool) else scalar.value

    def type(self, scalar: Scalar) -> Type | None:
        text = scalar.value.strip()
        if text.startswith("list of "):
            of = self.named(text.removeprefix("list of ").strip(), scalar)
            return Type(kind="list", of=of) if of else None
        return self.named(text, scalar)

    def named(self, name: str, scalar: Scalar) -> Type | None:
        if name in self.things:
            return self.things[name]
        for kind in SIMPLE:
            if name == kind:
                return Type(kind=kind)
        known = [*SIMPLE, *self.things]
        if name == "one_of":
            hint: str | None = "write {one_of: [a, b]}"
        elif name == "list":
            hint = "say of what: list of text"
        else:
            hint = _OTHER_NAMES.get(name.lower()) or did_you_mean(name, known) or f"write {one_of(known)}"
        self.problems.error(scalar.mark, f'"{name}" is not a type', hint, about=("type", name))
        return None

    def one_of(self, node: Node) -> Type | None:
        if not isinstance(node, Sequence) or not node.items:
            self.problems.error(node.mark, "one_of takes the list of what it may be", "write one_of: [high, middle, low]")
            return None
        options = [option.value for option in self.shapes.texts(node, "one_of")]
        for option in sorted({option for option in options if options.count(option) > 1}):
            self.problems.error(node.mark, f'one_of has "{option}" twice', "keep one")
        return Type(kind="one_of", options=tuple(dict.fromkeys(options)))

    def languages(self, node: Node | None) -> tuple[str, ...]:
        languages = self.shapes.texts(node, "languages")
        for language in languages:
            if not _LANGUAGE.fullmatch(language.value):
                self.problems.error(language.mark, f'"{language.value}" is not a language', "write en, de or pt-BR")
        return tuple(language.value for language in languages) or ("en",)

    def zone(self, node: Node | None) -> str:
        zone = self.shapes.text(node, "zone")
        if zone is None:
            return "UTC"
        if read(Type(kind="zone"), zone.value, siblings={}, currency="") is None:
            self.problems.error(zone.mark, f'"{zone.value}" is not a zone', "write one such as Europe/Berlin")
            return "UTC"
        return zone.value

    def country(self, node: Node | None) -> str | None:
        country = self.shapes.text(node, "country")
        return self.shapes.country(country) if country is not None else None

    def slots(self, node: Node) -> dict[str, str]:
        """Names with what they are in words, or names alone."""
        if isinstance(node, Mapping):
            written = [(name, self.shapes.text(value, f"slot {name.value}", free=True)) for name, value in node.entries]
        else:
            written = [(name, None) for name in self.shapes.texts(node, "slots")]
        slots: dict[str, str] = {}
        for name, words in written:
            if name.value in slots:
                self.problems.error(name.mark, f"slot {name.value} is there twice", "keep one")
            elif self.shapes.name(name, "slot", field=True):
                slots[name.value] = words.value if words is not None else ""
        return slots

    def endpoints(self, node: Node | None) -> dict[str, EndpointText]:
        def attribute(value: Node, what: str) -> Attribute | None:
            return self.attribute(value, what, _ATTRIBUTE)

        reader = Endpoints(self.shapes, self.problems, attribute)
        found: dict[str, EndpointText] = {}
        for name, value in self.entries(node, "endpoints"):
            endpoint = reader.read(name, value)
            if endpoint is None:
                self.broken.add(f"endpoints.{name.value}")
            else:
                found[name.value] = endpoint
        return found

    def links(self, node: Node | None) -> dict[str, Scalar]:
        links: dict[str, Scalar] = {}
        for name, value in self.entries(node, "links"):
            if name.value in OWN_LINKS:
                self.problems.error(name.mark, f"links.{name.value} is idic's own", "take it out; it is always there")
                continue
            text = self.shapes.text(value, f"link {name.value}")
            if not self.shapes.name(name, "link", field=True) or text is None:
                self.broken.add(f"links.{name.value}")
                continue
            if not _URL.fullmatch(re.sub(r"\{\{.*?\}\}", "x", text.value)):
                self.problems.error(
                    text.mark, f'link {name.value}: "{text.value}" is not an address', "write it in full, with https://"
                )
                self.broken.add(f"links.{name.value}")
            links[name.value] = text
        return links


_OTHER_NAMES = {
    "string": "write text",
    "str": "write text",
    "int": "write number",
    "integer": "write number",
    "float": "write number",
    "bool": "write yes/no",
    "boolean": "write yes/no",
    "datetime": "write moment",
    "time": "write moment",
    "timestamp": "write moment",
    "url": "write link",
    "enum": "write {one_of: [a, b]}",
}
