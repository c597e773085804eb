"""Play the stories of a storybook on the virtual clock, and report failed expectations with the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

from idic.errors import IdicError
from idic.journey.program.program import Program
from idic.rehearse.stories.judge import Failure, Judge
from idic.rehearse.stories.story_person import PlayedPerson
from idic.rehearse.stories.storybook import (
    AfterSpan,
    EventHappens,
    Expected,
    PinsChanged,
    PressesLink,
    Story,
    Storybook,
    StoryLine,
    TraitsLearned,
    UntilMoment,
    format_moment,
)
from idic.rehearse.stories.timeline import TimelineEntry, merge_timelines

_LONGEST = timedelta(days=3660)
"""How far one line of a story may move the clock: all that time is played through."""


class StoryResult(NamedTuple):
    """How a story went. ``walked`` are the steps that somebody reached, as pairs of journey and step."""

    story: Story
    failures: tuple[Failure, ...]
    timeline: tuple[TimelineEntry, ...]
    walked: frozenset[tuple[str, str]]

    @property
    def ok(self) -> bool:
        """Whether every expectation was met."""
        return not self.failures


def play_story(book: Storybook, story: Story, programs: Sequence[Program]) -> StoryResult:
    """Play one story. It goes on after a failed expectation, and stops where it cannot go on."""
    start = story.start.instant(book.zone_of(next(iter(book.people))))
    failures: list[Failure] = []
    people: dict[str, PlayedPerson] = {}
    try:
        for name, described in book.people.items():
            people[name] = PlayedPerson(described, tuple(programs), start, story.pins[name], book.counted, book.policy)
    except IdicError as trouble:
        return StoryResult(story, (Failure(story.mark, "", str(trouble)),), (), frozenset())
    judges = {name: Judge(person) for name, person in people.items()}
    for line in story.play:
        try:
            if isinstance(line.what, Expected):
                failure = judges[line.who].judge(line.what)
                failures.extend([failure] if failure else [])
            else:
                _play(line, people)
        except IdicError as trouble:
            failures.append(Failure(line.mark, "", str(trouble)))
            break
    walked = {
        (one.program.journey, step)
        for person in people.values()
        for one in person.simulator.enrollments
        for step in one.state.began
    }
    timeline = tuple(merge_timelines(person.timeline for person in people.values()))
    return StoryResult(story, tuple(failures), timeline, frozenset(walked))


def _play(line: StoryLine, people: dict[str, PlayedPerson]) -> None:
    person = people[line.who]
    match line.what:
        case AfterSpan(span):
            _pass(people, person.after(span))
        case UntilMoment(moment):
            _pass(people, person.next(moment) if not isinstance(moment, tuple) else moment.instant(person.zone))
        case EventHappens(event, properties, about, everywhere):
            for one in people.values() if everywhere else (person,):
                one.happens(event, properties, about)
        case PressesLink(step, url, value):
            person.presses(step, url, value)
        case TraitsLearned(traits, visits):
            person.learns(traits, visits=visits)
        case PinsChanged(pins):
            person.pins = person.pins.with_more(pins)
        case Expected():
            raise AssertionError("expectations are judged, not played")
        case _:
            assert_never(line.what)


def _pass(people: dict[str, PlayedPerson], until: datetime) -> None:
    """Let time pass for everybody."""
    now = next(iter(people.values())).now
    if until < now:
        first = next(iter(people.values()))
        raise IdicError(f"time can't go back: it is already {format_moment(now, first.zone)}")
    if until - now > _LONGEST:
        raise IdicError(f"this is more than {_LONGEST.days // 365} years away: a story can't be that long")
    for person in people.values():
        person.until(until)


def unwalked_steps(programs: Sequence[Program], told: Sequence[StoryResult]) -> dict[str, list[str]]:
    """The steps that no story reaches, by journey."""
    walked = {one for story in told for one in story.walked}
    missing = {
        program.journey: [step for step in program.steps if (program.journey, step) not in walked] for program in programs
    }
    return {journey: steps for journey, steps in missing.items() if steps}
