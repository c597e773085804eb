"""Read the people of a file of stories: ``people: {anna: {email: anna@example.com}}``."""

from __future__ import annotations

from pydantic import JsonValue

from idic.journey.program.values import Attribute
from idic.journey.vocabulary.types import TEXT
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.problems import did_you_mean
from idic.rehearse.stories.read_values import date_of
from idic.rehearse.stories.story_names import LINE_KEYS, StoryNames
from idic.rehearse.stories.storybook import StoryPerson
from idic.times import Duration

_OF_PERSON = ("consents", "suppressed", "seen_on_web", "fewer", "paused_until", "control")
_ALWAYS_KNOWN = {"country": Attribute(type=TEXT), "locale": Attribute(type=TEXT)}
"""Attributes that idic reads of every customer, beside those of the vocabulary."""
_YES_NO = ("yes", "no", "true", "false")
_NEVER = ("never", "no")
_NOW = ("now", "yes", "today")


class PeopleReader:
    """Reads people into ``people``, by name in their order."""

    def __init__(self, names: StoryNames) -> None:
        self.names = names
        self.problems = names.problems
        self.shapes = names.shapes
        self.people: dict[str, StoryPerson] = {}

    def read(self, key: Scalar, node: Node) -> None:
        """Read one person by their name."""
        if key.value in LINE_KEYS or not self.shapes.name(key, "person"):
            if key.value in LINE_KEYS:
                self.problems.error(key.mark, f"{key.value} is a word of stories", "give the person another name")
            return
        self.people[key.value] = StoryPerson(key.value, {})
        if isinstance(node, Scalar) and not node.value.strip("{} "):
            return
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, f"{key.value} consists of entries", "write {first_name: Anna, consents: [email]}")
            return
        traits = self.traits(node, key.value, self._zone_in(node))
        consents = self._consents(node.get("consents"))
        suppressed = [c.value for c in self.shapes.texts(node.get("suppressed"), "suppressed") if self.names.is_channel(c)]
        seen_on_web = self._seen(node.get("seen_on_web"))
        self.people[key.value] = StoryPerson(
            key.value,
            traits,
            consents,
            tuple(suppressed),
            seen_on_web,
            fewer=self._yes(node, "fewer"),
            paused_until=self.names.date(node.get("paused_until"), "paused_until") if node.get("paused_until") else None,
            control=self._yes(node, "control"),
        )

    @property
    def first(self) -> str:
        """The name of the first person, whom a line is about that names nobody."""
        return next(iter(self.people), "")

    def zone_of(self, who: str) -> str:
        """The zone (IANA) where this person lives."""
        person = self.people.get(who)
        zone = person.traits.get("zone") if person else None
        return zone if isinstance(zone, str) else self.names.zone

    def traits(self, node: Mapping, who: str, zone: str) -> dict[str, JsonValue]:
        """The attributes among the entries of ``node``, typed; other keys of a person are left out."""
        known = {**_ALWAYS_KNOWN, **self.names.vocabulary.customer}
        own = Mapping(node.source, tuple(e for e in node.entries if e[0].value not in _OF_PERSON), node.start)
        missing = [name for name in (key.value for key, _ in own.entries) if name not in known]
        for key, _ in own.entries:
            if key.value in missing:
                hint = did_you_mean(key.value, (*known, *_OF_PERSON)) or "declare it in the vocabulary, under customer"
                self.problems.error(key.mark, f"customer.{key.value} does not exist", hint, about=("customer", key.value))
        sound = Mapping(node.source, tuple(e for e in own.entries if e[0].value in known), node.start)
        return self.names.values.entries(sound, known, who, zone)

    def _yes(self, node: Mapping, name: str) -> bool:
        return self.shapes.choice(node.get(name), name, _YES_NO) in ("yes", "true")

    def _zone_in(self, node: Mapping) -> str:
        """The zone in a person's entries, which reading the other entries needs."""
        zone = node.get("zone")
        sound = isinstance(zone, Scalar) and self._is_zone(zone.value)
        return zone.value if isinstance(zone, Scalar) and sound else self.names.zone

    @staticmethod
    def _is_zone(zone: str) -> bool:
        return date_of(f"2000-01-01 00:00 {zone}") is not None

    def _consents(self, node: Node | None) -> tuple[tuple[str, str | None], ...]:
        """``[email, sms]``, ``[email for news]``."""
        consents = []
        for text in self.shapes.texts(node, "consents"):
            channel, _, topic = text.value.partition(" for ")
            if self.names.is_channel(text, channel):
                consents.append((channel, topic.strip() or None))
        return tuple(consents)

    def _seen(self, node: Node | None) -> Duration | None:
        text = self.shapes.text(node, "seen_on_web")
        if text is None or text.value in _NEVER:
            return None
        if text.value in _NOW:
            return Duration()
        try:
            return Duration.parse(text.value.removesuffix(" ago"))
        except ValueError:
            self.problems.error(text.mark, f'seen_on_web cannot be "{text.value}"', "write now, never or 40 days ago")
            return None
