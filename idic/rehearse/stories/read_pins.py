"""Read what a story fixes that is otherwise learned, drawn or answered elsewhere: ``best``, ``split``, ``call``, ``fails``."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Map

from pydantic import JsonValue

from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.problems import did_you_mean, one_of
from idic.rehearse.stories.read_people import PeopleReader
from idic.rehearse.stories.read_values import clock_of
from idic.rehearse.stories.story_names import PIN_KEYS, StoryNames
from idic.rehearse.stories.storybook import Pins
from idic.times import TimeOfDay


class PinReader:
    """Reads pins, by person."""

    def __init__(self, names: StoryNames, people: PeopleReader) -> None:
        self.names = names
        self.people = people
        self.problems = names.problems
        self.shapes = names.shapes

    def of_story(self, node: Node | None) -> dict[str, Pins]:
        """The pins under ``with:`` by person; those without a person are for everybody."""
        pins = {name: Pins() for name in self.people.people}
        if node is None:
            return pins
        fields = self.shapes.fields(node, "with", (*PIN_KEYS, *self.people.people))
        if fields is None or not isinstance(node, Mapping):
            return pins
        own = Mapping(node.source, tuple(e for e in node.entries if e[0].value in PIN_KEYS), node.start)
        everybody = self.of_person(own, self.people.first)
        for name in pins:
            theirs = self.of_person(fields[name], name) if name in fields else Pins()
            pins[name] = everybody.with_more(theirs)
        return pins

    def of_person(self, node: Node, who: str) -> Pins:
        """The pins of one person."""
        if isinstance(node, Mapping) and not node.entries:
            return Pins()
        fields = self.shapes.fields(node, "with", PIN_KEYS)
        if fields is None:
            return Pins()
        channels, time = self._best(fields["best"]) if "best" in fields else ((), None)
        return Pins(
            channels,
            time,
            self._splits(fields.get("split")),
            self._calls(fields.get("call"), who),
            self._failures(fields.get("fails")),
        )

    def _best(self, node: Node) -> tuple[tuple[str, ...], TimeOfDay | str | None]:
        fields = self.shapes.fields(node, "best", ("channel", "time"))
        if fields is None:
            return (), None
        channels = [c.value for c in self.shapes.texts(fields.get("channel"), "channel") if self.names.is_channel(c)]
        text = self.shapes.text(fields.get("time"), "time")
        time: TimeOfDay | str | None = None
        if text is not None:
            time = "now" if text.value == "now" else clock_of(text.value)
            if time is None:
                self.problems.error(text.mark, f'time cannot be "{text.value}"', "write now or a time such as 18:30")
        return tuple(channels), time

    def _splits(self, node: Node | None) -> dict[str, str]:
        shares: dict[str, str] = {}
        for key, value in self._entries(node, "split"):
            if key.value not in self.names.splits:
                hint = (
                    did_you_mean(key.value, self.names.splits) or f"its splits are {one_of(self.names.splits, 'and') or 'none'}"
                )
                self.problems.error(key.mark, f'there is no split "{key.value}"', hint)
                continue
            names = [share.name for share in self.names.splits[key.value].shares]
            if share := self.shapes.choice(value, f"split {key.value}", names):
                shares[key.value] = share
        return shares

    def _calls(self, node: Node | None, who: str) -> dict[str, Map[str, JsonValue] | None]:
        answers: dict[str, Map[str, JsonValue] | None] = {}
        for key, value in self._entries(node, "call"):
            endpoint = self.names.endpoints.get(key.value)
            if endpoint is None:
                hint = did_you_mean(key.value, self.names.endpoints) or f"it calls {one_of(self.names.endpoints) or 'nothing'}"
                self.problems.error(key.mark, f'this journey does not call "{key.value}"', hint)
            elif isinstance(value, Scalar):
                if self.shapes.choice(value, f"call {key.value}", ("fails",)):
                    answers[key.value] = None
            else:
                answers[key.value] = self.names.values.entries(
                    value, endpoint.gives, f"what {key.value} answers", self.people.zone_of(who), complete=True
                )
        return answers

    def _failures(self, node: Node | None) -> dict[tuple[str, str], str]:
        reasons: dict[tuple[str, str], str] = {}
        for key, value in self._entries(node, "fails"):
            if not self.names.is_send(key):
                continue
            if isinstance(value, Mapping):
                for channel, why in value.entries:
                    if self.names.is_channel(channel) and (text := self.shapes.text(why, "fails")):
                        reasons[key.value, channel.value] = text.value
            elif text := self.shapes.text(value, "fails"):
                reasons[key.value, ""] = text.value
        return reasons

    def _entries(self, node: Node | None, what: str) -> Iterable[tuple[Scalar, Node]]:
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, f"{what} consists of entries", f"write {what}: {{name: …}}")
            return ()
        return node.entries
