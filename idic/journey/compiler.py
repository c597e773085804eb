"""Text → program. Pure: every text is handed in, and so is the checking of templates.

Two passes over the steps. The first resolves where each branch goes; from that follows what is known at each step, and
with it the second checks conditions and content. Problems are collected throughout, so that an author sees all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypedDict
from zoneinfo import ZoneInfo

from idic.journey.conditions import asks_today
from idic.journey.content import Content, ContentChecker, Templates
from idic.journey.crossing import Journeys, key_of, name_in
from idic.journey.definition import define
from idic.journey.endpoints import check_endpoints
from idic.journey.inference import Names, Worth, infer, infer_value, joined
from idic.journey.names import NamesOfJourney
from idic.journey.paths import Reach, Way, everywhere, reaches, unreached
from idic.journey.problems import Mark, Problem, Problems, did_you_mean, one_of
from idic.journey.program import (
    Again,
    AnyStep,
    Arm,
    Assignment,
    Attribute,
    Call,
    Choose,
    Condition,
    Day,
    Differentiate,
    Endpoint,
    Enter,
    Entry,
    Exit,
    Goal,
    Message,
    Moment,
    Pattern,
    Program,
    Repeat,
    Segment,
    Send,
    Set,
    Share,
    Split,
    Target,
    Type,
    Wait,
    WaitFor,
)
from idic.journey.program import Branch as ProgramBranch
from idic.journey.readings import conditions, moments
from idic.journey.remembering import Remembering
from idic.journey.shapes import arrives_later
from idic.journey.source import Scalar, parse
from idic.journey.suspicions import suspect, suspect_unread
from idic.journey.texts import (
    CallText,
    ChooseText,
    Definition,
    DifferentiateText,
    EnterText,
    ExitText,
    Given,
    MomentText,
    PatternText,
    RepeatText,
    SendText,
    SetText,
    SplitText,
    StepText,
    UntilText,
    WaitForText,
    WaitText,
    branches,
)
from idic.journey.times import Duration
from idic.journey.types import TEXT, describe, never_missing
from idic.journey.vocabulary import ABOUT_MESSAGES, LATER_EVENTS, UNSETTABLE, Reading, Vocabulary, read_vocabulary
from idic.journey.wiring import Flow

_WITHIN = {"marketing": Duration(seconds=24 * 3600), "service": Duration(days=3)}

_ANSWERED_WITHIN = Duration(seconds=600)
"""For how long a call is tried where the journey does not say."""
MOST_ROUNDS = 1000
"""Of repeats in repeats, all told."""

_TOLD_OF = {"Email Opened": "email", "Message Shown": "web"}


class Compilation(NamedTuple):
    """``programs`` by journey: those without errors. ``problems`` of all files, sorted by file and place; ``files`` the
    journey files by name of the journey."""

    programs: dict[str, Program]
    problems: tuple[Problem, ...]
    vocabulary: Vocabulary
    files: dict[str, str]


def compile_journeys(
    journeys: Mapping[str, str],
    vocabulary: tuple[str, str] | None,
    templates: Templates,
    checker: ContentChecker,
    *,
    others: Mapping[str, str] | None = None,
) -> Compilation:
    """``journeys`` are texts by file; ``vocabulary`` is its file and text; ``others`` are journeys that are there and are not
    asked about: they can be entered, and nothing is said of them.

    A wrong vocabulary is told once, and nothing compiles until it is right; the journeys are checked all the same.
    """
    checker = Remembering(checker)
    texts = {**journeys, **templates.texts()}
    problems: list[Problem] = []
    reading = Reading(Vocabulary())
    if vocabulary is not None:
        texts[vocabulary[0]] = vocabulary[1]
        own = Problems(texts)
        reading = read_vocabulary(*vocabulary, own)
        check_endpoints(reading.endpoints, checker, own)
        problems.extend(own.all())
    sound = not any(problem.severity == "error" for problem in problems)
    found = {file: Problems(texts) for file in journeys}
    files: dict[str, str] = {}
    definitions: dict[str, Definition] = {}
    known: dict[str, Definition] = {}
    unread: set[str | None] = set()
    for file, text in {**(others or {}), **journeys}.items():
        definition = _define(file, text, found.get(file, Problems({})))
        if definition is None:
            unread.add(name_in(text))
            continue
        name = definition.name
        known[name.value] = definition
        if file not in journeys:
            continue
        definitions[file] = definition
        if name.value in files:
            found[file].error(name.mark, f'journey "{name.value}" is in {files[name.value]} already', "choose another name")
        elif name.value:
            files[name.value] = file
    all_ = Journeys(known, frozenset(name for name in unread if name))
    programs: dict[str, Program] = {}
    for file in journeys:
        if file in definitions:
            program = _Compiler(definitions[file], reading, templates, checker, found[file], all_).program()
            if sound and not found[file].failed:
                programs[program.journey] = program
        problems.extend(found[file].all())
    # A block or a link that is wrong is met by every journey that uses it.
    unique = dict.fromkeys(problems)
    return Compilation(programs, tuple(sorted(unique, key=_place)), reading.vocabulary, files)


def _place(problem: Problem) -> tuple[str, str, int, int]:
    return problem.file, problem.severity, problem.line, problem.column


def _define(file: str, text: str, problems: Problems) -> Definition | None:
    root = parse(file, text, problems)
    if root is not None:
        return define(root, problems)
    if not problems.failed:
        problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and a name")
    return None


class _Common(TypedDict):
    id: str
    when: Condition | None
    then: Target
    otherwise: Target


class _Compiler:
    def __init__(
        self,
        definition: Definition,
        reading: Reading,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
        journeys: Journeys,
    ) -> None:
        self.definition = definition
        self.reading = reading
        self.vocabulary = reading.vocabulary
        self.problems = problems
        self.journeys = journeys
        self.flow = Flow(definition.steps, problems)
        self.steps = self.flow.steps
        self.entered_on = frozenset(pattern.on.value for pattern in definition.entry.on)
        self.key = self.key_property()
        self.sets = {
            name: [(target, value) for target, value in step.assign if "." not in target.value]
            for name, step in self.steps.items()
            if isinstance(step, SetText)
        }
        captures, answers = self.captures()
        self.clashes()
        self.names = NamesOfJourney(
            reading,
            purpose=definition.purpose,
            topic=definition.topic.value if definition.topic else None,
            key=definition.entry.key is not None,
            entered_on=[pattern.on.value for pattern in definition.entry.on],
            captures=captures,
            answers=answers,
            values=[name.value for name, _ in definition.values],
            variables=[target.value for assigned in self.sets.values() for target, _ in assigned],
            splits={
                name: tuple(share.value for share, _, _ in step.shares)
                for name, step in self.steps.items()
                if isinstance(step, SplitText)
            },
            segments=tuple(name.value for name, _ in definition.segments),
            segmented=any(when is None for _, when in definition.segments),
        )
        self.go_ways({})
        self.values = self.decided()
        self.type_variables()
        self.content = Content(
            definition.messages, reading, self.names, templates, checker, problems, purpose=definition.purpose
        )

    def go_ways(self, unsure: Mapping[str, frozenset[str]]) -> None:
        self.ways: list[Way] = self.flow.ways(entered_on=self.entered_on, unsure=unsure)
        self.reaches = reaches(self.flow.first, self.flow.order, self.ways)

    def program(self) -> Program:
        definition = self.definition
        entry = self.entry()
        segments = self.segments()
        steps = {name: self.step(name, step) for name, step in self.steps.items()}
        anywhere = self.names.at(everywhere(self.ways), "a goal or leave")
        goal = self.goal(anywhere)
        leave = tuple(self.pattern("leave", pattern, anywhere) for pattern in definition.leave)
        self.warn_of_unreached()
        sent = {
            name: step.message.value
            for name, step in self.steps.items()
            if isinstance(step, SendText) and step.message is not None
        }
        messages = self.content.messages({name: self.reaches.get(name, Reach()) for name in sent}, sent)
        used = {name for message in messages.values() for name in message.reads}
        reads = self.reads(entry, segments, steps, goal, leave, messages)
        if not self.problems.failed:
            suspect(definition, self.steps, self.problems)
            suspect_unread(definition, self.steps, reads, messages.values(), self.problems)
        return Program(
            journey=definition.name.value,
            title=definition.title.value if definition.title else definition.name.value.replace("_", " ").capitalize(),
            purpose=definition.purpose,
            topic=definition.topic.value if definition.topic else None,
            entry=entry,
            values=self.values,
            segments=segments,
            late=definition.late,
            first=self.flow.first,
            steps=steps,
            goal=goal,
            leave=leave,
            messages=messages,
            links={name: url for name, url in self.vocabulary.links.items() if f"links.{name}" in used},
            customer={name.removeprefix("customer."): one for name, one in reads.items() if name.startswith("customer.")},
            currency=self.vocabulary.currency,
            zone=self.vocabulary.zone,
            country=self.vocabulary.country,
            language=self.vocabulary.languages[0],
            languages=self.vocabulary.languages,
        )

    # Names: what there is, and of which type.

    def captures(self) -> tuple[dict[str, list[str]], dict[str, list[Mapping[str, Attribute]]]]:
        """The events behind each as-name, and the answers of calls behind each."""
        events: dict[str, list[str]] = {}
        answers: dict[str, list[Mapping[str, Attribute]]] = {}
        for step in self.steps.values():
            match step:
                case WaitText(without=PatternText(on=on), capture=Scalar(value=name)):
                    events.setdefault(name, []).append(on.value)
                case WaitForText():
                    for pattern in step.events:
                        if pattern.capture is not None:
                            events.setdefault(pattern.capture.value, []).append(pattern.on.value)
                case CallText(endpoint=endpoint, capture=Scalar(value=name)):
                    known = self.vocabulary.endpoints.get(endpoint.value) if endpoint is not None else None
                    answers.setdefault(name, []).append(known.gives if known is not None else {})
        return events, answers

    def clashes(self) -> None:
        """One name means one thing."""
        meanings: dict[str, tuple[str, Scalar]] = {}
        for name, what in self.named():
            first, where = meanings.setdefault(name.value, (what, name))
            if first != what:
                told = f"{name.value} is the name of {what} here, and of {first} on line {where.mark.line}"
                self.problems.error(name.mark, told, "rename one", about=("clash", name.value))

    def named(self) -> Iterable[tuple[Scalar, str]]:
        for name, _ in self.definition.values:
            yield name, "a value"
        for name, _ in self.definition.segments:
            if name.value in {value.value for value, _ in self.definition.values}:
                yield name, "a segment"
        for step in self.steps.values():
            match step:
                case WaitText(capture=Scalar() as capture):
                    yield capture, "a captured event"
                case WaitForText():
                    yield from ((one.capture, "a captured event") for one in step.events if one.capture is not None)
                case CallText(capture=Scalar() as capture):
                    yield capture, "the answer of a call"
                case SplitText(id=Scalar() as id_):
                    yield id_, "a split"
                case SetText(assign=assign):
                    yield from ((name, "what a step sets") for name, _ in assign if "." not in name.value)

    def decided(self) -> tuple[Assignment, ...]:
        """The values of differentiate, each of which may read those before it."""
        decided: list[Assignment] = []
        done: list[str] = []
        for name, text in self.definition.values:
            worth = self.value(f"value {name.value}", text, self.names.in_segments(done))
            if worth is not None:
                self.names.values[name.value] = Attribute(type=worth.type, required=worth.sure)
                decided.append(Assignment(name=name.value, type=worth.type, value=worth.condition))
            done.append(name.value)
        return tuple(decided)

    def type_variables(self) -> None:
        """The type of each variable follows from all that it is set to, which may be other variables. What is set on a way
        for certain depends on what was set for certain before it: this starts with all of it, and takes back."""
        if not any(self.sets.values()):
            return
        unsure: dict[str, frozenset[str]] = {}
        while True:
            worths = self.typed_sets()
            found = {
                step: frozenset(
                    target.value for target, text in assigned if (worth := worths.get(id(text))) is None or not worth.sure
                )
                for step, assigned in self.sets.items()
            }
            if found == unsure:
                break
            unsure = found
            self.go_ways(unsure)
        self.told_of_itself()
        self.conflicts(worths)

    def typed_sets(self) -> dict[int, Worth]:
        """What each value that a variable is set to comes to; without a word of what is wrong, which is told when its step is
        compiled. Goes round until no type is learnt any more."""
        worths: dict[int, Worth] = {}
        self.names.variables = dict.fromkeys(self.names.variables)
        while True:
            before = dict(self.names.variables)
            for step, assigned in self.sets.items():
                reach = self.reach(step)
                for target, text in assigned:
                    worth = infer_value(text.value, self.names.at(reach, ""), _say_nothing)
                    reach = reach.having(target.value, certain=worth is not None and worth.sure)
                    if worth is None:
                        continue
                    worths[id(text)] = worth
                    known = self.names.variables[target.value]
                    self.names.variables[target.value] = joined(known, worth.type) or known if known else worth.type
            if self.names.variables == before:
                return worths

    def told_of_itself(self) -> None:
        """Variables that nothing but themselves says the type of: nobody begins. Where something else is wrong with what they
        are set to, that is told instead."""
        told: list[str] = []

        def report(message: str, *_: object) -> None:
            told.append(message)

        untyped: list[Scalar] = []
        for step, assigned in self.sets.items():
            for target, text in assigned:
                if self.names.variables[target.value] is None:
                    untyped.append(target)
                    infer_value(text.value, self.names.at(self.reach(step), ""), report)
        if untyped and not told:
            name = untyped[0].value
            message = f"nothing says what {name} is: it is set from itself, and never before"
            self.problems.error(untyped[0].mark, message, f"set {name} to a value first")

    def conflicts(self, worths: Mapping[int, Worth]) -> None:
        """Variables that are set to what does not go together."""
        first: dict[str, tuple[Type, Scalar]] = {}
        for assigned in self.sets.values():
            for target, text in assigned:
                worth, name = worths.get(id(text)), target.value
                if worth is None or self.names.variables[name] is None:
                    continue
                type_, where = first.setdefault(name, (worth.type, text))
                together = joined(type_, worth.type)
                if together is not None:
                    first[name] = (together, where)
                    continue
                here, there = (describe(TEXT if one.kind == "one_of" else one) for one in (worth.type, type_))
                told = f"{name} is {here} here, and {there} on line {where.mark.line}"
                self.problems.error(text.mark, told, "set it to values of one type, or use two names", about=("set", name))
                self.names.variables[name] = None

    def reach(self, name: str) -> Reach:
        found = self.reaches.get(name)
        if found is None:  # never reached, which is told; what it reads is not worth a second message
            found = Reach(*([everywhere(self.ways).possible] * 2), *([frozenset(self.steps)] * 2))
        return found

    def warn_of_unreached(self) -> None:
        for name in unreached(self.flow.order, self.flow.first, self.ways):
            step = self.steps[name]
            mark = step.id.mark if step.id is not None else step.mark
            self.problems.warning(mark, f'step "{name}" is never reached', "every way before it ends; take it out or move it")

    # Conditions and events, each with what can be read there.

    def condition(
        self, where: str, text: Scalar | None, names: Names, *, number: bool = False, of_any_type: bool = False
    ) -> Condition | None:
        """The condition, ready to be asked; ``where`` begins the message of each problem with it."""
        if text is None:
            return None

        def report(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
            self.problems.error(text.at(start, length), f"{where}: {message}", hint, about=about)

        if of_any_type:
            worth = infer_value(text.value, names, report)
            return worth.condition if worth is not None else None
        return infer(text.value, names, report, number=number)

    def value(self, where: str, text: Scalar, names: Names, *, wanted: Type | None = None, called: str = "") -> Worth | None:
        """The expression, ready to be worked out."""

        def report(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
            self.problems.error(text.at(start, length), f"{where}: {message}", hint, about=about)

        return infer_value(text.value, names, report, wanted=wanted, called=called)

    def given(self, where: str, given: Given, takes: Mapping[str, Attribute], what: str, names: Names) -> list[Assignment]:
        """What a call or another journey is handed; ``what`` takes it."""
        found: list[Assignment] = []
        for name, text in given:
            attribute = takes.get(name.value)
            if attribute is None:
                hint = did_you_mean(name.value, takes) or (f"it takes {one_of(takes, 'and')}" if takes else "take it out")
                self.problems.error(name.mark, f"{where}: {what} takes no {name.value}", hint, about=(what, name.value))
                continue
            worth = self.value(where, text, names, wanted=attribute.type, called=name.value)
            if worth is None:
                continue
            if attribute.required and not worth.sure:
                message = f"{where}: {what} needs {name.value}, and this may be missing"
                self.problems.error(text.mark, message, "write what to take instead: known(…) ? … : …")
            found.append(Assignment(name=name.value, type=worth.type, value=worth.condition))
        return found

    def moment(self, where: str, text: MomentText, names: Names) -> Moment | None:
        """A moment that a name holds."""
        attribute = names.readable.get(text.name)
        if attribute is None:
            expression = Scalar(text.text.source, text.name, *self.stretch(text))
            self.condition(where, expression, names, of_any_type=True)
            return None
        if attribute.type.kind not in ("date", "moment"):
            message = f"{where}: {text.name} is {describe(attribute.type)}, and neither a date nor a moment"
            self.problems.error(text.text.at(text.start, len(text.name)), message)
            return None
        return Moment(name=text.name, attribute=attribute, offset=text.offset, before=text.before, at=text.at)

    @staticmethod
    def stretch(text: MomentText) -> tuple[int, int]:
        quote = 1 if text.text.style in ("'", '"') else 0
        start = text.text.start + quote + text.start
        return start, start + len(text.name)

    def entry(self) -> Entry:
        entry = self.definition.entry
        patterns = self.entry_patterns()
        names = self.names.by_the_clock()
        day = None
        if entry.day is not None:
            moment = self.moment("identify", entry.day, names)
            day = Day(moment=moment, yearly=entry.yearly) if moment is not None else None
        again: Again
        match entry.again:
            case Duration() as after:
                again = Again(kind="after", after=after)
            case None:
                again = Again(kind="always" if entry.every or entry.day else "never")
            case kind:
                again = Again(kind=kind)
        return Entry(
            on=patterns,
            for_each=self.for_each(),
            every=entry.every,
            once=self.in_zone(entry.once),
            day=day,
            when=self.condition("identify", entry.when, names) if entry.timed else None,
            key=self.key,
            again=again,
            while_in=entry.while_in,
            starts=self.in_zone(entry.starts),
            ends=self.in_zone(entry.ends),
            at_most=entry.at_most,
            testers=entry.testers,
        )

    def in_zone(self, wall: datetime | None) -> datetime | None:
        return wall and wall.replace(tzinfo=ZoneInfo(self.vocabulary.zone)).astimezone(UTC)

    def entry_patterns(self) -> tuple[Pattern, ...]:
        entry = self.definition.entry
        patterns = []
        for pattern in entry.on:
            names = self.names.at_entry(pattern.on.value)
            known = self.is_event(pattern.on)
            if pattern.any_key:
                self.problems.error(pattern.on.mark, "key: any is for the events of waits, goal and leave", "take it out")
            both = [self.condition("identify", text, names) if known else None for text in (entry.when, pattern.when)]
            patterns.append(Pattern(on=pattern.on.value, when=_both(*both)))
        seen: set[str] = set()
        for pattern in entry.on:
            if pattern.on.value in seen and pattern.when is None:
                self.problems.error(pattern.on.mark, f"{pattern.on.value} is there twice", "keep one")
            seen.add(pattern.on.value)
        return tuple(patterns)

    def for_each(self) -> Condition | None:
        """Whom an event about a thing concerns."""
        entry = self.definition.entry
        about = {pattern.on.value: self.vocabulary.about.get(pattern.on.value) for pattern in entry.on}
        things = [event for event, thing in about.items() if thing is not None]
        others = [event for event, thing in about.items() if thing is None]
        text = entry.for_each
        if text is None:
            for pattern in entry.on:
                if thing := about[pattern.on.value]:
                    message = f"identify: {pattern.on.value} is about a {thing}, and nothing says which customers it concerns"
                    self.problems.error(pattern.on.mark, message, "write for_each: event.sku in customer.wishlist")
                    break
            return None
        if not things:
            if not entry.timed and entry.on and all(event in self.vocabulary.events for event in about):
                message = f"identify: for_each is for events about a thing, and {one_of(others, 'and')} is about the customer"
                self.problems.error(text.mark, message, "take it out, or write about: product for the event in the vocabulary")
            return None
        if others:
            message = f"identify: {things[0]} is about a {about[things[0]]}, and {others[0]} is about a customer"
            self.problems.error(text.mark, message, "make two journeys of it")
            return None
        found: Condition | None = None
        for event in things:
            found = self.condition("identify: for_each", text, self.names.at_entry(event))
        if found is not None and not any(name.startswith("customer.") for name in found.reads):
            hint = "compare it with what is known of customers: event.sku in customer.wishlist"
            self.problems.error(text.mark, "identify: for_each says nothing of the customer", hint)
        return found

    def key_property(self) -> str | None:
        key = self.definition.entry.key
        if key is None:
            return None
        root, _, name = key.value.partition(".")
        if root != "event" or not name or "." in name:
            hint = "write the property that tells entries apart, such as key: event.cart_id"
            self.problems.error(key.mark, f'the key cannot be "{key.value}"', hint)
            return None
        for pattern in self.definition.entry.on:
            properties = self.vocabulary.events.get(pattern.on.value)
            if properties is None:
                continue
            if name not in properties:
                message = f'event "{pattern.on.value}" has no property {name}'
                hint = did_you_mean(name, properties) or "every event under on: must have the key"
                self.problems.error(key.at(6, len(name)), message, hint, about=("key", name))
            elif properties[name].type.kind in ("list", "thing", "yes/no"):
                self.problems.error(key.mark, f"{key.value} cannot tell entries apart", "a key is a text or a number")
        return name

    def segments(self) -> tuple[Segment, ...]:
        names = self.names.in_segments()
        return tuple(
            Segment(name=name.value, when=self.condition(f'segment "{name.value}"', when, names))
            for name, when in self.definition.segments
        )

    def goal(self, names: Names) -> Goal | None:
        goal = self.definition.goal
        if goal is None:
            return None
        patterns = tuple(self.pattern("goal", pattern, names) for pattern in goal.on)
        value: Condition | None = None
        known = [pattern.on.value for pattern in goal.on if pattern.on.value in self.vocabulary.events]
        if goal.value is not None and known:
            of_all = names.plus(self.names.of_events("event", known))
            value = self.condition("goal", goal.value, of_all, number=True)
        return Goal(on=patterns, within=goal.within, value=value, then=goal.then)

    def pattern(self, where: str, text: PatternText, names: Names) -> Pattern:
        known = self.is_event(text.on)
        if thing := self.vocabulary.about.get(text.on.value):
            message = f"{where}: {text.on.value} is about a {thing}, and never comes to a customer"
            hint = "only identify: on: can name it, with for_each:"
            self.problems.error(text.on.mark, message, hint, about=("thing", text.on.value))
        properties = self.vocabulary.events.get(text.on.value, {})
        key = self.key if self.key in properties and not text.any_key else None
        when = self.condition(where, text.when, self.names.with_event(names, text.on.value)) if known else None
        return Pattern(on=text.on.value, when=when, key=key, of=text.of.value if text.of else None)

    def is_event(self, on: Scalar) -> bool:
        name = on.value
        if name in self.vocabulary.events:
            return True
        if name in LATER_EVENTS:
            self.problems.error(on.mark, arrives_later(f'event "{name}"'))
        else:
            hint = did_you_mean(name, self.vocabulary.events) or "declare it under events: in vocabulary.yaml"
            self.problems.error(on.mark, f'event "{name}" does not exist', hint, about=("event", name))
        return False

    def step(self, name: str, text: StepText) -> AnyStep:
        reach = self.reach(name)
        called = f'step "{name}"'
        names = self.names.at(reach, called)
        wiring = self.flow.wiring[name]
        fields = _Common(
            id=name,
            when=self.condition(called, text.when, names),
            then=wiring.then,
            otherwise=wiring.otherwise,
        )
        match text:
            case WaitText(duration=duration, until=until, without=without, capture=capture):
                pattern = self.pattern(called, without, names) if without is not None else None
                captured = capture.value if capture is not None else None
                at = self.moment(called, until, names) if isinstance(until, MomentText) else until
                return Wait(**fields, duration=duration, until=at, without=pattern, capture=captured)
            case WaitForText(arms=arms, within=within):
                self.warn_of_early(text, name, reach)
                wired = zip(arms, wiring.branches, strict=True)
                return WaitFor(
                    **fields, arms=tuple(self.arm(called, arm, target, names, reach) for arm, target in wired), within=within
                )
            case ChooseText(branches=branches):
                return Choose(
                    **fields,
                    branches=tuple(
                        ProgramBranch(when=when, then=target)
                        for (condition, _), target in zip(branches, wiring.branches, strict=True)
                        if (when := self.condition(called, condition, names)) is not None
                    ),
                )
            case SplitText(shares=shares):
                drawn = zip(shares, wiring.branches, strict=True)
                return Split(
                    **fields,
                    shares=tuple(Share(name=share.value, percent=percent, then=then) for (share, percent, _), then in drawn),
                )
            case SendText(message=message, channels=channels, mode=mode, at=hours, within=within):
                if message is not None:
                    self.content.sent(message, channels, name)
                return Send(
                    **fields,
                    message=message.value if message is not None else "",
                    channels=tuple(channel.value for channel in channels),
                    mode=mode,
                    at=hours,
                    within=within or _WITHIN[self.definition.purpose],
                )
            case ExitText(reason=reason):
                return Exit(**fields, reason=reason)
            case SetText(assign=assign):
                return Set(**fields, assign=tuple(self.assigned(called, assign, reach)))
            case CallText():
                return self.call(called, text, names, fields)
            case RepeatText(times=times, until=until):
                self.rounds(called, text)
                condition = self.condition(called, until, names)
                return Repeat(**fields, times=times, until=condition, first=wiring.branches[0])
            case EnterText():
                return self.enter(called, text, names, fields)
            case DifferentiateText():
                if not self.definition.segments and not self.definition.values:
                    hint = "write segments under differentiate: of the journey"
                    told = f"{called}: this journey has no differentiate"
                    self.problems.error(text.mark, told, hint, about=("differentiate", ""))
                return Differentiate(**fields)
            case _:
                raise TypeError(type(text).__name__)

    def assigned(self, called: str, assign: Given, reach: Reach) -> Iterable[Assignment]:
        """What a step sets, in its order: the later may read the earlier."""
        for target, text in assign:
            name = target.value
            names = self.names.at(reach, called)
            if name.startswith("customer."):
                attribute = self.settable(called, target)
                worth = self.value(called, text, names, wanted=attribute.type, called=name) if attribute is not None else None
            else:
                worth = self.value(called, text, names)
                reach = reach.having(name, certain=worth is not None and worth.sure)
            if worth is not None:
                type_ = worth.type if "." in name else self.names.variables.get(name) or worth.type
                yield Assignment(name=name, type=type_, value=worth.condition)

    def settable(self, called: str, target: Scalar) -> Attribute | None:
        """The customer attribute that a step sets, if it may."""
        name = target.value
        attribute = self.names.customer.get(name)
        if attribute is None:
            if name in self.names.absent:
                self.problems.error(target.mark, f"{called}: {self.names.absent[name]}", about=("name", name))
            elif name not in self.reading.broken:
                known = [one.partition(".")[2] for one in self.names.customer]
                hint = did_you_mean(name.partition(".")[2], known)
                hint = hint.replace('"', '"customer.', 1) if hint else "declare it in vocabulary.yaml"
                self.problems.error(target.mark, f"{called}: {name} does not exist", hint, about=("name", name))
            return None
        if attribute.counts or attribute.sums:
            what = f"counts {attribute.counts}" if attribute.counts else f"sums {'.'.join(attribute.sums or ())}"
            self.problems.error(target.mark, f"{called}: {name} {what}, and cannot be set", "declare another attribute")
            return None
        if why := UNSETTABLE.get(name.partition(".")[2]):
            self.problems.error(target.mark, f"{called}: {name} {why}, and no journey sets it", "take it out")
            return None
        return attribute

    def call(self, called: str, text: CallText, names: Names, fields: _Common) -> Call:
        endpoint = None
        if text.endpoint is not None:
            name = text.endpoint.value
            endpoint = self.vocabulary.endpoints.get(name)
            if endpoint is None and f"endpoints.{name}" not in self.reading.broken:
                hint = did_you_mean(name, self.vocabulary.endpoints) or "declare it under endpoints: in vocabulary.yaml"
                told = f'{called}: endpoint "{name}" does not exist'
                self.problems.error(text.endpoint.mark, told, hint, about=("endpoint", name))
        given: list[Assignment] = []
        if endpoint is not None:
            what = f'endpoint "{endpoint.name}"'
            given = self.given(called, text.given, endpoint.takes, what, names)
            self.needed(called, text.mark, text.given, endpoint.takes, what)
            if text.capture is not None and not endpoint.gives:
                hint = "write what it gives in vocabulary.yaml, or take as: out"
                self.problems.error(text.capture.mark, f"{called}: {what} gives nothing", hint)
        return Call(
            **fields,
            endpoint=endpoint or Endpoint(name="", url=""),
            given=tuple(given),
            capture=text.capture.value if text.capture is not None else None,
            within=text.within or _ANSWERED_WITHIN,
        )

    def needed(self, called: str, mark: Mark, given: Given, takes: Mapping[str, Attribute], what: str) -> None:
        names = {name.value for name, _ in given}
        for name, attribute in takes.items():
            if attribute.required and name not in names:
                hint = f"write with: {{{name}: …}}"
                self.problems.error(mark, f"{called}: {what} needs {name} ({describe(attribute.type)})", hint)

    def enter(self, called: str, text: EnterText, names: Names, fields: _Common) -> Enter:
        other = self.journeys.entered(self.definition, text, called, self.problems)
        given: list[Assignment] | None = [] if text.given is not None else None
        if other is not None:
            what = f'journey "{other.name.value}"'
            takes = self.entry_of(other)
            if text.given is not None:
                given = self.given(called, text.given, takes, what, names)
                self.needed(called, text.mark, text.given, takes, what)
            else:
                self.handed_on(called, text, takes, what)
        return Enter(**fields, journey=text.journey.value if text.journey is not None else "", given=given and tuple(given))

    def entry_of(self, other: Definition) -> dict[str, Attribute]:
        """What a request for entry into another journey can carry: it stands for any of its events."""
        found = self.names.of_any("entry", self.names.declared(pattern.on.value for pattern in other.entry.on))
        takes = {name.removeprefix("entry."): attribute for name, attribute in found.items()}
        key = key_of(other)
        if key in takes:
            takes[key] = takes[key].model_copy(update={"required": True})
        return takes

    def handed_on(self, called: str, text: EnterText, takes: Mapping[str, Attribute], what: str) -> None:
        """Whether what this journey was entered with is what the other one needs."""
        for name, attribute in takes.items():
            own = self.names.entry.get(f"entry.{name}")
            hint = f"write with: {{{name}: …}}"
            if own is not None and joined(own.type, attribute.type) is None:
                kinds = f"{describe(attribute.type)} there, and {describe(own.type)} where this one is entered"
                self.problems.error(text.mark, f"{called}: {name} of {what} is {kinds}", hint)
            elif attribute.required and (own is None or not never_missing(own)):
                message = f"{called}: {what} needs {name} ({describe(attribute.type)}), and this one may be entered without"
                self.problems.error(text.mark, message, hint)

    def rounds(self, called: str, text: RepeatText) -> None:
        """Repeats in repeats, all told."""
        inner = most_rounds(text.do.steps if text.do is not None else ())
        if text.times * inner > MOST_ROUNDS >= inner:
            message = f"{called}: {text.times * inner} rounds, with those of the repeat inside"
            self.problems.error(text.mark, message, f"make them {MOST_ROUNDS} at most")

    def arm(self, called: str, text: PatternText | UntilText, target: Target, names: Names, reach: Reach) -> Arm:
        if isinstance(text, UntilText):
            until = self.condition(called, text.until, names)
            if until is not None and not any(name.startswith("customer.") for name in until.reads) and not asks_today(until):
                hint = "ask about customer.…, or wait for the event that changes it"
                self.problems.error(text.until.mark, f"{called}: nothing makes this come true while it waits", hint)
            return Arm(until=until, then=target)
        pattern = self.pattern(called, text, names)
        capture = text.capture.value if text.capture is not None else None
        return Arm(pattern=pattern, since=self.since(text, reach), capture=capture, then=target)

    def since(self, text: PatternText, reach: Reach) -> str:
        """From when on events count for this arm."""
        if text.of is not None:
            self.of(text.of, text.on, reach)
            if text.since is not None:
                self.problems.error(text.since.mark, "of: counts from the moment of sending", "take since: out, or of:")
            return "sent"
        if text.since is None or text.since.value in ("wait", "entry"):
            return text.since.value if text.since is not None else "wait"
        name = text.since.value
        if name not in self.steps:
            hint = did_you_mean(name, [*self.steps, "entry", "wait"])
            self.problems.error(text.since.mark, f'step "{name}" does not exist', hint, about=("step", name))
        elif name not in reach.perhaps:
            self.problems.error(text.since.mark, f'step "{name}" does not come before this one', "name one that does")
        elif name not in reach.passed:
            hint = "name one that always does, or write since: entry"
            self.problems.error(text.since.mark, f'step "{name}" comes before this one on some ways only', hint)
        return name

    def of(self, of: Scalar, on: Scalar, reach: Reach) -> None:
        step = self.steps.get(of.value)
        if step is None:
            sends = [name for name, step in self.steps.items() if isinstance(step, SendText)]
            hint = did_you_mean(of.value, sends)
            self.problems.error(of.mark, f'step "{of.value}" does not exist', hint, about=("step", of.value))
        elif not isinstance(step, SendText):
            self.problems.error(of.mark, f'step "{of.value}" sends nothing', "of: names a step with send:")
        elif of.value not in reach.perhaps:
            self.problems.error(of.mark, f'step "{of.value}" does not come before this one', "name one that does")
        elif (only := _TOLD_OF.get(on.value)) and step.channels and only not in [channel.value for channel in step.channels]:
            told = f'{on.value} is told of the channel {only} alone, and step "{of.value}" does not send by it'
            self.problems.warning(on.mark, told, "wait for another event, or send by it")
        if on.value in self.vocabulary.events and on.value not in ABOUT_MESSAGES:
            hint = f"take of: out; only {one_of(sorted(ABOUT_MESSAGES))} are"
            self.problems.error(of.mark, f"{on.value} is not about a message that was sent", hint)

    def warn_of_early(self, text: WaitForText, name: str, reach: Reach) -> None:
        """An event that this wait is for could have come while an earlier wait was not looking."""
        before = [step for step in reach.perhaps if isinstance(self.steps[step], WaitText | WaitForText)]
        ending = {pattern.on.value for pattern in self.definition.leave}
        if self.definition.goal is not None and self.definition.goal.then == "leave":
            ending |= {pattern.on.value for pattern in self.definition.goal.on}
        for arm in text.events:
            event = arm.on.value
            if arm.of is not None or arm.since is not None or event in ending or event not in self.vocabulary.events:
                continue
            deaf = sorted(step for step in before if event not in _awaited(self.steps[step]))
            if deaf:
                self.problems.warning(
                    arm.on.mark,
                    f'step "{name}": {event} could come before this wait, during "{deaf[0]}", and would not count',
                    "write since: entry to count it, or since: wait if that is meant",
                )

    # What the whole program reads.

    def reads(
        self,
        entry: Entry,
        segments: Iterable[Segment],
        steps: Mapping[str, AnyStep],
        goal: Goal | None,
        leave: Iterable[Pattern],
        messages: Mapping[str, Message],
    ) -> dict[str, Attribute]:
        """Every name that is read anywhere, in the order of the file as far as that matters."""
        asked = [pattern.when for pattern in (*entry.on, *leave)] + [segment.when for segment in segments]
        asked += [entry.when, entry.for_each, *(value.value for value in self.values)]
        if goal is not None:
            asked += [goal.value, *(pattern.when for pattern in goal.on)]
        reads: list[Mapping[str, Attribute]] = [one.reads for one in asked if one is not None]
        if entry.day is not None:
            reads.append({entry.day.moment.name: entry.day.moment.attribute})
        for step in steps.values():
            reads += [condition.reads for condition in conditions(step)]
            reads += [{moment.name: moment.attribute} for moment in moments(step)]
        reads += [message.reads for message in messages.values()]
        return {name: attribute for group in reads for name, attribute in sorted(group.items())}


def most_rounds(steps: Sequence[StepText]) -> int:
    """How often the steps of the innermost of these repeats are done at most."""
    found = 1
    for step in steps:
        inner = max((most_rounds(branch.steps) for branch in branches(step) if branch is not None), default=1)
        found = max(found, inner * (step.times if isinstance(step, RepeatText) else 1))
    return found


def _say_nothing(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
    pass


def _awaited(step: StepText) -> set[str]:
    match step:
        case WaitText(without=PatternText(on=on)):
            return {on.value}
        case WaitForText():
            return {arm.on.value for arm in step.events}
        case _:
            return set()


def _both(one: Condition | None, two: Condition | None) -> Condition | None:
    if one is None or two is None:
        return one or two
    return Condition(text=f"({one.text}) and ({two.text})", cel=f"({one.cel} && {two.cel})", reads={**one.reads, **two.reads})
