"""Read ``NAME.stories.yaml`` into a storybook, and check every name against the journey and the vocabulary."""

from __future__ import annotations

from idic.journey.compiler.compile import Compilation
from idic.journey.program.program import Program
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar, Sequence, parse
from idic.journey.yaml_source.shapes import Shapes
from idic.problems import Mark, Problems, did_you_mean, one_of
from idic.rehearse.stories.read_expectations import ExpectationReader
from idic.rehearse.stories.read_happenings import HappeningReader
from idic.rehearse.stories.read_people import PeopleReader
from idic.rehearse.stories.read_pins import PinReader
from idic.rehearse.stories.read_values import clock_of, date_of
from idic.rehearse.stories.story_names import EVENT_KEYS, LINE_KEYS, PIN_KEYS, TIME_KEYS, StoryNames
from idic.rehearse.stories.storybook import (
    AfterSpan,
    Pins,
    PinsChanged,
    Story,
    Storybook,
    StoryEvent,
    StoryLine,
    UntilMoment,
    WrittenMoment,
    reachable_programs,
)
from idic.times import TimeOfDay

_SECTIONS = ("journey", "people", "start", "stories")
_STORY = ("story", "with", "start", "play")


def read_stories(file: str, text: str, compilation: Compilation, problems: Problems) -> Storybook | None:
    """The stories in ``text``, or None where they cannot be played: ``problems`` says why, or those of the journey do."""
    root = parse(file, text, problems)
    if root is None:
        if not problems.failed:
            problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and the journey's name")
        return None
    fields = Shapes(problems).fields(root, "a file of stories", _SECTIONS, required=("journey", "people", "stories"))
    name = Shapes(problems).text(fields.get("journey"), "journey") if fields else None
    if fields is None or name is None:
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
    book = _StoryReader(programs, compilation.vocabulary, problems).book(file, fields)
    return book._replace(policy=compilation.policy or book.policy) if book is not None else None


class _StoryReader:
    def __init__(self, programs: tuple[Program, ...], vocabulary: Vocabulary, problems: Problems) -> None:
        self.problems = problems
        self.names = StoryNames(programs, vocabulary, problems)
        self.shapes = self.names.shapes
        self.people = PeopleReader(self.names)
        self.pins = PinReader(self.names, self.people)
        self.happenings = HappeningReader(self.names, self.people)
        self.expectations = ExpectationReader(programs, vocabulary, problems)
        self.expects = False

    def book(self, file: str, fields: dict[str, Node]) -> Storybook:
        people = fields.get("people")
        if people is not None and not (isinstance(people, Mapping) and people.entries):
            self.problems.error(people.mark, "people consists of entries", "write anna: {email: anna@example.com}")
        for key, node in people.entries if isinstance(people, Mapping) else ():
            self.people.read(key, node)
        start = self.names.date(fields.get("start"), "start") if "start" in fields else None
        stories: list[Story] = []
        listed = fields.get("stories")
        if listed is not None and not (isinstance(listed, Sequence) and listed.items):
            self.problems.error(listed.mark, "stories is a list", "begin each with - story: and what happens in it")
        for node in listed.items if isinstance(listed, Sequence) else ():
            if (story := self._story(node, start)) is not None:
                same = next((one for one in stories if one.title == story.title), None)
                if same is not None:
                    self.problems.error(story.mark, f"the story on line {same.mark.line} has the same title", "tell them apart")
                stories.append(story)
        counted = {name: a for name, a in self.names.vocabulary.customer.items() if a.counted_event}
        return Storybook(file, self.names.programs[0].journey, self.people.people, tuple(stories), self.names.zone, counted)

    def _story(self, node: Node, start: WrittenMoment | None) -> Story | None:
        fields = self.shapes.fields(node, "a story", _STORY, required=("story", "play"))
        if fields is None:
            return None
        title = self.shapes.text(fields.get("story"), "story", free=True)
        if "start" in fields:
            start = self.names.date(fields["start"], "start")
        elif start is None:
            self.problems.error(node.mark, "the story does not say when it starts", "write start: 2026-03-27 10:00")
        pins = self.pins.of_story(fields.get("with"))
        lines: list[StoryLine] = []
        self.expects = False
        play = fields.get("play")
        if play is not None and not isinstance(play, Sequence):
            self.problems.error(play.mark, "play is a list", "begin each line with - and what happens")
        for item in play.items if isinstance(play, Sequence) else ():
            lines.extend(self._lines(item, None))
        if play is not None and not self.expects:
            self.problems.error(
                title.mark if title else node.mark, "the story expects nothing, and would pass whatever happens",
                "write what is expected, as in - expect: {sent: nothing}",
            )  # fmt: skip
        if title is None or start is None or not self.people.people:
            return None
        return Story(title.value, title.mark, start, self._with_splits(pins, lines), tuple(lines))

    def _with_splits(self, pins: dict[str, Pins], lines: list[StoryLine]) -> dict[str, Pins]:
        """``pins`` with the shares that a line of the story fixes: a person falls into the same share from the start."""
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

    def _lines(self, node: Node, who: str | None) -> list[StoryLine]:
        """One entry of ``play``: a time, pins from then on, something that happens, what is expected, in this order. Each of
        them may be missing."""
        words = (*LINE_KEYS, *(self.people.people if who is None else ()))
        if not isinstance(node, Mapping):
            self.problems.error(node.mark, "a line of a story says what happens", "write event: {Name: {…}} or after: 3 hours")
            return []
        fields = self.shapes.fields(node, "a line of a story", words)
        if not fields:
            return []
        marks = {key.value: key.mark for key, _ in node.entries}
        for group in (TIME_KEYS, EVENT_KEYS):
            extra = [name for name in fields if name in group][1:]
            if extra:
                self.problems.error(
                    marks[extra[0]], f"a line of a story has one of {one_of(group, 'and')}", "make it two lines"
                )
        by = who or self.people.first
        lines: list[StoryLine] = []
        for name in (*TIME_KEYS, *PIN_KEYS, *EVENT_KEYS):
            if name in fields and (what := self._what(name, fields[name], by)) is not None:
                lines.append(StoryLine(by, marks[name], what))
        for name in fields:
            if name in self.people.people and who is None:
                lines.extend(self._lines(fields[name], name))
        if "expect" in fields:
            self.expects = True
            lines.extend(
                StoryLine(by, one.marks[one.kind], one)
                for one in self.expectations.read(fields["expect"], self.people.zone_of(by))
            )
        return lines

    def _what(self, name: str, node: Node, who: str) -> StoryEvent | None:
        match name:
            case "after":
                span = self.shapes.duration(node, "after")
                return AfterSpan(span) if span else None
            case "until" | "at":
                return self._until(name, node)
            case "event":
                return self.happenings.event(node, who)
            case "identify":
                return self.happenings.learns(node, who)
            case "click" | "answer" | "open":
                return self.happenings.presses(name, node)
            case _:
                pins = self.pins.of_person(
                    Mapping(node.source, ((Scalar(node.source, name, node.start, node.start), node),), node.start), who
                )
                return PinsChanged(pins)

    def _until(self, name: str, node: Node) -> UntilMoment | None:
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
