"""Read and check ``journeys/vocabulary.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Map
from typing import NamedTuple

from idic.journey.program.values import Attribute, Type
from idic.journey.vocabulary.built_in import ALWAYS_KNOWN, LATER_EVENTS, OWN_EVENTS, OWN_LINKS, PURPOSES, UNSETTABLE
from idic.journey.vocabulary.endpoints import EndpointDefinition, EndpointReader
from idic.journey.vocabulary.read_attributes import AttributeReader
from idic.journey.vocabulary.translations import Question, TranslationReader, Translations
from idic.journey.vocabulary.types import SIMPLE, read
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, parse
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Problems, did_you_mean

_ATTRIBUTE_ENTRIES = ("type", "one_of", "default", "required")
_CUSTOMER_ENTRIES = (
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


class Reading(NamedTuple):
    """A vocabulary as read, with the places of its declarations.

    ``broken`` are names that are declared in a way that cannot be used; reporting each use of them as well would bury the
    one message that matters. ``links`` and ``endpoints`` have the place of each text; ``restrictions`` are the purposes and
    topics that attributes are for, ``topics`` where each topic is declared.
    """

    vocabulary: Vocabulary
    broken: frozenset[str] = frozenset()
    links: Map[str, Scalar] = {}
    endpoints: Map[str, EndpointDefinition] = {}
    restrictions: tuple[Scalar, ...] = ()
    topics: Map[str, Scalar] = {}


def read_vocabulary(file: str, text: str, problems: Problems) -> Reading:
    """Read a vocabulary file. Problems are added to ``problems``; what cannot be used is left out."""
    node = parse(file, text, problems)
    if node is None:
        return Reading(Vocabulary())
    return _VocabularyReader(problems).read(node)


class _VocabularyReader:
    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.attributes = AttributeReader(self.shapes, problems)
        self.customer: dict[str, Attribute] = dict(ALWAYS_KNOWN)
        self.restricted: dict[str, tuple[str, ...]] = {}
        self.restrictions: list[Scalar] = []
        self.sensitive: dict[str, str] = {}
        self.broken: set[str] = set()
        self.questions: dict[str, Question] = {}
        self.titles: dict[str, Translations] = {}
        self.origins: dict[str, str] = {}
        self.translations = TranslationReader(self.shapes, problems, ("en",))

    def read(self, node: Node) -> Reading:
        fields = self.shapes.fields(node, "the vocabulary", _SECTIONS, later=_LATER_SECTIONS)
        if fields is None:
            return Reading(Vocabulary())
        if currency := self.shapes.text(fields.get("currency"), "currency"):
            if re.fullmatch(r"[A-Z]{3}", currency.value):
                self.attributes.currency = currency.value
            else:
                self.problems.error(currency.mark, f'"{currency.value}" is not a currency', "write three letters: EUR")
        languages = self.languages(fields.get("languages"))
        self.translations = TranslationReader(self.shapes, self.problems, languages)
        for name, thing in self.entries(fields.get("things"), "things"):
            self.thing(name, thing)
        for name, event in self.entries(fields.get("events"), "events"):
            self.event(name, event)
        for name, attribute in self.entries(fields.get("customer"), "customer"):
            self.customer_attribute(name, attribute)
        links = self.links(fields.get("links"))
        endpoints = self.endpoints(fields.get("endpoints"))
        topics_read = {
            name.value: (name, self.translations.topic(name, node))
            for name, node in self.entries(fields.get("topics"), "topics")
        }
        vocabulary = Vocabulary(
            currency=self.attributes.currency,
            languages=languages,
            zone=self.zone(fields.get("zone")),
            country=self.country(fields.get("country")),
            slots=self.slots(fields["slots"]) if "slots" in fields else None,
            customer=self.customer,
            restricted=self.restricted,
            sensitive=self.sensitive,
            things=self.attributes.things,
            events=self.attributes.events,
            about=self.attributes.about,
            links={name: scalar.value for name, scalar in links.items()},
            endpoints={name: text.endpoint for name, text in endpoints.items()},
            topics={name: topic for name, (_, topic) in topics_read.items() if topic is not None},
            questions=self.questions,
            titles=self.titles,
            origins=self.origins,
        )
        topics = {name: scalar for name, (scalar, _) in topics_read.items()}
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
            attribute = self.attributes.attribute(value, f"{name.value}.{field.value}", ("type", "one_of", "required"))
            if attribute is not None:
                fields[field.value] = attribute
            else:
                self.broken.add(f"{name.value}.{field.value}")
        self.attributes.things[name.value] = Type(
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
                    self.attributes.about[name.value] = thing.value
            elif self.shapes.name(key, "property", field=True):
                attribute = self.attributes.attribute(value, f"{name.value}.{key.value}", _ATTRIBUTE_ENTRIES)
                if attribute is not None:
                    properties[key.value] = attribute
                else:
                    self.broken.add(f"{name.value}.{key.value}")
        self.attributes.events[name.value] = properties

    def customer_attribute(self, name: Scalar, node: Node) -> None:
        if not self.shapes.name(name, "customer attribute", field=True):
            self.broken.add(f"customer.{name.value}")
            return
        if name.value == "test":
            self.problems.error(name.mark, "customer.test is idic's own", "take it out; it is always there")
            return
        attribute = self.attributes.attribute(node, f"customer.{name.value}", _CUSTOMER_ENTRIES)
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
        if title := self.translations.text(node.get("title"), f"title of customer.{name.value}"):
            self.titles[name.value] = title
        self.question(name, node, attribute)

    def question(self, name: Scalar, node: Mapping, attribute: Attribute) -> None:
        if node.get("ask") is not None and name.value in UNSETTABLE:
            message = f"customer.{name.value} cannot be asked for: it {UNSETTABLE[name.value]}"
            self.problems.error(name.mark, message, "let the shop send it")
            return
        computed = attribute.counted_event is not None
        question = self.translations.question(name, node, attribute.type, computed=computed)
        if question is not None:
            self.questions[name.value] = question

    @staticmethod
    def names(node: Mapping) -> list[tuple[str, Node]]:
        return [(key.value, value) for key, value in node.entries]

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
            names = [(name, self.shapes.text(value, f"slot {name.value}", free=True)) for name, value in node.entries]
        else:
            names = [(name, None) for name in self.shapes.texts(node, "slots")]
        slots: dict[str, str] = {}
        for name, description in names:
            if name.value in slots:
                self.problems.error(name.mark, f"slot {name.value} is there twice", "keep one")
            elif self.shapes.name(name, "slot", field=True):
                slots[name.value] = description.value if description is not None else ""
        return slots

    def endpoints(self, node: Node | None) -> dict[str, EndpointDefinition]:
        def attribute(value: Node, what: str) -> Attribute | None:
            return self.attributes.attribute(value, what, _ATTRIBUTE_ENTRIES)

        reader = EndpointReader(self.shapes, self.problems, attribute)
        endpoints: dict[str, EndpointDefinition] = {}
        for name, value in self.entries(node, "endpoints"):
            endpoint = reader.read(name, value)
            if endpoint is None:
                self.broken.add(f"endpoints.{name.value}")
            else:
                endpoints[name.value] = endpoint
        return endpoints

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


def check_restrictions(reading: Reading, topics: Iterable[str], problems: Problems) -> None:
    """Warn of a ``for:`` that looks like a misspelt purpose or topic.

    A topic that no journey has yet is allowed.
    """
    known_names = (*PURPOSES, *topics)
    for scalar in reading.restrictions:
        if scalar.value not in known_names and (hint := did_you_mean(scalar.value, known_names)):
            message = f'for: "{scalar.value}" is neither a purpose nor the topic of a journey'
            problems.warning(scalar.mark, message, hint)


def check_topics(reading: Reading, topics: Map[str, tuple[Scalar, Problems]], problems: Problems) -> None:
    """Warn of topics of journeys that the vocabulary gives no words, and of declared topics that look misspelt.

    ``topics`` maps each topic to its place in a journey and the problems of that journey. Where the vocabulary declares no
    topics, there is nothing to check.
    """
    if not reading.topics:
        return
    for name, (scalar, of_journey) in topics.items():
        if name not in reading.topics:
            hint = did_you_mean(name, reading.topics) or "declare it under topics: in the vocabulary, with a title"
            of_journey.warning(scalar.mark, f"topic {name} has no words for customers", hint)
    for name, scalar in reading.topics.items():
        if name not in topics and (similar := did_you_mean(name, topics)):
            problems.warning(scalar.mark, f"topic {name} is the topic of no journey", similar)
