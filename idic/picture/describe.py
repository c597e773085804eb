"""A program in the words of the person who wrote it: what enters, what each step does, where it can lead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.channels import CHANNELS, addressed
from idic.journey.program.content import AnyContent
from idic.journey.program.entry import Entry, Goal
from idic.journey.program.program import Program
from idic.journey.program.steps import (
    Arm,
    Call,
    Choose,
    Differentiate,
    Enter,
    Exit,
    Repeat,
    Send,
    Set,
    Split,
    Step,
    Wait,
    WaitFor,
)
from idic.journey.program.values import Assignment, Moment, Pattern, Target
from idic.times import WEEKDAYS, Duration, TimeOfDay

NOTHING = Duration()
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_WORKING_DAYS = re.compile(f" on {' and '.join(WEEKDAYS[:5])}$")


class Description(NamedTuple):
    """``title`` says what is done; ``notes`` under which limits."""

    title: str
    notes: tuple[str, ...] = ()


class Way(NamedTuple):
    """Where a step can lead. ``labels`` are the reasons, any of which leads there; none: there is no other way."""

    labels: tuple[str, ...]
    target: Target


def channel(name: str) -> str:
    return CHANNELS[name].word if name in CHANNELS else name


def event(pattern: Pattern) -> str:
    """``Link Clicked of nudge if event.value == "yes"``"""
    of = f" of {pattern.of}" if pattern.of else ""
    return f"{pattern.on}{of}{f' if {pattern.when.text}' if pattern.when else ''}"


def events(patterns: Iterable[Pattern]) -> str:
    """``Cart Emptied or Order Returned if …``; a condition that all of them share is said once."""
    runs = groupby(patterns, key=lambda one: (one.when.text if one.when else "", one.of))
    said = []
    for (when, of), run in runs:
        names = " or ".join(one.on for one in run)
        said.append(f"{names}{f' of {of}' if of else ''}{f' if {when}' if when else ''}")
    return ", or ".join(said) if any(" if " in one for one in said) else " or ".join(said)


def moment(until: Moment) -> str:
    """``3 days before entry.starts_at at 09:00``"""
    offset = f"{until.offset} {'before' if until.before else 'after'} " if until.offset != NOTHING else ""
    return f"{offset}{until.name}{f' at {clock(until.at)}' if until.at else ''}"


def clock(at: TimeOfDay) -> str:
    """``09:00 on weekdays``, as people say it."""
    return _WORKING_DAYS.sub(" on weekdays", str(at))


def assignments(given: Iterable[Assignment]) -> tuple[str, ...]:
    return tuple(f"{one.name} = {one.value.text}" for one in given)


def step(one: Step) -> Description:
    """What a step does, and its limits; where it leads is told by ``ways``."""
    match one:
        case Wait(duration=duration, until=until, without=without, capture=capture):
            if isinstance(until, Moment):
                title = f"wait until {moment(until)}"
            else:
                title = f"wait until {clock(until)}" if until else f"wait {duration}"
            title += f" without {event(without)}" if without else ""
            return Description(title, (*_asked(one), *_captured(capture)))
        case WaitFor(arms=arms, within=within):
            title = _awaited(arms[0]) if len(arms) == 1 else "wait for the first of these"
            captured = tuple(arm.capture for arm in arms if arm.capture)
            return Description(title, (*_asked(one), f"within {within}", *_captured(" or ".join(dict.fromkeys(captured)))))
        case Choose():
            return Description("choose", _asked(one))
        case Split():
            return Description("split by chance", _asked(one))
        case Send(message=message, channels=channels, mode=mode, at=at, within=within):
            named = [channel(name) for name in channels]
            by = {"each": " + ".join, "first_of": "first of {}".format, "best_of": "best of {}".format}[mode]
            how = by(named) if mode == "each" else by(", ".join(named))
            when = (f"at {at}" if isinstance(at, str) else f"from {at}",) if at else ()
            return Description(f"{how}\N{NO-BREAK SPACE}· {message}", (*_asked(one), *when, f"within {within}"))
        case Exit(reason=reason):
            return Description(f"exit {reason}")
        case Set(assign=assign):
            return Description("set", (*_asked(one), *assignments(assign)))
        case Call(endpoint=endpoint, given=given, capture=capture, within=within):
            return Description(
                f"call {endpoint.name}", (*_asked(one), *assignments(given), f"within {within}", *_captured(capture))
            )
        case Repeat(times=times, until=until):
            return Description(f"repeat up to {times} times", (*_asked(one), *((f"until {until.text}",) if until else ())))
        case Enter(journey=journey, given=given):
            return Description(f"enter {journey}", (*_asked(one), *assignments(given or ())))
        case Differentiate():
            return Description("differentiate again", _asked(one))
        case _:
            raise AssertionError(one.kind)


def _awaited(arm: Arm) -> str:
    """The one event of a wait; under which condition is said where its way begins."""
    if arm.pattern is None:
        return f"wait until {arm.until.text if arm.until else ''}"
    return f"wait for {arm.pattern.on}{f' of {arm.pattern.of}' if arm.pattern.of else ''}"


def arm_words(one: WaitFor) -> list[str]:
    said = []
    for arm in one.arms:
        if arm.pattern is None:
            said.append(f"until {arm.until.text}" if arm.until else "")
            continue
        # That an event counts from the wait on, or from the message it is about, is what everybody expects.
        since = "" if arm.since in ("wait", "sent") else f" since {arm.since}"
        said.append(event(arm.pattern) + since)
    return said


def ways(one: Step) -> tuple[Way, ...]:
    """Every way on from a step, those to the same place together, in the order of the file."""
    labels: dict[Target, list[str]] = {}
    for label, target in labelled(one):
        labels.setdefault(target, []).append(label)
    if len(labels) == 1:
        return (Way((), next(iter(labels))),)
    return tuple(Way(tuple(filter(None, said)), target) for target, said in labels.items())


def labelled(one: Step) -> Iterable[tuple[str, Target]]:
    """Every reason to go on with where it leads, in the order of the file; the only way has no reason (empty)."""
    match one:
        case WaitFor(arms=arms):
            yield from zip(arm_words(one), (arm.then for arm in arms), strict=True)
            yield "otherwise", one.otherwise
        case Choose(branches=branches):
            yield from ((branch.when.text, branch.then) for branch in branches)
            yield "otherwise", one.otherwise
        case Split(shares=shares):
            yield from ((f"{share.name} · {share.percent} %", share.then) for share in shares)
            if one.when:
                yield "otherwise", one.otherwise
        case Exit(reason=reason):
            yield f"if {one.when.text}" if one.when else "", Target(exit=reason)
            if one.when:
                yield "otherwise", one.otherwise
        case Send():
            yield "sent", one.then
            yield "otherwise: not sent", one.otherwise
        case Call():
            yield "answered", one.then
            yield "otherwise: no answer", one.otherwise
        case Wait(until=Moment()):
            yield "", one.then
            yield "otherwise: past or not known", one.otherwise
        case _:
            yield "", one.then
            if one.when:
                yield "otherwise", one.otherwise


def entry(one: Entry, zone: str) -> Description:
    """Who enters, and when."""
    conditions = {pattern.when.text if pattern.when else None for pattern in one.on}
    shared = one.when.text if one.when else conditions.pop() if len(conditions) == 1 else None
    if one.every:
        title = f"every {one.every} ({zone})"
    elif one.once:
        title = f"once on {_there(one.once, zone)}"
    elif one.day:
        title = f"{'every year on ' if one.day.yearly else ''}{moment(one.day.moment)}"
    else:
        title = events(one.on) if shared is None else " or ".join(pattern.on for pattern in one.on)
    again = f"after {one.again.after}" if one.again.kind == "after" else one.again.kind
    launch = (
        f"starts {_there(one.starts, zone)}" if one.starts else "",
        f"ends {_there(one.ends, zone)}" if one.ends else "",
    )
    return Description(
        title,
        tuple(
            filter(
                None,
                (
                    f"for each of whom {one.for_each.text}" if one.for_each else "",
                    f"if {shared}" if shared else "",
                    f"one at a time for each {one.key}" if one.key else "",
                    f"again: {again}",
                    "who is in it starts over" if one.while_in == "restart" else "",
                    *launch,
                    f"at most {one.at_most} a day" if one.at_most else "",
                    "only test customers" if one.testers else "",
                ),
            )
        ),
    )


def goal(one: Goal) -> Description:
    notes = [f"within {one.within}"] if one.within else []
    notes += [f"worth {one.value.text}"] if one.value else []
    return Description(events(one.on), (*notes, "then leaves" if one.then == "leave" else "then goes on"))


def content(one: AnyContent) -> str:
    """The first words of what is read, with … for whatever differs by customer."""
    printed = _TAG.sub("", _PRINTED.sub("…", one.first_words))
    return " ".join(re.sub(r"\s*…(?:\s*…)*", " …", printed).split()).replace(" …,", " …,")


def opening(program: Program, one: Send) -> str | None:
    """What a message says first: the subject of its mail, or else the text of its SMS."""
    message = program.messages.get(one.message)
    if message is None:
        return None
    written = {name: found for name, found in message.contents.items() if name in one.channels}
    first = next((written[channel.name] for channel in addressed() if channel.name in written), None)
    return content(first) if first is not None else None


def _there(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def _asked(one: Step) -> tuple[str, ...]:
    return (f"if {one.when.text}",) if one.when else ()


def _captured(name: str | None) -> tuple[str, ...]:
    return (f"as {name}",) if name else ()
