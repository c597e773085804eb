"""Compile journeys: text → program. Pure: all texts are arguments, and so is the checker of templates.

There are two passes over the steps. The first resolves where each branch goes, which tells what is known at each step. The
second uses that to check conditions and content. Problems are collected throughout, so that an author sees all of them.
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
from idic.journey.contact_policy.stricter_policy import StricterPolicyReader, warn_of_quiet_hours
from idic.journey.definition.definition import Definition, SendDefinition
from idic.journey.definition.read_journey import read_definition
from idic.journey.expressions.context import Names
from idic.journey.program.entry import Goal, Segment
from idic.journey.program.program import Program
from idic.journey.program.reads import everything_read
from idic.journey.program.steps import STEP_KINDS
from idic.journey.program.values import Assignment, Attribute, Condition
from idic.journey.template_checker import ContentChecker
from idic.journey.vocabulary.endpoints import check_endpoints
from idic.journey.vocabulary.read_vocabulary import Reading, check_restrictions, check_topics, read_vocabulary
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.journey.yaml_source.nodes import parse
from idic.problems import Mark, Problem, Problems


class Compilation(NamedTuple):
    """The result of compiling a folder.

    ``programs`` are the journeys without errors, by name. ``problems`` are those of all files, sorted by file and place.
    ``files`` are the journey files by name of the journey. ``unread`` are the names of journeys whose files cannot be read.
    ``policy`` is None if it is wrong. ``policy_file`` is None if there is no such file; the policy then has its defaults.
    """

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
    """Compile journeys with their vocabulary, contact policy and templates.

    ``journeys`` are texts by file; ``vocabulary`` and ``policy`` are each a file and its text. ``others`` are the remaining
    journeys of the folder: steps can enter them, and their problems are not reported.

    With an error in the vocabulary or in the policy no program is returned; the journeys are checked all the same.
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
    policy_reading = PolicyReading(Policy())
    if policy is not None:
        texts[policy[0]] = policy[1]
        own = Problems(texts)
        policy_reading = read_policy(*policy, own)
        problems.extend(own.all())
    sound = not any(problem.severity == "error" for problem in problems)
    problems_of = {file: Problems(texts) for file in journeys}
    definitions, known, files, unread = _read_journeys(journeys, others or {}, problems_of)
    own = Problems(texts)
    topics = [definition.topic for definition in known.values() if definition.topic is not None]
    check_restrictions(reading, {topic.value for topic in topics}, own)
    named_topics = {topic.value: (topic, problems_of.get(topic.mark.file, own)) for topic in topics}
    check_topics(reading, named_topics, own)
    if not unread:
        check_names(policy_reading, known, named_topics, own)
    problems.extend(own.all())
    other_journeys = OtherJourneys(known, unread)
    programs: dict[str, Program] = {}
    for file in journeys:
        if file in definitions:
            program = _Compiler(
                definitions[file], reading, policy_reading, templates, checker, problems_of[file], other_journeys
            ).program()
            if sound and not problems_of[file].failed:
                programs[program.journey] = program
        problems.extend(problems_of[file].all())
    # A wrong block or link is found by every journey that uses it.
    unique = dict.fromkeys(problems)
    return Compilation(
        programs,
        tuple(sorted(unique, key=_place)),
        reading.vocabulary,
        files,
        unread,
        None if policy_reading.broken else policy_reading.policy,
        policy[0] if policy is not None else None,
    )


def _place(problem: Problem) -> tuple[str, str, int, int]:
    return problem.file, problem.severity, problem.line, problem.column


class _ReadJourneys(NamedTuple):
    """The definitions of the journeys to compile, by file; those of all journeys, by name; the file of each journey to compile;
    and the names of journeys whose files cannot be read."""

    definitions: dict[str, Definition]
    known: dict[str, Definition]
    files: dict[str, str]
    unread: frozenset[str]


def _read_journeys(
    journeys: Mapping[str, str], others: Mapping[str, str], problems_of: Mapping[str, Problems]
) -> _ReadJourneys:
    """Read all journey files; report names that two files share."""
    definitions: dict[str, Definition] = {}
    known: dict[str, Definition] = {}
    files: dict[str, str] = {}
    unread: set[str | None] = set()
    for file, text in {**others, **journeys}.items():
        definition = _define(file, text, problems_of.get(file, Problems({})))
        if definition is None:
            unread |= {name_in(text), PurePath(file).stem}
            continue
        name = definition.name
        known[name.value] = definition
        if file not in journeys:
            continue
        definitions[file] = definition
        if name.value in files:
            problems_of[file].error(
                name.mark, f'journey "{name.value}" is in {files[name.value]} already', "choose another name"
            )
        elif name.value:
            files[name.value] = file
    return _ReadJourneys(definitions, known, files, frozenset(name for name in unread if name))


def _define(file: str, text: str, problems: Problems) -> Definition | None:
    root = parse(file, text, problems)
    if root is not None:
        return read_definition(root, problems, STEP_KINDS)
    if not problems.failed:
        problems.error(Mark(file, 1, 1), "the file is empty", "begin with journey: and a name")
    return None


class _Compiler:
    """Compiles one journey."""

    def __init__(
        self,
        definition: Definition,
        reading: Reading,
        policy: PolicyReading,
        templates: Templates,
        checker: ContentChecker,
        problems: Problems,
        journeys: OtherJourneys,
    ) -> None:
        self.definition = definition
        self.vocabulary = reading.vocabulary
        self.policy = policy
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
        self.messages = MessageCompiler(
            definition.messages, reading, self.names, templates, checker, problems, purpose=definition.purpose
        )

    def program(self) -> Program:
        """The program of this journey; of use only if no error was reported."""
        definition = self.definition
        entry = EntryCompiler(definition.entry, self.conditions).entry()
        segments = self.segments()
        deferral = self.policy.policy.deferral
        step_compiler = StepCompiler(definition, self.facts_at_step, self.conditions, self.messages, self.journeys, deferral)
        steps = {name: step_compiler.step(name, step) for name, step in self.steps.items()}
        anywhere = self.names.at(self.facts_at_step.anywhere(), "a goal or leave")
        goal = self.goal(anywhere)
        leave = tuple(self.conditions.pattern("leave", pattern, anywhere) for pattern in definition.leave)
        self.facts_at_step.warn_of_unreachable_steps(self.problems)
        sent = {
            name: step.message.value
            for name, step in self.steps.items()
            if isinstance(step, SendDefinition) and step.message is not None
        }
        messages = self.messages.messages({name: self.facts_at_step.by_step.get(name, PathFacts()) for name in sent}, sent)
        used = {name for message in messages.values() for name in message.reads}
        abiding = StricterPolicyReader(definition, self.policy, self.problems)
        stricter, sender = abiding.stricter(), abiding.sender()
        reads = everything_read(entry, self.values, segments, steps, goal, leave, messages)
        if not self.problems.failed:
            warn_of_mistakes(definition, self.steps, self.problems)
            warn_of_quiet_hours(self.steps, self.policy.policy, stricter, definition.purpose, self.problems)
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
            customer={
                name.removeprefix("customer."): attribute for name, attribute in reads.items() if name.startswith("customer.")
            },
            currency=self.vocabulary.currency,
            zone=self.vocabulary.zone,
            country=self.vocabulary.country,
            language=self.vocabulary.languages[0],
            languages=self.vocabulary.languages,
        )

    def decided(self) -> tuple[Assignment, ...]:
        """The values under ``differentiate``; each may read those before it."""
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
        """The segments under ``differentiate``, in their order."""
        names = self.names.in_segments()
        return tuple(
            Segment(name=name.value, when=self.conditions.condition(f'segment "{name.value}"', when, names))
            for name, when in self.definition.segments
        )

    def goal(self, names: Names) -> Goal | None:
        """The goal; None if the journey has none."""
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
