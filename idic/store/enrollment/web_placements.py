"""Web content in the slots of the shop's site: placed when it is sent, ended by time, a click or the goal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update

from idic.store.any_of import any_of
from idic.store.database import Tx
from idic.store.enrollment.touches import Touch
from idic.store.tables import placements


class Placement(NamedTuple):
    """A row of ``placements``: content that is or was shown in a slot. ``links`` are the only addresses that can be reported
    as clicked. ``ended`` says why it ended early; None while it lasts, and where its time ran out."""

    touch_id: str
    customer_id: str
    enrollment_id: str
    slot: str
    html: str
    links: list[str]
    ends_on_click: bool
    placed_at: datetime
    until: datetime
    ended_at: datetime | None
    ended: str | None


class LivePlacement(NamedTuple):
    """A placement that is shown now, without its content."""

    touch_id: str
    customer_id: str
    enrollment_id: str
    slot: str
    until: datetime


async def place(
    tx: Tx,
    touch: Touch,
    *,
    slot: str,
    html: str,
    links: tuple[str, ...],
    ends_on_click: bool,
    at: datetime,
    until: datetime,
) -> None:
    """Show ``html`` to the touch's customer from ``at`` until ``until``. A placement that is there already stays as it is."""
    row = {
        "touch_id": touch.id,
        "customer_id": touch.customer_id,
        "enrollment_id": touch.enrollment_id,
        "slot": slot,
        "html": html,
        "links": list(links),
        "ends_on_click": ends_on_click,
        "placed_at": at,
        "until": until,
    }
    await tx.execute(tx.insert(placements).values(row).on_conflict_do_nothing())


async def end(tx: Tx, enrollment_id: str, why: str, at: datetime) -> None:
    """End everything that this enrollment still shows."""
    await tx.execute(
        update(placements)
        .where(placements.c.enrollment_id == enrollment_id, placements.c.ended_at.is_(None), placements.c.until > at)
        .values(ended_at=at, ended=why)
    )


async def end_clicked(tx: Tx, touch_id: str, at: datetime) -> None:
    """End a placement that was to be shown until it was clicked."""
    await tx.execute(
        update(placements)
        .where(placements.c.touch_id == touch_id, placements.c.ended_at.is_(None), placements.c.ends_on_click)
        .values(ended_at=at, ended="click")
    )


async def live(tx: Tx, customer_ids: Collection[str], at: datetime) -> list[LivePlacement]:
    """What is shown to these customers at ``at``, oldest first, without its content. Of several in one slot, the last is
    seen."""
    rows = await tx.rows(
        select(*(placements.c[name] for name in LivePlacement._fields))
        .where(any_of(tx, placements.c.customer_id, customer_ids))
        .where(placements.c.ended_at.is_(None), placements.c.until > at, placements.c.placed_at <= at)
        .order_by(placements.c.placed_at, placements.c.touch_id)
    )
    return [LivePlacement(**row) for row in rows]


async def html(tx: Tx, touch_ids: Collection[str]) -> dict[str, str]:
    """The content of these placements, by touch."""
    contents = select(placements.c.touch_id, placements.c.html).where(any_of(tx, placements.c.touch_id, touch_ids))
    return {row["touch_id"]: row["html"] for row in await tx.rows(contents)}


async def find(tx: Tx, touch_id: str) -> Placement | None:
    """The placement of a touch, if there is one."""
    row = await tx.row(select(placements).where(placements.c.touch_id == touch_id))
    return Placement(**row) if row else None
