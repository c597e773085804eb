"""Write a trace in plain sentences.

The trace is recorded as data (``kind``, ``step``, ``why``); the sentences are made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

KINDS: dict[str, str] = {
    "entered": "entered: {event}{because}",
    "segment": "segment {segment}{because}",
    "values": "decided {what}",
    "waiting": "waits until {until}",
    "waited": "the wait is over",
    "starts over": "{event} again: the wait starts over, until {until}",
    "silence": "silence for long enough",
    "happened": "{event} happened{because}",
    "came true": "came true{because}",
    "moved": "{because}: waits until {until}",
    "timed out": "nothing happened in time",
    "skipped": "skipped{because}",
    "passed over": "passed over{because}",
    "chose": "chose{because}",
    "split": "split into {share}",
    "set": "set {what}",
    "called": "calls {endpoint}",
    "calling again": "{endpoint}: no answer yet ({reason}), calls again",
    "answered": "{endpoint} answered",
    "no answer": "{endpoint} gave no answer{because}",
    "round": "round {number} of {times}",
    "repeated": "repeated {times} times{because}",
    "asked for entry": "requests entry into {journey}",
    "scheduled": "waits for its sending hour{because}, until {until}",
    "its hour": "its sending hour has come{because}",
    "best": "best of {channels}{best}{because}",
    "claimed": "{message} by {channel}: allowed to send",
    "deferred": "{channel} deferred by {rule}{because}",
    "not sent": "not sent by {channel}: {rule}{because}",
    "trying again": "{channel}: not delivered yet ({reason}), tries again",
    "sent": "sent by {channel}",
    "failed": "{channel} failed: {reason}",
    "uncertain": "{channel} uncertain: {reason}; it is not repeated",
    "delivered": "{channel} delivered",
    "shown": "seen on the web",
    "opened": "{channel} opened",
    "clicked": "{channel} clicked{because}",
    "replied": "{channel} answered{because}",
    "machine": "{channel} {what} by a machine{because}",
    "bounced": "{channel} bounced: {reason}",
    "late": "{event} came too late for this step",
    "goal": "goal reached: {event}{value}",
    "ended": "ended: {reason}",
    "merged": "two customers turned out to be one",
    "migrated": "moved from program {from} to {program}, continues at {to}",
    "reworded": "gets the texts of program {program}",
    "resumed": "the journey is no longer paused: tries again at {until}",
}
"""Every kind of entry, and its sentence."""


def sentence(
    kind: str, step: str | None, why: Mapping[str, Any], *, clock: str = "%Y-%m-%d %H:%M UTC", zone: tzinfo = UTC
) -> str:
    """One line for people: ``nudge: sent by email``. ``clock`` is how an instant is written, as for strftime, in
    ``zone``."""

    class Words(dict[str, Any]):
        def __missing__(self, name: str) -> str:
            return ""

    words = Words(why)
    if isinstance(words.get("until"), str):
        words["until"] = f"{datetime.fromisoformat(words['until']).astimezone(zone):{clock}}"
    if words.get("because"):
        words["because"] = f" ({words['because']})"
    if words.get("best"):
        words["best"] = f" → {words['best']}"
    if words.get("value") is not None and "value" in words:
        words["value"] = f", worth {words['value']:g}"
    done = kind == "ended" and words.get("reason") == "done"
    text = "finished" if done else KINDS.get(kind, kind).format_map(words)
    return f"{step}: {text}" if step else text
