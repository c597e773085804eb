"""What the contact policy asks about a held customer: messages sent, messages to come, and replies.

Nothing is looked up that the policy in force does not ask about.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from idic.interact.policy.frequency import BEHIND, RESERVED
from idic.interact.policy.planned_messages import ahead
from idic.interact.policy.touch_request import Coming, Contact, Reply
from idic.journey.channels import SMS
from idic.journey.contact_policy.contact_policy import Policy
from idic.journey.engine.protocol import MayWe
from idic.journey.engine.state import Event
from idic.journey.program.program import Program
from idic.store.customer import events
from idic.store.database import Tx
from idic.store.enrollment import enrollments, touches
from idic.store.journey.programs import Programs


def window(policy: Policy, program: Program, *, fewer: bool) -> timedelta | None:
    """How far back messages count for what may be sent now; None where none do. ``fewer``: the customer asked for fewer."""
    stricter = program.stricter
    spans = [cap.per for cap in (*policy.caps, *((policy.fewer,) if fewer else ()), *(stricter.caps if stricter else ()))]
    spans += [gap.between for gap in (policy.minimum_gap, stricter.minimum_gap if stricter else None) if gap]
    return max((span.longest for span in spans), default=None)


async def made(tx: Tx, customer_id: str, since: datetime, besides: str | None) -> list[Contact]:
    """The marketing messages to this customer that count, without the touch ``besides``. An uncertain outcome counts, a
    definite failure does not."""
    return [
        Contact(
            touch.claimed_at if touch.status == "claimed" else touch.attempted_at or touch.claimed_at,
            touch.channel,
            touch.journey,
            touch.topic,
            touch.status == "claimed",
        )
        for touch in await touches.counting(tx, customer_id, since, besides)
    ]


async def coming(tx: Tx, programs: Programs, customer_id: str, enrollment: str, now: datetime) -> list[Coming]:
    """The messages that this customer's other enrollments are known to ask for within the hour, or should have a moment ago:
    scheduled, deferred, or following a wait."""
    messages = []
    for due in await enrollments.due_within(tx, customer_id, now - BEHIND, now + RESERVED, besides=enrollment):
        message = ahead(await programs.get(tx, due.program_id), due.state)
        if message is not None:
            messages.append(message)
    return messages


async def reply(tx: Tx, policy: Policy, program: Program, ask: MayWe, now: datetime) -> Reply | None:
    """The customer's last reply to this enrollment, or the reply that they entered it with."""
    entered = ask.entry if ask.entry is not None and ask.entry.name == "Replied" else None
    newest = None
    if policy.conversation is not None and ask.enrollment and "Replied" in program.hears:
        newest = await events.newest_of(tx, ask.enrollment, "Replied", upto=now)
    newest_reply = max(filter(None, (entered, newest)), key=lambda event: event.place, default=None)
    return _read(newest_reply) if newest_reply else None


def _read(event: Event) -> Reply:
    channel, keyword = event.properties.get("channel"), event.properties.get("keyword")
    return Reply(event.accepted_at, str(channel or SMS.name), keyword if isinstance(keyword, str) else None)
