"""Whether who writes HELP to us is answered: carriers require it of whoever advertises by SMS."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from idic.journey.channels import SMS
from idic.journey.engine.admission import Applies, applies
from idic.journey.engine.scope import Facts
from idic.journey.engine.state import Event
from idic.journey.program.program import Program, Send

_HELP = Event(
    number=0,
    name="Replied",
    properties={"channel": SMS.name, "keyword": "help", "text": "help", "answered": False},
    accepted_at=datetime(2000, 1, 1, tzinfo=UTC),
)


def journey_without_help(programs: Iterable[Program]) -> str | None:
    """The first journey, by name, that sends SMS of marketing where none answers HELP; None where all is well."""
    programs = sorted(programs, key=lambda program: program.journey)
    if any(_answers(program) for program in programs):
        return None
    return next((program.journey for program in programs if program.purpose == "marketing" and _sends_sms(program)), None)


def _answers(program: Program) -> bool:
    """Whether it is entered by a HELP of somebody of whom nothing else is known, and may answer."""
    at = _HELP.accepted_at
    if program.entry.starts is not None:
        at = max(at, program.entry.starts)
    helps = _HELP.model_copy(update={"accepted_at": at})
    known = Facts({}, program.zone)
    return program.purpose == "service" and _sends_sms(program) and isinstance(applies(program, helps, known), Applies)


def _sends_sms(program: Program) -> bool:
    return any(isinstance(step, Send) and SMS.name in step.channels for step in program.steps.values())
