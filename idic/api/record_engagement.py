"""Telling people from machines, of those who open a message and follow its links: whoever reports it, the same way."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request

from idic.interact.tracking.bots import PREFETCH, Asked, What, machine
from idic.journey.engine.state import Trace
from idic.store.customer import customers
from idic.store.customer.ingest import about, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import enrollments
from idic.store.tables import Row


def asked(request: Request, what: What, left: timedelta | None) -> Asked:
    """What a request of ours says of who asks."""
    return Asked(
        what,
        request.headers.get("user-agent", ""),
        {name: request.headers[name] for name in PREFETCH if name in request.headers},
        request.method,
        request.client.host if request.client else None,
        left,
    )


def left(tx: Tx, touch: Row) -> timedelta | None:
    """How long ago a message left, in idic's time; None where that says nothing: content of a page is there at once."""
    if touch["channel"] == "web":
        return None
    if touch["status"] == "attempting":
        return timedelta()
    return tx.now() - touch["settled_at"] if touch["status"] == "sent" and touch["settled_at"] else None


async def by_machine(store: Store, touch: Row, told: Asked) -> bool:
    """Whether it was a machine; then it is noted, and to be counted by nobody. Raises ``StoreUnavailable``."""
    who = machine(told)
    if who is None:
        return False
    await note(store, touch, told.what, who)
    return True


async def note(store: Store, touch: Row, what: What, who: str) -> None:
    """Write into the trace of its enrollment that a machine was there, each once. Whoever it was has the message: where nobody
    was certain that it left, it did."""
    why = {"channel": touch["channel"], "what": what, "because": who}
    if touch["round"] > 1:
        why["round"] = touch["round"]

    async def work(tx: Tx) -> None:
        await customers.lock(tx, touch["customer_id"])  # two links followed at once are noted once
        known = await enrollments.traced(tx, touch["enrollment_id"])
        if not any((e["kind"], e["step"], e["why"]) == ("machine", touch["step"], why) for e in known):
            await enrollments.note(tx, touch["enrollment_id"], [Trace(tx.now(), "machine", touch["step"], why)])

        if touch["status"] == "uncertain":
            await observe(tx, about(touch, "Message Sent", once="sent"))

    await store.move("machine", work)
