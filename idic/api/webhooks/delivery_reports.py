"""Record what a provider reports of a touch, once, in whatever order and however often it reports.

A report may come before our own record that the message left, and is then the evidence that it did. A report of an unknown
touch is dropped: repeating it would not help.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import structlog
from sqlalchemy import select

from idic.api import record_engagement
from idic.api.withdraw_consent import withdraw
from idic.interact.channels.mime import AddressInvalid, read_mailbox
from idic.journey.channels import EMAIL, EMAIL_ATTRIBUTE
from idic.providers.webhook import DeliveryReport
from idic.store import tables
from idic.store.customer import consents, customers
from idic.store.customer.ingest import Observation, about_touch, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import touches
from idic.store.enrollment.touches import Touch

log = structlog.get_logger("idic.api")

_ACTS = {"complained": "complaint", "unsubscribed": "unsubscribe page"}
"""What withdraws consent, and by which act."""


async def note(store: Store, report: DeliveryReport) -> None:
    """Record one report. Raises ``StoreUnavailable``."""
    async with store.reading() as tx:
        touch = await touches.find(tx, report.touch) if report.touch.isalnum() else None
    if touch is None:
        log.warning("a report of a touch that is not there")
        return
    if report.asked is not None and await record_engagement.by_machine(store, touch, report.asked):
        report = report._replace(became="taken")  # it has seen the message, so that the message left
    if report.became == "taken" and not touches.may_have_left(touch) and touch.provider_id is not None:
        return  # the most frequent report tells nothing new

    async def work(tx: Tx) -> None:
        # The customer's row first, as everybody takes it, and only then the touch.
        for seen in _seen(touch, report):
            await observe(tx, seen)
        if report.provider_id:
            await touches.identify(tx, touch.id, report.provider_id[:64])
        if report.dead and report.address:
            for address in {report.address, await _as_we_know_it(tx, touch, report.address)}:
                await consents.suppress(tx, touch.channel, address, report.dead, tx.now())

    async def withdrawal(tx: Tx) -> Observation:
        await work(tx)
        # Who reports a mail as spam, or leaves by the provider's own way, wants none of any kind.
        properties = {"channel": touch.channel, "act": _ACTS[report.became]}
        once = f"{report.became}:{touch.id}"
        return Observation("Consent Withdrawn", touch.customer_id, touch.enrollment_id, touch.step, properties, once)

    if report.became in _ACTS:
        await withdraw(store, withdrawal)
    else:
        await store.move("report", work)


async def _as_we_know_it(tx: Tx, touch: Touch, address: str) -> str:
    """The address as the customer's own, where that is another way to write it: mail to bücher.example goes to
    xn--bcher-kva.example, and is reported of that."""
    if touch.channel == EMAIL.name:
        whose = tables.customers.c.id == await customers.current_id(tx, touch.customer_id)
        ours = str(await tx.scalar(select(tables.customers.c.traits[EMAIL_ATTRIBUTE].as_string()).where(whose)) or "")
        with contextlib.suppress(AddressInvalid):
            if read_mailbox(ours).mailbox.lower() == address.lower():
                return ours
    return address


def _seen(touch: Touch, report: DeliveryReport) -> Iterator[Observation]:
    match report.became:
        case "delivered":
            yield about_touch(touch, "Message Delivered", once="delivered")
        case "bounced":
            yield about_touch(touch, "Message Bounced", {"reason": report.reason}, once="bounced")
        case "opened":
            yield about_touch(touch, "Email Opened", once="opened")
        case "clicked":
            once = f"clicked:{report.telling}" if report.telling else None
            yield about_touch(touch, "Link Clicked", {"url": report.url}, once=once)
        case "taken" | "complained" | "unsubscribed" if touches.may_have_left(touch):
            yield about_touch(touch, "Message Sent", once="sent")
