"""The data of a file of stories: people, what happens to them, and what is expected of idic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.program.program import Program
from idic.journey.program.values import Attribute
from idic.problems import Mark
from idic.times import Duration, TimeOfDay, local


class WrittenMoment(NamedTuple):
    """A moment as it is written. ``wall`` has a zone only if the text names one; else it is the person's local time."""

    wall: datetime

    def instant(self, zone: str) -> datetime:
        """The instant, for a person who lives in ``zone`` (IANA)."""
        if self.wall.tzinfo is not None:
            return self.wall
        return local(self.wall.date(), self.wall.time(), zone)


class StoryPerson(NamedTuple):
    """A person of a story. ``consents`` are channels, each with a topic or None for all. ``seen_on_web`` is how long before the
    story's start they last visited the website; None: never. ``fewer`` and ``paused_until`` are their preferences;
    ``control``: they are in the control group."""

    name: str
    traits: Mapping[str, JsonValue]
    consents: tuple[tuple[str, str | None], ...] = ()
    suppressed: tuple[str, ...] = ()
    seen_on_web: Duration | None = None
    fewer: bool = False
    paused_until: WrittenMoment | None = None
    control: bool = False


class Pins(NamedTuple):
    """What a story fixes that is otherwise learned, drawn or answered elsewhere. ``channels`` are the person's best channels,
    in order; ``time`` is their best time (``now`` or a time of day). ``splits``: the share by step. ``calls``: the answer by
    endpoint, None for a failure. ``fails``: why a delivery fails, by step and channel ("" for every channel)."""

    channels: tuple[str, ...] = ()
    time: TimeOfDay | str | None = None
    splits: Mapping[str, str] = {}
    calls: Mapping[str, Mapping[str, JsonValue] | None] = {}
    fails: Mapping[tuple[str, str], str] = {}

    def with_more(self, more: Pins) -> Pins:
        """These pins, overridden by ``more``."""
        return Pins(
            more.channels or self.channels,
            more.time or self.time,
            {**self.splits, **more.splits},
            {**self.calls, **more.calls},
            {**self.fails, **more.fails},
        )


class AfterSpan(NamedTuple):
    """Time passes."""

    span: Duration


class UntilMoment(NamedTuple):
    """Time passes up to a moment, or to the next such time of day."""

    moment: WrittenMoment | TimeOfDay


class EventHappens(NamedTuple):
    """An event. ``about`` is the step whose message it is about. ``everywhere``: it is about a thing, and so happens to
    everybody."""

    event: str
    properties: Mapping[str, JsonValue]
    about: str | None = None
    everywhere: bool = False


class PressesLink(NamedTuple):
    """A click in the message of ``step``: on the link to ``url``, or on the one that answers ``value``."""

    step: str
    url: str | None = None
    value: str | None = None


class TraitsLearned(NamedTuple):
    """Attributes become known; with ``visits`` the person visits the website."""

    traits: Mapping[str, JsonValue]
    visits: bool = False


class PinsChanged(NamedTuple):
    """From now on these pins hold, too."""

    pins: Pins


class Expected(NamedTuple):
    """One expectation. ``kind`` is its main key, ``wanted`` its values by key, ``marks`` the place of each key."""

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
    """A story. ``start`` is its first instant, ``pins`` are by person."""

    title: str
    mark: Mark
    start: WrittenMoment
    pins: Mapping[str, Pins]
    play: tuple[StoryLine, ...]


class Storybook(NamedTuple):
    """A file of stories. ``zone`` (IANA) is for people without one, ``counted`` are the attributes that idic counts and sums.
    ``policy`` is the contact policy; its control group is decided by the stories instead."""

    file: str
    journey: str
    people: Mapping[str, StoryPerson]
    stories: tuple[Story, ...]
    zone: str
    counted: Mapping[str, Attribute] = {}
    policy: Policy = Policy()

    def zone_of(self, who: str) -> str:
        """The zone (IANA) where this person lives."""
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
        names += [entered for step in programs[name].steps.values() if (entered := step.entered_journey())]
    return tuple(reachable.values())
