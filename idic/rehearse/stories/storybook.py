"""A file of stories as it is played: who the people are, what happens to them, and what is expected of idic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.program.program import Program
from idic.journey.program.steps import Enter
from idic.journey.program.values import Attribute
from idic.problems import Mark
from idic.times import Duration, TimeOfDay, local


class WrittenMoment(NamedTuple):
    """A moment as it is written: ``wall`` is naive where the person lives, aware where the text says a zone."""

    wall: datetime

    def instant(self, zone: str) -> datetime:
        if self.wall.tzinfo is not None:
            return self.wall
        return local(self.wall.date(), self.wall.time(), zone)


class StoryPerson(NamedTuple):
    """``consents`` are channels, each with a topic or None for all. ``seen_on_web`` is how long before the story begins
    they were last seen there; None: never. ``fewer`` and ``paused_until`` are what they asked for on their preference page;
    ``control``: they are one of those who are left alone."""

    name: str
    traits: Mapping[str, JsonValue]
    consents: tuple[tuple[str, str | None], ...] = ()
    suppressed: tuple[str, ...] = ()
    seen_on_web: Duration | None = None
    fewer: bool = False
    paused_until: WrittenMoment | None = None
    control: bool = False


class Pins(NamedTuple):
    """What a story says of things that are learned, drawn or answered elsewhere. ``channels`` is the order that suits the
    person best, ``time`` the time of day (``now`` or a Clock). ``splits`` by step. ``calls`` by endpoint: what it answers,
    None that it fails. ``fails`` by step and channel ("" for every one): why a delivery does."""

    channels: tuple[str, ...] = ()
    time: TimeOfDay | str | None = None
    splits: Mapping[str, str] = {}
    calls: Mapping[str, Mapping[str, JsonValue] | None] = {}
    fails: Mapping[tuple[str, str], str] = {}

    def with_more(self, more: Pins) -> Pins:
        return Pins(
            more.channels or self.channels,
            more.time or self.time,
            {**self.splits, **more.splits},
            {**self.calls, **more.calls},
            {**self.fails, **more.fails},
        )


class AfterSpan(NamedTuple):
    span: Duration


class UntilMoment(NamedTuple):
    moment: WrittenMoment | TimeOfDay


class EventHappens(NamedTuple):
    """``about`` is the step whose message the event is about. ``everywhere``: it concerns a thing, and so perhaps
    everybody."""

    event: str
    properties: Mapping[str, JsonValue]
    about: str | None = None
    everywhere: bool = False


class PressesLink(NamedTuple):
    """A link in the message of ``step``: which one (``url``), or the one that answers ``value``."""

    step: str
    url: str | None = None
    value: str | None = None


class TraitsLearned(NamedTuple):
    """``traits`` become known; with ``visits`` they are seen on the web now."""

    traits: Mapping[str, JsonValue]
    visits: bool = False


class PinsChanged(NamedTuple):
    pins: Pins


class Expected(NamedTuple):
    """One expectation: ``kind`` is its leading word, ``wanted`` everything it says by word, ``marks`` where each stands."""

    kind: str
    wanted: Mapping[str, Any]
    marks: Mapping[str, Mark]


StoryEvent = AfterSpan | UntilMoment | EventHappens | PressesLink | TraitsLearned | PinsChanged
"""What moves a story on."""


class StoryLine(NamedTuple):
    """One line of a story: what happens to ``who``, or what is expected of idic."""

    who: str
    mark: Mark
    what: StoryEvent | Expected


class Story(NamedTuple):
    title: str
    mark: Mark
    start: WrittenMoment
    pins: Mapping[str, Pins]
    play: tuple[StoryLine, ...]


class Storybook(NamedTuple):
    """``zone`` is where people live who do not say, ``counted`` what idic counts and sums of everybody. ``policy`` holds for
    all of them, but for whom it leaves alone by chance: that is the stories' to say."""

    file: str
    journey: str
    people: Mapping[str, StoryPerson]
    stories: tuple[Story, ...]
    zone: str
    counted: Mapping[str, Attribute] = {}
    policy: Policy = Policy()

    def zone_of(self, who: str) -> str:
        zone = self.people[who].traits.get("zone")
        return zone if isinstance(zone, str) else self.zone


CLOCK = "%a %d %b %H:%M"
"""How instants are written for people, as for strftime."""


def format_moment(moment: datetime, zone: str) -> str:
    """``Fri 27 Mar 10:00``, where the person lives."""
    return f"{moment.astimezone(ZoneInfo(zone)):{CLOCK}}"


def reachable_programs(programs: Mapping[str, Program], journey: str) -> tuple[Program, ...]:
    """The programs that a customer of ``journey`` may walk: its own first, then those it enters, in the order they are met."""
    reachable: dict[str, Program] = {}
    names = [journey]
    while names:
        name = names.pop(0)
        if name in reachable or name not in programs:
            continue
        reachable[name] = programs[name]
        names += [step.journey for step in programs[name].steps.values() if isinstance(step, Enter)]
    return tuple(reachable.values())
