"""Why somebody is not reached, and what would help: every suggestion is tried on the real contact policy before it is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from idic.differentiate.profile import zone_of
from idic.interact.asking import Known, ask
from idic.interact.policy import CHANNELS, Consent
from idic.interact.reach import WEB_MEMORY
from idic.journey.conditions import holds
from idic.journey.interpreter import Allow, Verdict
from idic.journey.program import Choose, Condition, Program, Send, Step
from idic.journey.scope import Facts, Scope
from idic.journey.state import Event, State
from idic.journey.times import Hours
from idic.journey.types import value_of

_STANDS_FOR = {"email": "somebody@example.com", "sms": "+10000000000", "web": "somebody"}
_ADDRESS = {
    "email": "an email address",
    "sms": "a telephone number that takes SMS",
    "web": f"a visit to the site: it counts for {WEB_MEMORY.days} days",
}
_SPOKEN = {"email": "email", "sms": "SMS", "web": "the web"}


class Remedy(NamedTuple):
    """What would help: ``step`` where it is to be changed in the journey."""

    journey: str
    text: str
    step: str | None = None


class Person(NamedTuple):
    """A customer as the policy sees them now. ``suppressed`` is by channel: why, and since when."""

    id: str
    traits: Mapping[str, Any]
    web_seen_at: datetime | None
    consents: Sequence[Consent]
    suppressed: Mapping[str, tuple[str, datetime]]
    now: datetime

    def verdict(
        self, program: Program, channel: str, *, consents: Sequence[Consent] = (), another_address: bool = False
    ) -> Verdict:
        """What the policy says to a message now; were these ``consents`` given too, or had they another address."""
        known = Known(
            self.id,
            self.traits,
            zone_of(self.traits, program.zone),
            [*self.consents, *consents],
            self.web_seen_at,
            {channel: why for channel, (why, _) in self.suppressed.items()},
        )
        return ask(known, program, channel, self.now, address=_STANDS_FOR[channel] if another_address else None)

    def reaches(self, program: Program, channel: str) -> bool:
        return isinstance(self.verdict(program, channel), Allow)


def of_channel(person: Person, program: Program, channel: str) -> Remedy | None:
    """The least that would let this journey write on this channel; None if it may, or nothing would."""
    if person.reaches(program, channel):
        return None
    consent = [Consent(channel, program.topic, True, person.now)]
    topic = f" (topic {program.topic})" if program.topic else ""
    agreed = f"ask for consent to {_SPOKEN[channel]}{topic}: nothing else is in the way"
    other = f"{_ADDRESS[channel]}{', another one' if channel in person.suppressed else ''}"
    for text, tried in (
        (agreed, person.verdict(program, channel, consents=consent)),
        (f"{other}: nothing else is in the way of {_SPOKEN[channel]}", person.verdict(program, channel, another_address=True)),
        (
            f"{other}, and consent to {_SPOKEN[channel]}{topic}",
            person.verdict(program, channel, consents=consent, another_address=True),
        ),
    ):
        if isinstance(tried, Allow):
            return Remedy(program.journey, text)
    return None


def of_steps(person: Person, program: Program, state: State, refusals: Sequence[Mapping[str, Any]]) -> Iterator[Remedy]:
    """What could be changed at the steps whose message did not leave. ``refusals`` are entries of the trace."""
    for step in program.steps.values():
        touches = state.touches.get(step.id)
        if not isinstance(step, Send) or not touches or any(t.status not in ("refused", "failed") for t in touches.values()):
            continue
        yield from _other_channels(person, program, step)
        late = [entry for entry in refusals if entry["step"] == step.id]
        yield from _longer(program, step, state, late, zone_of(person.traits, program.zone))


def _other_channels(person: Person, program: Program, step: Send) -> Iterator[Remedy]:
    content = program.messages[step.message].contents
    others = [channel for channel in CHANNELS if channel not in step.channels and person.reaches(program, channel)]
    if others:
        wordless = [channel for channel in others if channel not in content]
        words = f"; {step.message} then needs words for {' and '.join(wordless)}" if wordless else ""
        channels = ", ".join((*step.channels, *others))
        yield Remedy(program.journey, f"by: {{first_of: [{channels}]}}{words}", step.id)


def _longer(program: Program, step: Send, state: State, refusals: Sequence[Mapping[str, Any]], zone: str) -> Iterator[Remedy]:
    reached = state.began.get(step.id)
    late = [entry for entry in refusals if entry["kind"] == "not sent" and entry["why"].get("rule") == "too late"]
    if reached is None or not late:
        return
    at: datetime = late[-1]["at"]
    if isinstance(step.at, Hours):
        at = step.at.next(at, zone)
    # Whole hours, and something to spare: a worker may come a little late.
    hours = math.floor((at - reached) / timedelta(hours=1)) + 1
    said = "its hours begin again then" if isinstance(step.at, Hours) else "that is when its turn came"
    yield Remedy(program.journey, f"within: {hours} hours or longer, and not {step.within}: {said}", step.id)


def of_facts(
    program: Program, facts: Facts, now: datetime, state: State | None, event: Event | None = None
) -> Iterator[Remedy]:
    """The attributes that nobody knows, though a condition that was asked and did not hold reads them. Without ``state``
    those of the entry are meant, which ``event`` asked for."""
    asked: list[tuple[str | None, Condition]] = []
    if state is None:
        entry = program.entry
        asked += [(None, when) for when in (*(p.when for p in entry.on), entry.for_each, entry.when) if when is not None]
    else:
        for step in program.steps.values():
            if step.id in state.began:
                asked += [(step.id, when) for when in _conditions(step)]
    scope = Scope(program, facts, now, state, event)
    told = set()
    for where, condition in asked:
        for name, attribute in condition.reads.items():
            root, _, field = name.partition(".")
            missing = root == "customer" and (
                value_of(attribute, facts.customer.get(field), siblings=facts.customer, currency=program.currency) is None
            )
            if missing and name not in told and not holds(condition, scope):
                told.add(name)
                place = "its entry" if where is None else f"step {where}"
                yield Remedy(program.journey, f"tell idic {name}: nobody knows it, and {place} asks `{condition.text}`", where)


def _conditions(step: Step) -> Iterator[Condition]:
    own = (step.when,) if step.when else ()
    return chain(own, (branch.when for branch in step.branches) if isinstance(step, Choose) else ())
