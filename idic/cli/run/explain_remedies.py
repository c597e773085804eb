"""Find what would help to reach a customer: every suggestion is tried on the real contact policy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, product
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from idic.differentiate.profile import zone_of
from idic.interact.channels.channel_edge import Reach
from idic.interact.policy.decide import ask
from idic.interact.policy.touch_request import Coming, Consent, Contact, PolicyFacts, Suppressed
from idic.journey.channels import CHANNELS
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.protocol import Allow, Defer, Skip, Verdict
from idic.journey.engine.scope import Facts, Scope
from idic.journey.engine.state import Event, State, Trace
from idic.journey.expressions.evaluate import holds
from idic.journey.program.program import Program
from idic.journey.program.steps import Choose, Send, Step
from idic.journey.program.values import Attribute, Condition, Type
from idic.journey.vocabulary.types import value_of
from idic.problems import one_of
from idic.times import Hours

_MOST_TRIES = 400
_MOST_LEAPS = 8
_CLOCK = "%a %d %b %H:%M"


class Remedy(NamedTuple):
    """A suggestion; ``step`` is the journey step to change."""

    journey: str
    text: str
    step: str | None = None


class Person(NamedTuple):
    """A customer as the contact policy sees them now, without their replies. ``suppressed`` is the reason and time by
    channel."""

    id: str
    traits: Mapping[str, Any]
    web_seen_at: datetime | None
    consents: Sequence[Consent]
    suppressed: Mapping[str, Suppressed]
    now: datetime
    policy: Policy
    contacts: Sequence[Contact] = ()
    coming: Sequence[Coming] = ()
    fewer: bool = False
    paused_until: datetime | None = None

    def verdict(
        self,
        program: Program,
        channel: str,
        *,
        consents: Sequence[Consent] = (),
        another_address: bool = False,
        policy: Policy | None = None,
        at: datetime | None = None,
    ) -> Verdict:
        """The policy's decision about a message now.

        Optionally with more ``consents``, another address, another ``policy``, or at a later time (``at``) with nothing
        sent until then.
        """
        known = PolicyFacts(
            self.id,
            self.traits,
            zone_of(self.traits, program.zone),
            [*self.consents, *consents],
            self.web_seen_at,
            self.suppressed,
            contacts=self.contacts,
            coming=self.coming,
            fewer=self.fewer,
            paused_until=self.paused_until,
        )
        if another_address:
            known = known._replace(suppressed={})
        found = Reach(CHANNELS[channel].example_address) if another_address else None
        return ask(known, program, channel, at or self.now, policy=policy or self.policy, found=found)

    def reaches(self, program: Program, channel: str, by: datetime | None = None) -> bool:
        """Whether a message may be sent now, or is deferred until ``by`` at the latest."""
        verdict = self.verdict(program, channel)
        return isinstance(verdict, Allow) or (isinstance(verdict, Defer) and by is not None and verdict.until <= by)


def of_channel(person: Person, program: Program, channel: str) -> Remedy | None:
    """The smallest change that would let this journey write on this channel; None if it may, or nothing helps."""
    if person.reaches(program, channel):
        return None
    consent = [Consent(channel, program.topic, True, person.now, confirmed=True)]
    topic = f" (topic {program.topic})" if program.topic else ""
    agreed = f"consent to {CHANNELS[channel].noun}{topic} would help; nothing else blocks it"
    other = CHANNELS[channel].address_noun
    if channel in person.suppressed:
        other = f"another {other.partition(' ')[2]}"
    noun = CHANNELS[channel].noun
    for text, tried in (
        (agreed, person.verdict(program, channel, consents=consent)),
        (
            f"{other} would help; nothing else blocks {CHANNELS[channel].noun}",
            person.verdict(program, channel, another_address=True),
        ),
        (
            f"{other} and consent to {noun}{topic} would help",
            person.verdict(program, channel, consents=consent, another_address=True),
        ),
    ):
        if isinstance(tried, Allow):
            return Remedy(program.journey, text)
        if isinstance(tried, Defer) and not isinstance(person.verdict(program, channel), Defer):
            return Remedy(program.journey, f"{text} but {tried.rule} ({tried.reason})")
    return _time(person, program, channel)


def _time(person: Person, program: Program, channel: str) -> Remedy | None:
    """When time alone removes the obstacle, and which rule it is."""
    now = person.now
    for _ in range(_MOST_LEAPS):
        verdict = person.verdict(program, channel, at=now)
        if isinstance(verdict, Skip):
            return None
        if isinstance(verdict, Allow):
            zone = ZoneInfo(zone_of(person.traits, program.zone))
            written = [part for part, policy in _looser(person.policy) if isinstance(
                person.verdict(program, channel, policy=policy), Allow)]  # fmt: skip
            said = f", or a looser {one_of(written)} in policy.yaml" if written else ""
            return Remedy(
                program.journey, f"time: {CHANNELS[channel].noun} is possible from {now.astimezone(zone):{_CLOCK}}{said}"
            )
        now = verdict.until
    return None


def _looser(policy: Policy) -> Iterator[tuple[str, Policy]]:
    """The policy without one of its parts at a time, with that part's name."""
    for cap in policy.caps:
        yield f"cap {cap.id}", policy.changed(caps=tuple(one for one in policy.caps if one != cap))
    yield "minimum_gap", policy.changed(minimum_gap=None)
    yield "quiet_hours", policy.changed(quiet_hours=None)


def of_steps(person: Person, program: Program, state: State, refusals: Sequence[Trace]) -> Iterator[Remedy]:
    """Changes to the steps whose message wasn't sent. ``refusals`` are entries of the trace."""
    for step in program.steps.values():
        touches = state.touches.get(step.id)
        if not isinstance(step, Send) or not touches or any(t.status not in ("refused", "failed") for t in touches.values()):
            continue
        yield from _other_channels(person, program, step)
        late = [entry for entry in refusals if entry.step == step.id]
        yield from _longer(program, step, state, late, zone_of(person.traits, program.zone))


def _other_channels(person: Person, program: Program, step: Send) -> Iterator[Remedy]:
    content = program.messages[step.message].contents
    others = [
        channel
        for channel in CHANNELS
        if channel not in step.channels and person.reaches(program, channel, person.now + step.within.longest)
    ]
    if others:
        wordless = [channel for channel in others if channel not in content]
        words = f"; {step.message} then needs content for {' and '.join(wordless)}" if wordless else ""
        channels = ", ".join((*step.channels, *others))
        yield Remedy(program.journey, f"by: {{first_of: [{channels}]}}{words}", step.id)


def _longer(program: Program, step: Send, state: State, refusals: Sequence[Trace], zone: str) -> Iterator[Remedy]:
    reached = state.began.get(step.id)
    late = [entry for entry in refusals if entry.kind == "not sent" and entry.why.get("rule") == "too late"]
    if reached is None or not late:
        return
    at: datetime = late[-1].at
    put_off = [entry.why["until"] for entry in refusals if entry.kind == "deferred" and entry.why.get("until")]
    rule = [entry.why.get("rule") for entry in refusals if entry.kind == "deferred"]
    said = "it came due then"
    if put_off and (until := _instant(put_off[-1])) > at:
        at, said = until, f"{rule[-1]} would allow it then"
    if isinstance(step.at, Hours):
        at = step.at.next(at, zone)
    # Rounded up to whole hours: a worker may be a little late.
    hours = math.floor((at - reached) / timedelta(hours=1)) + 1
    said = "its hours begin then" if isinstance(step.at, Hours) else said
    yield Remedy(program.journey, f"within: {hours} hours or longer instead of {step.within}: {said}", step.id)


def _instant(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def of_facts(
    program: Program, facts: Facts, now: datetime, state: State | None, event: Event | None = None
) -> Iterator[Remedy]:
    """Unknown attributes that kept a condition from holding, although some value would make it hold.

    Without ``state``, the conditions of the entry are meant, which ``event`` was checked against.
    """
    asked: list[tuple[str | None, Condition]] = []
    if state is None:
        entry = program.entry
        asked += [(None, when) for when in (*(p.when for p in entry.on), entry.for_each, entry.when) if when is not None]
    else:
        for step in program.steps.values():
            if step.id in state.began:
                asked += [(step.id, when) for when in _conditions(step)]
    told: set[tuple[str, ...]] = set()
    for where, condition in asked:
        missing = {
            name.removeprefix("customer."): attribute
            for name, attribute in condition.reads.items()
            if name.startswith("customer.") and _missing(name.removeprefix("customer."), attribute, facts, program.currency)
        }
        if not missing or tuple(missing) in told:
            continue
        filled = (
            facts._replace(customer={**facts.customer, **dict(zip(missing, values, strict=True))})
            for values in islice(product(*(_possible(a.type, condition.text) for a in missing.values())), _MOST_TRIES)
        )
        if holds(condition, Scope(program, facts, now, state, event)) or not any(
            holds(condition, Scope(program, better, now, state, event)) for better in filled
        ):
            continue
        told.add(tuple(missing))
        names = " and ".join(f"customer.{name}" for name in missing)
        place = "its entry" if where is None else f"step {where}"
        yield Remedy(program.journey, f"send {names} to idic: it is unknown, and {place} checks `{condition.text}`", where)


def _missing(name: str, attribute: Attribute, facts: Facts, currency: str) -> bool:
    return value_of(attribute, facts.customer.get(name), siblings=facts.customer, currency=currency) is None


def _possible(type_: Type, text: str) -> list[Any]:
    """Possible values of an attribute: by its type, and near the values in the condition."""
    match type_.kind:
        case "number" | "money" | "days":
            near = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
            return [0, 1, -1, 1e6, *(number + step for number in near for step in (0, -1, 1))]
        case "yes/no":
            return [True, False]
        case "one_of":
            return list(type_.options)
        case "date" | "moment":
            return ["1970-01-01", "2000-02-29", "2100-01-01"]
        case "list":
            return [[], *([one] for one in _possible(type_.of, text))] if type_.of else [[]]
        case "zone":
            return ["UTC"]
        case _:
            return ["something", *re.findall(r'"([^"]*)"', text)]


def _conditions(step: Step) -> Iterator[Condition]:
    own = (step.when,) if step.when else ()
    return chain(own, (branch.when for branch in step.branches) if isinstance(step, Choose) else ())
