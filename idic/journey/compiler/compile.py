"""Text → program. Pure: every text is handed in, and so is the checking of templates.

Two passes over the steps. The first resolves where each branch goes; from that follows what is known at each step, and
with it the second checks conditions and content. Problems are collected throughout, so that an author sees all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

from idic.journey.compiler.checker_cache import CheckerCache
from idic.journey.compiler.compile_conditions import ConditionCompiler
from idic.journey.compiler.compile_entry import EntryCompiler, key_property
from idic.journey.compiler.compile_messages import MessageCompiler
from idic.journey.compiler.compile_steps import StepCompiler
from idic.journey.compiler.compile_templates import Templates
from idic.journey.compiler.declared_names import declared_names, report_clashes, variables_set
from idic.journey.compiler.facts_at_step import FactsAtStep
from idic.journey.compiler.link_steps import Flow
from idic.journey.compiler.lint import warn_of_mistakes, warn_of_unread_names
from idic.journey.compiler.other_journeys import OtherJourneys, name_in
from idic.journey.compiler.reachability import PathFacts
from idic.journey.compiler.variable_types import type_variables
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.contact_policy.read_policy import PolicyReading, check_names, read_policy
from idic.journey.contact_policy.stricter_policy import Abiding, warn_of_quiet_hours
from idic.journey.definition.definition import Definition, SendText
from idic.journey.definition.read_journey import define
from idic.journey.expressions.context import Names
from idic.journey.program.program import Assignment, Attribute, Condition, Goal, Program, Segment
from idic.journey.program.reads import everything_read
from idic.journey.template_checker import ContentChecker
from idic.journey.vocabulary.endpoints import check_endpoints
from idic.journey.vocabulary.read_vocabulary import Reading, check_restrictions, check_topics, read_vocabulary
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import parse
from idic.problems import Mark, Problem, Problems


class Compilation(NamedTuple):
    """``programs`` by journey: those without errors. ``problems`` of all files, sorted by file and place; ``files`` the
    journey files by name of the journey. ``unread`` are the journeys that are there, in files that cannot be read.
    ``policy`` is None where it is wrong; ``policy_file`` None where there is none, and it is as it is by default."""

    programs: dict[str, Program]
    problems: tuple[Problem, ...]
    vocabulary: Vocabulary
    files: dict[str, str]
    unread: frozenset[str] = frozenset()
    policy: Policy | None = Policy()
    policy_file: str | None = None


def compile_journeys(
    journeys: Mapping[str, str],
    vocabulary: tuple[str, str] | None,
    templates: Templates,
    checker: ContentChecker,
    *,
    others: Mapping[str, str] | None = None,
    policy: tuple[str, str] | None = None,
) -> Compilation:
    """``journeys`` are texts by file; ``vocabulary`` and ``policy`` are each a file and its text; ``others`` are journeys that
    are there and are not asked about: they can be entered, and nothing is said of them.

    A wrong vocabulary or policy is told once, and nothing compiles until it is right; the journeys are checked all the same.
    """
    checker = CheckerCache(checker)
    texts = {**journeys, **templates.texts()}
    problems: list[Problem] = []
    reading = Reading(Vocabulary())
    if vocabulary is not None:
        texts[vocabulary[0]] = vocabulary[1]
        own = Problems(texts)
        reading = read_vocabulary(*vocabulary, own)
        check_endpoints(reading.endpoints, checker, own)
        problems.extend(own.all())
    abided = PolicyReading(Policy())
    if policy is not None:
        texts[policy[0]] = policy[1]
        own = Problems(texts)
        abided = read_policy(*policy, own)
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
            unread |= {name_in(text), PurePath(file).stem}
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
    own = Problems(texts)
    check_restrictions(reading, {one.topic.value for one in known.values() if one.topic is not None}, own)
    named = {
        one.topic.value: (one.topic, found.get(one.topic.mark.file, own)) for one in known.values() if one.topic is not None
    }
    check_topics(reading, named, own)
    names = frozenset(name for name in unread if name)
    if not names:
        check_names(abided, known, named, own)
    problems.extend(own.all())
    all_ = OtherJourneys(known, names)
    programs: dict[str, Program] = {}
    for file in journeys:
        if file in definitions:
            program = _Compiler(definitions[file], reading, abided, templates, checker, found[file], all_).program()
            if sound and not found[file].failed:
                programs[program.journey] = program
        problems.extend(found[file].all())
    # A block or a link that is wrong is met by every journey that uses it.
    unique = dict.fromkeys(problems)
    return Compilation(
        programs,
        tuple(sorted(unique, key=_place)),
        reading.vocabulary,
        files,
        names,
        None if abided.broken else abided.policy,
        policy[0] if policy is not None else None,
    )


def _place(problem: Problem) -> tuple[str, str, int, int]:
    return problem.file, problem.severity, problem.line, problem.column


def _define(file: str, text: str, problems: Problems) -> Definition | None:
    root = parse(file, text, problems)
    if root is not None:
        return define(root, problems)
    if not problems.failed:
        problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and a name")
    return None


class _Compiler:
    def __init__(
        self,
        definition: Definition,
        reading: Reading,
        abided: PolicyReading,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
        journeys: OtherJourneys,
    ) -> None:
        self.definition = definition
        self.vocabulary = reading.vocabulary
        self.abided = abided
        self.problems = problems
        self.journeys = journeys
        flow = Flow(definition.steps, problems)
        self.steps = flow.steps
        key = key_property(definition.entry, reading.vocabulary, problems)
        report_clashes(definition, self.steps, problems)
        self.names = declared_names(definition, self.steps, reading)
        self.conditions = ConditionCompiler(reading, self.names, key, problems)
        self.facts_at_step = FactsAtStep(flow, frozenset(pattern.on.value for pattern in definition.entry.on))
        self.values = self.decided()
        type_variables(variables_set(self.steps), self.names, self.facts_at_step, problems)
        self.content = MessageCompiler(
            definition.messages, reading, self.names, templates, checker, problems, purpose=definition.purpose
        )

    def program(self) -> Program:
        definition = self.definition
        entry = EntryCompiler(definition.entry, self.conditions).entry()
        segments = self.segments()
        deferral = self.abided.policy.deferral
        step_compiler = StepCompiler(definition, self.facts_at_step, self.conditions, self.content, self.journeys, deferral)
        steps = {name: step_compiler.step(name, step) for name, step in self.steps.items()}
        anywhere = self.names.at(self.facts_at_step.anywhere(), "a goal or leave")
        goal = self.goal(anywhere)
        leave = tuple(self.conditions.pattern("leave", pattern, anywhere) for pattern in definition.leave)
        self.facts_at_step.warn_of_unreached(self.problems)
        sent = {
            name: step.message.value
            for name, step in self.steps.items()
            if isinstance(step, SendText) and step.message is not None
        }
        messages = self.content.messages({name: self.facts_at_step.by_step.get(name, PathFacts()) for name in sent}, sent)
        used = {name for message in messages.values() for name in message.reads}
        abiding = Abiding(definition, self.abided, self.problems)
        stricter, sender = abiding.stricter(), abiding.sender()
        reads = everything_read(entry, self.values, segments, steps, goal, leave, messages)
        if not self.problems.failed:
            warn_of_mistakes(definition, self.steps, self.problems)
            warn_of_quiet_hours(self.steps, self.abided.policy, stricter, definition.purpose, self.problems)
            warn_of_unread_names(definition, self.steps, reads, messages.values(), self.problems)
        return Program(
            journey=definition.name.value,
            title=definition.title.value if definition.title else definition.name.value.replace("_", " ").capitalize(),
            purpose=definition.purpose,
            topic=definition.topic.value if definition.topic else None,
            entry=entry,
            values=self.values,
            segments=segments,
            late=definition.late,
            stricter=stricter,
            sender=sender,
            first=self.facts_at_step.flow.first,
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

    def decided(self) -> tuple[Assignment, ...]:
        """The values of differentiate, each of which may read those before it."""
        decided: list[Assignment] = []
        done: list[str] = []
        for name, text in self.definition.values:
            expression = self.conditions.expression(f"value {name.value}", text, self.names.in_segments(done))
            if expression is not None:
                self.names.values[name.value] = Attribute(type=expression.type, required=expression.always_known)
                decided.append(Assignment(name=name.value, type=expression.type, value=expression.condition))
            done.append(name.value)
        return tuple(decided)

    def segments(self) -> tuple[Segment, ...]:
        names = self.names.in_segments()
        return tuple(
            Segment(name=name.value, when=self.conditions.condition(f'segment "{name.value}"', when, names))
            for name, when in self.definition.segments
        )

    def goal(self, names: Names) -> Goal | None:
        goal = self.definition.goal
        if goal is None:
            return None
        patterns = tuple(self.conditions.pattern("goal", pattern, names) for pattern in goal.on)
        value: Condition | None = None
        known = [pattern.on.value for pattern in goal.on if pattern.on.value in self.vocabulary.events]
        if goal.value is not None and known:
            of_all = names.plus(self.names.of_events("event", known))
            value = self.conditions.condition("goal", goal.value, of_all, number=True)
        return Goal(on=patterns, within=goal.within, value=value, then=goal.then)
