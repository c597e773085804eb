"""How customers respond to messages: clicks and replies, of one customer and summed over all.

A customer's own responses are read whenever something is chosen for them. Those of all customers are summed up from time to
time by one process, so that no choice waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, or_, select, tuple_

from idic.differentiate.profile import zone_of
from idic.interact.best.response_model import (
    EVERYBODY,
    MEMORY,
    RIPE,
    Cell,
    MessageResponse,
    ResponseGroup,
    ResponseGroups,
    Tally,
    describe_likeness,
    fade,
    likeness,
)
from idic.journey.channels import addressed
from idic.store.database import Tx
from idic.store.tables import Row, customers, learnt, responses, touches

_MOST = 500
"""How many of a customer's newest messages are read at most."""
_FRESH = timedelta(minutes=10)
"""How long a process uses the sums that it has read, in idic's time."""

_WENT = and_(
    touches.c.status == "sent",
    touches.c.bounced_at.is_(None),
    or_(
        touches.c.channel.in_([channel.name for channel in addressed()]),
        touches.c.shown_at.is_not(None),
    ),
)
"""Messages that arrived, as far as is known. A web message has arrived once it was shown."""
MARKETING = "marketing"
"""The purpose of the messages that are summed up."""
_COLUMNS = (
    touches.c.id,
    touches.c.channel,
    touches.c.claimed_at,
    touches.c.settled_at,
    touches.c.shown_at,
    touches.c.clicked_at,
    touches.c.replied_at,
)


async def messages(tx: Tx, customer_id: str, purpose: str, now: datetime) -> list[MessageResponse]:
    """The messages of one purpose that a customer got, newest first, each with when they answered it, if they did."""
    rows = await tx.rows(
        select(*_COLUMNS)
        .where(touches.c.customer_id == customer_id, touches.c.claimed_at > now - MEMORY, touches.c.claimed_at <= now)
        .where(touches.c.purpose == purpose, _WENT)
        .order_by(touches.c.claimed_at.desc())
        .limit(_MOST)
    )
    return [_message(row) for row in rows]


def _message(row: Mapping[str, Any]) -> MessageResponse:
    answers = [at for at in (row["clicked_at"], row["replied_at"]) if at is not None]
    at = row["shown_at"] or row["settled_at"] or row["claimed_at"]
    return MessageResponse(row["channel"], at, min(answers, default=None))


class Responses:
    """A cache of the summed responses, read again when it is ten minutes old."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[datetime, ResponseGroup]] = {}

    async def crowd(self, tx: Tx, traits: Mapping[str, Any], now: datetime) -> ResponseGroups:
        """The responses of all customers, and of those who are like a customer with these traits."""
        like = likeness(traits)
        likenesses = {EVERYBODY, like}
        if any(not self._fresh(group_name, now) for group_name in likenesses):
            self._read |= {group_name: (now, group) for group_name, group in (await _groups(tx, likenesses, now)).items()}
        return ResponseGroups(self._read[EVERYBODY][1], self._read[like][1] if like != EVERYBODY else None)

    def _fresh(self, like: str, now: datetime) -> bool:
        read = self._read.get(like)
        return read is not None and read[0] <= now < read[0] + _FRESH


async def _groups(tx: Tx, likenesses: Collection[str], now: datetime) -> dict[str, ResponseGroup]:
    cells: dict[str, dict[tuple[str, int], Cell]] = {like: {} for like in likenesses}
    for row in await tx.rows(select(responses).where(responses.c.likeness.in_(likenesses))):
        cells[row["likeness"]][row["channel"], row["hour"]] = _cell(row, now)
    return {like: ResponseGroup(describe_likeness(like), found) for like, found in cells.items()}


def _cell(row: Row, now: datetime) -> Cell:
    """The cell of a row, faded to ``now``."""
    stored = Cell(Tally(row["messages"], row["answers"]), Tally(row["after_answer"], row["answered_again"]))
    return Cell().plus(stored, fade(now - row["at"]))


# Summing up.


async def due(tx: Tx, now: datetime) -> bool:
    """Whether a message can be summed up: its time to be answered has passed."""
    place = await _learnt(tx, now)
    return await tx.row(select(touches.c.id).where(*_after(place, now)).limit(1)) is not None


async def learn(tx: Tx, zone: str, limit: int) -> int:
    """Sum up the next ``limit`` messages. Returns how many there were. ``zone`` (IANA) is used for customers without one.

    A message is summed up once, when its time to be answered has passed: a later answer counts for the customer alone. The
    row of ``learnt``, which says how far this has come, is locked.
    """
    now = tx.now()
    place = await _learnt(tx, now, hold=True)
    before = touches.alias("before")
    answered = or_(before.c.clicked_at.is_not(None), before.c.replied_at.is_not(None))
    earlier = (
        select(case((answered, 1), else_=0))
        .where(before.c.customer_id == touches.c.customer_id, before.c.claimed_at < touches.c.claimed_at)
        .where(before.c.channel == touches.c.channel, before.c.purpose == MARKETING, before.c.status == "sent")
        .order_by(before.c.claimed_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    chosen = (
        select(*_COLUMNS, customers.c.traits, earlier.label("answered_before"))
        .join(customers, customers.c.id == touches.c.customer_id)
        .where(*_after(place, now))
        .order_by(touches.c.claimed_at, touches.c.id)
        .limit(limit)
    )
    rows = await tx.rows(chosen)
    if rows:
        await _add(tx, _summed(rows, zone), now)
        last = {"id": 1, "claimed_at": rows[-1]["claimed_at"], "touch_id": rows[-1]["id"]}
        written = tx.insert(learnt).values(last)
        await tx.execute(written.on_conflict_do_update(index_elements=[learnt.c.id], set_=last))
    return len(rows)


async def _learnt(tx: Tx, now: datetime, *, hold: bool = False) -> tuple[datetime, str]:
    asked = select(learnt.c.claimed_at, learnt.c.touch_id)
    row = await tx.row(asked.with_for_update() if hold else asked)
    return (row["claimed_at"], row["touch_id"]) if row else (now - MEMORY, "")


def _after(place: tuple[datetime, str], now: datetime) -> tuple[ColumnElement[bool], ...]:
    key = tuple_(touches.c.claimed_at, touches.c.id)
    after = key > tuple_(*place, types=[touches.c.claimed_at.type, touches.c.id.type])
    return after, touches.c.claimed_at <= now - RIPE, touches.c.purpose == MARKETING, _WENT


Key = tuple[str, str, int]


def _summed(rows: Sequence[Row], zone: str) -> dict[Key, Cell]:
    cells: dict[Key, Cell] = defaultdict(Cell)
    for row in rows:
        message = _message(row)
        tally = Tally(1.0, 1.0 if message.answered is not None else 0.0)
        cell = Cell(tally, tally if row["answered_before"] else Tally())
        hour = message.at.astimezone(ZoneInfo(zone_of(row["traits"], zone))).hour
        for like in {EVERYBODY, likeness(row["traits"])}:
            key = like, message.channel, hour
            cells[key] = cells[key].plus(cell)
    return cells


async def _add(tx: Tx, cells: Mapping[Key, Cell], now: datetime) -> None:
    likenesses: Iterable[str] = {like for like, _, _ in cells}
    stored = {
        (row["likeness"], row["channel"], row["hour"]): row
        for row in await tx.rows(select(responses).where(responses.c.likeness.in_(likenesses)))
    }
    rows = []
    for (like, channel, hour), cell in cells.items():
        before = stored.get((like, channel, hour))
        if before is not None:
            cell = cell.plus(_cell(before, now))
        rows.append(
            {
                "likeness": like, "channel": channel, "hour": hour, "at": now,
                "messages": cell.tally.messages, "answers": cell.tally.answers,
                "after_answer": cell.after_answer.messages, "answered_again": cell.after_answer.answers,
            }
        )  # fmt: skip
    written = tx.insert(responses)
    values = ("messages", "answers", "after_answer", "answered_again", "at")
    await tx.execute(
        written.on_conflict_do_update(
            index_elements=[responses.c.likeness, responses.c.channel, responses.c.hour],
            set_={name: written.excluded[name] for name in values},
        ),
        rows,
    )
