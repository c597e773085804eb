"""What a provider says became of a touch, noted once: told in any order, any number of times.

A report may come before our own record that the message left, and is then the evidence that it did. What nobody knows is
forgotten: told again it would be no better known.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

import structlog
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response

from idic.api import record_engagement
from idic.api.withdraw_consent import withdraw
from idic.interact.channels.mime import AddressInvalid, read_mailbox
from idic.interact.tracking.bots import Asked
from idic.store import tables
from idic.store.customer import consents, customers
from idic.store.customer.ingest import Observation, about_touch, observe
from idic.store.database import Store, Tx
from idic.store.enrollment import touches
from idic.store.enrollment.touches import Touch

log = structlog.get_logger("idic.api")

Became = Literal["taken", "delivered", "bounced", "opened", "clicked", "complained", "unsubscribed"]
"""``taken``: the provider has the message, which is all that we may have been unsure of."""

HARD_BOUNCE, COMPLAINT = "hard_bounce", "complaint"
"""Why an address is not written to again: nobody is there, or who is there calls it spam."""


class Report(NamedTuple):
    """``provider_id`` is what the provider knows the message by; ``reason`` a stable word for why it did not arrive;
    ``address`` whom it was written to, who is not written to again if ``dead`` says why; ``url`` where a click led,
    ``asked`` who opened or clicked, as far as the provider says, and ``telling`` the provider's id of the report, by which a
    click that it tells of twice counts once."""

    touch: str
    became: Became
    provider_id: str = ""
    reason: str | None = None
    address: str = ""
    dead: str | None = None
    url: str | None = None
    telling: str | None = None
    asked: Asked | None = None


class Webhook(Protocol):
    """Where one provider reports to: a path of the API, and who listens there."""

    @property
    def path(self) -> str: ...

    async def receive(self, request: Request) -> Response:
        """2xx to whatever is authentic, also where nothing is known of the touch. Raises ``Refusal`` (403 for what the
        provider did not say) and ``StoreUnavailable``, at which providers say it again."""
        ...


_ACTS = {"complained": "complaint", "unsubscribed": "unsubscribe page"}
"""What withdraws consent, and by which act."""


async def note(store: Store, report: Report) -> None:
    """Raises ``StoreUnavailable``."""
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
        said = {"channel": touch.channel, "act": _ACTS[report.became]}
        once = f"{report.became}:{touch.id}"
        return Observation("Consent Withdrawn", touch.customer_id, touch.enrollment_id, touch.step, said, once)

    if report.became in _ACTS:
        await withdraw(store, withdrawal)
    else:
        await store.move("report", work)


async def _as_we_know_it(tx: Tx, touch: Touch, address: str) -> str:
    """The address as the customer's own, where that is another way to write it: mail to bücher.example goes to
    xn--bcher-kva.example, and is reported of that."""
    if touch.channel == "email":
        whose = tables.customers.c.id == await customers.current_id(tx, touch.customer_id)
        ours = str(await tx.scalar(select(tables.customers.c.traits["email"].as_string()).where(whose)) or "")
        with contextlib.suppress(AddressInvalid):
            if read_mailbox(ours).mailbox.lower() == address.lower():
                return ours
    return address


def _seen(touch: Touch, report: Report) -> Iterator[Observation]:
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
