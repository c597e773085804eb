"""Record opens and clicks, and tell machines from people the same way for every source."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request

from idic.interact.tracking.bots import PREFETCH, EngagementKind, LinkRequest, machine
from idic.journey.channels import is_placed
from idic.journey.engine.state import Trace
from idic.store.customer import customers
from idic.store.customer.ingest import about_touch, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.enrollment.touches import Touch


def asked(request: Request, what: EngagementKind, left: timedelta | None) -> LinkRequest:
    """Describe the sender of a request for the bot detection."""
    return LinkRequest(
        what,
        request.headers.get("user-agent", ""),
        {name: request.headers[name] for name in PREFETCH if name in request.headers},
        request.method,
        request.client.host if request.client else None,
        left,
    )


def left(tx: Tx, touch: Touch) -> timedelta | None:
    """How long ago a message was sent, in idic's time; None for web content, which is shown at once."""
    if is_placed(touch.channel):
        return None
    if touch.status == "attempting":
        return timedelta()
    return tx.now() - touch.settled_at if touch.status == "sent" and touch.settled_at else None


async def by_machine(store: Store, touch: Touch, told: LinkRequest) -> bool:
    """Whether a machine made the request; if so, it is noted in the trace and not counted. Raises ``StoreUnavailable``."""
    who = machine(told)
    if who is None:
        return False
    await note(store, touch, told.what, who)
    return True


async def note(store: Store, touch: Touch, what: EngagementKind, who: str) -> None:
    """Note the machine in the enrollment's trace, once for each machine. It also proves that an uncertain message was
    delivered."""
    why: dict[str, object] = {"channel": touch.channel, "what": what, "because": who}
    if touch.round > 1:
        why["round"] = touch.round

    async def work(tx: Tx) -> None:
        await customers.lock(tx, touch.customer_id)  # two links followed at the same time are noted once
        known = await enrollments.traced(tx, touch.enrollment_id)
        if not any((e.kind, e.step, e.why) == ("machine", touch.step, why) for e in known):
            await enrollments.note(tx, touch.enrollment_id, [Trace(tx.now(), "machine", touch.step, why)])

        if touch.status == "uncertain":
            await observe(tx, about_touch(touch, "Message Sent", once="sent"))

    await store.move("machine", work)
