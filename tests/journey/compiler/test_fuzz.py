"""Mutate valid journeys at random: the check never crashes, and every journey that it accepts runs.

``IDIC_FUZZ=20000 pytest tests/journey/compiler/test_fuzz.py`` runs longer, with other mutations each time.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idic.customize.compose import compose_email, compose_sms, compose_web
from idic.customize.dry_run import dry_run, sample_value
from idic.errors import CannotCompose
from idic.journey.engine.admission import DUE, REQUESTED, due_event, next_due, scheduled
from idic.journey.engine.scope import Scope
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.program.values import Attribute
from idic.journey.report.bounds import bounds
from idic.journey.report.report import describe_bounds, describe_matching, describe_reads
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES
from idic.journey.vocabulary.read_vocabulary import read_vocabulary
from idic.journey.vocabulary.types import never_missing
from idic.problems import Problems
from idic.rehearse.simulator import SentMessage, Simulator
from tests.journey.read_fixtures import HERE, VOCABULARY, compiled

LONGER = int(os.environ.get("IDIC_FUZZ", "0"))
TEXTS = [path.read_text() for path in sorted((HERE / "accepted").glob("*.yaml"))]
EVERY_STEP = (HERE / "accepted" / "every_step.yaml").read_text()
WORDS = sorted({word for text in TEXTS for word in re.findall(r"[\w.]+|[^\w\s]+", text)})
LINES = sorted({line for text in TEXTS for line in text.splitlines()})
ODD = [
    "\t", "\0", "\r\n", "\ufeff", "\u2028", "“", "”", "é", "😀", "{{", "}}", "{%", "{", "}", "[", "]", "'", '"', "#", " #", ":",
    ": ", "- ", "--- ", "? ", "| ", "> ", "*a", "&a ", "!a ", "@", "%", "\\", ",", "0", "-1", "1e999", "9" * 30, "(" * 50, "..",
]  # fmt: skip
WORD = re.compile(r"[\w.]+|[^\w\s]+")
WORDS_OF = read_vocabulary("vocabulary.yaml", VOCABULARY, Problems({})).vocabulary
FRIDAY = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)

numbers = st.integers(0, 9999)
mutations = st.lists(st.tuples(st.integers(0, 8), numbers, numbers), min_size=1, max_size=4)


def mutated(text: str, mutation: tuple[int, int, int]) -> str:
    kind, a, b = mutation
    lines = text.split("\n")
    at, other = a % len(lines), b % len(lines)
    line = lines[at]
    match kind:
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, line)
        case 2:
            lines[at], lines[other] = lines[other], line
        case 3:
            lines[at] = " " * (b % 13) + line.lstrip()
        case 4 | 5:
            words = list(WORD.finditer(line))
            if words:
                word = words[b % len(words)]
                lines[at] = f"{line[: word.start()]}{WORDS[(a * 31 + b) % len(WORDS)]}{line[word.end() :]}"
        case 6:
            place = b % (len(line) + 1)
            lines[at] = f"{line[:place]}{ODD[(a + b) % len(ODD)]}{line[place:]}"
        case 7:
            lines.insert(at, LINES[b % len(LINES)])
        case _:
            return text[: a * 7 % (len(text) + 1)]
    return "\n".join(lines)


@settings(
    max_examples=LONGER or 250, derandomize=not LONGER, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(st.sampled_from(TEXTS), mutations)
def test_a_mutated_journey_is_refused_or_runs(text: str, changes: list[tuple[int, int, int]]) -> None:
    for change in changes:
        text = mutated(text, change)
    with no_longer_than(60):
        for program in compiled(text).programs.values():
            assert Program.model_validate(program.document()) == program
            assert describe_bounds(program)
            assert describe_reads(program, WORDS_OF)
            describe_matching(program)
            for everything in (True, False):
                live(program, everything)


@settings(
    max_examples=LONGER or 60, derandomize=not LONGER, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(mutations)
def test_a_mutated_vocabulary_is_refused_or_accepted(changes: list[tuple[int, int, int]]) -> None:
    text = VOCABULARY
    for change in changes:
        text = mutated(text, change)
    with no_longer_than(60):
        compiled(EVERY_STEP, vocabulary=text)


def test_every_journey_that_checks_runs() -> None:
    for text in TEXTS:
        (program,) = compiled(text).programs.values()
        assert not dry_run(program)
        for everything in (True, False):
            live(program, everything)


def live(program: Program, everything: bool) -> None:
    """A customer goes through the whole journey, with all values known or none."""
    customer = Simulator(
        [program],
        FRIDAY,
        traits=known(WORDS_OF.customer, everything=True) if everything else {},
        zone="Europe/Berlin",
        call=lambda step, given: answer(program, step) if everything else None,
    )
    enter(program, customer, everything)
    for span in (timedelta(minutes=5), timedelta(days=1), timedelta(days=9)):
        customer.until(customer.now + span)
        for name, properties in WORDS_OF.events.items():
            about = customer.sent[-1].step if name in ABOUT_MESSAGES and customer.sent else None
            customer.happens(name, known(properties, everything=everything), about=about)
    customer.until(customer.now + timedelta(days=900))
    keep_bounds(program, customer)
    for sent in {(sent.message, sent.channel, sent.step): sent for sent in customer.sent}.values():
        write(program, customer, sent)


def keep_bounds(program: Program, customer: Simulator) -> None:
    """The journey stays within the bounds that the check reports."""
    most = bounds(program)
    for enrollment in customer.enrollments:
        state = enrollment.state
        channels = [sent.channel for sent in customer.sent if sent.enrollment == state.enrollment]
        assert len(channels) <= most.messages
        assert all(channels.count(channel) <= most.most[channel] for channel in channels)
        assert state.ended or most.resetting or most.moments
        if state.ended and not (most.resetting or most.moments):
            # The clocks may change once or twice in that time.
            assert state.ended.at - state.entered_at <= most.longest + timedelta(hours=2)


def enter(program: Program, customer: Simulator, everything: bool) -> None:
    if scheduled(program.entry):
        due = next_due(program.entry, program, customer.facts(program), customer.now)
        if due is not None:
            customer.until(due)
            customer.asks(program, DUE, due_event(program, customer.facts(program), due))
    for pattern in program.entry.on:
        customer.asks(program, REQUESTED, known(WORDS_OF.events[pattern.on], everything=everything))


def known(attributes: Mapping[str, Attribute], *, everything: bool) -> dict[str, Any]:
    """A value of each attribute, or only of those that are never missing."""
    chosen = {name: attribute for name, attribute in attributes.items() if everything or never_missing(attribute)}
    soon = {"date": "2026-04-10", "moment": "2026-04-10T10:00:00+00:00"}
    return {
        name: soon.get(attribute.type.kind) or sample_value(attribute.type, name)
        for name, attribute in chosen.items()
        if not attribute.counts
    }


def answer(program: Program, step: str) -> dict[str, Any]:
    call = program.steps[step]
    assert isinstance(call, Call)
    return known(call.endpoint.gives, everything=True)


def write(program: Program, customer: Simulator, sent: SentMessage) -> None:
    """A sent message can be composed, or fails with a reason."""
    (enrollment,) = (each for each in customer.enrollments if each.state.enrollment == sent.enrollment)
    scope = Scope(program, customer.facts(program), sent.at, enrollment.state)
    try:
        match sent.channel:
            case "email":
                compose_email(program, sent.message, scope, track=str, unsubscribe_url="https://a.example", answer=link)
            case "sms":
                compose_sms(program, sent.message, scope, track=str, unsubscribe_url="https://a.example", answer=link)
            case _:
                compose_web(program, sent.message, scope, answer=link)
    except CannotCompose:
        pass


def link(value: str, url: str | None) -> str:
    return f"https://a.example/{len(value)}"


@contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
