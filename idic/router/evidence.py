"""Record what a customer's events prove: what became of a message, and what the customer consented to."""

from __future__ import annotations

from datetime import datetime

from idic.interact import consent
from idic.interact.reach import reach
from idic.journey.channels import is_placed
from idic.journey.engine.state import Event, Touched, Trace
from idic.router.held_customer import HeldCustomer
from idic.store.customer import consents, events
from idic.store.enrollment import enrollments, touches, web_placements
from idic.store.journey.programs import vocabulary


async def note_message_event(held: HeldCustomer, event: Event) -> list[str]:
    """Note at its touch what became of a message. Any such event proves that the message left, if that was uncertain or not
    yet recorded here. Returns the enrollments that this moved."""
    channel = event.properties.get("channel", events.DEFAULT_CHANNEL)
    if event.enrollment is None or event.step is None or not isinstance(channel, str):
        return []
    round_ = event.properties.get("round", 1)
    if not isinstance(round_, int | float):
        return []
    touch = await touches.find(held.tx, touches.touch_id(event.enrollment, event.step, int(round_), channel))
    if touch is None:
        return []
    enrollment = await enrollments.get(held.tx, event.enrollment)
    if event.name in touches.BECAME:
        if not await touches.became(held.tx, touch, event.name, event.accepted_at):
            return []
        why = {"channel": channel, "reason": event.properties.get("reason"), "because": event.properties.get("value")}
        kind = touches.BECAME[event.name].removesuffix("_at")
        await enrollments.note(held.tx, enrollment.id, [Trace(event.accepted_at, kind, event.step, why)])
    if event.name == "Link Clicked" and is_placed(channel):
        await web_placements.end_clicked(held.tx, touch.id, event.accepted_at)
    if event.name == "Replied" or not touches.may_have_left(touch):
        return []  # a reply counts for the newest message, but may answer an earlier one: it proves nothing
    if touch.status in ("deferred", "failed"):
        await held.customer.take_again(await held.runtime.programs.get(held.tx, enrollment.program_id), touch)
    await touches.mark(held.tx, touch.id, status="sent", reason=None, settled_at=event.accepted_at)
    touched = Touched(status="sent", at=event.accepted_at)
    sent = Trace(event.accepted_at, "sent", event.step, {"channel": channel, "because": event.name})
    moved = await held.settle(enrollment, touch, touched, sent, event.accepted_at)
    return [enrollment.id] if moved.seq > enrollment.seq else []


async def record_consent(held: HeldCustomer, event: Event) -> str | None:
    """Add a consent event to the ledger. Returns the problem if it cannot be recorded."""
    try:
        statement = consent.read(event.name, event.properties)
    except ValueError as problem:
        return str(problem)
    at = consent.since(statement, event.accepted_at, event.occurred_at)
    await consents.record(held.tx, held.id, statement, at=at, event_id=event.number)
    held.customer.consents_changed()
    if statement.given and statement.confirmed:
        # The owner of the address changed their mind: lift the suppression that they asked for.
        country = (await vocabulary(held.tx) or {}).get("country")
        address = reach(statement.channel, held.id, held.customer.traits, None, held.now, country).address
        if address is not None:
            await consents.lift(held.tx, statement.channel, address, consents.WISHES, before=at)
    if is_placed(statement.channel) and not statement.given:
        await _take_off_web(held, statement.topic, event.accepted_at)
    return None


async def _take_off_web(held: HeldCustomer, topic: str | None, at: datetime) -> None:
    """Take off the web what is shown without the consent that it needs."""
    for shown in await web_placements.live(held.tx, [held.id], at):
        enrollment = await enrollments.get(held.tx, shown.enrollment_id)
        program = await held.runtime.programs.get(held.tx, enrollment.program_id)
        if program.purpose == "marketing" and topic in (None, program.topic):
            await web_placements.end(held.tx, enrollment.id, "withdrawn", at)
