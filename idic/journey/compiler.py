"""Text → program. Pure: every text is handed in, and so is the checking of templates.

Two passes over the steps. The first resolves where each branch goes; from that follows what is known at each step, and
with it the second checks conditions and content. Problems are collected throughout, so that an author sees all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from idic.journey.content import Content, ContentChecker, Templates
from idic.journey.definition import (
    Branch,
    ChooseText,
    Definition,
    ExitText,
    PatternText,
    SendText,
    SplitText,
    StepText,
    WaitForText,
    WaitText,
    define,
)
from idic.journey.inference import Names, infer
from idic.journey.names import NamesOfJourney
from idic.journey.paths import Reach, Way, everywhere, reaches, unreached
from idic.journey.problems import Mark, Problem, Problems, did_you_mean, one_of
from idic.journey.program import (
    DONE,
    Again,
    AnyStep,
    Arm,
    Attribute,
    Choose,
    Condition,
    Entry,
    Exit,
    Goal,
    Message,
    Pattern,
    Program,
    Segment,
    Send,
    Share,
    Split,
    Target,
    Wait,
    WaitFor,
)
from idic.journey.program import Branch as ProgramBranch
from idic.journey.shapes import arrives_later
from idic.journey.source import Scalar, parse
from idic.journey.times import Duration
from idic.journey.vocabulary import ABOUT_MESSAGES, LATER_EVENTS, Reading, Vocabulary, read_vocabulary

_WITHIN = {"marketing": Duration(seconds=24 * 3600), "service": Duration(days=3)}

_TOLD_OF = {"Email Opened": "email", "Message Shown": "web"}


class Compilation(NamedTuple):
    """``programs`` by journey: those without errors. ``problems`` of all files, sorted by file and place; ``files`` the
    journey files by name of the journey."""

    programs: dict[str, Program]
    problems: tuple[Problem, ...]
    vocabulary: Vocabulary
    files: dict[str, str]


def compile_journeys(
    journeys: Mapping[str, str], vocabulary: tuple[str, str] | None, templates: Templates, checker: ContentChecker
) -> Compilation:
    """``journeys`` are texts by file; ``vocabulary`` is its file and text.

    A wrong vocabulary is told once, and nothing compiles until it is right; the journeys are checked all the same.
    """
    texts = {**journeys, **templates.texts()}
    problems: list[Problem] = []
    reading = Reading(Vocabulary())
    if vocabulary is not None:
        texts[vocabulary[0]] = vocabulary[1]
        own = Problems(texts)
        reading = read_vocabulary(*vocabulary, own)
        problems.extend(own.all())
    sound = not any(problem.severity == "error" for problem in problems)
    programs: dict[str, Program] = {}
    files: dict[str, str] = {}
    for file, text in journeys.items():
        found = Problems(texts)
        program = _compile(file, text, reading, templates, checker, found, files)
        problems.extend(found.all())
        if program is not None and sound:
            programs[program.journey] = program
    # A block or a link that is wrong is met by every journey that uses it.
    unique = dict.fromkeys(problems)
    return Compilation(programs, tuple(sorted(unique, key=_place)), reading.vocabulary, files)


def _place(problem: Problem) -> tuple[str, str, int, int]:
    return problem.file, problem.severity, problem.line, problem.column


def _compile(
    file: str,
    text: str,
    reading: Reading,
    templates: Templates,
    checker: ContentChecker,
    problems: Problems,
    files: dict[str, str],
) -> Program | None:
    root = parse(file, text, problems)
    if root is None:
        if not problems.failed:
            problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and a name")
        return None
    definition = define(root, problems)
    if definition is None:
        return None
    name = definition.name
    if name.value in files:
        problems.error(name.mark, f'journey "{name.value}" is in {files[name.value]} already', "choose another name")
    elif name.value:
        files[name.value] = file
    program = _Compiler(definition, reading, templates, checker, problems).program()
    return None if problems.failed else program


class _Wiring(NamedTuple):
    """Where a step's branches go, in their order; ``then`` and ``otherwise`` besides."""

    then: Target
    otherwise: Target
    branches: tuple[Target, ...] = ()


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
    ) -> None:
        self.definition = definition
        self.vocabulary = reading.vocabulary
        self.problems = problems
        self.steps: dict[str, StepText] = {}
        self.names_of: dict[int, str] = {}
        self.wiring: dict[str, _Wiring] = {}
        self.collect(definition.steps)
        self.first = self.flow(definition.steps, DONE)
        self.key = self.key_property()
        self.ways = [way for name in self.steps for way in self.ways_from(name)]
        self.reaches = reaches(self.first, self.steps, self.ways)
        self.names = NamesOfJourney(
            reading,
            purpose=definition.purpose,
            topic=definition.topic.value if definition.topic else None,
            key=definition.entry.key is not None,
            entered_on=[pattern.on.value for pattern in definition.entry.on],
            captures=self.captures(),
            splits={
                name: tuple(share.value for share, _, _ in step.shares)
                for name, step in self.steps.items()
                if isinstance(step, SplitText)
            },
            segments=tuple(name.value for name, _ in definition.segments),
            segmented=any(when is None for _, when in definition.segments),
        )
        self.content = Content(definition.messages, reading, self.names, templates, checker, problems)

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
        return Program(
            journey=definition.name.value,
            title=definition.title.value if definition.title else definition.name.value.replace("_", " ").capitalize(),
            purpose=definition.purpose,
            topic=definition.topic.value if definition.topic else None,
            entry=entry,
            segments=segments,
            first=self.first,
            steps=steps,
            goal=goal,
            leave=leave,
            messages=messages,
            links={name: url for name, url in self.vocabulary.links.items() if f"links.{name}" in used},
            customer=self.customer_read(entry, segments, steps, goal, leave, messages),
            currency=self.vocabulary.currency,
            zone=self.vocabulary.zone,
            country=self.vocabulary.country,
            language=self.vocabulary.languages[0],
            languages=self.vocabulary.languages,
        )

    # First pass: which step follows which.

    def collect(self, steps: Iterable[StepText]) -> None:
        """Gives every step its name, in the order of the file; one that has none or shares one gets a stand-in."""
        for step in steps:
            name = step.id.value if step.id is not None else f"step on line {step.mark.line}"
            if step.id is not None and name in self.steps:
                first = self.steps[name].id
                line = first.mark.line if first is not None else 0
                self.problems.error(step.id.mark, f'there are two steps "{name}"; the first is on line {line}', "rename one")
            while name in self.steps:
                name += "+"
            self.steps[name] = step
            self.names_of[id(step)] = name
            for branch in _branches(step):
                if branch is not None:
                    self.collect(branch.steps)

    def flow(self, steps: Sequence[StepText], after: Target) -> Target:
        """Wires a list of steps that is followed by ``after``; returns where it begins."""
        for step in reversed(steps):
            self.wiring[self.names_of[id(step)]] = self.wire(step, after)
            after = Target(step=self.names_of[id(step)])
        return after

    def wire(self, step: StepText, after: Target) -> _Wiring:
        then, otherwise = self.target(step.then, after), self.target(step.otherwise, after)
        match step:
            case WaitForText():
                branches = tuple(self.target(arm.then, after) if arm.then else then for arm in step.arms)
            case ChooseText():
                branches = tuple(self.target(branch, after) for _, branch in step.branches)
            case SplitText():
                branches = tuple(self.target(branch, after) for _, _, branch in step.shares)
            case _:
                branches = ()
        return _Wiring(then, otherwise, branches)

    def target(self, branch: Branch | None, after: Target) -> Target:
        if branch is None:
            return after
        if branch.reason is not None:
            return Target(exit=branch.reason)
        return self.flow(branch.steps, after)

    def ways_from(self, name: str) -> list[Way]:
        step, wiring = self.steps[name], self.wiring[name]
        skipped = [Way(name, wiring.otherwise)] if step.when is not None else []
        match step:
            case WaitText(capture=capture):
                sets = frozenset({capture.value}) if capture else frozenset()
                if self.captures_for_certain(step):
                    return [*skipped, Way(name, wiring.then, sets)]
                return [*skipped, Way(name, wiring.then, may_set=sets)]
            case WaitForText(arms=arms):
                taken = [
                    Way(name, target, frozenset({arm.capture.value}) if arm.capture else frozenset())
                    for arm, target in zip(arms, wiring.branches, strict=True)
                ]
                return [*taken, Way(name, wiring.otherwise)]
            case ChooseText():
                return [*(Way(name, target) for target in wiring.branches), Way(name, wiring.otherwise)]
            case SplitText():
                drawn = [Way(name, target, frozenset({name})) for target in wiring.branches]
                return [*skipped, *(drawn or [Way(name, wiring.then)])]
            case SendText():
                return [Way(name, wiring.then), Way(name, wiring.otherwise)]
            case _:
                return skipped

    def captures_for_certain(self, step: WaitText) -> bool:
        """The newest event of a wait for silence is the one that began the enrollment, when no newer one came."""
        entered_on = {pattern.on.value for pattern in self.definition.entry.on}
        without = step.without
        return without is not None and without.when is None and entered_on == {without.on.value}

    def captures(self) -> dict[str, list[str]]:
        """The events behind each as-name."""
        found: dict[str, list[str]] = {}
        for step in self.steps.values():
            patterns = step.arms if isinstance(step, WaitForText) else ()
            if isinstance(step, WaitText) and step.without is not None and step.capture is not None:
                found.setdefault(step.capture.value, []).append(step.without.on.value)
            for pattern in patterns:
                if pattern.capture is not None:
                    found.setdefault(pattern.capture.value, []).append(pattern.on.value)
        for step in self.steps.values():
            if isinstance(step, SplitText) and step.id is not None and step.id.value in found:
                self.problems.error(step.id.mark, f"{step.id.value} is the name of a captured event too", "rename one")
        return found

    def warn_of_unreached(self) -> None:
        for name in unreached(self.steps, self.first, self.ways):
            step = self.steps[name]
            mark = step.id.mark if step.id is not None else step.mark
            self.problems.warning(mark, f'step "{name}" is never reached', "every way before it ends; take it out or move it")

    # Second pass: conditions and events, each with what can be read there.

    def condition(self, where: str, text: Scalar | None, names: Names, *, number: bool = False) -> Condition | None:
        """The condition, ready to be asked; ``where`` begins the message of each problem with it."""
        if text is None:
            return None

        def report(message: str, start: int, length: int, hint: str | None, about: tuple[str, str] | None) -> None:
            self.problems.error(text.at(start, length), f"{where}: {message}", hint, about=about)

        return infer(text.value, names, report, number=number)

    def entry(self) -> Entry:
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
        again = entry.again if isinstance(entry.again, str) else "after"
        after = entry.again if isinstance(entry.again, Duration) else None
        return Entry(on=tuple(patterns), key=self.key, again=Again(kind=again, after=after), while_in=entry.while_in)

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
        reach = self.reaches.get(name)
        if reach is None:  # never reached, which is told; what it reads is not worth a second message
            reach = Reach(*([self.everything()] * 2), *([frozenset(self.steps)] * 2))
        called = f'step "{name}"'
        names = self.names.at(reach, called)
        wiring = self.wiring[name]
        fields = _Common(
            id=name,
            when=self.condition(called, text.when, names),
            then=wiring.then,
            otherwise=wiring.otherwise,
        )
        match text:
            case WaitText(duration=duration, without=without, capture=capture):
                pattern = self.pattern(called, without, names) if without is not None else None
                captured = capture.value if capture is not None else None
                return Wait(**fields, duration=duration, without=pattern, capture=captured)
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
            case SendText(message=message, channels=channels, mode=mode, within=within):
                if message is not None:
                    self.content.sent(message, channels, name)
                return Send(
                    **fields,
                    message=message.value if message is not None else "",
                    channels=tuple(channel.value for channel in channels),
                    mode=mode,
                    within=within or _WITHIN[self.definition.purpose],
                )
            case ExitText(reason=reason):
                return Exit(**fields, reason=reason)
            case _:
                raise TypeError(type(text).__name__)

    def everything(self) -> frozenset[str]:
        return everywhere(self.ways).possible

    def arm(self, called: str, text: PatternText, target: Target, names: Names, reach: Reach) -> Arm:
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
        for arm in text.arms:
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

    def customer_read(
        self,
        entry: Entry,
        segments: Iterable[Segment],
        steps: Mapping[str, AnyStep],
        goal: Goal | None,
        leave: Iterable[Pattern],
        messages: Mapping[str, Message],
    ) -> dict[str, Attribute]:
        conditions = [pattern.when for pattern in (*entry.on, *leave)] + [segment.when for segment in segments]
        if goal is not None:
            conditions += [goal.value, *(pattern.when for pattern in goal.on)]
        for step in steps.values():
            conditions.append(step.when)
            match step:
                case Wait(without=Pattern(when=when)):
                    conditions.append(when)
                case WaitFor(arms=arms):
                    conditions += [arm.pattern.when for arm in arms]
                case Choose(branches=branches):
                    conditions += [branch.when for branch in branches]
        reads = [condition.reads for condition in conditions if condition is not None]
        reads += [message.reads for message in messages.values()]
        return {
            name.removeprefix("customer."): attribute
            for group in reads
            for name, attribute in sorted(group.items())
            if name.startswith("customer.")
        }


def _branches(step: StepText) -> list[Branch | None]:
    """Every branch of a step, in the order in which the file has them as far as that matters: all lead onward."""
    match step:
        case WaitForText(arms=arms):
            inner: list[Branch | None] = [arm.then for arm in arms]
        case ChooseText(branches=branches):
            inner = [branch for _, branch in branches]
        case SplitText(shares=shares):
            inner = [branch for _, _, branch in shares]
        case _:
            inner = []
    return [*inner, step.then, step.otherwise]


def _awaited(step: StepText) -> set[str]:
    match step:
        case WaitText(without=PatternText(on=on)):
            return {on.value}
        case WaitForText(arms=arms):
            return {arm.on.value for arm in arms}
        case _:
            return set()


def _both(one: Condition | None, two: Condition | None) -> Condition | None:
    if one is None or two is None:
        return one or two
    return Condition(text=f"({one.text}) and ({two.text})", cel=f"({one.cel} && {two.cel})", reads={**one.reads, **two.reads})
