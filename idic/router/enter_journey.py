"""Let a held customer into a journey, or say why not."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NamedTuple

from idic.journey.engine import interpreter
from idic.journey.engine.admission import Admitted, Applies, StayOut, admit, applies, day_of, full
from idic.journey.engine.state import Ending, Event
from idic.journey.program.program import Program
from idic.router.held_customer import HeldCustomer, with_goal_window
from idic.store.enrollment import enrollments
from idic.store.enrollment.enrollments import Enrollment
from idic.store.journey import daily_counts


class EntryResult(NamedTuple):
    """The answer to a request for entry. ``enrollment_id`` is set too where the customer is in the journey already."""

    enrollment_id: str | None
    refusal: StayOut | None

    @property
    def text(self) -> str:
        """The answer as the event's outcome records it."""
        return f"stays out: {self.refusal.reason}" if self.refusal else f"entered {self.enrollment_id}"


async def enter(held: HeldCustomer, program_id: str, program: Program, event: Event, *, stopped: bool = False) -> EntryResult:
    """Enroll the customer if the journey lets them in on this event."""
    facts = await held.customer.facts(program, event.accepted_at)
    entry = applies(program, event, facts)
    if not isinstance(entry, Applies):
        return EntryResult(None, entry or StayOut("event", "the journey is not entered on this event"))
    if stopped:
        return EntryResult(None, StayOut("stopped", "the journey is stopped"))
    open_id, last = await enrollments.earlier_entries(held.tx, held.id, program.journey, entry.key)
    answer = admit(program, entry.key, event.accepted_at, facts.zone, is_in=open_id is not None, last_entered_at=last)
    if not isinstance(answer, Admitted):
        return EntryResult(open_id, answer)
    if open_id is None and not await _count_entry(held, program, event.accepted_at):
        return EntryResult(None, full(program))
    if open_id is not None:
        restarted = await enrollments.get(held.tx, open_id)
        await held.close(restarted, Ending(kind="closed", reason="restarted", at=event.accepted_at))
    enrollment_id = uuid.uuid4().hex
    machine = interpreter.begin(program, enrollment_id, held.id, event, entry.key, facts)
    outcome = await held.customer.drive(program, machine, entering=True)
    enrollment = with_goal_window(
        Enrollment(enrollment_id, held.id, program.journey, program_id, entry.key, 1, outcome.state), program
    )
    await held.create(enrollment, program, outcome, event.accepted_at)
    return EntryResult(enrollment_id, None)


async def _count_entry(held: HeldCustomer, program: Program, at: datetime) -> bool:
    """Count one more entry of that day. Returns False if the journey is full."""
    most = program.entry.at_most
    return most is None or await daily_counts.count_entry(held.tx, program.journey, day_of(program, at), most)
