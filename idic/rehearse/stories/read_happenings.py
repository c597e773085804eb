"""Read what happens to a person of a story: events, new attributes, and clicks in messages."""

from __future__ import annotations

from collections.abc import Mapping as Map

from idic.journey.channels import EMAIL
from idic.journey.engine.admission import REQUESTED
from idic.journey.program.values import Attribute
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES, FOLLOW_MESSAGES
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.problems import did_you_mean
from idic.rehearse.stories.read_people import PeopleReader
from idic.rehearse.stories.story_names import StoryNames
from idic.rehearse.stories.storybook import EventHappens, PressesLink, TraitsLearned


class HappeningReader:
    """Reads ``event:``, ``identify:``, ``click:``, ``answer:`` and ``open:``. Each method returns None after a mistake."""

    def __init__(self, names: StoryNames, people: PeopleReader) -> None:
        self.names = names
        self.people = people
        self.problems = names.problems

    def event(self, node: Node, who: str) -> EventHappens | None:
        """``{Cart Updated: {cart_id: c1}}``, or ``Signed Up`` alone."""
        if isinstance(node, Scalar):
            name, written = node, Mapping(node.source, (), node.start)
        elif isinstance(node, Mapping) and len(node.entries) == 1 and isinstance(node.entries[0][1], Mapping):
            name, properties = node.entries[0]
            assert isinstance(properties, Mapping)
            written = properties
        elif isinstance(node, Mapping) and len(node.entries) == 1 and self._is_empty(node.entries[0][1]):
            name, written = node.entries[0][0], Mapping(node.source, (), node.start)
        else:
            self.problems.error(node.mark, "an event has a name and entries", "write event: {Cart Updated: {cart_id: c1}}")
            return None
        known = self._declared(name)
        if known is None:
            return None
        if name.value in ABOUT_MESSAGES and (name.value in FOLLOW_MESSAGES or written.get("step") is not None):
            return self._about_message(name, written, known, who)
        return EventHappens(
            name.value,
            self.names.values.entries(written, known, name.value, self.people.zone_of(who), complete=True),
            everywhere=name.value in getattr(self.names.vocabulary, "about", {}),
        )

    def learns(self, node: Node, who: str) -> TraitsLearned | None:
        """``{orders: 3}``: attributes that become known."""
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "identify consists of entries", "write identify: {orders: 3}")
            return None
        for name in ("fewer", "paused_until", "control"):
            if (key := node.key(name)) is not None:
                hint = "write event: {Preferences Changed: {fewer: yes}}" if name != "control" else "say it under people:"
                self.problems.error(key.mark, f"{name} cannot be told later", hint)
        for name in ("consents", "suppressed"):
            if (key := node.key(name)) is not None:
                self.problems.error(key.mark, f"{name} cannot be told later", "write event: {Consent Given: {channel: email}}")
        traits = self.people.traits(node, "identify", self.people.zone_of(who))
        return TraitsLearned(traits, "seen_on_web" in {key.value for key, _ in node.entries})

    def presses(self, name: str, node: Node) -> EventHappens | PressesLink | None:
        """``click: nudge``, ``click: {nudge: https://…}``, ``answer: {ask: filter}``, ``open: nudge``."""
        step: Scalar | None = node if isinstance(node, Scalar) else None
        value: Scalar | None = None
        if isinstance(node, Mapping) and len(node.entries) == 1 and name != "open":
            step, value = node.entries[0][0], self.names.shapes.text(node.entries[0][1], name)
        if step is None or (name == "answer" and value is None):
            example = {"answer": "answer: {ask: espresso}"}.get(name, f"{name}: nudge")
            self.problems.error(node.mark, f"{name} names a step that sends", f"write {example}")
            return None
        if not self.names.is_send(step):
            return None
        if name == "open":
            return EventHappens("Email Opened", {"step": step.value, "channel": EMAIL.name}, about=step.value)
        text = value.value if value is not None else None
        return PressesLink(step.value, value=text) if name == "answer" else PressesLink(step.value, url=text)

    @staticmethod
    def _is_empty(node: Node) -> bool:
        return isinstance(node, Scalar) and not node.value.strip()

    def _declared(self, name: Scalar) -> Map[str, Attribute] | None:
        """The declared properties of an event. A request through the API has those of the entry's events."""
        if name.value == REQUESTED:
            events = [pattern.on for pattern in self.names.programs[0].entry.on]
            return {k: a for event in events for k, a in self.names.vocabulary.events.get(event, {}).items()}
        if name.value not in self.names.vocabulary.events:
            hint = did_you_mean(name.value, self.names.vocabulary.events) or "declare it in the vocabulary, under events"
            self.problems.error(name.mark, f'event "{name.value}" does not exist', hint, about=("event", name.value))
            return None
        return self.names.vocabulary.events[name.value]

    def _about_message(self, name: Scalar, given: Mapping, known: Map[str, Attribute], who: str) -> EventHappens | None:
        step = given.get("step")
        if not isinstance(step, Scalar):
            self.problems.error(name.mark, f"{name.value} is about a message", f"say which: {name.value}: {{step: …}}")
            return None
        if not self.names.is_send(step):
            return None
        properties = self.names.values.entries(given, known, name.value, self.people.zone_of(who))
        return EventHappens(name.value, properties, about=step.value)
