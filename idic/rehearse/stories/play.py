"""Telling the stories of a storybook on the virtual clock: what was expected and is not so, and how each story really went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, assert_never

from idic.errors import IdicError
from idic.journey.program.program import Program
from idic.rehearse.stories.judge import Failure, Judge
from idic.rehearse.stories.story_person import PlayedPerson, TimelineEntry
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

_LONGEST = timedelta(days=3660)
"""How far a story leaps at most: it is played through, day by day."""


class StoryResult(NamedTuple):
    """``walked`` are the steps that somebody came to, by journey."""

    story: Story
    failures: tuple[Failure, ...]
    timeline: tuple[TimelineEntry, ...]
    walked: frozenset[tuple[str, str]]

    @property
    def ok(self) -> bool:
        return not self.failures


def play_story(book: Storybook, story: Story, programs: Sequence[Program]) -> StoryResult:
    """Play one story. It goes on after what was not as expected, and stops where it cannot go on."""
    start = story.start.instant(book.zone_of(next(iter(book.people))))
    failures: list[Failure] = []
    stages: dict[str, PlayedPerson] = {}
    try:
        for name, person in book.people.items():
            stages[name] = PlayedPerson(person, tuple(programs), start, story.pins[name], book.counted, book.policy)
    except IdicError as trouble:
        return StoryResult(story, (Failure(story.mark, "", str(trouble)),), (), frozenset())
    judges = {name: Judge(stage) for name, stage in stages.items()}
    for line in story.play:
        try:
            if isinstance(line.what, Expected):
                failure = judges[line.who].judge(line.what)
                failures.extend([failure] if failure else [])
            else:
                _play(line, stages)
        except IdicError as trouble:
            failures.append(Failure(line.mark, "", str(trouble)))
            break
    walked = {
        (one.program.journey, step)
        for stage in stages.values()
        for one in stage.simulator.enrollments
        for step in one.state.began
    }
    return StoryResult(story, tuple(failures), tuple(_timeline(stages)), frozenset(walked))


def _play(line: StoryLine, stages: dict[str, PlayedPerson]) -> None:
    stage = stages[line.who]
    match line.what:
        case AfterSpan(span):
            _pass(stages, stage.after(span))
        case UntilMoment(moment):
            _pass(stages, stage.next(moment) if not isinstance(moment, tuple) else moment.instant(stage.zone))
        case EventHappens(event, properties, about, everywhere):
            for one in stages.values() if everywhere else (stage,):
                one.happens(event, properties, about)
        case PressesLink(step, url, value):
            stage.presses(step, url, value)
        case TraitsLearned(traits, visits):
            stage.learns(traits, visits=visits)
        case PinsChanged(pins):
            stage.pins = stage.pins.with_more(pins)
        case Expected():
            raise AssertionError("what is expected is judged")
        case _:
            assert_never(line.what)


def _pass(stages: dict[str, PlayedPerson], until: datetime) -> None:
    """Time passes for everybody."""
    now = next(iter(stages.values())).now
    if until < now:
        first = next(iter(stages.values()))
        raise IdicError(f"time does not run backwards: it is {format_moment(now, first.zone)} already")
    if until - now > _LONGEST:
        raise IdicError(f"this is more than {_LONGEST.days // 365} years away, and a story is not that long")
    for stage in stages.values():
        stage.until(until)


def _timeline(stages: dict[str, PlayedPerson]) -> list[TimelineEntry]:
    """Everything that happened to everybody, by its instant; the same again and again is one line."""
    found: list[TimelineEntry] = []
    for entry in sorted((entry for stage in stages.values() for entry in stage.log), key=lambda entry: entry.at):
        last = found[-1] if found else None
        if last is not None and entry.idic and (last.who, last.text, last.idic) == (entry.who, entry.text, entry.idic):
            found[-1] = last._replace(times=last.times + 1, until=entry.at)
        else:
            found.append(entry)
    return found


def unwalked_steps(programs: Sequence[Program], told: Sequence[StoryResult]) -> dict[str, list[str]]:
    """The steps that no story comes to, by journey."""
    walked = {one for story in told for one in story.walked}
    missing = {
        program.journey: [step for step in program.steps if (program.journey, step) not in walked] for program in programs
    }
    return {journey: steps for journey, steps in missing.items() if steps}
