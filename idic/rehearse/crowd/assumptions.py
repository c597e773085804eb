"""The assumptions of a rehearsal, in sentences for its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from idic.journey.channels import CHANNELS, EMAIL, is_placed
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.program.program import Program
from idic.journey.program.steps import Call
from idic.journey.vocabulary.vocabulary import Vocabulary
from idic.rehearse.crowd.behaviour import CrowdBehaviour
from idic.rehearse.crowd.recorded import Recording, UnreadProperty

_MOST = 8
_BLINK = timedelta(minutes=1)


def invented_crowd(
    programs: Sequence[Program],
    vocabulary: Vocabulary,
    behaviour: CrowdBehaviour,
    *,
    count: int,
    seed: int,
    start: datetime,
    end: datetime,
) -> list[str]:
    """The assumptions of an invented crowd."""
    sentences = [
        f"The crowd is invented: {count:,} customers, seed {seed}, {_span(start, end, vocabulary.zone)}. "
        "The same seed makes the same crowd.",
        *event_rates(behaviour, vocabulary),
        f"Reach: {_listed(f'{name} {_of(value)}' for name, value in behaviour.reach.items())} have an address "
        f"(on the web: visit the site); {_listed(f'{name} {_of(value)}' for name, value in behaviour.consents.items())} of "
        "all consented to marketing.",
        "Reactions to messages are invented: "
        + "; ".join(
            f"{channel} {'shown' if is_placed(channel) else 'delivered'} {_of(one.delivered)}"
            + (f", opened {_of(one.opened)}" if channel == EMAIL.name else "")
            + f", clicked {_of(one.clicked)}"
            + (f", unsubscribed {_of(one.unsubscribed)}" if one.unsubscribed else "")
            for channel, one in behaviour.reactions.items()
        )
        + ". Half of the reactions come within two hours.",
        _lift(behaviour),
        f"Amounts are log-normal, half above {behaviour.money:g} {vocabulary.currency}; other values are drawn by their "
        f"type, each known for 90% of customers unless the rates say otherwise; one customer in ten lives outside "
        f"{vocabulary.zone} where zones matter; events are spread evenly over the day.",
        f"Counts and sums start with an invented past of {behaviour.history}.",
    ]
    if any(isinstance(step, Call) for program in programs for step in program.steps.values()):
        sentences.append(f"Calls of services are answered {_of(behaviour.calls)} of the time, with invented values.")
    return [*sentences, *_always(programs)]


def recorded_events(
    programs: Sequence[Program], vocabulary: Vocabulary, recording: Recording, start: datetime, end: datetime
) -> list[str]:
    """The assumptions of a file of events."""
    sentences = [
        f"The events are recorded: {recording.lines:,} lines of {recording.customers:,} customers in {recording.file}, "
        f"{_span(start, end, vocabulary.zone)}. Earlier events only count: nobody enters because of them.",
        "Nothing is invented. Customers do what they did then, whatever is sent to them here. A click or open in the file is "
        "assigned to the newest message of its step that was sent here.",
        "No message changes what customers do: every goal reached here would also have been reached without it.",
        "Each event counts from the instant at which the file says it was received. A customer who was anonymous first is one "
        "customer from their first event on. Consents and addresses come from the file alone. A page view is a web visit.",
    ]
    if any(isinstance(step, Call) for program in programs for step in program.steps.values()):
        sentences.append("Calls of services fail: the file does not say what they would have answered.")
    if recording.bad:
        sentences.append(f"{_lines(recording.bad)} left out as unreadable.")
    sentences += [_unread(one) for one in recording.unread[:_MOST]]
    if (more_unread := len(recording.unread) - _MOST) > 0:
        sentences.append(f"The same is true of {more_unread:,} more properties.")
    if recording.first == recording.last and end - start < _BLINK:
        sentences.append(
            "Everything in the file happened at one instant, and no time passes after it; --days 30 lets time pass."
        )
    if recording.unordered:
        sentences.append(f"{_lines(recording.unordered)} not in order of time, and sorted.")
    if recording.undeclared:
        names = sorted(recording.undeclared.items(), key=lambda one: (-one[1], one[0]))
        more = f" and {len(names) - 5} other names" if len(names) > 5 else ""
        sentences.append(
            "The vocabulary does not know "
            + _listed(f"{name} ({count:,}×)" for name, count in names[:5])
            + more
            + ": no journey sees them."
        )
    return [*sentences, *_always(programs)]


def ignored_budgets(policy: Policy) -> list[str]:
    """The policy's limits for all customers together, which a rehearsal ignores: it plays customers one after the other."""
    limits = _listed(f"{budget.at_most:,} {CHANNELS[channel].word}" for channel, budget in policy.budget.items())
    return [f"The daily budget ({limits}) is ignored, as if it were enough for everybody."] if policy.budget else []


def event_rates(behaviour: CrowdBehaviour, vocabulary: Vocabulary) -> Iterator[str]:
    """How often events happen, to each customer and to things."""
    for where, things in (("for each customer", False), ("in the whole shop, for all customers together", True)):
        rates = [f"{name} {rate}" for name, rate in behaviour.events.items() if (name in vocabulary.about) is things]
        if rates:
            yield f"How often, {where}: {_listed(rates)}."


def _unread(one: UnreadProperty) -> str:
    of = f"{one.name} of {one.event or 'customers'}"
    where = f"{one.lines:,} line{'' if one.lines == 1 else 's'}, first line {one.first}"
    if one.meant is not None:
        return f"{of} is not in the vocabulary, which knows {one.meant}: it is ignored ({where})."
    return f'{of} cannot be read, as in "{one.value}", and is missing there ({where}).'


def _lift(behaviour: CrowdBehaviour) -> str:
    lifts = [f"{channel} {_of(one.converted)}" for channel, one in behaviour.reactions.items() if one.converted]
    if lifts:
        return (
            f"The lift is ASSUMED, not measured: your rates say that so many of the delivered messages lead to the goal "
            f"({_listed(lifts)}). Goals and their value include it."
        )
    return (
        "No message changes what customers do: the goals counted here would also have been reached without any message. Only a "
        "control group can tell what a journey adds."
    )


def _always(programs: Iterable[Program]) -> list[str]:
    sentences = ["Every allowed message is sent at once, and no delivery fails."]
    sentences += [
        f"{program.journey}: at most {program.entry.at_most:,} a day: the first by the order of customers, not by time."
        for program in programs
        if program.entry.at_most is not None
    ]
    return sentences


def _span(start: datetime, end: datetime, zone: str) -> str:
    local = ZoneInfo(zone)
    days = (end - start).total_seconds() / 86400
    if end - start < _BLINK:
        return f"at {start.astimezone(local):%Y-%m-%d %H:%M} only ({zone})"
    return f"{start.astimezone(local):%Y-%m-%d %H:%M} to {end.astimezone(local):%Y-%m-%d %H:%M} ({days:.3g} days, {zone})"


def _lines(count: int) -> str:
    return "1 line was" if count == 1 else f"{count:,} lines were"


def _of(share: float) -> str:
    return f"{share * 100:.10g}%"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "nothing"
