"""Invent a crowd: any number of customers, one at a time, from a vocabulary, rates and a seed.

A customer's life depends on the seed and the customer's number alone. The same crowd lives the same life under another
journey; only the reactions to messages differ.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, NamedTuple

from idic.frozen import Frozen
from idic.interact.channels.web import WEB_MEMORY
from idic.interact.policy.touch_request import Consent
from idic.journey.channels import ADDRESS_ATTRIBUTES, CHANNELS, EMAIL, is_placed
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.program.values import Condition
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.rehearse.crowd.behaviour import CrowdBehaviour, FollowRate, MessageReactions, PoissonRate, id_properties
from idic.rehearse.crowd.crowd_person import CrowdPerson, Happening
from idic.rehearse.crowd.invent_values import Draw, Inventor, answer_values, compared_texts, drawn_alike
from idic.rehearse.simulator import SentMessage, message_properties


class _Event(NamedTuple):
    """How to invent an event: its properties; its ids; the ids that a customer uses for a while (``kept``); the ids whose use
    it ends (``closes``); and the events that may follow. ``thing``: it is about a thing and happens to everybody."""

    name: str
    properties: tuple[tuple[str, Draw], ...]
    ids: tuple[str, ...]
    kept: tuple[str, ...]
    closes: tuple[str, ...]
    followers: tuple[tuple[str, FollowRate], ...]
    thing: bool


class InventedCrowd:
    """``count`` customers who live from ``start`` up to ``end``. Each is invented when the iteration reaches it."""

    def __init__(
        self,
        programs: Sequence[Program],
        vocabulary: Vocabulary,
        behaviour: CrowdBehaviour,
        *,
        count: int,
        start: datetime,
        end: datetime,
        seed: int,
    ) -> None:
        self.behaviour = behaviour
        self.count = count
        self.start = start
        self.end = end
        self._seed = seed
        self._programs = {program.journey: program for program in programs}
        asked = [condition for program in programs for condition in conditions(program)]
        self._inventor = Inventor(
            behaviour, vocabulary.zone, vocabulary.languages, compared_texts(asked), drawn_alike(asked), start
        )
        self._traits = tuple(
            (name, self._inventor.maybe(name, attribute, behaviour.known.get(name, 0.9)))
            for name, attribute in vocabulary.customer.items()
            if not (attribute.counted_event or name in ADDRESS_ATTRIBUTES)
        )
        self._consented = tuple(behaviour.consents.items())
        self._events = {name: self._event(name, vocabulary) for name in behaviour.events}
        self._often = tuple(
            (self._events[name], rate.per_second)
            for name, rate in behaviour.events.items()
            if isinstance(rate, PoissonRate) and rate.per_second > 0 and name not in vocabulary.about
        )
        self._things = self._of_things(vocabulary)
        counted = {event for program in programs for _, _, event in program.computed}
        summed = {attribute.sums for program in programs for attribute in program.customer.values() if attribute.sums}
        self._past = tuple(
            (
                name,
                tuple((prop, draw) for prop, draw in self._events[name].properties if (name, prop) in summed),
                self._a_second(name),
            )
            for name in sorted(counted & self._events.keys())
        )
        self._past_seconds = behaviour.history.longest.total_seconds()
        self._keep = behaviour.keep.longest
        self._goals = {
            program.journey: program.goal.on[0]
            for program in programs
            if program.goal and program.goal.on[0].on in self._events
        }
        self._answers = {
            (program.journey, message): answer_values(program, message) for program in programs for message in program.messages
        }

    def __iter__(self) -> Iterator[CrowdPerson]:
        return (self.person(number) for number in range(1, self.count + 1))

    def person(self, number: int) -> CrowdPerson:
        """The customer with this number, the same in whatever order customers are invented."""
        rng = Random(f"{self._seed}/{number}")
        name = f"customer-{number}"
        traits = {name: value for name, draw in self._traits if (value := draw(rng, self.start)) is not None}
        web = False
        for channel in CHANNELS.values():
            reached = rng.random() < self.behaviour.reach.get(channel.name, 0.0)
            if channel.placed:
                web = reached
            elif reached and channel.attribute is not None and (invented := channel.invented_addresses):
                traits[channel.attribute] = invented[number % len(invented)].format(number=number)
        agreed = tuple(
            Consent(channel, None, True, self.start, confirmed=True)
            for channel, share in self._consented
            if rng.random() < share
        )
        # Web visitors were on the site some time in the last weeks, and are on it for their events.
        ago = rng.random() * WEB_MEMORY
        seen_at = self.start - ago if web else None
        return CrowdPerson(
            name,
            traits,
            agreed,
            seen_at,
            self._before(rng),
            # Properties have their own generator: how many of them are drawn must not change when events happen.
            self._life(rng, Random(f"{self._seed}/{number}/telling"), seen=web),
            partial(self._react, _Later(f"{self._seed}/{number}/reactions")),
        )

    # Events.

    def _life(self, rng: Random, telling: Random, *, seen: bool) -> list[Happening]:
        seconds = (self.end - self.start).total_seconds()
        coming: list[tuple[datetime, int, _Event, Mapping[str, Any]]] = []
        for event, happening in self._things:
            insort(coming, (happening.at, len(coming), event, happening.properties))
        for event, per_second in self._often:
            elapsed = rng.expovariate(per_second)
            while elapsed < seconds:
                insort(coming, (self.start + timedelta(seconds=elapsed), len(coming), event, {}))
                elapsed += rng.expovariate(per_second)
        life: list[Happening] = []
        current: dict[str, tuple[str, datetime]] = {}
        number = len(coming)
        while coming:
            at, _, event, inherited = coming.pop(0)
            if event.thing:
                life.append(Happening(at, event.name, inherited))
                continue
            properties = self._properties(event, telling, at, inherited, current)
            life.append(Happening(at, event.name, properties, seen=seen))
            for follower, after in event.followers:
                if rng.random() < after.share:
                    later = at + rng.random() ** 2 * after.within.longest
                    if later < self.end:
                        number += 1
                        insort(coming, (later, number, self._events[follower], properties))
        return life

    def _properties(
        self,
        event: _Event,
        rng: Random,
        at: datetime,
        inherited: Mapping[str, Any],
        current: dict[str, tuple[str, datetime]],
    ) -> dict[str, Any]:
        properties = {name: value for name, draw in event.properties if (value := draw(rng, at)) is not None}
        for name in event.ids:
            used, last = current.get(name, ("", self.start))
            if name in inherited:
                properties[name] = inherited[name]
            elif name in event.kept and used and at - last <= self._keep:
                properties[name] = used
            else:
                properties[name] = f"{name.removesuffix('_id')}-{rng.getrandbits(40):010x}"
            if name in event.closes:
                current.pop(name, None)
            elif name in event.kept:
                current[name] = (properties[name], at)
        return properties

    def _before(self, rng: Random) -> list[Happening]:
        """The past events that counts and sums need."""
        past = []
        for name, summed, per_second in self._past:
            elapsed = rng.expovariate(per_second) if per_second else self._past_seconds
            while elapsed < self._past_seconds:
                at = self.start - timedelta(seconds=elapsed)
                past.append(Happening(at, name, {prop: draw(rng, at) for prop, draw in summed}))
                elapsed += rng.expovariate(per_second)
        past.sort(key=lambda happening: happening.at)
        return past

    # Reactions to messages.

    def _react(self, later: _Later, sent: SentMessage) -> list[Happening]:
        rng = later.rng
        reactions = self.behaviour.reactions.get(sent.channel, _NONE)
        # All are drawn each time, so that changing one rate changes nothing else.
        opens, clicks, leaves, converts, answered = (rng.random() for _ in range(5))
        if rng.random() >= reactions.delivered:
            return []
        message = message_properties(sent)
        about_message = partial(Happening, step=sent.step, enrollment=sent.enrollment)
        delivered = sent.at + timedelta(seconds=1 + rng.random() * 60)
        happenings = [about_message(delivered, "Message Shown" if is_placed(sent.channel) else "Message Delivered", message)]
        # Half of the reactions come within two hours.
        read = delivered + timedelta(seconds=rng.expovariate(1 / 10_400))
        if sent.channel == EMAIL.name and (opens < reactions.opened or clicks < reactions.clicked):
            happenings.append(about_message(read, "Email Opened", message))
        if clicks < reactions.clicked:
            values = self._answers.get((sent.journey, sent.message), ())
            value = {"value": values[int(answered * len(values))]} if values else {}
            happenings.append(about_message(read + timedelta(seconds=30), "Link Clicked", {**message, **value}, seen=True))
        if leaves < reactions.unsubscribed:
            happenings.append(Happening(read + timedelta(minutes=1), "Consent Withdrawn", {"channel": sent.channel}))
        goal = self._goals.get(sent.journey)
        if goal is not None and converts < reactions.converted:
            at = read + timedelta(hours=1)
            properties = self._properties(self._events[goal.on], rng, at, {}, {})
            if goal.key is not None and sent.key is not None:
                properties[goal.key] = sent.key
            happenings.append(Happening(at, goal.on, properties, seen=is_placed(sent.channel)))
        return happenings

    # Preparation.

    def _event(self, name: str, vocabulary: Vocabulary) -> _Event:
        declared = vocabulary.events.get(name, {})
        keys = {program.entry.key for program in self._programs.values()}
        closing = {
            pattern.key
            for program in self._programs.values()
            for pattern in (*(program.goal.on if program.goal else ()), *program.leave)
            if pattern.on == name and pattern.key
        }
        ids = id_properties(vocabulary, name) | {key for key in keys if key in declared and declared[key].type.kind == "text"}
        return _Event(
            name,
            tuple(
                (prop, self._inventor.maybe(prop, attribute, 0.8)) for prop, attribute in declared.items() if prop not in ids
            ),
            tuple(sorted(ids)),
            tuple(sorted(id_ for id_ in ids if id_ in keys)),
            tuple(sorted(closing)),
            tuple(
                (follower, after)
                for follower, after in self.behaviour.events.items()
                if isinstance(after, FollowRate) and after.event == name and after.share > 0
            ),
            name in vocabulary.about,
        )

    def _of_things(self, vocabulary: Vocabulary) -> list[tuple[_Event, Happening]]:
        """The events about things, once for the whole crowd."""
        rng = Random(f"{self._seed}/things")
        happenings = []
        for name, rate in self.behaviour.events.items():
            if name not in vocabulary.about or not isinstance(rate, PoissonRate) or rate.per_second <= 0:
                continue
            at = self.start + timedelta(seconds=rng.expovariate(rate.per_second))
            while at < self.end:
                event = self._events[name]
                happenings.append((event, Happening(at, name, self._properties(event, rng, at, {}, {}))))
                at += timedelta(seconds=rng.expovariate(rate.per_second))
        return happenings

    def answer(self, program: Program, step: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer of the service that a step calls, or None for a failure. Equal calls have equal answers."""
        asked = program.steps[step]
        assert isinstance(asked, Call)
        rng = Random(f"{self._seed}/{step}/{sorted(given.items(), key=str)}")
        if rng.random() >= self.behaviour.calls:
            return None
        draws = ((name, self._inventor.maybe(name, attribute, 0.8)) for name, attribute in asked.endpoint.gives.items())
        return {name: value for name, draw in draws if (value := draw(rng, self.start)) is not None}

    def _a_second(self, name: str) -> float:
        rate = self.behaviour.events[name]
        return (
            rate.per_second
            if isinstance(rate, PoissonRate)
            else rate.share * self._a_second(rate.event)
            if rate.event in self.behaviour.events
            else 0.0
        )


_NONE = MessageReactions(delivered=0, opened=0, clicked=0, unsubscribed=0, converted=0)


class _Later:
    """A generator that is made when it is first needed: most customers get no message."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._rng: Random | None = None

    @property
    def rng(self) -> Random:
        if self._rng is None:
            self._rng = Random(self._seed)
        return self._rng


def conditions(program: Program) -> Iterator[Condition]:
    """Every condition of a program."""

    def within(value: object) -> Iterator[Condition]:
        if isinstance(value, Condition):
            yield value
        elif isinstance(value, Mapping):
            for part in value.values():
                yield from within(part)
        elif isinstance(value, tuple | list):
            for part in value:
                yield from within(part)
        elif isinstance(value, Frozen):
            for field in type(value).model_fields:
                yield from within(getattr(value, field))

    for part in (program.entry, program.values, program.segments, program.steps, program.goal, program.leave):
        yield from within(part)
