"""Rehearse journeys with a crowd, one customer after the other, and count the results.

Each customer lives in the simulator, with the real rules of entry, the real contact policy and a virtual clock. Only counts
are kept of them.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any

from idic.differentiate.counted import CountedEvent
from idic.differentiate.profile import zone_of
from idic.interact import preferences
from idic.interact.best.pick import best_channel, best_hour
from idic.interact.best.response_model import ANSWERS, History, MessageResponse, ResponseGroups
from idic.interact.channels.channel_edge import Reach
from idic.interact.consent import EVENTS as CONSENTS
from idic.interact.policy.decide import ask as ask_policy
from idic.interact.policy.decide import quiet_for
from idic.interact.policy.rules import Rule
from idic.interact.policy.rules import rules as rules_of
from idic.interact.policy.touch_request import PolicyFacts
from idic.interact.reach import reach
from idic.journey.channels import EMAIL, is_placed
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.admission import DUE, StayOut, day_of, due_event, full, next_due, scheduled
from idic.journey.engine.protocol import Best, BestTime, MayWe, Ranked, Timed, Verdict
from idic.journey.engine.state import Touched
from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.journey.vocabulary.built_in import ABOUT_MESSAGES
from idic.rehearse.contact_history import ContactHistory, consent_by, consent_of, preferences_of
from idic.rehearse.crowd.crowd_person import CrowdPerson, Happening
from idic.rehearse.crowd.results import COUNTED, CrowdResults
from idic.rehearse.simulator import SentMessage, Simulator

Calls = Callable[[Program, str, Mapping[str, Any]], Mapping[str, Any] | None]
"""The answer of a step's endpoint to the values it is called with; None is a failure."""

_BECAME = {
    "Link Clicked": "clicked",
    "Email Opened": "opened",
    "Message Delivered": "delivered",
    "Message Shown": "shown",
    "Message Bounced": "bounced",
    "Replied": "replied",
}
_SAYS_NOTHING = frozenset(_BECAME) - {*ANSWERS, "Replied"}
"""Events of messages that are no responses: they only count, unless a journey listens for them."""
_MOMENT = timedelta(microseconds=1)
_CROWD = ResponseGroups()
"""No responses of other customers: best channels and times are chosen by the customer's own."""


class Rehearsal:
    """A rehearsal of ``programs`` from ``start`` up to ``end``. ``zone`` (IANA) is for customers without one. Where a journey
    lets in ``at_most`` so many a day, it lets in the first in the order of customers, not by time."""

    def __init__(
        self,
        programs: Sequence[Program],
        results: CrowdResults,
        *,
        start: datetime,
        end: datetime,
        zone: str,
        calls: Calls = lambda program, step, given: None,
        policy: Policy | None = None,
    ) -> None:
        self.programs = programs
        self.results = results
        self.start = start
        self.end = end
        self.zone = zone
        self.calls = calls
        self.policy = policy or Policy()
        self.heard = frozenset(name for program in programs for name in program.hears)
        self.scheduled = [program for program in programs if scheduled(program.entry)]
        self._entered: Counter[tuple[str, str]] = Counter()
        # Made once: a crowd asks for them a million times.
        self._rules = {program.journey: rules_of(self.policy, program) for program in programs}

    def rules(self, policy: Policy, program: Program) -> Sequence[Rule]:
        """The rules of the policy for a program, made once for all customers."""
        return self._rules[program.journey]

    def live(self, person: CrowdPerson) -> None:
        """Let one customer live from start to end, and count the results."""
        _Life(self, person).live()

    def run(self, people: Iterable[CrowdPerson], stop: Callable[[], bool] = lambda: False) -> bool:
        """Rehearse all customers, until ``stop`` returns True (it is asked between two). Returns whether all were rehearsed."""
        with _rare_collection():
            for person in people:
                if stop():
                    return False
                self.live(person)
        return True

    def room(self, program: Program, at: datetime) -> StayOut | None:
        """Count an entry on this day; or return why no more are let in."""
        if program.entry.at_most is None:
            return None
        day = (program.journey, day_of(program, at))
        if self._entered[day] >= program.entry.at_most:
            return full(program)
        self._entered[day] += 1
        return None


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Collect garbage rarely: objects from before stay, and each customer's are freed by reference counting. Looking for cycles
    as often as usual would cost a tenth of the time."""
    gc.collect()
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class _Life:
    """The rehearsal of one customer. ``coming`` are the events to come, as a heap by instant."""

    def __init__(self, rehearsal: Rehearsal, person: CrowdPerson) -> None:
        self.rehearsal = rehearsal
        self.person = person
        self.consents = list(person.consents)
        self.seen_at = person.web_seen_at
        self.fewer, self.paused_until = preferences_of({})
        self.history = {purpose: History() for purpose in ("marketing", "service")}
        self.contact_history = ContactHistory(rehearsal.programs, rehearsal.policy)
        self.became: list[tuple[str, str, str]] = []
        traits = dict(person.traits)
        past: dict[str, list[CountedEvent]] = {}
        for happening in person.past:
            if happening.name:
                self._notice(happening)
                past.setdefault(happening.name, []).append(CountedEvent(happening.at, happening.properties))
            else:
                traits.update(happening.properties)
        self.simulator = Simulator(
            rehearsal.programs,
            rehearsal.start,
            traits={name: value for name, value in traits.items() if value is not None},
            zone=zone_of(traits, rehearsal.zone),
            customer=person.id,
            past=past,
            policy=self._may_we,
            best=self._best,
            best_time=self._best_time,
            call=self._call,
            deliver=self._deliver,
            room=rehearsal.room,
            kept=COUNTED,
        )
        self.coming = [(happening.at, number, happening) for number, happening in enumerate(person.life)]
        heapify(self.coming)
        self.number = len(self.coming)

    def live(self) -> None:
        simulator, coming, end = self.simulator, self.coming, self.rehearsal.end
        upto = {program.journey: self.rehearsal.start - _MOMENT for program in self.rehearsal.scheduled}
        due = [one for program in self.rehearsal.scheduled if (one := self._due(program, upto))]
        while True:
            # A due step may send, and its message may be answered before the next event: do one thing at a time.
            at = coming[0][0] if coming else end
            if due:
                at = min(at, min(due)[0])
            deadline = simulator.deadline
            if deadline is not None and deadline < at and deadline < end:
                simulator.until(deadline)
                continue
            if at >= end:
                break
            simulator.becomes(at)
            if due and (first := min(due))[0] == at:
                program = simulator.programs[first[1]]
                upto[program.journey] = at
                simulator.asks(program, DUE, due_event(program, simulator.facts(program), at))
            else:
                self._happens(heappop(coming)[2])
            if self.rehearsal.scheduled:
                due = [one for program in self.rehearsal.scheduled if (one := self._due(program, upto))]
        simulator.until(end - _MOMENT)
        self.rehearsal.results.add(
            simulator.enrollments,
            simulator.sent,
            ((journey, why.code) for journey, why in simulator.refused),
            self.became,
        )
        # The simulator refers to this object and this object to it: without the cycle both are freed at once.
        del self.simulator

    def _due(self, program: Program, upto: Mapping[str, datetime]) -> tuple[datetime, int] | None:
        """When the customer may next enter a scheduled journey, and the index of its program."""
        since = max(upto[program.journey], self.simulator.now - _MOMENT)
        at = next_due(program.entry, program, self.simulator.facts(program), since)
        return None if at is None else (at, self.rehearsal.programs.index(program))

    def _happens(self, happening: Happening) -> None:
        simulator = self.simulator
        if not happening.name:
            traits = happening.properties
            simulator.zone = zone_of({**simulator.traits, **traits}, self.rehearsal.zone)
            simulator.becomes_known(**traits)
            return
        enrollment, sent = happening.enrollment, None
        if happening.name in ABOUT_MESSAGES:
            sent = self._about(happening)
            enrollment = sent.enrollment if sent else None
        self._notice(happening, sent)
        if happening.name == "Replied":
            self.contact_history.replied(happening.at, enrollment, happening.properties)
        if happening.name in self.rehearsal.heard:
            simulator.happens(happening.name, happening.properties, about=happening.step, enrollment=enrollment)

    def _notice(self, happening: Happening, sent: SentMessage | None = None) -> None:
        """Note what an event says about consent, preferences, web visits and responses. ``sent`` is the message it is about, if
        it is one of this rehearsal."""
        properties = happening.properties
        if happening.seen:
            self.seen_at = happening.at
        if happening.name in CONSENTS:
            consent = consent_of(happening.name, properties, happening.at)
            self.consents += [consent] if consent is not None else []
        elif happening.name == preferences.CHANGED:
            self.fewer, self.paused_until = preferences_of(properties)
        elif happening.name == "Replied":
            consent = consent_by(properties, happening.at)
            self.consents += [consent] if consent is not None else []
        if happening.name in ANSWERS:
            channel = sent.channel if sent else str(properties.get("channel", EMAIL.name))
            purpose = self._purpose(sent) if sent else "marketing"
            self.history[purpose].answered(_message_key(sent) if sent else None, channel, happening.at)

    def _about(self, happening: Happening) -> SentMessage | None:
        """The message that an event is about: the one it names, else the newest of its step."""
        channel = happening.properties.get("channel")
        for sent in reversed(self.simulator.sent):
            if (
                sent.step == happening.step
                and channel in (None, sent.channel)
                and happening.enrollment in (None, sent.enrollment)
            ):
                self.became.append((sent.journey, sent.channel, _BECAME[happening.name]))
                return sent
        return None

    # Answers to the simulator.

    def _may_we(self, ask: MayWe, now: datetime) -> Verdict:
        program, simulator = self.simulator.asking, self.simulator
        known = PolicyFacts(
            self.person.id,
            simulator.traits,
            simulator.zone,
            self.consents,
            self.seen_at,
            fewer=self.fewer,
            paused_until=self.paused_until,
        )
        known = self.contact_history.known(known, program, ask, now, simulator.enrollments)
        verdict = ask_policy(
            known,
            program,
            ask.channel,
            now,
            policy=self.rehearsal.policy,
            rules=self.rehearsal.rules,
            deliver_by=ask.deliver_by,
        )
        self.contact_history.decided(program, ask, now, verdict)
        return verdict

    def _best(self, ask: Best, now: datetime) -> Ranked:
        reaches = {channel: self._reached(channel) for channel in ask.channels}
        unreachable = {channel: reached.problem for channel, reached in reaches.items() if reached.address is None}
        return best_channel(ask, self._own_responses(), _CROWD, unreachable=unreachable)

    def _best_time(self, ask: BestTime, now: datetime) -> Timed:
        simulator, program = self.simulator, self.simulator.asking
        step = program.steps[ask.step]
        reached = {channel: self._reached(channel) for channel in step.channels} if isinstance(step, Send) else {}
        closed = quiet_for(self.rehearsal.policy, program, reached, simulator.traits, simulator.zone)
        return best_hour(ask, self._own_responses(), _CROWD, simulator.zone, closed=closed)

    def _own_responses(self) -> list[MessageResponse]:
        return self.history[self.simulator.asking.purpose].messages

    def _reached(self, channel: str) -> Reach:
        simulator = self.simulator
        return reach(channel, self.person.id, simulator.traits, self.seen_at, simulator.now, simulator.asking.country)

    def _call(self, step: str, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self.rehearsal.calls(self.simulator.asking, step, given)

    def _deliver(self, sent: SentMessage) -> Touched:
        self.contact_history.settled(sent, "sent")
        if not is_placed(sent.channel):
            self._note_received(sent, sent.at)
        if self.person.reacts is not None:
            for happening in self.person.reacts(sent):
                if happening.at >= self.rehearsal.end:
                    continue
                if happening.name == "Message Shown":
                    self._note_received(sent, happening.at)
                if happening.name in _SAYS_NOTHING and happening.name not in self.rehearsal.heard:
                    self.became.append((sent.journey, sent.channel, _BECAME[happening.name]))
                else:
                    self.number += 1
                    heappush(self.coming, (happening.at, self.number, happening))
        return Touched.made(status="sent", at=sent.at)

    def _note_received(self, sent: SentMessage, at: datetime) -> None:
        self.history[self._purpose(sent)].sent(_message_key(sent), sent.channel, at)

    def _purpose(self, sent: SentMessage) -> str:
        return next(one.purpose for one in self.simulator.programs if one.journey == sent.journey)


def _message_key(sent: SentMessage) -> tuple[object, ...]:
    return sent.enrollment, sent.step, sent.round, sent.channel
