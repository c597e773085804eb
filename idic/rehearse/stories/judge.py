"""Judge the expectations of a story, and say in words what was there instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from idic.problems import Mark
from idic.rehearse.simulator import SimulatedEnrollment
from idic.rehearse.stories.read_expectations import NOTHING
from idic.rehearse.stories.story_person import PlayedPerson, ReceivedMessage
from idic.rehearse.stories.storybook import Expected, WrittenMoment, format_moment
from idic.times import WEEKDAYS, TimeOfDay

_LONGEST = 300
_KINDS = ("goal", "leave")


class Failure(NamedTuple):
    """A failed expectation. ``wanted`` is the expectation in words, ``instead`` what was there. Where ``wanted`` is empty the
    story cannot go on, and ``instead`` says why."""

    mark: Mark
    wanted: str
    instead: str

    @property
    def text(self) -> str:
        """The failure as a sentence."""
        return f"expected {self.wanted}; instead {self.instead}" if self.wanted else self.instead


class Judge:
    """Judges the expectations about one person in one story. Each message meets one expectation at most; ``nothing more``
    looks at those that are left."""

    def __init__(self, person: PlayedPerson) -> None:
        self.person = person
        self._taken: set[int] = set()

    def judge(self, expected: Expected) -> Failure | None:
        """Check one expectation. Returns its failure, or None."""
        checks: dict[str, Callable[[Expected], Failure | None]] = {
            "entered": self._entered,
            "not entered": self._not_entered,
            "segment": self._segment,
            "sent": self._sent,
            "not sent": self._not_sent,
            "called": self._called,
            "waiting": self._waiting,
            "split": self._splits,
            "customer": self._customer,
            "values": self._values,
            "goal": self._goal,
            "ended": self._ended,
            "nothing more": self._nothing_more,
        }
        return checks[expected.kind](expected)

    # Entering.

    def _entered(self, expected: Expected) -> Failure | None:
        wanted = expected.wanted["entered"]
        enrollment = self._enrolled(expected, wanted if isinstance(wanted, str) else None)
        if wanted is False:
            return None if enrollment is None else _failed(expected, "entered", "not entered", self._standing(enrollment))
        if enrollment is None:
            return _failed(expected, "entered", "entered", self._why_not(wanted if isinstance(wanted, str) else None))
        return self._segment(expected) if "segment" in expected.wanted else None

    def _not_entered(self, expected: Expected) -> Failure | None:
        wanted = expected.wanted["not entered"]
        others = [program.journey for program in self.person.programs]
        journey = wanted if isinstance(wanted, str) and wanted in others else others[0]
        because = expected.wanted.get("because") or (wanted if isinstance(wanted, str) and wanted not in others else None)
        refused = next((enrollment for enrollment in reversed(self.person.refused) if enrollment.journey == journey), None)
        if refused is None:
            enrollment = self._enrolled(expected, journey)
            instead = self._standing(enrollment) if enrollment else f"nothing has asked for entry into {journey}"
            return _failed(expected, "not entered", "not entered", instead)
        if because and because != refused.why.code and not _says(refused.why.reason, because):
            instead = f"{refused.why.code}: {refused.why.reason}"
            return _failed(expected, "because" if "because" in expected.wanted else "not entered", because, instead)
        return None

    def _why_not(self, journey: str | None) -> str:
        name = journey or self.person.programs[0].journey
        for refused in reversed(self.person.refused):
            if refused.journey == name:
                return f"not let in on {self._at(refused.at)}: {refused.why.reason}"
        return "nothing that happened asks for entry into it"

    def _segment(self, expected: Expected) -> Failure | None:
        enrollment = self._enrolled(expected)
        segment = enrollment.state.segment if enrollment else None
        if segment == expected.wanted["segment"]:
            return None
        return self._instead(expected, "segment", enrollment, segment or "in none")

    # Messages.

    def _sent(self, expected: Expected) -> Failure | None:
        wanted = expected.wanted
        if wanted["sent"] == NOTHING:
            return self._nothing_more(expected)
        candidates = [
            (number, mail)
            for number, mail in enumerate(self.person.mails)
            if number not in self._taken and mail.sent.message == wanted["sent"]
        ]
        missing: Failure | None = None
        for number, mail in candidates:
            failure = self._fits(expected, mail)
            if failure is None:
                self._taken.add(number)
                return None
            missing = missing or failure
        return missing or _failed(expected, "sent", f"{wanted['sent']} sent", self._no_mail(str(wanted["sent"])))

    def _fits(self, expected: Expected, mail: ReceivedMessage) -> Failure | None:
        wanted = expected.wanted
        if "by" in wanted and wanted["by"] != mail.sent.channel:
            return _failed(expected, "by", f"by {wanted['by']}", f"by {mail.sent.channel}, {self._at(mail.sent.at)}")
        if "on" in wanted and not self._on(wanted["on"], mail.sent.at):
            return _failed(expected, "on", f"on {wanted['on']}", self._at(mail.sent.at))
        if "at" in wanted and not self._is(wanted["at"], mail.sent.at):
            return _failed(expected, "at", f"at {_spoken(wanted['at'])}", self._at(mail.sent.at))
        if "subject" in wanted and wanted["subject"] != mail.subject:
            return _failed(expected, "subject", f'subject "{wanted["subject"]}"', f'subject "{mail.subject or ""}"')
        for part in wanted.get("contains", ()):
            if part not in _flat(mail.text) and part not in mail.text:
                return _failed(expected, "contains", f'"{part}" in its text', f'its text is "{_flat(mail.text)[:_LONGEST]}"')
        return None

    def _no_mail(self, message: str) -> str:
        left = [mail for number, mail in enumerate(self.person.mails) if number not in self._taken]
        if any(mail.sent.message == message for mail in self.person.mails):
            return f"it was sent no more often than this story has said already{self._others(left)}"
        all_steps = [step for program in self.person.programs for step in program.steps.values()]
        steps = [step.id for step in all_steps if getattr(step, "message", None) == message]
        why = [reason for step in steps for reason in self._reasons(step)]
        if why:
            return f"{'; '.join(why)}{self._others(left)}"
        return f"it was not sent{self._others(left)}; {self._standing(self._newest())}"

    def _others(self, mails: list[ReceivedMessage]) -> str:
        return f"; sent were {', '.join(self._mail(mail) for mail in mails)}" if mails else ""

    def _mail(self, mail: ReceivedMessage) -> str:
        return f"{mail.sent.message} by {mail.sent.channel} on {self._at(mail.sent.at)}"

    def _not_sent(self, expected: Expected) -> Failure | None:
        name, wanted = str(expected.wanted["not sent"]), expected.wanted
        steps = [
            step.id
            for program in self.person.programs
            for step in program.steps.values()
            if name in (step.id, getattr(step, "message", None))
        ]
        mails = [m for m in self.person.mails if m.sent.step in steps and wanted.get("by") in (None, m.sent.channel)]
        if mails:
            return _failed(expected, "not sent", f"{name} not sent", f"sent: {self._mail(mails[-1])}")
        if "because" not in wanted:
            return None
        refusals = [entry for step in steps for entry in self._refusals(step) if wanted.get("by") in (None, entry["channel"])]
        because = str(wanted["because"])
        if any(because == entry["rule"] or _says(str(entry.get("because") or ""), because) for entry in refusals):
            return None
        instead = [reason for step in steps for reason in self._reasons(step)]
        standing = f"nobody came to it: {self._standing(self._newest())}"
        return _failed(expected, "because", f"not sent because of {because}", "; ".join(instead) or standing)

    def _refusals(self, step: str) -> Iterator[Mapping[str, Any]]:
        """Why a step's message did not go, as it was recorded: by ``channel``, the ``rule`` and ``because``."""
        for one in self.person.simulator.enrollments:
            for entry in one.trace:
                if entry.step != step:
                    continue
                if entry.kind == "not sent":
                    yield entry.why
                elif entry.kind in ("failed", "uncertain"):
                    yield {"channel": entry.why.get("channel"), "rule": entry.why.get("reason") or entry.kind}
                elif entry.kind in ("passed over", "skipped"):
                    yield {"channel": None, "rule": "condition", "because": entry.why.get("because")}

    def _reasons(self, step: str) -> list[str]:
        return [_reason(step, entry) for entry in self._refusals(step)]

    def _nothing_more(self, expected: Expected) -> Failure | None:
        left = [mail for number, mail in enumerate(self.person.mails) if number not in self._taken]
        if not left:
            return None
        return _failed(expected, expected.kind, "nothing more sent", ", ".join(self._mail(mail) for mail in left))

    def _called(self, expected: Expected) -> Failure | None:
        name, given = str(expected.wanted["called"]), expected.wanted.get("with")
        calls = [one for one in self.person.calls if one.endpoint == name]
        if not calls:
            return _failed(expected, "called", f"{name} called", f"it was not called; {self._standing(self._newest())}")
        if given is not None and not _within(given, calls[-1].given):
            return _failed(expected, "with", f"with {_shown(given)}", f"with {_shown(calls[-1].given)}")
        return None

    # Where they are.

    def _waiting(self, expected: Expected) -> Failure | None:
        step, until = expected.wanted["waiting"], expected.wanted.get("until")
        enrollment = next(
            (o for o in reversed(self.person.simulator.enrollments) if o.open and o.state.step == step and _keyed(o, expected)),
            None,
        )
        if enrollment is None:
            return _failed(expected, "waiting", f"waiting in {step}", self._standing(self._enrolled(expected)))
        ends = enrollment.state.ends or enrollment.state.deadline
        if until is not None and (ends is None or not self._is(until, ends)):
            instead = f"until {self._at(ends)}" if ends else "without an end"
            return _failed(expected, "until", f"until {_spoken(until)}", instead)
        return None

    def _splits(self, expected: Expected) -> Failure | None:
        enrollment = self._enrolled(expected)
        shares = enrollment.state.splits if enrollment else {}
        wrong = {step: shares.get(step) for step, share in expected.wanted["split"].items() if shares.get(step) != share}
        return self._instead(expected, "split", enrollment, _shown(wrong)) if wrong else None

    def _customer(self, expected: Expected) -> Failure | None:
        return _compared(expected, "customer", self.person.known())

    def _values(self, expected: Expected) -> Failure | None:
        enrollment = self._enrolled(expected)
        return _compared(expected, "values", enrollment.state.variables if enrollment else {})

    def _goal(self, expected: Expected) -> Failure | None:
        wanted, enrollment = expected.wanted["goal"], self._enrolled(expected)
        reached = enrollment is not None and enrollment.state.goal_at is not None
        if wanted is False:
            return _failed(expected, "goal", "no goal", self._standing(enrollment)) if reached else None
        if not reached or enrollment is None:
            return _failed(expected, "goal", "the goal reached", f"not reached; {self._standing(enrollment)}")
        if wanted is not True and (enrollment.value is None or abs(enrollment.value - float(wanted)) > 1e-9):
            return _failed(expected, "goal", f"a goal worth {wanted:g}", f"worth {enrollment.value}")
        return None

    def _ended(self, expected: Expected) -> Failure | None:
        wanted, enrollment = expected.wanted["ended"], self._enrolled(expected)
        ended = enrollment.state.ended if enrollment else None
        if wanted in ("no", "false"):
            if enrollment is None:
                return _failed(expected, "ended", "entered, and not ended", self._standing(None))
            return _failed(expected, "ended", "not ended", self._standing(enrollment)) if ended else None
        # The words for a goal that is reached and for leaving mean just that, whatever the reasons of exits are.
        endings = () if ended is None else ("yes", "true", ended.kind, *((ended.reason,) if wanted not in _KINDS else ()))
        if wanted in endings:
            return None
        return _failed(expected, "ended", f"ended: {wanted}", self._standing(enrollment))

    # Words.

    def _newest(self) -> SimulatedEnrollment | None:
        return self.person.enrolled()

    def _enrolled(self, expected: Expected, journey: str | None = None) -> SimulatedEnrollment | None:
        return self.person.enrolled(journey, expected.wanted.get("key"))

    def _standing(self, enrollment: SimulatedEnrollment | None) -> str:
        """Where somebody is: ``waiting in patience until Sun 29 Mar 10:00``, ``ended on … : done``."""
        if enrollment is None:
            return f"{self.person.person.name} is not in {self.person.programs[0].journey}: {self._why_not(None)}"
        state = enrollment.state
        if state.ended is not None:
            reason = state.ended.reason if state.ended.kind == "exit" else f"{state.ended.kind}, {state.ended.reason}"
            return f"ended on {self._at(state.ended.at)}: {reason}"
        until = state.ends or state.deadline
        return f"waiting in {state.step}" + (f" until {self._at(until)}" if until else "")

    def _instead(self, expected: Expected, word: str, enrollment: SimulatedEnrollment | None, instead: str) -> Failure:
        text = instead if enrollment is not None else self._standing(None)
        return _failed(expected, word, f"{word} {_shown(expected.wanted[word])}", text)

    def _at(self, instant: datetime) -> str:
        return format_moment(instant, self.person.zone)

    def _is(self, wanted: WrittenMoment | TimeOfDay, instant: datetime) -> bool:
        local = instant.astimezone(ZoneInfo(self.person.zone))
        if isinstance(wanted, WrittenMoment):
            return wanted.instant(self.person.zone) == instant.replace(second=0, microsecond=0)
        return (local.hour, local.minute) == (wanted.hour, wanted.minute) and local.weekday() in (wanted.days or range(7))

    def _on(self, day: str, instant: datetime) -> bool:
        local = instant.astimezone(ZoneInfo(self.person.zone))
        return day in (local.date().isoformat(), WEEKDAYS[local.weekday()])


def _reason(step: str, entry: Mapping[str, Any]) -> str:
    by = f" by {entry['channel']}" if entry.get("channel") else ""
    because = f" ({entry['because']})" if entry.get("because") else ""
    return f"{step} not sent{by}: {entry['rule']}{because}"


def _failed(expected: Expected, word: str, wanted: str, instead: str) -> Failure:
    return Failure(expected.marks.get(word, expected.marks[expected.kind]), wanted, instead)


def _keyed(one: SimulatedEnrollment, expected: Expected) -> bool:
    return expected.wanted.get("key") in (None, one.state.key)


def _compared(expected: Expected, word: str, known: Mapping[str, Any]) -> Failure | None:
    wanted = expected.wanted[word]
    wrong = {name: known.get(name) for name, value in wanted.items() if not _same(value, known.get(name))}
    if not wrong:
        return None
    return _failed(expected, word, f"{word} {_shown({name: wanted[name] for name in wrong})}", _shown(wrong))


def _same(wanted: object, found: object) -> bool:
    if isinstance(wanted, int | float) and isinstance(found, int | float) and not isinstance(wanted, bool):
        return abs(wanted - found) < 1e-9
    return wanted == found


def _within(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(_same(value, found.get(name)) for name, value in wanted.items())


def _shown(value: object) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name} {_shown(one)}" for name, one in value.items()) or "nothing"
        case None:
            return "missing"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _spoken(moment: WrittenMoment | TimeOfDay) -> str:
    return f"{moment.wall:%Y-%m-%d %H:%M}" if isinstance(moment, WrittenMoment) else str(moment)


def _says(reason: str, words: str) -> bool:
    """Whether these words stand in a reason, and not merely their letters."""
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", reason) is not None


def _flat(text: str) -> str:
    return " ".join(text.split())
