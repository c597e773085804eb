"""``NAME.stories.yaml`` → a storybook, with every name held against the journey and the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from idic.journey.channels import CHANNELS, EMAIL
from idic.journey.compiler.compile import Compilation
from idic.journey.engine.admission import REQUESTED
from idic.journey.program.program import Program
from idic.journey.program.steps import Call, Send, Split
from idic.journey.program.values import Attribute, Endpoint
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES, FOLLOW_MESSAGES
from idic.journey.vocabulary.types import TEXT
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping as MappingNode
from idic.journey.yaml_source.nodes import Node, Scalar, Sequence, parse
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.rehearse.stories.read_expectations import ExpectationReader
from idic.rehearse.stories.read_values import ValueReader, clock_of, date_of
from idic.rehearse.stories.storybook import (
    AfterSpan,
    EventHappens,
    Pins,
    PinsChanged,
    PressesLink,
    Story,
    Storybook,
    StoryEvent,
    StoryLine,
    StoryPerson,
    TraitsLearned,
    UntilMoment,
    WrittenMoment,
    reachable_programs,
)
from idic.times import Duration, TimeOfDay

_SECTIONS = ("journey", "people", "start", "stories")
_STORY = ("story", "with", "start", "play")
_PINS = ("best", "split", "call", "fails")
_TIMES = ("after", "until", "at")
_ACTIONS = ("event", "identify", "click", "answer", "open")
_OF_PERSON = ("consents", "suppressed", "seen_on_web", "fewer", "paused_until", "control")
_TOLD = {"country": Attribute(type=TEXT), "locale": Attribute(type=TEXT)}
"""What idic reads of every customer, beside what the vocabulary has."""
_YES_NO = ("yes", "no", "true", "false")
_NEVER = ("never", "no")
_NOW = ("now", "yes", "today")


def read_stories(file: str, text: str, compilation: Compilation, problems: Problems) -> Storybook | None:
    """The stories in ``text``; None where they cannot be told: the problems say why, or the journey's own do."""
    root = parse(file, text, problems)
    if root is None:
        if not problems.failed:
            problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and the journey's name")
        return None
    found = Shapes(problems).fields(root, "a file of stories", _SECTIONS, required=("journey", "people", "stories"))
    name = Shapes(problems).text(found.get("journey"), "journey") if found else None
    if found is None or name is None:
        return None
    if name.value in compilation.unread:
        return None
    if name.value not in compilation.files:
        hint = did_you_mean(name.value, compilation.files) or f"there is {one_of(compilation.files) or 'none'}"
        problems.error(name.mark, f'there is no journey "{name.value}"', hint)
        return None
    if name.value not in compilation.programs:
        return None
    programs = reachable_programs(compilation.programs, name.value)
    book = _Reader(programs, compilation.vocabulary, problems).book(file, found)
    return book._replace(policy=compilation.policy or book.policy) if book is not None else None


class _Reader:
    def __init__(self, programs: tuple[Program, ...], vocabulary: Vocabulary, problems: Problems) -> None:
        self.problems = problems
        self.shapes = Shapes(problems)
        self.values = ValueReader(problems)
        self.vocabulary = vocabulary
        self.programs = programs
        steps = [step for program in programs for step in program.steps.values()]
        self.sends = {step.id: step for step in steps if isinstance(step, Send)}
        self.splits = {step.id: step for step in steps if isinstance(step, Split)}
        self.endpoints: dict[str, Endpoint] = {step.endpoint.name: step.endpoint for step in steps if isinstance(step, Call)}
        self.people: dict[str, StoryPerson] = {}
        self.zone = programs[0].zone
        self.expects = False
        self.expecting = ExpectationReader(programs, vocabulary, problems)

    def book(self, file: str, found: dict[str, Node]) -> Storybook:
        people = found.get("people")
        if people is not None and not (isinstance(people, MappingNode) and people.entries):
            self.problems.error(people.mark, "people consists of entries", "write anna: {email: anna@example.com}")
        for key, node in people.entries if isinstance(people, MappingNode) else ():
            self.person(key, node)
        start = self.date(found.get("start"), "start") if "start" in found else None
        stories: list[Story] = []
        listed = found.get("stories")
        if listed is not None and not (isinstance(listed, Sequence) and listed.items):
            self.problems.error(listed.mark, "stories is a list", "begin each with - story: and what happens in it")
        for node in listed.items if isinstance(listed, Sequence) else ():
            if (story := self.story(node, start)) is not None:
                same = next((one for one in stories if one.title == story.title), None)
                if same is not None:
                    self.problems.error(story.mark, f"the story on line {same.mark.line} has the same title", "tell them apart")
                stories.append(story)
        counted = {name: a for name, a in self.vocabulary.customer.items() if a.counted_event}
        return Storybook(file, self.programs[0].journey, self.people, tuple(stories), self.zone, counted)

    # People.

    def person(self, key: Scalar, node: Node) -> None:
        if key.value in (*_TIMES, *_ACTIONS, *_PINS, "expect") or not self.shapes.name(key, "person"):
            if key.value in (*_TIMES, *_ACTIONS, *_PINS, "expect"):
                self.problems.error(key.mark, f"{key.value} is a word of stories", "give the person another name")
            return
        self.people[key.value] = StoryPerson(key.value, {})
        if isinstance(node, Scalar) and not node.value.strip("{} "):
            return
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, f"{key.value} consists of entries", "write {first_name: Anna, consents: [email]}")
            return
        told = self.told(node, key.value, self.zone_in(node))
        consents = self.consents(node.get("consents"))
        suppressed = [c.value for c in self.shapes.texts(node.get("suppressed"), "suppressed") if self.channel(c)]
        seen = self.seen(node.get("seen_on_web"))
        self.people[key.value] = StoryPerson(
            key.value,
            told,
            consents,
            tuple(suppressed),
            seen,
            fewer=self.yes(node, "fewer"),
            paused_until=self.date(node.get("paused_until"), "paused_until") if node.get("paused_until") else None,
            control=self.yes(node, "control"),
        )

    def yes(self, node: MappingNode, name: str) -> bool:
        return self.shapes.choice(node.get(name), name, _YES_NO) in ("yes", "true")

    def zone_in(self, node: MappingNode) -> str:
        """Where a person lives by their entries, before these are read."""
        zone = node.get("zone")
        sound = isinstance(zone, Scalar) and self.quietly(zone.value)
        return zone.value if isinstance(zone, Scalar) and sound else self.zone

    @staticmethod
    def quietly(zone: str) -> bool:
        return date_of(f"2000-01-01 00:00 {zone}") is not None

    def told(self, node: MappingNode, who: str, zone: str) -> dict[str, JsonValue]:
        known = {**_TOLD, **self.vocabulary.customer}
        own = MappingNode(node.source, tuple(e for e in node.entries if e[0].value not in _OF_PERSON), node.start)
        missing = [name for name in (key.value for key, _ in own.entries) if name not in known]
        for key, _ in own.entries:
            if key.value in missing:
                hint = did_you_mean(key.value, (*known, *_OF_PERSON)) or "declare it in the vocabulary, under customer"
                self.problems.error(key.mark, f"customer.{key.value} does not exist", hint, about=("customer", key.value))
        sound = MappingNode(node.source, tuple(e for e in own.entries if e[0].value in known), node.start)
        return self.values.entries(sound, known, who, zone)

    def consents(self, node: Node | None) -> tuple[tuple[str, str | None], ...]:
        """``[email, sms]``, ``[email for news]``."""
        given = []
        for text in self.shapes.texts(node, "consents"):
            channel, _, topic = text.value.partition(" for ")
            if self.channel(text, channel):
                given.append((channel, topic.strip() or None))
        return tuple(given)

    def channel(self, scalar: Scalar, value: str | None = None) -> bool:
        name = scalar.value if value is None else value
        if name not in CHANNELS:
            hint = did_you_mean(name, CHANNELS) or f"write {one_of(CHANNELS)}"
            self.problems.error(scalar.mark, f'there is no channel "{name}"', hint)
        return name in CHANNELS

    def seen(self, node: Node | None) -> Duration | None:
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

    # Stories.

    def story(self, node: Node, start: WrittenMoment | None) -> Story | None:
        found = self.shapes.fields(node, "a story", _STORY, required=("story", "play"))
        if found is None:
            return None
        title = self.shapes.text(found.get("story"), "story", free=True)
        if "start" in found:
            start = self.date(found["start"], "start")
        elif start is None:
            self.problems.error(node.mark, "the story does not say when it starts", "write start: 2026-03-27 10:00")
        pins = self.pinned(found.get("with"))
        lines: list[StoryLine] = []
        self.expects = False
        play = found.get("play")
        if play is not None and not isinstance(play, Sequence):
            self.problems.error(play.mark, "play is a list", "begin each line with - and what happens")
        for item in play.items if isinstance(play, Sequence) else ():
            lines.extend(self.item(item, None))
        if play is not None and not self.expects:
            self.problems.error(
                title.mark if title else node.mark, "the story expects nothing, and would pass whatever happens",
                "write what is expected, as in - expect: {sent: nothing}",
            )  # fmt: skip
        if title is None or start is None or not self.people:
            return None
        return Story(title.value, title.mark, start, self.drawn(pins, lines), tuple(lines))

    def drawn(self, pins: dict[str, Pins], lines: list[StoryLine]) -> dict[str, Pins]:
        """With the shares that are said at a point: into which somebody falls follows from who they are, from the start."""
        for line in lines:
            if isinstance(line.what, PinsChanged):
                for step, share in line.what.pins.splits.items():
                    before = pins[line.who].splits.get(step, share)
                    if before != share:
                        self.problems.error(
                            line.mark,
                            f"{line.who} falls into {before} of {step} already",
                            "tell the other share in another story",
                        )
                pins[line.who] = pins[line.who].with_more(Pins(splits=line.what.pins.splits))
        return pins

    def date(self, node: Node | None, what: str) -> WrittenMoment | None:
        text = self.shapes.text(node, what)
        date = date_of(text.value) if text else None
        if text and date is None:
            self.problems.error(
                text.mark, f'{what}: "{text.value}" is not a moment',
                "write 2026-03-27 10:00, or 2026-03-27 10:00 America/New_York",
            )  # fmt: skip
        return date

    @property
    def default(self) -> str:
        return next(iter(self.people), "")

    def item(self, node: Node, who: str | None) -> list[StoryLine]:
        """One entry of ``play``: perhaps a time, what is learned or drawn or asked elsewhere from then on, something that
        happens, and what is expected, in this order."""
        words = (*_TIMES, *_ACTIONS, *_PINS, "expect", *(self.people if who is None else ()))
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, "a line of a story says what happens", "write event: {Name: {…}} or after: 3 hours")
            return []
        found = self.shapes.fields(node, "a line of a story", words)
        if not found:
            return []
        marks = {key.value: key.mark for key, _ in node.entries}
        for group in (_TIMES, _ACTIONS):
            extra = [name for name in found if name in group][1:]
            if extra:
                self.problems.error(
                    marks[extra[0]], f"a line of a story has one of {one_of(group, 'and')}", "make it two lines"
                )
        by = who or self.default
        lines: list[StoryLine] = []
        for name in (*_TIMES, *_PINS, *_ACTIONS):
            if name in found and (what := self.what(name, found[name], by)) is not None:
                lines.append(StoryLine(by, marks[name], what))
        for name in found:
            if name in self.people and who is None:
                lines.extend(self.item(found[name], name))
        if "expect" in found:
            self.expects = True
            lines.extend(StoryLine(by, one.marks[one.kind], one) for one in self.expecting.read(found["expect"], self.at(by)))
        return lines

    def at(self, who: str) -> str:
        person = self.people.get(who)
        zone = person.traits.get("zone") if person else None
        return zone if isinstance(zone, str) else self.zone

    def what(self, name: str, node: Node, who: str) -> StoryEvent | None:
        match name:
            case "after":
                span = self.shapes.duration(node, "after")
                return AfterSpan(span) if span else None
            case "until" | "at":
                return self.until(name, node)
            case "event":
                return self.event(node, who)
            case "identify":
                return self.learns(node, who)
            case "click" | "answer" | "open":
                return self.presses(name, node)
            case _:
                pins = self.pins(
                    MappingNode(node.source, ((Scalar(node.source, name, node.start, node.start), node),), node.start), who
                )
                return PinsChanged(pins)

    def until(self, name: str, node: Node) -> UntilMoment | None:
        text = self.shapes.text(node, name)
        if text is None:
            return None
        moment: WrittenMoment | TimeOfDay | None = date_of(text.value) or clock_of(text.value)
        if moment is None:
            self.problems.error(
                text.mark, f'{name}: "{text.value}" is not a moment', "write 09:00, 09:00 on monday or 2026-03-29 09:00"
            )
            return None
        return UntilMoment(moment)

    def event(self, node: Node, who: str) -> EventHappens | None:
        """``{Cart Updated: {cart_id: c1}}``, or ``Signed Up`` alone."""
        if isinstance(node, Scalar):
            name, given = node, MappingNode(node.source, (), node.start)
        elif isinstance(node, MappingNode) and len(node.entries) == 1 and isinstance(node.entries[0][1], MappingNode):
            name, properties = node.entries[0]
            assert isinstance(properties, MappingNode)
            given = properties
        elif isinstance(node, MappingNode) and len(node.entries) == 1 and self.empty(node.entries[0][1]):
            name, given = node.entries[0][0], MappingNode(node.source, (), node.start)
        else:
            self.problems.error(node.mark, "an event has a name and entries", "write event: {Cart Updated: {cart_id: c1}}")
            return None
        known = self.known(name)
        if known is None:
            return None
        if name.value in ABOUT_MESSAGES and (name.value in FOLLOW_MESSAGES or given.get("step") is not None):
            return self.about(name, given, known, who)
        return EventHappens(
            name.value,
            self.values.entries(given, known, name.value, self.at(who), complete=True),
            everywhere=name.value in getattr(self.vocabulary, "about", {}),
        )

    @staticmethod
    def empty(node: Node) -> bool:
        return isinstance(node, Scalar) and not node.value.strip()

    def known(self, name: Scalar) -> Mapping[str, Attribute] | None:
        """The properties of an event that is declared. A request through the API takes those of the entry's events."""
        if name.value == REQUESTED:
            events = [pattern.on for pattern in self.programs[0].entry.on]
            return {k: a for event in events for k, a in self.vocabulary.events.get(event, {}).items()}
        if name.value not in self.vocabulary.events:
            hint = did_you_mean(name.value, self.vocabulary.events) or "declare it in the vocabulary, under events"
            self.problems.error(name.mark, f'event "{name.value}" does not exist', hint, about=("event", name.value))
            return None
        return self.vocabulary.events[name.value]

    def about(self, name: Scalar, given: MappingNode, known: Mapping[str, Attribute], who: str) -> EventHappens | None:
        step = given.get("step")
        if not isinstance(step, Scalar):
            self.problems.error(name.mark, f"{name.value} is about a message", f"say which: {name.value}: {{step: …}}")
            return None
        if not self.is_send(step):
            return None
        properties = self.values.entries(given, known, name.value, self.at(who))
        return EventHappens(name.value, properties, about=step.value)

    def is_send(self, step: Scalar) -> bool:
        if step.value not in self.sends:
            hint = did_you_mean(step.value, self.sends) or f"it sends in {one_of(self.sends) or 'no step'}"
            self.problems.error(
                step.mark, f'step "{step.value}" sends nothing in this journey', hint, about=("send", step.value)
            )
        return step.value in self.sends

    def learns(self, node: Node, who: str) -> TraitsLearned | None:
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, "identify consists of entries", "write identify: {orders: 3}")
            return None
        for name in ("fewer", "paused_until", "control"):
            if (key := node.key(name)) is not None:
                hint = "write event: {Preferences Changed: {fewer: yes}}" if name != "control" else "say it under people:"
                self.problems.error(key.mark, f"{name} cannot be told later", hint)
        for name in ("consents", "suppressed"):
            if (key := node.key(name)) is not None:
                self.problems.error(key.mark, f"{name} cannot be told later", "write event: {Consent Given: {channel: email}}")
        told = self.told(node, "identify", self.at(who))
        return TraitsLearned(told, "seen_on_web" in {key.value for key, _ in node.entries})

    def presses(self, name: str, node: Node) -> EventHappens | PressesLink | None:
        """``click: nudge``, ``click: {nudge: https://…}``, ``answer: {ask: filter}``, ``open: nudge``."""
        step: Scalar | None = node if isinstance(node, Scalar) else None
        value: Scalar | None = None
        if isinstance(node, MappingNode) and len(node.entries) == 1 and name != "open":
            step, value = node.entries[0][0], self.shapes.text(node.entries[0][1], name)
        if step is None or (name == "answer" and value is None):
            example = {"answer": "answer: {ask: espresso}"}.get(name, f"{name}: nudge")
            self.problems.error(node.mark, f"{name} names a step that sends", f"write {example}")
            return None
        if not self.is_send(step):
            return None
        if name == "open":
            return EventHappens("Email Opened", {"step": step.value, "channel": EMAIL.name}, about=step.value)
        text = value.value if value is not None else None
        return PressesLink(step.value, value=text) if name == "answer" else PressesLink(step.value, url=text)

    # Pins.

    def pinned(self, node: Node | None) -> dict[str, Pins]:
        """By person; what is written without a person is everybody's."""
        pins = {name: Pins() for name in self.people}
        if node is None:
            return pins
        found = self.shapes.fields(node, "with", (*_PINS, *self.people))
        if found is None or not isinstance(node, MappingNode):
            return pins
        own = MappingNode(node.source, tuple(e for e in node.entries if e[0].value in _PINS), node.start)
        everybody = self.pins(own, self.default)
        for name in pins:
            theirs = self.pins(found[name], name) if name in found else Pins()
            pins[name] = everybody.with_more(theirs)
        return pins

    def pins(self, node: Node, who: str) -> Pins:
        if isinstance(node, MappingNode) and not node.entries:
            return Pins()
        found = self.shapes.fields(node, "with", _PINS)
        if found is None:
            return Pins()
        channels, time = self.best(found["best"]) if "best" in found else ((), None)
        return Pins(
            channels,
            time,
            self.split(found.get("split")),
            self.calls(found.get("call"), who),
            self.failing(found.get("fails")),
        )

    def best(self, node: Node) -> tuple[tuple[str, ...], TimeOfDay | str | None]:
        found = self.shapes.fields(node, "best", ("channel", "time"))
        if found is None:
            return (), None
        channels = [c.value for c in self.shapes.texts(found.get("channel"), "channel") if self.channel(c)]
        text = self.shapes.text(found.get("time"), "time")
        time: TimeOfDay | str | None = None
        if text is not None:
            time = "now" if text.value == "now" else clock_of(text.value)
            if time is None:
                self.problems.error(text.mark, f'time cannot be "{text.value}"', "write now or a time such as 18:30")
        return tuple(channels), time

    def split(self, node: Node | None) -> dict[str, str]:
        shares: dict[str, str] = {}
        for key, value in self.entries(node, "split"):
            if key.value not in self.splits:
                hint = did_you_mean(key.value, self.splits) or f"its splits are {one_of(self.splits, 'and') or 'none'}"
                self.problems.error(key.mark, f'there is no split "{key.value}"', hint)
                continue
            names = [share.name for share in self.splits[key.value].shares]
            if share := self.shapes.choice(value, f"split {key.value}", names):
                shares[key.value] = share
        return shares

    def calls(self, node: Node | None, who: str) -> dict[str, Mapping[str, JsonValue] | None]:
        answers: dict[str, Mapping[str, JsonValue] | None] = {}
        for key, value in self.entries(node, "call"):
            endpoint = self.endpoints.get(key.value)
            if endpoint is None:
                hint = did_you_mean(key.value, self.endpoints) or f"it calls {one_of(self.endpoints) or 'nothing'}"
                self.problems.error(key.mark, f'this journey does not call "{key.value}"', hint)
            elif isinstance(value, Scalar):
                if self.shapes.choice(value, f"call {key.value}", ("fails",)):
                    answers[key.value] = None
            else:
                answers[key.value] = self.values.entries(
                    value, endpoint.gives, f"what {key.value} answers", self.at(who), complete=True
                )
        return answers

    def failing(self, node: Node | None) -> dict[tuple[str, str], str]:
        reasons: dict[tuple[str, str], str] = {}
        for key, value in self.entries(node, "fails"):
            if not self.is_send(key):
                continue
            if isinstance(value, MappingNode):
                for channel, why in value.entries:
                    if self.channel(channel) and (text := self.shapes.text(why, "fails")):
                        reasons[key.value, channel.value] = text.value
            elif text := self.shapes.text(value, "fails"):
                reasons[key.value, ""] = text.value
        return reasons

    def entries(self, node: Node | None, what: str) -> Iterable[tuple[Scalar, Node]]:
        if node is None:
            return ()
        if not isinstance(node, MappingNode):
            self.problems.error(node.mark, f"{what} consists of entries", f"write {what}: {{name: …}}")
            return ()
        return node.entries
