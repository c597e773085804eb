"""Check that an SMS with HELP is answered: carriers require it of every sender of SMS advertising."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from idic.journey.channels import SMS
from idic.journey.engine.admission import Applies, applies
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event
from idic.journey.program.program import Program

_HELP = Event(
    number=0,
    name="Replied",
    properties={"channel": SMS.name, "keyword": "help", "text": "help", "answered": False},
    accepted_at=datetime(2000, 1, 1, tzinfo=UTC),
)


def journey_without_help(programs: Iterable[Program]) -> str | None:
    """The first marketing journey, by name, that sends SMS although no journey answers HELP. None if all is well."""
    programs = sorted(programs, key=lambda program: program.journey)
    if any(_answers(program) for program in programs):
        return None
    return next((program.journey for program in programs if program.purpose == "marketing" and _sends_sms(program)), None)


def _answers(program: Program) -> bool:
    """Whether a HELP from an unknown customer enters this journey, and it can answer by SMS."""
    at = _HELP.accepted_at
    if program.entry.starts is not None:
        at = max(at, program.entry.starts)
    event = _HELP.model_copy(update={"accepted_at": at})
    nothing_known = Facts({}, program.zone)
    if program.purpose != "service" or not _sends_sms(program):
        return False
    return isinstance(applies(program, event, nothing_known), Applies)


def _sends_sms(program: Program) -> bool:
    return any(SMS.name in step.sent_channels() for step in program.steps.values())
