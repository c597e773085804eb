"""What a rehearsal assumed, in sentences: what is invented, what is recorded, and what follows from neither."""

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
    """Of a crowd that was made up."""
    said = [
        f"The crowd is invented: {count:,} customers, seed {seed}, {_span(start, end, vocabulary.zone)}. "
        "The same seed is the same crowd.",
        *event_rates(behaviour, vocabulary),
        f"Who can be written to: {_listed(f'{name} {_of(value)}' for name, value in behaviour.reach.items())} have an address "
        f"(on the web: come to the site); {_listed(f'{name} {_of(value)}' for name, value in behaviour.consents.items())} of "
        "all agreed to marketing.",
        "What comes of a message is invented: "
        + "; ".join(
            f"{channel} {'shown' if is_placed(channel) else 'delivered'} {_of(one.delivered)}"
            + (f", opened {_of(one.opened)}" if channel == EMAIL.name else "")
            + f", clicked {_of(one.clicked)}"
            + (f", unsubscribed {_of(one.unsubscribed)}" if one.unsubscribed else "")
            for channel, one in behaviour.reactions.items()
        )
        + ". Half of what is read is read within two hours.",
        _lift(behaviour),
        f"Amounts are log-normal, half above {behaviour.money:g} {vocabulary.currency}; other values are drawn by their "
        f"type, each known of 90% of customers where nothing else is said; one customer in ten lives outside {vocabulary.zone} "
        "where zones are asked for; things happen at any hour alike.",
        f"What is counted and summed begins with an invented past of {behaviour.history}.",
    ]
    if any(isinstance(step, Call) for program in programs for step in program.steps.values()):
        said.append(f"Services that are called answer {_of(behaviour.calls)} of the time, with invented values.")
    return [*said, *_always(programs)]


def recorded_events(
    programs: Sequence[Program], vocabulary: Vocabulary, recording: Recording, start: datetime, end: datetime
) -> list[str]:
    """Of a file of events."""
    said = [
        f"The events are recorded: {recording.lines:,} lines of {recording.customers:,} customers in {recording.file}, "
        f"{_span(start, end, vocabulary.zone)}. What comes before only counts: nobody enters on it.",
        "Nothing is invented. The customers do what they did then, whatever is sent to them here; a click or an opening of the "
        "file is taken for the newest message of its step that was sent here.",
        "No message changes what anybody does, so a goal that is reached here would have been reached without it, too.",
        "Each event counts from when the file says that it was received. Who was anonymous first is one customer from their "
        "first event on. Consents and addresses are those of the file alone; seen on the web is who viewed a page.",
    ]
    if any(isinstance(step, Call) for program in programs for step in program.steps.values()):
        said.append("Services that are called do not answer: the file does not say what they would have said.")
    if recording.bad:
        said.append(f"{_lines(recording.bad)} left out, because they could not be read.")
    said += [_unread(one) for one in recording.unread[:_MOST]]
    if (more_unread := len(recording.unread) - _MOST) > 0:
        said.append(f"So it is with {more_unread:,} more properties.")
    if recording.first == recording.last and end - start < _BLINK:
        said.append("All of the file happened at one instant, and nothing comes after it: --days 30 lets time pass.")
    if recording.unordered:
        said.append(f"{_lines(recording.unordered)} not in the order of time, and put in order.")
    if recording.undeclared:
        names = sorted(recording.undeclared.items(), key=lambda one: (-one[1], one[0]))
        more = f" and {len(names) - 5} other names" if len(names) > 5 else ""
        said.append(
            "The vocabulary does not know "
            + _listed(f"{name} ({count:,}×)" for name, count in names[:5])
            + more
            + ": no journey hears of them."
        )
    return [*said, *_always(programs)]


def ignored_budgets(policy: Policy) -> list[str]:
    """Of a policy that has something for all customers together, who are rehearsed one after the other."""
    limits = _listed(f"{budget.at_most:,} {CHANNELS[channel].word}" for channel, budget in policy.budget.items())
    return [f"The budget of a day ({limits}) is not held: as if there were enough for everybody."] if policy.budget else []


def event_rates(behaviour: CrowdBehaviour, vocabulary: Vocabulary) -> Iterator[str]:
    """What happens to each customer, and what happens to things."""
    for where, things in (("for each customer", False), ("in the whole shop, for all customers together", True)):
        said = [f"{name} {rate}" for name, rate in behaviour.events.items() if (name in vocabulary.about) is things]
        if said:
            yield f"How often, {where}: {_listed(said)}."


def _unread(one: UnreadProperty) -> str:
    of = f"{one.name} of {one.event or 'customers'}"
    where = f"{one.lines:,} line{'' if one.lines == 1 else 's'}, first line {one.first}"
    if one.meant is not None:
        return f"{of} is not in the vocabulary, which knows {one.meant}: it counts for nothing ({where})."
    return f'{of} cannot be read, as in "{one.value}", and is missing there ({where}).'


def _lift(behaviour: CrowdBehaviour) -> str:
    lifts = [f"{channel} {_of(one.converted)}" for channel, one in behaviour.reactions.items() if one.converted]
    if lifts:
        return (
            f"The lift is ASSUMED, not measured: of the messages delivered, so many bring about the goal ({_listed(lifts)}), "
            "because the rates say so. Goals and their value contain it."
        )
    return (
        "No message changes what anybody does: the goals counted here would have been reached without a single message, "
        "too. What a journey adds, only a control group can tell."
    )


def _always(programs: Iterable[Program]) -> list[str]:
    said = ["Everything that may be sent leaves at once, and no delivery fails."]
    said += [
        f"{program.journey}: at most {program.entry.at_most:,} a day, of whom those enter who come first in the order of "
        "customers, not by the hour."
        for program in programs
        if program.entry.at_most is not None
    ]
    return said


def _span(start: datetime, end: datetime, zone: str) -> str:
    local = ZoneInfo(zone)
    days = (end - start).total_seconds() / 86400
    if end - start < _BLINK:
        return f"at {start.astimezone(local):%Y-%m-%d %H:%M} alone ({zone})"
    return f"{start.astimezone(local):%Y-%m-%d %H:%M} to {end.astimezone(local):%Y-%m-%d %H:%M} ({days:.3g} days, {zone})"


def _lines(count: int) -> str:
    return "1 line was" if count == 1 else f"{count:,} lines were"


def _of(share: float) -> str:
    return f"{share * 100:.10g}%"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "nothing"
