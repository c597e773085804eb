"""Count the results of a rehearsal; nothing is kept about single customers.

Money is counted in hundredths and times in whole hours, so that sums do not depend on the order of customers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.program.program import Program
from idic.journey.program.steps import Send
from idic.rehearse.simulator import SentMessage, SimulatedEnrollment

COUNTED = frozenset(("not sent", "failed", "deferred"))
"""The kinds of trace that are counted."""

_BECAME = ("delivered", "shown", "opened", "clicked", "bounced")


class RefusedTouch(NamedTuple):
    """A touch that was not sent or deferred, and the rule that decided so."""

    step: str
    channel: str
    rule: str


class JourneyResults:
    """The counts of one journey. ``kept_out``: refused entries by reason; ``entered``: enrollments, of ``customers``;
    ``reached``: enrollments by step. ``sent`` and ``not_sent``: messages; ``deferred``: how often one was deferred;
    ``nothing``: enrollments that passed a sending step and got nothing from it; ``became``: events of messages, by channel.
    ``goals``: enrollments with their goal, their ``value`` in hundredths, and the ``hours`` from entry to goal. ``endings``:
    by kind and reason; ``inside``: open enrollments."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.asked = 0
        self.entered = 0
        self.customers = 0
        self.goals = 0
        self.after_the_end = 0
        self.valued = 0
        self.value = 0
        self.inside = 0
        self.kept_out: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()
        self.waiting: Counter[str] = Counter()
        self.sent: Counter[tuple[str, str]] = Counter()
        self.not_sent: Counter[RefusedTouch] = Counter()
        self.deferred: Counter[RefusedTouch] = Counter()
        self.nothing: Counter[str] = Counter()
        self._sending = frozenset(step.id for step in program.steps.values() if isinstance(step, Send))
        self.became: Counter[tuple[str, str]] = Counter()
        self.endings: Counter[tuple[str, str]] = Counter()
        self.segments: Counter[str] = Counter()
        self.hours: Counter[int] = Counter()
        self.entered_on: Counter[date] = Counter()
        self.goals_on: Counter[date] = Counter()
        self.sent_on: Counter[tuple[date, str]] = Counter()

    def add(self, enrollments: Iterable[SimulatedEnrollment], days: LocalDays, got: Set[tuple[str, str]]) -> None:
        """Count one customer's enrollments in this journey. ``got``: pairs of enrollment and step that sent them a message."""
        first = True
        for one in enrollments:
            state = one.state
            self.customers += first
            first = False
            self.entered += 1
            self.entered_on[days.of(state.entered_at)] += 1
            if state.segment is not None:
                self.segments[state.segment] += 1
            for step in state.began:
                self.reached[step] += 1
                if step in self._sending and (state.enrollment, step) not in got and (state.ended or state.step != step):
                    self.nothing[step] += 1
            if state.ended is None:
                self.inside += 1
                self.waiting[state.step or ""] += 1
            else:
                self.endings[state.ended.kind, state.ended.reason] += 1
            if state.goal_at is not None:
                self.goals += 1
                self.after_the_end += state.ended is not None and state.ended.kind != "goal" and state.goal_at > state.ended.at
                self.goals_on[days.of(state.goal_at)] += 1
                self.hours[int((state.goal_at - state.entered_at).total_seconds() // 3600)] += 1
                if one.value is not None:
                    self.valued += 1
                    self.value += round(one.value * 100)
            for at in one.trace:
                if at.kind in COUNTED:
                    rule = at.why.get("rule") or at.why.get("reason") or at.kind
                    counts = self.deferred if at.kind == "deferred" else self.not_sent
                    counts[RefusedTouch(at.step or "", at.why["channel"], rule)] += 1

    def add_sent(self, sent: SentMessage, days: LocalDays) -> None:
        """Count one message."""
        self.sent[sent.step, sent.channel] += 1
        self.sent_on[days.of(sent.at), sent.channel] += 1

    @property
    def ended(self) -> int:
        """How many enrollments ended."""
        return self.endings.total()


class CrowdResults:
    """The counts of a whole rehearsal: those of each journey, and the messages of each customer from all journeys."""

    def __init__(self, programs: Iterable[Program], zone: str) -> None:
        self.days = LocalDays(zone)
        self.journeys = {program.journey: JourneyResults(program) for program in programs}
        self.customers = 0
        self.messages: Counter[int] = Counter()
        self.by_channel: dict[str, Counter[int]] = {}

    def add(
        self,
        enrollments: Iterable[SimulatedEnrollment],
        sent: Iterable[SentMessage],
        kept_out: Iterable[tuple[str, str]],
        became: Iterable[tuple[str, str, str]],
    ) -> None:
        """Count one customer."""
        self.customers += 1
        by_journey: dict[str, list[SimulatedEnrollment]] = {}
        for one in enrollments:
            by_journey.setdefault(one.program.journey, []).append(one)
        sent = tuple(sent)
        got = {(message.enrollment, message.step) for message in sent}
        for journey, theirs in by_journey.items():
            self.journeys[journey].add(theirs, self.days, got)
        channels: Counter[str] = Counter()
        for message in sent:
            self.journeys[message.journey].add_sent(message, self.days)
            channels[message.channel] += 1
        self.messages[channels.total()] += 1
        for channel, count in channels.items():
            self.by_channel.setdefault(channel, Counter())[count] += 1
        for journey, why in kept_out:
            self.journeys[journey].kept_out[why] += 1
        for journey, channel, what in became:
            self.journeys[journey].became[channel, what] += 1


class LocalDays:
    """The days of one zone."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)

    def of(self, instant: datetime) -> date:
        """The day of an instant."""
        return instant.astimezone(self.zone).date()


def percentile(counts: Mapping[int, int], share: float) -> int:
    """The smallest value that at least this share of the counted ones does not exceed; 0 without any."""
    needed = math.ceil(sum(counts.values()) * share)
    so_far = 0
    for value in sorted(counts):
        so_far += counts[value]
        if so_far >= needed:
            return value
    return 0


def results_json(results: CrowdResults) -> dict[str, Any]:
    """The counts as JSON."""
    return {
        "customers": results.customers,
        "messages_per_customer": _spread(results.messages)
        | {
            "by_channel": {
                channel: _spread(_all(counts, results.customers)) for channel, counts in sorted(results.by_channel.items())
            }
        },
        "journeys": [_journey(journey) for journey in results.journeys.values()],
    }


def _all(counts: Counter[int], customers: int) -> Counter[int]:
    """``counts`` with the customers who got none."""
    return Counter({**counts, 0: customers - counts.total()})


def _spread(counts: Counter[int]) -> dict[str, Any]:
    counted = counts.total()
    total = sum(value * count for value, count in counts.items())
    return {
        "total": total,
        "mean": round(total / counted, 4) if counted else 0,
        "p50": percentile(counts, 0.5),
        "p99": percentile(counts, 0.99),
        "max": max((value for value, count in counts.items() if count), default=0),
        "distribution": {str(value): counts[value] for value in sorted(counts) if counts[value]},
    }


def _journey(journey: JourneyResults) -> dict[str, Any]:
    program = journey.program
    channels = sorted({channel for _, channel in journey.sent})
    return {
        "journey": program.journey,
        "title": program.title,
        "entered": journey.entered,
        "customers": journey.customers,
        "kept_out": dict(sorted(journey.kept_out.items())),
        "segments": {one.name: journey.segments[one.name] for one in program.segments},
        "steps": [
            {
                "step": step.id,
                "kind": step.kind,
                "reached": journey.reached[step.id],
                "waiting": journey.waiting[step.id],
                "sent": {channel: count for (id_, channel), count in sorted(journey.sent.items()) if id_ == step.id},
                "not_sent": _refusals(journey.not_sent, step.id),
                "deferred": _refusals(journey.deferred, step.id),
                "got_nothing": journey.nothing[step.id],
            }
            for step in program.steps.values()
        ],
        "sent": {channel: sum(n for (_, c), n in journey.sent.items() if c == channel) for channel in channels},
        "became": {
            channel: {what: count for what in _BECAME if (count := journey.became[channel, what])} for channel in channels
        },
        "goal": {
            "reached": journey.goals,
            "after_the_end": journey.after_the_end,
            "valued": journey.valued,
            "value": journey.value / 100,
            "currency": program.currency,
            "hours_to_goal": {"p50": percentile(journey.hours, 0.5), "p90": percentile(journey.hours, 0.9)},
            "hours": {str(hour): journey.hours[hour] for hour in sorted(journey.hours)},
        }
        if program.goal
        else None,
        "endings": [
            {"kind": kind, "reason": reason, "count": count}
            for (kind, reason), count in sorted(journey.endings.items(), key=lambda one: (-one[1], one[0]))
        ],
        "inside": journey.inside,
        "days": [
            {
                "day": day.isoformat(),
                "entered": journey.entered_on[day],
                "goals": journey.goals_on[day],
                "sent": {channel: journey.sent_on[day, channel] for channel in channels if journey.sent_on[day, channel]},
            }
            for day in sorted({*journey.entered_on, *journey.goals_on, *(day for day, _ in journey.sent_on)})
        ],
    }


def _refusals(counts: Counter[RefusedTouch], step: str) -> list[dict[str, Any]]:
    return [
        {"channel": refusal.channel, "rule": refusal.rule, "count": count}
        for refusal, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if refusal.step == step
    ]
