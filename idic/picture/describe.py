"""Describe the entry, goal and messages of a program in words."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from idic.journey.channels import addressed
from idic.journey.program import phrases
from idic.journey.program.content import AnyContent
from idic.journey.program.entry import Entry, Goal
from idic.journey.program.phrases import Description
from idic.journey.program.program import Program
from idic.journey.program.steps import Step
from idic.journey.program.values import Target

_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)


class GroupedWay(NamedTuple):
    """A place to which a step can lead. ``labels`` are the reasons, any of which leads there; none if it is the only place."""

    labels: tuple[str, ...]
    target: Target


def ways(step: Step) -> tuple[GroupedWay, ...]:
    """Every way on from a step, in the order of the file; ways to the same place are one."""
    labels: dict[Target, list[str]] = {}
    for label, target in step.ways():
        labels.setdefault(target, []).append(label)
    if len(labels) == 1:
        return (GroupedWay((), next(iter(labels))),)
    return tuple(GroupedWay(tuple(filter(None, reasons)), target) for target, reasons in labels.items())


def entry(one: Entry, zone: str) -> Description:
    """Who enters, and when."""
    conditions = {pattern.when.text if pattern.when else None for pattern in one.on}
    shared = one.when.text if one.when else conditions.pop() if len(conditions) == 1 else None
    if one.every:
        title = f"every {one.every} ({zone})"
    elif one.once:
        title = f"once on {_there(one.once, zone)}"
    elif one.day:
        title = f"{'every year on ' if one.day.yearly else ''}{phrases.moment(one.day.moment)}"
    else:
        title = phrases.events(one.on) if shared is None else " or ".join(pattern.on for pattern in one.on)
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
                    f"for each customer with {one.for_each.text}" if one.for_each else "",
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
    """The goal, and until when it counts."""
    notes = [f"within {one.within}"] if one.within else []
    notes += [f"worth {one.value.text}"] if one.value else []
    return Description(phrases.events(one.on), (*notes, "then leaves" if one.then == "leave" else "then goes on"))


def content(one: AnyContent) -> str:
    """The first words of a message, with … for parts that differ by customer."""
    printed = _TAG.sub("", _PRINTED.sub("…", one.first_words))
    return " ".join(re.sub(r"\s*…(?:\s*…)*", " …", printed).split()).replace(" …,", " …,")


def opening(program: Program, step: Step) -> str | None:
    """The first words of the message that a step sends: the subject of its mail, or else the text of its SMS."""
    message = program.messages.get(step.sent_message() or "")
    if message is None:
        return None
    contents = {name: found for name, found in message.contents.items() if name in step.sent_channels()}
    first = next((contents[channel.name] for channel in addressed() if channel.name in contents), None)
    return content(first) if first is not None else None


def _there(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
